"""What the place where nodes run has, whether that is enough, and which compute template fits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .errors import PipelineError, Place, Problem, nearest, problem
from .model import Compute, Defaults, ExecutorName, Node


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is: cores, memory in bytes, GPUs. None stands for "nobody can tell": whatever is asked fits then.

    `absent` says why nothing can run there at all; empty when it can.
    """

    cores: float | None = None
    memory: int | None = None
    gpus: int | None = 0
    absent: str = ""

    def __str__(self) -> str:
        if self.absent:
            return self.absent
        cores = "an unknown number of cores" if self.cores is None else _counted(self.cores, "core")
        memory = "an unknown amount of" if self.memory is None else _size(self.memory)
        gpus = "GPUs" if self.gpus is None else _counted(self.gpus, "GPU") if self.gpus else "no GPU"
        return f"{cores}, {memory} memory, {gpus}"


MachineOf = Callable[[ExecutorName | None], Machine]


def asked_for(cpus: float | None, memory: int | None, gpus: int | None) -> str:
    """What is asked, in words: `64 cores, 1 TiB memory, 2 GPUs`; `nothing` when no number was said."""
    parts = [
        _counted(cpus, "core") if cpus is not None else "",
        f"{_size(memory)} memory" if memory is not None else "",
        _counted(gpus, "GPU") if gpus is not None else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing"


def is_enough(machine: Machine, cpus: float | None, memory: int | None, gpus: int | None) -> bool:
    """Whether the machine has what is asked; None asks for nothing."""
    pairs = ((cpus, machine.cores), (memory, machine.memory), (gpus, machine.gpus))
    return not machine.absent and all(want is None or has is None or want <= has for want, has in pairs)


def shortage(
    title: str, place: Place, machine: Machine, cpus: float | None, memory: int | None, gpus: int | None
) -> list[Problem]:
    """E-RESOURCE when a node asks for more than the machine has; nothing when it does not."""
    if is_enough(machine, cpus, memory, gpus):
        return []
    what = f'"{title}" asks for {asked_for(cpus, memory, gpus)}; where it is to run there is: {machine}'
    return [problem("E-RESOURCE", place, what=what, hint="Ask for less (--cpus, --memory, --gpus).")]


def compute_problems(node: Node, defaults: Defaults, templates: Mapping[str, Compute]) -> list[Problem]:
    """E-COMPUTE for each template that the node names and that is not there."""
    names = node.compute if node.compute is not None else defaults.compute
    unknown = [name for name in names or () if name not in templates]
    known = "Add a table [compute.NAME] to dagbook.toml." if not templates else ""
    return [
        problem("E-COMPUTE", node.place, node=node.title, name=name, nearest=known or nearest(name, templates))
        for name in unknown
    ]


def chosen(
    node: Node, defaults: Defaults, templates: Mapping[str, Compute], machine_of: MachineOf
) -> tuple[Node, str | None]:
    """The node with what its compute template gives filled in, and the template's name (None: it asks for none).

    The first template that fits is taken. The node's own words win over it, and it wins over the pipeline's.
    `machine_of` tells what there is where an executor runs nodes (None: the run's own choice).
    Raises PipelineError: E-COMPUTE, and E-RESOURCE when no template fits.
    """
    names = node.compute if node.compute is not None else defaults.compute
    if not names:
        return node, None
    if unknown := compute_problems(node, defaults, templates):
        raise PipelineError(*unknown)
    tried = []
    for name in names:
        full = filled(node, templates[name])
        machine = machine_of(_executor_of(full, defaults))
        asked = _or(full.cpus, defaults.cpus), _or(full.memory, defaults.memory), _or(full.gpus, defaults.gpus)
        if is_enough(machine, *asked):
            return full, name
        tried.append(f"{name} asks for {asked_for(*asked)}; there is: {machine}")
    what = f'no compute template of "{node.title}" fits:' + "".join(f"\n  {line}" for line in tried)
    hint = "Add a smaller template at the end of --compute, or run where there is more."
    raise PipelineError(problem("E-RESOURCE", node.place, what=what, hint=hint))


def filled(node: Node, template: Compute) -> Node:
    """The node with what it does not say itself as the template says it."""
    given = {name: value for name, value in template if value is not None and getattr(node, name) is None}
    return node.model_copy(update=given)


def _executor_of(node: Node, defaults: Defaults) -> ExecutorName | None:
    executor = node.executor or defaults.executor
    if node.image and executor in (None, ExecutorName.AUTO):
        return ExecutorName.DOCKER  # only an engine runs images
    return executor


T = TypeVar("T")


def _or(own: T | None, default: T | None) -> T | None:
    return default if own is None else own


def _counted(number: float, word: str) -> str:
    return f"{number:g} {word}{'' if number == 1 else 's'}"


def _size(memory: int) -> str:
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if memory >= size:
            return f"{memory / size:.4g} {unit}"
    return f"{memory} bytes"
