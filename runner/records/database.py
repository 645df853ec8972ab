"""The connection to the database: SQLite with a write-ahead log, one writer at a time, readers that never wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 30  # how long a writer waits for another one


def connect_to(database: Path) -> Engine:
    """An engine for the database file `database`; a transaction writes unless its connection has `reads=True`."""
    from sqlalchemy import create_engine, event

    engine = create_engine(f"sqlite:///{database}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")
        connection.execute("pragma foreign_keys=on")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: upgrading a read transaction later would fail as "locked".
        reads = connection.get_execution_options().get("reads")
        connection.exec_driver_sql("begin" if reads else "begin immediate")

    return engine
