"""What `--json` prints: runs and plans as plain data. Pure, as `view` is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .core.graph import graph_of
from .core.lifecycle import ENDED, NodeRun, RunSoFar, State
from .core.model import Pipeline
from .core.names import slug_of
from .core.routes import count
from .core.values import Value, to_json
from .records.store import RunRow
from .view import listed


def run_json(row: RunRow, so_far: RunSoFar, artifacts: Path, now: float) -> dict[str, Any]:
    """A run as `--json` prints it; times in seconds, `started` in ISO 8601, UTC."""
    return {
        "run": row.id,
        "pipeline": row.pipeline,
        "state": str(so_far.state),
        "reason": so_far.reason,
        "started": datetime.fromtimestamp(row.started, UTC).isoformat(timespec="milliseconds"),
        "duration_s": round((row.ended or now) - row.started, 3),
        "node_runs": [_node_run_json(run, artifacts) for run in listed(so_far)],
    }


def _node_run_json(run: NodeRun, artifacts: Path) -> dict[str, Any]:
    digest = run.detail.get("artifact")
    return {
        "id": run.id,
        "node": run.node,
        "slug": slug_of(run.node),
        "route": {title: _json_values(chosen) for title, chosen in run.created.route.items()},
        "params": _json_values(run.created.params),
        "state": str(run.state),
        "attempts": run.attempt,
        "tags": _json_values(run.tags),
        "metrics": {name: [[step, to_json(v)] for step, v in points] for name, points in run.metrics.items()},
        "artifact": str(artifacts / digest[:2] / digest) if digest else None,
        "notebook": run.detail.get("notebook"),
        "executor": run.detail.get("executor"),
        "image": run.detail.get("image"),
        "duration_s": run.detail.get("duration_s") if run.state in ENDED else None,
        "overhead_s": run.detail.get("overhead_s"),
        "reason": run.reason,
        "warnings": run.detail.get("warnings", []),
        "error": run.detail.get("error"),
    }


def _json_values(named: Mapping[str, Value]) -> dict[str, Any]:
    return {name: to_json(value) for name, value in named.items()}


def plan_json(pipeline: Pipeline, planned: RunSoFar) -> dict[str, Any]:
    """A plan as `--json` prints it: what is known of nodes, edges, node runs and routes, and each step."""
    counts = count(pipeline)
    graph = graph_of(pipeline)
    steps = [
        {
            "node": run.node,
            "id": run.id,
            "route": {title: _json_values(chosen) for title, chosen in run.created.route.items()},
            "params": _json_values(run.created.params),
            "state": "cached" if run.state is State.CACHED else "run",
            "why": run.reason if run.state is State.CACHED else "it has not been run yet",
        }
        for run in planned.node_runs.values()
    ]
    return {
        "nodes": len(graph),
        "edges": sum(map(len, graph.values())),
        "node_run_count": counts.node_runs,
        "route_count": counts.routes,
        "unknown": [],
        "steps": steps,
    }


def run_row_json(row: RunRow, now: float) -> dict[str, Any]:
    """A run as `dagbook runs --json` lists it."""
    return {
        "run": row.id,
        "pipeline": row.pipeline,
        "state": str(row.state),
        "reason": row.reason,
        "started": datetime.fromtimestamp(row.started, UTC).isoformat(timespec="milliseconds"),
        "duration_s": round((row.ended or now) - row.started, 3),
    }
