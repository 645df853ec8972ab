"""What people write by hand: a shell script that calls papermill for each notebook, in a container or without."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..environments import PLOOMBER, papermill_image
from ..notebooks import seconds_of_cells, write_notebook
from ..processes import LABEL, MARK, Finished
from ..workloads import Task, Workload, cells_of
from .contract import Results

PAPERMILL = "papermill --no-progress-bar"


@dataclass(frozen=True, slots=True)
class ByHand:
    """papermill's command line for each task; those of one level side by side, as many as the workload allows."""

    container: bool

    @property
    def name(self) -> str:
        """See `Tool.name`."""
        return "docker-papermill" if self.container else "papermill"

    @property
    def title(self) -> str:
        """See `Tool.title`."""
        return "`docker run … papermill`" if self.container else "`papermill`, no container"

    @property
    def environment(self) -> Mapping[str, str]:
        """See `Tool.environment`."""
        return PLOOMBER.variables()

    def set_up(self) -> None:
        """See `Tool.set_up`."""
        if self.container:
            papermill_image()
        else:
            PLOOMBER.make()

    def takes(self, workload: Workload) -> bool:
        """See `Tool.takes`."""
        return not workload.again

    def write(self, workload: Workload, folder: Path) -> None:
        """See `Tool.write`."""
        (folder / "out").mkdir()
        if workload.grid:
            cells = cells_of(workload.tasks[0], [], "f'out/g{value}.txt'", "value")
            write_notebook(folder / "g.ipynb", cells, parameters="value = 0")
        else:
            for task in workload.tasks:
                cells = cells_of(task, [f"'out/{name}.txt'" for name in task.after], f"'out/{task.name}.txt'")
                write_notebook(folder / f"{task.name}.ipynb", cells)
        (folder / "run.sh").write_text(_script(workload, self._program()), encoding="utf-8")

    def _program(self) -> str:
        if not self.container:
            return PAPERMILL
        user = f"--user {os.getuid()}:{os.getgid()} -e HOME=/tmp"
        folder = '-v "$PWD":/notebooks -w /notebooks'
        label = f'--label {LABEL}="${MARK}"'  # only so that nothing is left after Ctrl-C
        return f"docker run --rm --network none {label} {user} {folder} {papermill_image()} {PAPERMILL}"

    def command(self, workload: Workload) -> list[str]:
        """See `Tool.command`."""
        return ["bash", "run.sh"]

    def results(self, workload: Workload, finished: Finished) -> Results:
        """See `Tool.results`."""
        files = {task.name: finished.folder / f"out/{task.name}.txt" for task in workload.tasks}
        first = workload.tasks[0]
        if first.cells == 1:
            return Results(files)
        return Results(files, details={"cells_s": seconds_of_cells(finished.folder / f"out/{first.name}.ipynb")})


def _script(workload: Workload, program: str) -> str:
    lines = ["set -euo pipefail", f'node() {{ {program} "$@"; }}', "export -f node"]
    for level in workload.levels:
        calls = [_arguments(task) for task in level]
        if len(calls) == 1:
            lines.append(f"node {calls[0]}")
        else:
            each = " ".join(shlex.quote(f"node {call}") for call in calls)
            lines.append(f"printf '%s\\0' {each} | xargs -0 -P {workload.jobs} -I '{{}}' bash -c '{{}}'")
    return "\n".join(lines) + "\n"


def _arguments(task: Task) -> str:
    if task.value is None:
        return f"{task.name}.ipynb out/{task.name}.ipynb"
    return f"g.ipynb out/{task.name}.ipynb -p value {task.value}"
