"""Ploomber: `ploomber build`, one node after the other or side by side, through papermill or its own engine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..environments import PLOOMBER
from ..notebooks import write_notebook
from ..processes import Finished
from ..workloads import Task, Workload, cells_of
from .contract import Results


@dataclass(frozen=True, slots=True)
class Ploomber:
    """`ploomber build`: `way` is serial, parallel or engine."""

    way: str

    @property
    def name(self) -> str:
        """See `Tool.name`."""
        return f"ploomber-{self.way}"

    @property
    def title(self) -> str:
        """See `Tool.title`."""
        return "`ploomber build`, " + {"engine": "ploomber-engine (one process)"}.get(self.way, self.way)

    @property
    def environment(self) -> Mapping[str, str]:
        """See `Tool.environment`."""
        # Asking the network for news would cost it time that is not its own.
        silent = {"PLOOMBER_STATS_ENABLED": "false", "PLOOMBER_VERSION_CHECK_DISABLED": "true"}
        return {**PLOOMBER.variables(), **silent}

    def set_up(self) -> None:
        """See `Tool.set_up`."""
        PLOOMBER.make()

    def takes(self, workload: Workload) -> bool:
        """See `Tool.takes`. Side by side makes no sense for a chain."""
        return self.way != "parallel" or any(len(level) > 1 for level in workload.levels)

    def write(self, workload: Workload, folder: Path) -> None:
        """See `Tool.write`."""
        if workload.grid:
            cells = cells_of(workload.tasks[0], [], "product['data']", "value")
            write_notebook(folder / "g.ipynb", cells, parameters="upstream = None\nproduct = None\nvalue = 0")
            values = {"value": [task.value for task in workload.tasks]}
            tasks = [{**self._task("g"), "name": "g-", "grid": values}]
        else:
            for task in workload.tasks:
                cells = cells_of(task, [f"upstream['{name}']['data']" for name in task.after], "product['data']")
                upstream = f"upstream = {list(task.after) or None}"
                write_notebook(folder / f"{task.name}.ipynb", cells, parameters=f"{upstream}\nproduct = None")
            tasks = [self._task(task.name) for task in workload.tasks]
        parallel = {"dotted_path": "ploomber.executors.Parallel", "processes": workload.jobs}
        pipeline = {
            "meta": {"extract_upstream": True, "extract_product": False},
            "executor": parallel if self.way == "parallel" else "serial",
            "tasks": tasks,
        }
        (folder / "pipeline.yaml").write_text(json.dumps(pipeline), encoding="utf-8")  # JSON is YAML

    def _task(self, name: str) -> dict[str, Any]:
        engine = {"executor": "ploomber-engine"} if self.way == "engine" else {}
        product = {"nb": f"out/{name}.ipynb", "data": f"out/{name}.txt"}
        return {"source": f"{name}.ipynb", "product": product, **engine}

    def command(self, workload: Workload) -> list[str]:
        """See `Tool.command`."""
        return ["ploomber", "build", "-e", "pipeline.yaml"]

    def results(self, workload: Workload, finished: Finished) -> Results:
        """See `Tool.results`."""
        files = {task.name: finished.folder / f"out/{_file(task)}.txt" for task in workload.tasks}
        ran = len(re.findall(r"(?m)^\S+ +True ", finished.stdout))
        return Results(files, ran)


def _file(task: Task) -> str:
    return task.name if task.value is None else f"g-{task.value}"
