"""The raw kernel: not a tool that anybody would use, but what the messages alone cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..environments import BASE, ROOT, papermill_image, variables
from ..notebooks import write_notebook
from ..processes import Failed, Finished
from ..workloads import Workload, cells_of
from .contract import Results


@dataclass(frozen=True, slots=True)
class RawKernel:
    """`python -m benchmarks.raw_kernel` on the one notebook of a workload."""

    name: str = "raw-kernel"
    title: str = "raw messages to a kernel in a container"

    @property
    def environment(self) -> Mapping[str, str]:
        """See `Tool.environment`."""
        return {**variables(Path(sys.executable).parent), "PYTHONPATH": str(ROOT)}

    def set_up(self) -> None:
        """See `Tool.set_up`."""
        papermill_image()

    def takes(self, workload: Workload) -> bool:
        """See `Tool.takes`."""
        return len(workload.tasks) == 1

    def write(self, workload: Workload, folder: Path) -> None:
        """See `Tool.write`."""
        (task,) = workload.tasks
        write_notebook(folder / "node.ipynb", cells_of(task, [], f"'{task.name}.txt'"))

    def command(self, workload: Workload) -> list[str]:
        """See `Tool.command`."""
        return [sys.executable, "-m", "benchmarks.raw_kernel", BASE, "node.ipynb"]

    def results(self, workload: Workload, finished: Finished) -> Results:
        """See `Tool.results`."""
        (task,) = workload.tasks
        try:
            details = json.loads(finished.stdout)
        except ValueError:
            raise Failed("it printed no figures") from None
        return Results({task.name: finished.folder / f"{task.name}.txt"}, None, details)
