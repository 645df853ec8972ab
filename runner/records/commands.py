"""Commands that others leave for a run: asked in the store, taken by the run's process."""

from __future__ import annotations

import json
import time
from typing import Any

from .store import Store


def leave_command(store: Store, run: str, verb: str, **body: Any) -> None:
    """Ask something of a run; its process takes the command when its bell rings."""
    from sqlalchemy import insert

    from .schema import commands

    row = {"run": run, "at": time.time(), "verb": verb, "body": json.dumps(body)}
    with store.writing() as rows:
        rows.execute(insert(commands), row)


def take_commands(store: Store, run: str) -> list[tuple[str, dict[str, Any]]]:
    """The commands left for a run and not yet taken, oldest first; each is given once."""
    from sqlalchemy import select, update

    from .schema import commands

    waiting = (commands.c.run == run) & commands.c.taken.is_(None)
    with store.reading() as rows:
        if rows.execute(select(commands.c.number).where(waiting).limit(1)).first() is None:
            return []
    with store.writing() as rows:
        found = rows.execute(select(commands).where(waiting).order_by(commands.c.number)).all()
        numbers = [row.number for row in found]
        rows.execute(update(commands).where(commands.c.number.in_(numbers)).values(taken=time.time()))
    return [(row.verb, json.loads(row.body)) for row in found]
