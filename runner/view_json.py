"""What `--json` prints of runs: plain data. Pure, as `view` is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .core.lifecycle import ENDED, NodeRun, RunSoFar, State
from .core.names import slug_of
from .core.values import Value, to_json
from .records.run_rows import ListedRun
from .view import listed


def run_json(row: ListedRun, so_far: RunSoFar, artifacts: Path, now: float) -> dict[str, Any]:
    """A run as `--json` prints it; times in seconds, `started` in ISO 8601, UTC."""
    return {
        "run": row.id,
        "pipeline": row.pipeline,
        "state": str(so_far.state),
        "reason": so_far.reason,
        "started": datetime.fromtimestamp(row.started, UTC).isoformat(timespec="milliseconds"),
        "duration_s": round(row.seconds(now), 3),
        "inside": row.inside,
        "node_runs": [_node_run_json(run, artifacts) for run in listed(so_far)],
    }


def _node_run_json(run: NodeRun, artifacts: Path) -> dict[str, Any]:
    cached = run.state is State.CACHED
    return {
        "id": run.id,
        "node": run.node,
        "slug": slug_of(run.node),
        "route": {title: json_values(chosen) for title, chosen in run.created.route.items()},
        "params": json_values(run.created.params),
        "state": str(run.state),
        "attempts": run.attempt,
        "tags": json_values(run.tags),
        "metrics": {name: [[step, to_json(v)] for step, v in points] for name, points in run.metrics.items()},
        "images": {name: [[step, file] for step, file in shown] for name, shown in run.images.items()},
        "artifact": artifact_of(run, artifacts),
        "notebook": run.detail.get("notebook"),
        "executor": run.detail.get("executor"),
        "image": run.detail.get("image"),
        "duration_s": 0.0 if cached else run.detail.get("duration_s") if run.state in ENDED else None,
        "overhead_s": 0.0 if cached else run.detail.get("overhead_s"),
        "reason": run.reason,
        "because": run.created.because,
        "why": run.detail.get("why", ""),
        "approval": asdict(run.answer) if run.answer else None,
        "warnings": run.detail.get("warnings", []),
        "error": run.detail.get("error"),
        "hint": run.detail.get("advice", ""),
        "parts": run.detail.get("parts"),
        "commit": run.detail.get("commit"),
        "nested": run.detail.get("nested"),
    }


def artifact_of(run: NodeRun, artifacts: Path) -> str | None:
    """Where what a node run left lies; of a data node, where the data is. None when it left nothing."""
    if dataset := run.detail.get("dataset"):
        return str(dataset["path"])
    digest = run.detail.get("artifact")
    return str(artifacts / digest[:2] / digest) if digest else None


def json_values(named: Mapping[str, Value]) -> dict[str, Any]:
    """Values by name in strict JSON's types."""
    return {name: to_json(value) for name, value in named.items()}


def run_row_json(row: ListedRun, now: float) -> dict[str, Any]:
    """A run as `dagbook runs --json` lists it."""
    return {
        "run": row.id,
        "pipeline": row.pipeline,
        "state": str(row.state),
        "reason": row.reason,
        "started": datetime.fromtimestamp(row.started, UTC).isoformat(timespec="milliseconds"),
        "duration_s": round(row.seconds(now), 3),
        "inside": row.inside,
    }
