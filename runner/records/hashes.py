"""The sha256 of files, each computed once: a file whose stat did not change is not read again."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CHUNK = 1 << 20
_KEPT_AT_ONCE = 2_000  # rows of one transaction: what a cancelled hashing has done is not lost
TICK = 20_000_000  # ns; a clock of files goes in steps of at most 10 ms
_COARSE_TICK = 2_000_000_000  # ns; where times are whole seconds


class FileChanged(Exception):
    """The file is not as it was when it was looked at; str() is its path."""


class Hashes:
    """What is remembered of files' hashes, by what `stat` tells. Whatever is wrong with the memory, it is done without.

    Not for use by several threads; several processes may have it open.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._rows: list[tuple[str, str, str]] = []
        self._database = self._opened()

    def sha256_of(self, path: Path, seen: os.stat_result, read: Callable[[int], None] = lambda _: None) -> str:
        """The hash of the regular file at `path`, which `seen` is the lstat of.

        `read` is told of every piece that is read, in bytes. Raises FileChanged when the file is another one than
        `seen`, or changes meanwhile; OSError when it cannot be read.
        """
        known = self.recalled(seen)
        if known is not None:
            return known
        began = time.time_ns()
        digest = _hashed(path, seen, read)
        self.learn(seen, digest, began)
        return digest

    def learn(self, seen: os.stat_result, digest: str, began: int) -> None:
        """Take in the hash of the file that `seen` is the lstat of, read from `began` (ns) on and unchanged since."""
        # A change within the same tick of the clock would leave the stat as it is: such a young file is not trusted.
        tick = TICK if seen.st_ctime_ns % 1_000_000_000 else _COARSE_TICK
        if began - seen.st_ctime_ns > tick:
            self._rows.append((*_keys(seen), digest))
            if len(self._rows) >= _KEPT_AT_ONCE:
                self._keep()

    def close(self) -> None:
        """Keep what is new."""
        self._keep()
        if self._database is not None:
            self._database.close()

    def recalled(self, seen: os.stat_result) -> str | None:
        """The remembered hash of the file that `seen` is the lstat of."""
        if self._database is None:
            return None
        file, state = _keys(seen)
        query = "SELECT sha256 FROM hashes WHERE file = ? AND state = ?"
        try:
            row = self._database.execute(query, (file, state)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return str(row[0]) if row else None

    def _keep(self) -> None:
        rows, self._rows = self._rows, []
        if self._database is None or not rows:
            return
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _opened(self) -> sqlite3.Connection | None:
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._memory, timeout=10)
        except (OSError, sqlite3.Error):
            return None
        columns = "file TEXT PRIMARY KEY, state TEXT NOT NULL, sha256 TEXT NOT NULL"
        try:
            self._database.execute(f"CREATE TABLE IF NOT EXISTS hashes ({columns}) WITHOUT ROWID")
        except sqlite3.Error as error:
            self._give_up(error)
        return self._database

    def _give_up(self, error: sqlite3.Error) -> None:
        assert self._database is not None
        self._database.close()
        self._database = None
        if not isinstance(error, sqlite3.OperationalError):  # no matter of a lock or a full disk: it is damaged
            with contextlib.suppress(OSError):
                self._memory.unlink()


@contextlib.contextmanager
def remembered(memory: Path) -> Iterator[Hashes]:
    """Hashes that are remembered in the file `memory`, kept also when the work is given up midway."""
    hashes = Hashes(memory)
    try:
        yield hashes
    finally:
        hashes.close()


def identity(seen: os.stat_result) -> tuple[int, ...]:
    """What of a stat changes whenever a file's content does, or another file takes its place."""
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _keys(seen: os.stat_result) -> tuple[str, str]:
    device, inode, *state = identity(seen)
    return f"{device}:{inode}", ":".join(map(str, state))


def _hashed(path: Path, seen: os.stat_result, read: Callable[[int], None]) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):  # gone, or a link by now
            raise FileChanged(str(path)) from None
        raise
    total = hashlib.sha256()
    with open(descriptor, "rb", buffering=0) as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or identity(found) != identity(seen):
            raise FileChanged(str(path))
        piece, left = bytearray(min(CHUNK, found.st_size + 1)), found.st_size
        while length := file.readinto(piece):
            left -= length
            if left < 0:  # it grows, and might do so for ever
                raise FileChanged(str(path))
            total.update(memoryview(piece)[:length])
            read(length)
        if identity(os.fstat(descriptor)) != identity(seen):
            raise FileChanged(str(path))
    return total.hexdigest()
