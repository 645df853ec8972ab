"""The connections to the database: SQLite with a write-ahead log, one writer at a time, readers that never wait.

Plain SQL through Python's own driver: a command that only looks at a run has no time to import a toolkit (SQLAlchemy
was a quarter of the time of a run in which everything is up to date), and a run records each step as it happens.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_IDLE = 4  # connections that are kept for the next transactions
# Bytes of the log that stay once it begins anew. It grows as long as somebody reads what was before, and would keep
# that length.
LONGEST_LOG = 16 * 2**20


class Gone(sqlite3.OperationalError):
    """The file was deleted or replaced while it was in use."""


class Database:
    """The database file `file`, for any thread: each transaction has a connection to itself while it lasts.

    A file that this user may not write can be read. Everything raises sqlite3.Error where the file cannot be used, also
    when it was deleted or replaced meanwhile: what is written into a deleted file is lost without a word.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        # A connection and its cache of statements know each other: left to itself, one stays open until the collector
        # of such rings comes by.
        weakref.finalize(self, _close_all, self._idle).atexit = False
        self._identity: tuple[int, int] | None = None  # device and inode

    @contextmanager
    def transaction(self, writes: bool, patience: float) -> Iterator[sqlite3.Connection]:
        """One transaction: kept when the block ends, undone when it raises.

        A writer waits for another one at most `patience` seconds.
        """
        connection = self._take(patience)
        try:
            connection.execute(f"pragma busy_timeout={int(patience * 1000)}")
            # A writer takes the lock at once: upgrading a read transaction later would fail as "locked".
            connection.execute("begin immediate" if writes else "begin")
            yield connection
            connection.execute("commit")
        except BaseException:
            connection.close()  # which undoes what was begun
            raise
        self._give_back(connection)

    def _take(self, patience: float) -> sqlite3.Connection:
        self._check_identity()
        with self._lock:
            if self._idle:
                return self._idle.pop()
        connection = self._connect(patience)
        try:
            connection.row_factory = sqlite3.Row
            if not self.is_closed_to_us():
                connection.execute("pragma journal_mode=wal")
                connection.execute("pragma synchronous=normal")
                connection.execute(f"pragma journal_size_limit={LONGEST_LOG}")
        except BaseException:
            connection.close()
            raise
        if self._identity is None:
            self._identity = _identity(self._file)
        return connection

    def _connect(self, patience: float) -> sqlite3.Connection:
        closed = self.is_closed_to_us()
        return sqlite3.connect(
            reading_address(self._file) if closed else str(self._file),
            timeout=patience,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=256,
            uri=closed,
        )

    def is_closed_to_us(self) -> bool:
        """True when this user may only read it."""
        return is_closed_to_us(self._file)

    def _check_identity(self) -> None:
        if self._identity is None:
            return
        try:
            same = _identity(self._file) == self._identity
        except OSError:
            same = False
        if not same:
            raise Gone("its database was deleted or replaced meanwhile")

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close all connections that are not in use, and those in use when they come back."""
        with self._lock:
            self._closed = True
            _close_all(self._idle)


def _close_all(idle: list[sqlite3.Connection]) -> None:
    while idle:
        idle.pop().close()


def is_closed_to_us(file: Path) -> bool:
    """True when this user may only read the database `file`, or its disk takes nothing."""
    return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def log_of(file: Path) -> Path:
    """The log of the database `file`."""
    return file.with_name(f"{file.name}-wal")


def reading_address(file: Path) -> str:
    """The URI by which SQLite opens the database `file` for reading, whether or not it can be written."""
    # Without a log beside it nobody has it open, and SQLite need not make the files it shares with others.
    log = log_of(file)
    immutable = is_closed_to_us(file) and not log.exists()
    return f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino
