"""Does each row of the database make sense by itself?

SQLite's own check does not see a value that is none of ours: half of a text, or what another program has written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from sqlite3 import Row

from ..records.run_rows import WHOLE, run_row
from ..records.store import Store
from .finding import Finding, Invariant


def row_findings(store: Store) -> Iterator[Finding]:
    """Runs whose row nobody can read; without them no list of runs is possible."""
    with store.reading() as rows:
        found = rows.execute(f"select {WHOLE} from runs").fetchall()
    for row in found:
        if wrong := _wrong_with_run(row):
            yield Finding(Invariant.DATABASE, f"the row of a run makes no sense: {wrong}", f"run {row['id']}")


def _wrong_with_run(row: Row) -> str:
    try:
        run = run_row(row)
        float(run.started), float(run.ended or 0), run.process.items(), run.record["pipeline"]["nodes"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return " ".join(f"{type(error).__name__}: {error}".split())
    return ""


def earlier_findings(store: Store) -> Iterator[Finding]:
    """Earlier results whose row nobody can read."""
    with store.reading() as rows:
        found = rows.execute("select rowid, node_run, run, body, parts from cache").fetchall()
    for number, node_run, run, body, parts in found:
        if not (_is_object(body) and _is_object(parts)):
            senseless = (number, body, parts)
            yield Finding(
                Invariant.RESULTS,
                "an earlier result makes no sense",
                f"{node_run} in run {run}",
                "forget it; its node runs again when it is needed",
                partial(_forget, store, senseless),
            )


def _is_object(text: object) -> bool:
    try:
        return isinstance(json.loads(text), dict)  # type: ignore[arg-type]
    except (ValueError, TypeError, RecursionError):
        return False


def _forget(store: Store, row: tuple[object, object, object]) -> None:
    with store.writing() as rows:  # unless another result has its number by now
        rows.execute("delete from cache where rowid = ? and body is ? and parts is ?", row)
