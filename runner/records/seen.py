"""What the filesystem told of an artifact when its files were last hashed: `<digest>.seen` beside it.

The first line is a sum over all entries: when it is the same again, nothing at all was touched. The second has a
fingerprint of each file, so that only those are hashed again that were touched.

The filesystem's clock ticks, and a file changed in the tick in which it was hashed could look unchanged. So only those
times count that are older than this note itself, by the same clock; the next note has the others too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from .manifest import as_json, write_beside

_WORTH_A_TICK = 8 * 2**20  # bytes that take longer to hash than the filesystem's clock to tick
Fingerprint = list[int]  # device, inode, size, and the times of the last change of bytes and of anything, in ns


def fingerprint(found: os.stat_result) -> Fingerprint:
    """What changes in a file's status whenever its bytes do; nobody can set the last time back."""
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


class Sum:
    """The sum over entries, added in the order in which the filesystem lists them, and the latest of their times."""

    def __init__(self) -> None:
        self._total = hashlib.sha256()
        self.newest = 0

    def add(self, path: str, found: os.stat_result) -> None:
        """Add an entry of any kind, with its status taken before it was compared."""
        self._total.update(f"{path}\0{found.st_mode} {fingerprint(found)}\n".encode("utf-8", "surrogateescape"))
        self.newest = max(self.newest, found.st_ctime_ns)

    def __str__(self) -> str:
        return self._total.hexdigest()


def walk(artifact: Path) -> Iterator[tuple[str, str, int, os.stat_result]]:
    """Every entry of an artifact: path in it, name, the open folder that it is in, status. Raises OSError."""
    start = len(os.fspath(artifact)) + 1
    for parent, folders, files, handle in os.fwalk(artifact, onerror=_raise, follow_symlinks=False):
        inside = f"{parent[start:]}/" if len(parent) >= start else ""
        for name in [*folders, *files]:
            yield inside + name, name, handle, os.lstat(name, dir_fd=handle)


def untouched(artifact: Path) -> bool:
    """Whether nothing in the artifact and its manifest was touched since the note was written; one look at each entry.

    Raises OSError, as when an entry vanishes meanwhile.
    """
    now = Sum()
    try:
        with artifact.with_suffix(".seen").open("rb") as note:
            written, noted = os.fstat(note.fileno()).st_mtime_ns, json.loads(note.readline())
        now.add("", os.lstat(artifact.with_suffix(".json")))
    except (OSError, ValueError, RecursionError):
        return False
    if not noted:
        return False
    for path, _name, _handle, found in walk(artifact):
        now.add(path, found)
    return bool(noted == str(now)) and now.newest < written


def remember(artifact: Path, seen: Mapping[str, Fingerprint], whole: Sum | None = None) -> None:
    """Note that the files of an artifact are sound as long as they have these fingerprints, taken before hashing."""
    lines = [as_json(str(whole) if whole else ""), as_json(seen)]
    with contextlib.suppress(OSError):  # then they are hashed again, no more
        write_beside(artifact, ".seen", b"\n".join(lines))


def remembered(artifact: Path) -> dict[str, Fingerprint]:
    """The fingerprints, by path, that can be relied on; none when the note is missing or damaged."""
    try:
        with artifact.with_suffix(".seen").open("rb") as note:
            written = os.fstat(note.fileno()).st_mtime_ns
            note.readline()
            return {path: known for path, known in json.load(note).items() if known[4] < written}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}


@contextlib.contextmanager
def linking(artifact: Path, paths: Collection[str]) -> Iterator[None]:
    """While hard links to files of an artifact are made: that changes their times, and not their bytes.

    So what is known of these files stays known; else each use of a large one would have it hashed again.
    """
    known = remembered(artifact)
    sure = [path for path in paths if _now(artifact, path) == known.get(path)]
    yield
    if sure:
        after = {path: _now(artifact, path) for path in sure}
        remember(artifact, {**known, **after})
        let_tick(artifact, after.values())


def _now(artifact: Path, path: str) -> Fingerprint:
    return fingerprint(os.lstat(os.path.join(artifact, path)))


def let_tick(artifact: Path, noted: Collection[Fingerprint]) -> None:
    """Make the note of an artifact younger than these times in it, where hashing the files again would take longer.

    The filesystem's clock goes in steps of a few milliseconds.
    """
    if sum(times[2] for times in noted) <= _WORTH_A_TICK:
        return
    note, newest = artifact.with_suffix(".seen"), max(times[4] for times in noted)
    with contextlib.suppress(OSError):
        while note.stat().st_mtime_ns <= newest:
            time.sleep(0.001)
            os.utime(note)


def _raise(error: OSError) -> NoReturn:
    raise error
