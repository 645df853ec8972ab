"""A store's folder and its database: opened, read and written in transactions, and what to say when that fails."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from ..core.errors import MachineError, PipelineError, problem
from .places import network_filesystem
from .room import shortage

if TYPE_CHECKING:
    from sqlite3 import Connection

    from .database import Database

BUSY_SECONDS = 30.0


class StoreBusy(MachineError):
    """Another program holds the database, and nothing can be written before it lets go."""


class StoreUnreadable(MachineError):
    """What is in it makes no sense: it was damaged, or another program has written it."""


class StoreGone(MachineError):
    """The store was deleted or replaced while it was in use: nothing more can be recorded in it."""


def database_of(folder: Path, remote: str | None) -> Path:
    """The database file of a store: in its folder, or in the user's state folder when that is on a network, `remote`.

    SQLite's write-ahead log needs memory that all its processes share, which a network filesystem has not.
    """
    if remote is None:
        return folder / "dagbook.db"
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "dagbook" / name / "dagbook.db"


class StoreFolder:
    """The store in `folder`; made when it is not there, unless `create` is False.

    Raises MachineError (E-STORE) when it cannot be read or written, or belongs to a newer dagbook.
    """

    def __init__(self, folder: Path, create: bool = True) -> None:
        self.folder = folder.absolute()
        self.remote = network_filesystem(self.folder)
        self._rows: Database | None = None
        self.patience = BUSY_SECONDS  # for which its writers wait for another program, unless they say otherwise
        if not create and not self.database.exists():
            raise PipelineError(
                problem("E-STORE", what=f"there is no store at {folder}", hint="Run a pipeline first: dagbook run FILE")
            )
        self.id = self._open()

    @property
    def database(self) -> Path:
        """Where the database file is."""
        return database_of(self.folder, self.remote)

    @property
    def artifacts(self) -> Path:
        """The folder of published artifacts, by digest."""
        return self.folder / "artifacts"

    @property
    def code(self) -> Path:
        """The folder of project snapshots, by digest."""
        return self.folder / "code"

    def attempt_folder(self, run: str, node_run: str, attempt: int) -> Path:
        """Where an attempt keeps its notebook, its journal and, until it is published, its output."""
        return self.folder.joinpath("runs", run, node_run.replace("#", "."), str(attempt))

    def _open(self) -> str:
        import sqlite3

        from .database import Database
        from .schema import VERSION

        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            ignore = self.folder / ".gitignore"
            if not ignore.exists() and os.access(self.folder, os.W_OK):
                ignore.write_text("*\n", encoding="utf-8")
            self._rows = Database(self.database)
            known = self._about()
        except (OSError, sqlite3.Error) as error:
            raise self.unusable(error) from None
        if not str(known.get("version")).isdecimal() or not isinstance(known.get("id"), str):
            raise self.unreadable(f"its format is {known.get('version')!r}")
        if int(known["version"]) > VERSION:
            what = f"the store {self.folder} was written by a newer dagbook (format {known['version']})"
            raise MachineError(problem("E-STORE", what=what, hint="Upgrade dagbook here, too."))
        return known["id"]

    def unusable(self, error: Exception) -> MachineError:
        """What to raise when the store's folder cannot take something, or its database cannot be opened."""
        found = shortage(self.folder, error if isinstance(error, OSError) else None)
        why = f"{error}; {found.words}" if found else str(error)
        hint = "Check that the folder can be written, or choose another with --store."
        hint = f"{found.remedy}, or choose another store with --store." if found else hint
        return MachineError(problem("E-STORE", what=f"the store {self.folder} cannot be used: {why}", hint=hint))

    def _about(self) -> dict[str, str]:
        """What the store says of itself; makes its tables first where they are not there."""
        from .schema import VERSION, is_made, make_tables

        assert self._rows is not None
        about = "select key, value from about"
        # Who only reads need not wait for a writer.
        with self._rows.transaction(writes=False, patience=self.patience) as rows:
            made = is_made(rows) or self._rows.is_closed_to_us()  # an index that an older dagbook lacked is no need
            if made and (known := dict(tuple(row) for row in rows.execute(about))):
                return known
        with self._rows.transaction(writes=True, patience=self.patience) as rows:
            make_tables(rows)
            new = {"id": secrets.token_hex(8), "version": str(VERSION)}
            if not (known := dict(tuple(row) for row in rows.execute(about))):
                rows.executemany("insert into about (key, value) values (?, ?)", new.items())
            return known or new

    @contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Connection]:
        """One transaction that writes; others wait for it.

        Raises MachineError (E-STORE), as for a full disk, and StoreBusy, which is one, when another program has held
        the database for `patience` seconds.
        """
        with self._transaction(writes=True, patience=patience) as rows:
            yield rows

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database; blocks nobody."""
        with self._transaction(writes=False) as rows:
            yield rows

    @contextmanager
    def _transaction(self, writes: bool, patience: float | None = None) -> Iterator[Connection]:
        import sqlite3

        from .database import Gone

        assert self._rows is not None
        try:
            with self._rows.transaction(writes, self.patience if patience is None else patience) as rows:
                yield rows
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # two wrote the same, or a defect of ours: nothing that is wrong with the store
        except sqlite3.DatabaseError as error:
            what = f"the store {self.folder} cannot be used: {error}"
            if isinstance(error, Gone):
                hint = "Leave the folder alone while a run uses it; start the run again."
                raise StoreGone(problem("E-STORE", what=what, hint=hint)) from None
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its reason, which is in the higher bits
            if code == sqlite3.SQLITE_BUSY:
                tells = f"fuser {quote(str(self.database))}"
                hint = f"Another program holds it; {tells} tells which. What was recorded is kept."
                raise StoreBusy(problem("E-STORE", what=what, hint=hint)) from None
            raise self._cannot_record(what) from None

    def _cannot_record(self, what: str) -> MachineError:
        found = shortage(self.database)
        if found is None:
            hint = "Check the disk's space and the folder's permissions; what was recorded before is kept."
            return MachineError(problem("E-STORE", what=what, hint=hint))
        hint = f"{found.remedy}, then go on: dagbook resume latest. What was recorded before is kept."
        return MachineError(problem("E-STORE", what=f"{what}; {found.words}", hint=hint))

    def unreadable(self, why: object) -> StoreUnreadable:
        """What to raise when something in the database makes no sense."""
        hint = "It was damaged, or not written by dagbook. Move it away, or choose another with --store."
        return StoreUnreadable(problem("E-STORE", what=f"the store {self.folder} cannot be read: {why}", hint=hint))

    def close(self) -> None:
        """Give the database connections back."""
        if self._rows is not None:
            self._rows.close()
