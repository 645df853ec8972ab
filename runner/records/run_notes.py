"""Notes in a run's record that are made while it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .store import Store


def note(store: Store, run: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter the record of a run, in one transaction. Raises MachineError (E-STORE)."""
    with store.writing() as rows:
        (text,) = rows.execute("select record from runs where id = ?", (run,)).fetchone()
        record = json.loads(text)
        change(record)
        rows.execute("update runs set record = ? where id = ?", (json.dumps(record), run))
