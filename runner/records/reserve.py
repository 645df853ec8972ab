"""A little room that a store sets aside for bad times.

When its disk is full, giving it up lets a run that goes on record how it ended, and why.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_BYTES = 2**19  # dozens of small transactions


def _file(database: Path) -> Path:
    return database.with_name(f"{database.name}-reserve")


def set_aside(database: Path) -> None:
    """Set room aside beside a database; a disk that has none to spare is left as it is."""
    place = _file(database)
    with contextlib.suppress(OSError), place.open("xb") as file:  # a new one, through no link
        try:
            file.write(os.urandom(_BYTES))  # zeros take no room where a file system compresses
        except OSError:
            place.unlink(missing_ok=True)


def give_up(database: Path) -> bool:
    """Give the room back to the disk; False when there is none."""
    try:
        _file(database).unlink()
    except OSError:
        return False
    return True
