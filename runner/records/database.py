"""The connections to the database: SQLite with a write-ahead log, one writer at a time, readers that never wait.

Plain SQL through Python's own driver: a command that only looks at a run has no time to import a toolkit (SQLAlchemy
was a quarter of the time of a run in which everything is up to date), and a run records each step as it happens.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 30  # how long a writer waits for another one


class Database:
    """The database file `file`, for any thread: each transaction has a connection to itself while it lasts.

    Everything raises sqlite3.Error where the file cannot be used.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def transaction(self, writes: bool) -> Iterator[sqlite3.Connection]:
        """One transaction: kept when the block ends, undone when it raises."""
        connection = self._take()
        try:
            # A writer takes the lock at once: upgrading a read transaction later would fail as "locked".
            connection.execute("begin immediate" if writes else "begin")
            yield connection
            connection.execute("commit")
        except BaseException:
            connection.close()  # which undoes what was begun
            raise
        self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        connection = sqlite3.connect(
            self._file, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None, cached_statements=256
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=normal")
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close all connections that are not in use, and those in use when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
