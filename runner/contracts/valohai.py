"""Valohai's contract: /valohai/inputs, outputs, config and repository, VH_ variables, metadata as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.values import to_json
from ..executors.contract import Mount
from ..formats.yaml_text import yaml_text
from ..slots import SlotFile, fill_slot
from .terms import Facts, Terms, command, own_project

HOME = "/valohai"


def terms(facts: Facts) -> Terms:
    """The step's command with its parameters filled in, in the repository, with Valohai's folders and variables."""
    script = f'cd "$VH_REPOSITORY_DIR"\n{command(facts)}'
    mounts = (
        Mount(own_project(facts), f"{HOME}/repository", read_only=False, variable="VH_REPOSITORY_DIR"),
        Mount(facts.output, f"{HOME}/outputs", read_only=False, variable="VH_OUTPUTS_DIR"),
        Mount(_inputs(facts), f"{HOME}/inputs", variable="VH_INPUTS_DIR"),
        Mount(_config(facts), f"{HOME}/config", variable="VH_CONFIG_DIR"),
        *(Mount(facts.folder / "inputs" / slot, f"/input/{slot}") for slot in facts.slots),
    )
    return Terms(script, _variables(facts), mounts, json_tags=True)


def _variables(facts: Facts) -> dict[str, str]:
    id = _execution(facts)
    return {
        "VH_JOB_ID": f"exec-{id}",
        "VH_EXECUTION_ID": id,
        "VH_PROJECT_ID": facts.pipeline,
        "VH_PIPELINE_ID": facts.run,
        "VH_PIPELINE_NODE_ID": facts.node_run.id,
        "PYTHONUNBUFFERED": "1",
        **({"VH_TASK_ID": facts.node_run.id} if facts.node.search else {}),
    }


def _execution(facts: Facts) -> str:
    part = f"-{facts.folder.name}" if facts.node.search else ""  # each execution of a task is one by itself
    return f"{facts.run}-{facts.node_run.id}{part}".replace("#", "-")


def _inputs(facts: Facts) -> Path:
    """The folder of all input slots; one that got no files is there too, and empty."""
    place = facts.folder / "inputs"
    for slot in dict.fromkeys([*(one.name for one in facts.node.slots), *facts.slots]):
        files = list(facts.slots.get(slot, ()))
        if files and not (place / slot).exists():
            fill_slot(place / slot, files)
        else:
            (place / slot).mkdir(parents=True, exist_ok=True)
    place.mkdir(parents=True, exist_ok=True)
    return place


def _config(facts: Facts) -> Path:
    """The folder of files that tell the execution about itself, each as JSON and as YAML."""
    place = facts.folder / "config"
    place.mkdir(parents=True, exist_ok=True)
    parameters = {name: to_json(value) for name, value in facts.params.items() if value is not None}
    files = {
        "parameters": parameters,
        "inputs": {slot: {"files": _described(facts, slot, files)} for slot, files in facts.slots.items()},
        "execution": _about(facts),
        "runtime": {},
        "api": {},
    }
    for name, content in files.items():
        (place / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (place / f"{name}.yaml").write_text(yaml_text(content), encoding="utf-8")
    return place


def _about(facts: Facts) -> dict[str, Any]:
    return {
        "valohai.execution-id": _execution(facts),
        "valohai.execution-counter": facts.attempt,
        "valohai.execution-step": facts.node.origin.get("step", facts.node.title),
        "valohai.execution-image": facts.image,
        "valohai.commit-identifier": facts.commit,
        "valohai.pipeline-id": facts.run,
        "valohai.pipeline-title": facts.pipeline,
        "valohai.pipeline-node-name": facts.node.title,
        "valohai.project-name": facts.pipeline,
    }


def _described(facts: Facts, slot: str, files: Sequence[SlotFile]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "path": f"{HOME}/inputs/{slot}/{one.name}",
            "size": os.stat(one.path).st_size,
            "uri": one.edge if isinstance(one.edge, str) else f"dagbook://{one.edge.source}/{one.inside}",
            "checksums": {"sha256": one.content} if ":" not in one.content else {},
            "metadata": [],
        }
        for one in files
    ]
