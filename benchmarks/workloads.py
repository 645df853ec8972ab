"""What is run: small pipelines, the same for every tool."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Task:
    """One node: reads what the ones before it wrote, sleeps `work` seconds, writes a file.

    `value` is what a task of a grid is given; tasks of one grid differ in nothing else.
    """

    name: str
    after: tuple[str, ...] = ()
    cells: int = 1
    work: float = 0.0
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A pipeline and how it is timed.

    With `again` the second of two runs is timed. `jobs` is how many tasks may run at a time, where a tool can do
    more than one. `only` names the tools that it is for; empty for all.
    """

    name: str
    title: str
    tasks: tuple[Task, ...]
    grid: bool = False
    again: bool = False
    jobs: int = CORES
    only: tuple[str, ...] = ()

    @property
    def levels(self) -> list[list[Task]]:
        """The tasks in groups: what is in a group depends only on groups before it."""
        depth: dict[str, int] = {}
        found: list[list[Task]] = []
        for task in self.tasks:
            depth[task.name] = level = 1 + max((depth[name] for name in task.after), default=-1)
            found += [[]] * (level + 1 - len(found))
            found[level] = [*found[level], task]
        return found

    def expected(self) -> dict[str, str]:
        """What the file of each task holds when all went well: the names on the way to it, or its value."""
        texts: dict[str, str] = {}
        for task in self.tasks:
            own = task.name if task.value is None else str(task.value)
            texts[task.name] = "".join(texts[name] for name in task.after) + own + ";"
        return texts


def chain(length: int, work: float = 0.0) -> tuple[Task, ...]:
    """Tasks one after the other."""
    return tuple(Task(f"t{i}", (f"t{i - 1}",) if i else (), work=work) for i in range(length))


def fan(width: int) -> tuple[Task, ...]:
    """One task, and `width` more that read what it wrote."""
    return (Task("t0"), *(Task(f"t{i}", ("t0",)) for i in range(1, width + 1)))


def grid(size: int) -> tuple[Task, ...]:
    """The same task for each of `size` values."""
    return tuple(Task(f"g{i}", value=i) for i in range(size))


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("chain", "Chain of 5 nodes that do nothing", chain(5)),
        Workload("fan", "One node, then 8 that read it", fan(8)),
        Workload("cells", "One node of 50 cells", (Task("t0", cells=50),)),
        Workload("work", "Chain of 5 nodes that work for 1 s each", chain(5, work=1.0)),
        Workload("again", "Second run of a chain of 12 in which nothing changed", chain(12), again=True),
        Workload("grid", "Grid of 32 values", grid(32), grid=True),
        Workload(
            "wide",
            f"64 containers that do nothing, {2 * CORES} at a time",
            grid(64),
            grid=True,
            jobs=2 * CORES,
            only=("dagbook-docker", "docker-papermill"),
        ),
    )
}


def cells_of(task: Task, read: Sequence[str], write: str, value: str | None = None) -> list[str]:
    """The source of the task's cells.

    `read` and `write` are Python expressions for the paths of the files before it and of its own; `value` is one for
    what it writes, instead of its name.
    """
    fillers = [f"print({i})" for i in range(task.cells - 1)]
    lines = [
        *(["import time", f"time.sleep({task.work})"] if task.work else []),
        *([f"text = ''.join(open(path).read() for path in [{', '.join(read)}])"] if read else ["text = ''"]),
        f"with open({write}, 'w') as file:",
        f"    file.write(text + str({value or repr(task.name)}) + ';')",
        "print('done')",
    ]
    return [*fillers, "\n".join(lines)]
