"""Elyra: `elyra-pipeline run`, which runs a pipeline file on this machine, one node after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..environments import ELYRA
from ..notebooks import write_notebook
from ..processes import Finished
from ..workloads import Task, Workload, cells_of
from .contract import Results


@dataclass(frozen=True, slots=True)
class Elyra:
    """`elyra-pipeline run`."""

    name: str = "elyra"
    title: str = "`elyra-pipeline run`"

    @property
    def environment(self) -> Mapping[str, str]:
        """See `Tool.environment`."""
        return ELYRA.variables()

    def set_up(self) -> None:
        """See `Tool.set_up`."""
        ELYRA.make()

    def takes(self, workload: Workload) -> bool:
        """See `Tool.takes`."""
        return not workload.again

    def write(self, workload: Workload, folder: Path) -> None:
        """See `Tool.write`. There are no grids, so each value gets a notebook of its own."""
        for task in workload.tasks:
            value = None if task.value is None else str(task.value)
            reads = [f"'{name}.txt'" for name in task.after]
            write_notebook(folder / f"{task.name}.ipynb", cells_of(task, reads, f"'{task.name}.txt'", value))
        primary = {
            "id": "primary",
            "nodes": [_node(task) for task in workload.tasks],
            "app_data": {"version": 8, "ui_data": {"comments": []}, "properties": {"name": "bench"}},
            "runtime_ref": "",
        }
        pipeline = {
            "doc_type": "pipeline",
            "version": "3.0",
            "id": "bench",
            "primary_pipeline": "primary",
            "pipelines": [primary],
            "schemas": [],
        }
        (folder / "bench.pipeline").write_text(json.dumps(pipeline), encoding="utf-8")

    def command(self, workload: Workload) -> list[str]:
        """See `Tool.command`."""
        return ["elyra-pipeline", "run", "bench.pipeline"]

    def results(self, workload: Workload, finished: Finished) -> Results:
        """See `Tool.results`."""
        return Results({task.name: finished.folder / f"{task.name}.txt" for task in workload.tasks})


def _node(task: Task) -> dict[str, Any]:
    settings = {
        "filename": f"{task.name}.ipynb",
        "runtime_image": "unused:latest",  # must be named, though local runs use none
        "outputs": [],
        "env_vars": [],
        "dependencies": [],
        "include_subdirectories": False,
    }
    links = [{"id": f"{name}-{task.name}", "node_id_ref": name, "port_id_ref": "outPort"} for name in task.after]
    return {
        "id": task.name,
        "type": "execution_node",
        "op": "execute-notebook-node",
        "app_data": {"label": task.name, "ui_data": {"label": task.name}, "component_parameters": settings},
        "inputs": [{"id": "inPort", "app_data": {}, "links": links}],
        "outputs": [{"id": "outPort", "app_data": {}}],
    }
