"""dagbook itself: one notebook whose cells are the nodes, run by `dagbook run`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..environments import BASE, papermill_image, variables
from ..notebooks import seconds_of_cells, write_notebook
from ..processes import Failed, Finished
from ..workloads import Task, Workload, cells_of
from .contract import Results

MADE = "made.txt"


@dataclass(frozen=True, slots=True)
class Dagbook:
    """`dagbook run` with one executor; `cold`: no container and no kernel is started ahead of its node."""

    executor: str
    cold: bool = False

    @property
    def name(self) -> str:
        """See `Tool.name`."""
        return f"dagbook-{self.executor}{'-cold' * self.cold}"

    @property
    def title(self) -> str:
        """See `Tool.title`."""
        return f"dagbook, {self.executor} executor{', nothing started ahead' * self.cold}"

    @property
    def environment(self) -> Mapping[str, str]:
        """See `Tool.environment`."""
        ahead = {"DAGBOOK_AHEAD": "0"} if self.cold else {}
        return {**variables(Path(sys.executable).parent), "DAGBOOK_IMAGE": BASE, **ahead}

    def set_up(self) -> None:
        """See `Tool.set_up`. Both images are there when the one with papermill is."""
        if self.executor == "docker":
            papermill_image()

    def takes(self, workload: Workload) -> bool:
        """See `Tool.takes`. Only in a chain is a node ever started ahead while another one works."""
        return not self.cold or workload.name in ("chain", "work")

    def write(self, workload: Workload, folder: Path) -> None:
        """See `Tool.write`."""
        nodes = [_grid_cell(workload)] if workload.grid else [_node(task, folder) for task in workload.tasks]
        write_notebook(folder / "flow.ipynb", ["%load_ext dagbook", *nodes, "%pipeline_run"])

    def command(self, workload: Workload) -> list[str]:
        """See `Tool.command`."""
        dagbook = str(Path(sys.executable).with_name("dagbook"))
        return [dagbook, "run", "flow.ipynb", "--executor", self.executor, "--jobs", str(workload.jobs), "-q", "--json"]

    def results(self, workload: Workload, finished: Finished) -> Results:
        """See `Tool.results`."""
        try:
            told = json.loads(finished.stdout)
            runs: list[dict[str, Any]] = told["node_runs"]
            files = {_task_of(run, workload): Path(run["artifact"]) / MADE for run in runs if run["artifact"]}
        except (ValueError, KeyError) as error:
            raise Failed(f"its JSON is not as expected: {error!r}") from None
        for run in runs:
            if run["executor"] not in (None, self.executor):
                raise Failed(f"{run['id']} ran with the executor {run['executor']}")
        kept = ("id", "state", "duration_s", "overhead_s")
        details = {"run_s": told["duration_s"], "nodes": [{name: run[name] for name in kept} for run in runs]}
        if workload.tasks[0].cells > 1:
            details["cells_s"] = seconds_of_cells(Path(runs[0]["notebook"]))
        return Results(files, sum(run["state"] == "succeeded" for run in runs), details)


def _node(task: Task, folder: Path) -> str:
    after = "".join(f" --after {name}" for name in task.after)
    cells = cells_of(task, [f"os.environ['INPUT_{name.upper()}'] + '/{MADE}'" for name in task.after], f"'{MADE}'")
    cells[-1] = f"import os\n{cells[-1]}"
    if len(cells) == 1:
        return f"%%pipeline_node {task.name}{after}\n{cells[0]}"
    write_notebook(folder / f"{task.name}.ipynb", cells)
    return f"%pipeline_notebook {task.name} --path {task.name}.ipynb{after}"


def _grid_cell(workload: Workload) -> str:
    values = ",".join(str(task.value) for task in workload.tasks)
    (cell,) = cells_of(workload.tasks[0], [], f"'{MADE}'", "value")
    return f"%%pipeline_node g --grid value={values}\n{cell}"


def _task_of(run: Mapping[str, Any], workload: Workload) -> str:
    return f"g{run['params']['value']}" if workload.grid else str(run["node"])
