"""A deployment node, until dagbook serves models: its files side by side, and a word on what it would do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..core.model import Node
from ..slots import SlotFile

ABOUT = "deployment.json"


def lay_out(node: Node, files: Sequence[tuple[str, SlotFile]], output: Path) -> Path:
    """A folder with each file at ENDPOINT/NAME, and `deployment.json` with what the node says of its service."""
    output.mkdir(parents=True, exist_ok=True)
    for name, one in files:
        place = output / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(one.path, place)
    about = node.serving.model_dump(mode="json", exclude_defaults=True) if node.serving else {}
    said = {"node": node.title, **about, "files": {name: one.inside for name, one in files}}
    (output / ABOUT).write_text(json.dumps(said, indent=2), encoding="utf-8")
    return output


def would_deploy(node: Node, files: Sequence[tuple[str, SlotFile]]) -> str:
    """`would deploy model.pb as predict-digit/model to MyDeployment; dagbook serves no models yet`."""
    serving = node.serving
    what = ", ".join(f"{one.inside} as {name}" for name, one in files) or "its files"
    if serving and serving.file:
        what = f"{serving.function} of {serving.file}"
    where = (serving.deployment or serving.endpoint or serving.updates) if serving else None
    to = f" to {where}" if where else ""
    return f"would deploy {what}{to}; dagbook serves no models yet"
