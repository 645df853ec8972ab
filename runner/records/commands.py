"""Commands that others leave for a run: asked in the store, taken by the run's process."""

from __future__ import annotations

import json
import time
from typing import Any

from .store import Store


def leave_command(store: Store, run: str, verb: str, **body: Any) -> None:
    """Ask something of a run; its process takes the command when its bell rings."""
    row = (run, time.time(), verb, json.dumps(body))
    with store.writing() as rows:
        rows.execute("insert into commands (run, at, verb, body) values (?, ?, ?, ?)", row)


def take_commands(store: Store, run: str) -> list[tuple[str, dict[str, Any]]]:
    """The commands left for a run and not yet taken, oldest first; each is given once."""
    waiting = "from commands where run = ? and taken is null"
    with store.reading() as rows:
        if not rows.execute(f"select 1 {waiting} limit 1", (run,)).fetchone():
            return []
    with store.writing() as rows:
        found = rows.execute(f"select verb, body {waiting} order by number", (run,)).fetchall()
        rows.execute("update commands set taken = ? where run = ? and taken is null", (time.time(), run))
    return [(row["verb"], json.loads(row["body"])) for row in found]
