"""How node runs that are handed over together are listed: the objects in `runs.json`."""

from __future__ import annotations

from typing import Any

from .lifecycle import NodeRun
from .values import to_json

LISTING = "runs.json"  # the file, beside the folders


def as_listed(number: int, run: NodeRun) -> dict[str, Any]:
    """A node run as the list tells it; `folder` is the name of its folder beside the list."""
    params = {name: to_json(value) for name, value in run.created.params.items()}
    route = {title: {k: to_json(v) for k, v in chosen.items()} for title, chosen in run.created.route.items()}
    tags = {name: to_json(value) for name, value in run.tags.items()}
    return {"folder": str(number), "id": run.id, "params": params, "route": route, "tags": tags}
