"""Files that several artifacts share, as the versions of a dataset do: what is known of them, for whichever artifact.

A hard link changes the times of a file, under all its names. The note beside one artifact (`seen`) is written anew with
it; those beside all others would call for the file to be hashed again. So the hashes of shared files are remembered by
the files themselves, too, where hashing them takes long.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from .hashes import TICK, remembered
from .manifest import Item

_MEMORY = ".shared.db"  # in the folder of artifacts
_WORTH_IT = 8 * 2**20  # bytes that take longer to hash than to remember


def remember_shared(artifacts: Path, files: Sequence[tuple[str, Item]]) -> None:
    """Remember the hashes of files, at these places, that were sound and have got another name just now."""
    if sum(item.size for _, item in files) <= _WORTH_IT:
        return
    found = [(os.lstat(place), item.content) for place, item in files]
    newest = max(seen.st_ctime_ns for seen, _ in found)
    while time.time_ns() - newest <= TICK:  # a younger file could change without a trace, and is not remembered
        time.sleep(TICK / 4e9)
    with remembered(artifacts / _MEMORY) as hashes:
        now = time.time_ns()
        for seen, content in found:
            hashes.learn(seen, content, now)


def not_remembered(artifact: Path, touched: list[Item]) -> list[Item]:
    """Those of an artifact's files that are not known to be sound since they got another name."""
    memory = artifact.parent.parent / _MEMORY
    if sum(item.size for item in touched) <= _WORTH_IT or not memory.exists():
        return touched
    with remembered(memory) as hashes:
        return [item for item in touched if hashes.recalled(os.lstat(artifact / item.path)) != item.content]
