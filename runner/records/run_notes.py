"""Notes in a run's record: while it runs by its own process alone, and by anybody once it is over."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .store import Store

_one_at_a_time = threading.Lock()


def note(store: Store, run: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter the record of a run. Raises MachineError (E-STORE).

    The record of thousands of nodes is megabytes: it is read and written as text outside of the transaction, for which
    the run itself would have to wait.
    """
    with _one_at_a_time:
        with store.reading() as rows:
            (text,) = rows.execute("select record from runs where id = ?", (run,)).fetchone()
        record = json.loads(text)
        change(record)
        changed = json.dumps(record)
        with store.writing() as rows:
            rows.execute("update runs set record = ? where id = ?", (changed, run))


def keep_out(store: Store, run: str, files: Iterable[Path]) -> None:
    """Note files that are written for a run that is over: they are no part of its project. Raises MachineError."""

    def add(record: dict[str, Any]) -> None:
        settings = record.setdefault("settings", {})
        settings["keep_out"] = sorted({*settings.get("keep_out", ()), *map(str, files)})

    note(store, run, add)
