"""The store: one folder with the database of runs, the artifacts and the notebooks of node runs.

Many processes may read; each run has one writer, its run process. Whoever wants something of a run leaves a command
in the database and rings the run's socket (`bell`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.errors import MachineError, PipelineError, nearest, problem
from ..core.lifecycle import Fact, RunChanged, RunSoFar, RunState, so_far
from .clock import now
from .failpoints import failpoint
from .places import network_filesystem
from .reserve import give_up, set_aside
from .room import shortage
from .run_rows import LISTED, WHOLE, ListedRun, listed_run, run_row
from .run_rows import RunRow as RunRow  # for those who know it from here

if TYPE_CHECKING:
    from sqlite3 import Connection, Row

    from .database import Database

R = TypeVar("R")
BUSY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded fact with its number within the run (1, 2, …) and its time."""

    number: int
    at: float
    fact: Fact


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


class Store:
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

    # opening

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
            raise self._unreadable(f"its format is {known.get('version')!r}")
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

    def _unreadable(self, why: object) -> StoreUnreadable:
        hint = "It was damaged, or not written by dagbook. Move it away, or choose another with --store."
        return StoreUnreadable(problem("E-STORE", what=f"the store {self.folder} cannot be read: {why}", hint=hint))

    def close(self) -> None:
        """Give the database connections back."""
        if self._rows is not None:
            self._rows.close()

    # runs

    def add_run(self, pipeline: str, record: Mapping[str, Any], process: Mapping[str, Any]) -> str:
        """Make a run; returns its id, 8 hexadecimal digits."""
        run = secrets.token_hex(4)
        values = (run, pipeline, RunState.RUNNING, "", now(), json.dumps(dict(process)), json.dumps(dict(record)))
        with self.writing() as rows:
            rows.execute(
                "insert into runs (id, pipeline, state, reason, started, process, record) values (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        failpoint("run.listed")
        return run

    def set_room_aside(self) -> None:
        """See that a run can record how it ends, should the disk be full then."""
        set_aside(self.database)

    def append(
        self,
        run: str,
        after: int,
        new: Sequence[Fact],
        held_by: Mapping[str, Any] | None = None,
        patience: float | None = None,
    ) -> int:
        """Record facts of a run in one transaction, numbered on from `after`; returns the last number.

        With `held_by`, only while the run goes on and is that process's; else nothing is recorded. `patience` and
        errors as of `writing`; on a full disk the room is given up that was set aside.
        """
        try:
            return self._append(run, after, new, held_by, patience)
        except (StoreGone, StoreBusy):
            raise
        except MachineError:
            if not shortage(self.database) or not give_up(self.database):
                raise
            return self._append(run, after, new, held_by, patience)

    def _append(
        self,
        run: str,
        after: int,
        new: Sequence[Fact],
        held_by: Mapping[str, Any] | None,
        patience: float | None,
    ) -> int:
        from .schema import to_row

        at = now()
        lines = [(run, number, at, *to_row(fact)) for number, fact in enumerate(new, after + 1)]
        held = "select 1 from runs where id = ? and process = ? and ended is null"
        failpoint("facts.record")
        with self.writing(patience) as rows:
            if held_by is not None and not rows.execute(held, (run, json.dumps(dict(held_by)))).fetchone():
                return after
            rows.executemany("insert into facts (run, number, at, kind, body) values (?, ?, ?, ?, ?)", lines)
            for fact in new:
                if isinstance(fact, RunChanged):
                    over = fact.state not in (RunState.RUNNING, RunState.PENDING_APPROVAL)
                    change = (fact.state, fact.reason, at if over else None, run)
                    rows.execute("update runs set state = ?, reason = ?, ended = ? where id = ?", change)
        failpoint("facts.recorded")
        return after + len(lines)

    def facts(self, run: str, after: int = 0) -> list[Entry]:
        """What was recorded of a run after fact number `after`."""
        from .schema import from_rows

        wanted = "select number, at, kind, body from facts where run = ? and number > ? order by number"
        with self.reading() as rows:
            found = rows.execute(wanted, (run, after)).fetchall()
        try:
            facts = from_rows([row["kind"] for row in found], [row["body"] for row in found])
            times = [row["at"] + 0.0 for row in found]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._unreadable(f"run {run} has a fact that makes no sense ({error!r})") from None
        return [Entry(row["number"], at, fact) for row, at, fact in zip(found, times, facts, strict=True)]

    def state_of(self, run: str) -> RunSoFar:
        """The state of a run and of its node runs now."""
        return so_far(entry.fact for entry in self.facts(run))

    def runs(self, most: int = 20, pipeline: str | None = None) -> list[RunRow]:
        """The latest runs, newest first, with their records; where these are not needed, `latest` costs far less."""
        return self._read(run_row, *_latest(WHOLE, most, pipeline))

    def latest(self, most: int = 20, pipeline: str | None = None) -> list[ListedRun]:
        """The latest runs as lists show them, newest first."""
        return self._read(listed_run, *_latest(LISTED, most, pipeline))

    def find(self, wanted: str) -> ListedRun:
        """The run with this id, or with this beginning of an id, or "latest". Raises PipelineError (E-RUN-UNKNOWN).

        The latest is one that is no node of another run.
        """
        if wanted == "latest":
            outermost = "json_extract(process, '$.inside') is null"
            found = self._read(listed_run, f"select {LISTED} from runs where {outermost} order by started desc limit 1")
        elif not wanted.isascii():
            found = []  # an id is hexadecimal
        else:
            which = f"select {LISTED} from runs where id"
            begins = f"{which} >= ? and id < ? limit 2"  # not by a function of the id: that would read all of them
            found = self._read(listed_run, f"{which} = ?", wanted)
            found = found or self._read(listed_run, begins, wanted, f"{wanted}\x7f")
        if len(found) == 1 and wanted:
            return found[0]
        known = nearest(wanted, (row.id for row in self.latest()))
        hint = "More than one run begins so; give more of its id." if len(found) > 1 else known
        raise PipelineError(problem("E-RUN-UNKNOWN", run=wanted, store=self.folder, nearest=hint))

    def known(self, id: str) -> ListedRun | None:
        """The run with exactly this id; None when there is none."""
        return next(iter(self._read(listed_run, f"select {LISTED} from runs where id = ?", id)), None)

    def run(self, wanted: str) -> RunRow:
        """The same run with its record. Raises as `find`."""
        (found,) = self._read(run_row, f"select {WHOLE} from runs where id = ?", self.find(wanted).id)
        return found

    def run_within(self, pipeline: str, run: str, node_run: str) -> ListedRun | None:
        """The latest run of a pipeline that is the node run `node_run` of the run `run`; None when there is none."""
        of = "json_extract(process, '$.inside.run') = ? and json_extract(process, '$.inside.node_run') = ?"
        wanted = f"select {LISTED} from runs where pipeline = ? and {of} order by started desc limit 1"
        return next(iter(self._read(listed_run, wanted, pipeline, run, node_run)), None)

    def live_runs(self) -> list[ListedRun]:
        """Runs that have not ended, whether or not their process still lives."""
        return self._read(listed_run, f"select {LISTED} from runs where ended is null")

    def _read(self, made: Callable[[Row], R], wanted: str, *values: object) -> list[R]:
        with self.reading() as rows:
            found = rows.execute(wanted, values).fetchall()
        try:
            return list(map(made, found))
        except (ValueError, TypeError) as error:
            raise self._unreadable(f"a run in it makes no sense ({error})") from None

    def set_process(self, run: str, process: Mapping[str, Any]) -> None:
        """Note which process runs it, and where its socket is."""
        with self.writing() as rows:
            rows.execute("update runs set process = ? where id = ?", (json.dumps(dict(process)), run))

    def claim(
        self, run: str, before: Mapping[str, Any], recorded: int, process: Mapping[str, Any], record: Mapping[str, Any]
    ) -> bool:
        """Make `process` the one that runs it, with this record; commands that nobody took are void.

        False when it is no longer `before` that runs it, or when other than `recorded` facts tell of it.
        """
        take = """
            update runs set process = ?, record = ?, ended = null, state = ?
            where id = ? and process = ? and (select coalesce(max(number), 0) from facts where run = runs.id) = ?"""
        mine, was = (json.dumps(dict(one)) for one in (process, before))
        failpoint("run.claim")
        with self.writing() as rows:
            values = (mine, json.dumps(dict(record)), RunState.RUNNING, run, was, recorded)
            claimed = rows.execute(take, values).rowcount == 1
            if claimed:
                rows.execute("update commands set taken = ? where run = ? and taken is null", (time.time(), run))
        failpoint("run.claimed")
        return claimed


def _latest(columns: str, most: int, pipeline: str | None) -> tuple[str, *tuple[object, ...]]:
    """The query of the latest runs, and its values."""
    if pipeline is None:
        return f"select {columns} from runs order by started desc limit ?", most
    return f"select {columns} from runs where pipeline = ? order by started desc limit ?", pipeline, most
