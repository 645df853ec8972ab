"""A comparison for machines: what `dagbook compare --json` and `--csv` print. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .compared import Compared
from .comparison import Comparison, Row
from .core.values import Value, shown, to_json
from .differences import Differences
from .records.held_files import Files


def as_json(compared: Compared) -> dict[str, Any]:
    """The object that `--json` prints; `differs` is empty where one run is compared."""
    return {
        "rows": [_row_json(row) for row in compared.comparison.rows],
        "differs": _differs_json(compared.differs) if compared.differs is not None else {},
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "run": row.run,
        "id": row.id,
        "node": row.node,
        "state": str(row.state),
        "params": _values_json(row.params),
        "tags": _values_json(row.tags),
        "metrics": {name: [[step, to_json(v)] for step, v in one.points] for name, one in row.metrics.items()},
        "duration_s": row.duration,
    }


def _values_json(named: Mapping[str, Value]) -> dict[str, Any]:
    return {name: to_json(value) for name, value in named.items()}


def _differs_json(differs: Differences) -> dict[str, Any]:
    """Each kind of difference that there is; values by run."""

    def by_run(values: Iterable[Any], show: Callable[[Any], Any] = lambda value: value) -> dict[str, Any]:
        return {run: show(value) for run, value in zip(differs.runs, values, strict=True)}

    artifacts = [
        {
            "node": one.node,
            "route": one.route,
            "ids": by_run(one.ids),
            "digests": by_run(one.digests),
            "files": by_run(one.files, _files_json),
        }
        for one in differs.artifacts
    ]
    found = {
        "parameters": {name: by_run(values, to_json) for name, values in differs.parameters.items()},
        "nodes": {t: {key: by_run(values) for key, values in by.items()} for t, by in differs.nodes.items()},
        "code": {title: by_run(diffs, "\n".join) for title, diffs in differs.code.items()},
        "images": {title: by_run(values) for title, values in differs.images.items()},
        "project": differs.project
        and {"digests": by_run(differs.project), "files": by_run(differs.project_files, _files_json)},
        "artifacts": artifacts,
        "git": differs.git and by_run(differs.git),
        "dagbook": differs.dagbook and by_run(differs.dagbook),
    }
    return {kind: value for kind, value in found.items() if value}


def _files_json(files: Files | None) -> dict[str, Any] | None:
    if files is None:
        return None
    return {"added": list(files.added), "removed": list(files.removed), "changed": list(files.changed)}


def as_csv(comparison: Comparison) -> str:
    """The rows as CSV with a head: every parameter, tag and metric in a column of its own, values in full."""
    rows = comparison.rows
    params, tags = _names(row.params for row in rows), _names(row.logged for row in rows)
    metrics = _names(row.metrics for row in rows)
    head = ["run", "id", "node", "state", *(f"params.{name}" for name in params), *(f"tags.{name}" for name in tags)]
    head += [f"metrics.{name}{part}" for name in metrics for part in ("", ".min", ".max")] + ["duration_s"]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        values: list[Value] = [*(row.params.get(name) for name in params), *(row.logged.get(name) for name in tags)]
        values += [value for name in metrics for value in _metric(row, name)]
        writer.writerow([row.run, row.id or "", row.node or "", row.state, *map(_field, values), _field(row.duration)])
    return written.getvalue()


def _names(named: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for one in named for name in one))


def _metric(row: Row, name: str) -> Sequence[Value]:
    """The last, the least and the greatest value of a metric."""
    if name not in row.metrics:
        return (None, None, None)
    last = row.metrics[name].last
    return (last, *(row.metrics[name].span() or (last, last)))


def _field(value: Value) -> str:
    return "" if value is None else shown(value)
