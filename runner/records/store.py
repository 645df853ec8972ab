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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import MachineError, PipelineError, nearest, problem
from ..core.lifecycle import Fact, RunChanged, RunSoFar, RunState, so_far
from .places import network_filesystem

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as lists show it. Times in seconds since the epoch; `record` is semantics' "What a run records"."""

    id: str
    pipeline: str
    state: RunState
    reason: str
    started: float
    ended: float | None
    process: Mapping[str, Any]
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded fact with its number within the run (1, 2, …) and its time."""

    number: int
    at: float
    fact: Fact


class Store:
    """The store in `folder`; made when it is not there, unless `create` is False.

    Raises MachineError (E-STORE) when it cannot be read or written, or belongs to a newer dagbook.
    """

    def __init__(self, folder: Path, create: bool = True) -> None:
        self.folder = folder.absolute()
        self.remote = network_filesystem(self.folder)
        self._engine: Engine | None = None
        if not create and not self.database.exists():
            raise PipelineError(
                problem("E-STORE", what=f"there is no store at {folder}", hint="Run a pipeline first: dagbook run FILE")
            )
        self.id = self._open()

    @property
    def database(self) -> Path:
        """Where the database file is: in the folder, or in the user's state folder when that is on a network.

        SQLite's write-ahead log needs memory that all its processes share, which a network filesystem has not.
        """
        if self.remote is None:
            return self.folder / "dagbook.db"
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(state) / "dagbook" / name / "dagbook.db"

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
        return self.folder / "runs" / run / node_run.replace("#", ".") / str(attempt)

    # opening

    def _open(self) -> str:
        from sqlalchemy.exc import SQLAlchemyError

        from .database import connect_to
        from .schema import VERSION, metadata

        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            ignore = self.folder / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            self._engine = connect_to(self.database)
            with self.writing() as rows:
                metadata.create_all(rows)
                known = self._about(rows)
        except (OSError, SQLAlchemyError) as error:
            why = getattr(error, "orig", None) or error
            hint = "Check that the folder can be written, or choose another with --store."
            raise MachineError(
                problem("E-STORE", what=f"the store {self.folder} cannot be used: {why}", hint=hint)
            ) from None
        if int(known["version"]) > VERSION:
            what = f"the store {self.folder} was written by a newer dagbook (format {known['version']})"
            raise MachineError(problem("E-STORE", what=what, hint="Upgrade: pip install -U dagbook"))
        return known["id"]

    @staticmethod
    def _about(rows: Connection) -> dict[str, str]:
        from sqlalchemy import insert, select

        from .schema import VERSION, about

        known = {row.key: row.value for row in rows.execute(select(about))}
        if "id" not in known:
            known = {"id": secrets.token_hex(8), "version": str(VERSION)}
            rows.execute(insert(about), [{"key": key, "value": value} for key, value in known.items()])
        return known

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes; others wait for it. Raises MachineError (E-STORE), as for a full disk."""
        assert self._engine is not None
        with self._in_words(), self._engine.connect() as rows, rows.begin():
            yield rows

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database; blocks nobody."""
        assert self._engine is not None
        with self._in_words(), self._engine.connect().execution_options(reads=True) as rows, rows.begin():
            yield rows

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        from sqlalchemy.exc import OperationalError

        try:
            yield
        except OperationalError as error:
            what = f"the store {self.folder} cannot be used: {error.orig}"
            hint = "Check the disk's space and the folder's permissions; what was recorded before is kept."
            raise MachineError(problem("E-STORE", what=what, hint=hint)) from None

    def close(self) -> None:
        """Give the database connections back."""
        if self._engine is not None:
            self._engine.dispose()

    # runs

    def add_run(self, pipeline: str, record: Mapping[str, Any], process: Mapping[str, Any]) -> str:
        """Make a run; returns its id, 8 hexadecimal digits."""
        from sqlalchemy import insert

        from .schema import runs

        run = secrets.token_hex(4)
        row = {"id": run, "pipeline": pipeline, "state": RunState.RUNNING, "reason": "", "started": time.time()}
        row |= {"process": json.dumps(dict(process)), "record": json.dumps(dict(record))}
        with self.writing() as rows:
            rows.execute(insert(runs), row)
        return run

    def append(self, run: str, after: int, new: Sequence[Fact], held_by: Mapping[str, Any] | None = None) -> int:
        """Record facts of a run in one transaction, numbered on from `after`; returns the last number.

        With `held_by`, only while the run goes on and is that process's; else nothing is recorded.
        """
        from sqlalchemy import insert, select, update

        from .schema import facts, runs, to_row

        now = time.time()
        lines = []
        for number, fact in enumerate(new, after + 1):
            kind, body = to_row(fact)
            lines.append({"run": run, "number": number, "at": now, "kind": kind, "body": body})
        held = (runs.c.id == run) & (runs.c.process == json.dumps(dict(held_by or {}))) & runs.c.ended.is_(None)
        with self.writing() as rows:
            if held_by is not None and rows.execute(select(runs.c.id).where(held)).first() is None:
                return after
            if lines:
                rows.execute(insert(facts), lines)
            for fact in new:
                if isinstance(fact, RunChanged):
                    over = fact.state not in (RunState.RUNNING, RunState.PENDING_APPROVAL)
                    change = {"state": fact.state, "reason": fact.reason, "ended": now if over else None}
                    rows.execute(update(runs).where(runs.c.id == run).values(change))
        return after + len(lines)

    def facts(self, run: str, after: int = 0) -> list[Entry]:
        """What was recorded of a run after fact number `after`."""
        from sqlalchemy import select

        from .schema import facts, from_row

        wanted = select(facts).where(facts.c.run == run, facts.c.number > after).order_by(facts.c.number)
        with self.reading() as rows:
            return [Entry(row.number, row.at, from_row(row.kind, row.body)) for row in rows.execute(wanted)]

    def state_of(self, run: str) -> RunSoFar:
        """The state of a run and of its node runs now."""
        return so_far(entry.fact for entry in self.facts(run))

    def runs(self, most: int = 20, pipeline: str | None = None) -> list[RunRow]:
        """The latest runs, newest first."""
        from sqlalchemy import select

        from .schema import runs

        wanted = select(runs).order_by(runs.c.started.desc()).limit(most)
        if pipeline is not None:
            wanted = wanted.where(runs.c.pipeline == pipeline)
        with self.reading() as rows:
            return [_run_row(row) for row in rows.execute(wanted)]

    def run(self, wanted: str) -> RunRow:
        """The run with this id, or with this beginning of an id, or "latest". Raises PipelineError (E-RUN-UNKNOWN)."""
        from sqlalchemy import select

        from .schema import runs

        query = select(runs).order_by(runs.c.started.desc()).limit(2)
        if wanted != "latest":
            query = query.where(runs.c.id.startswith(wanted, autoescape=True))
        with self.reading() as rows:
            found = [_run_row(row) for row in rows.execute(query)]
        if wanted == "latest":
            found = found[:1]
        if len(found) == 1 and wanted:
            return found[0]
        known = nearest(wanted, (row.id for row in self.runs()))
        hint = "More than one run begins so; give more of its id." if len(found) > 1 else known
        raise PipelineError(problem("E-RUN-UNKNOWN", run=wanted, store=self.folder, nearest=hint))

    def set_process(self, run: str, process: Mapping[str, Any]) -> None:
        """Note which process runs it, and where its socket is."""
        from sqlalchemy import update

        from .schema import runs

        with self.writing() as rows:
            rows.execute(update(runs).where(runs.c.id == run).values(process=json.dumps(dict(process))))

    def claim(
        self, run: str, before: Mapping[str, Any], recorded: int, process: Mapping[str, Any], record: Mapping[str, Any]
    ) -> bool:
        """Make `process` the one that runs it, with this record; commands that nobody took are void.

        False when it is no longer `before` that runs it, or when other than `recorded` facts tell of it.
        """
        from sqlalchemy import func, select, update

        from .schema import commands, facts, runs

        last = select(func.coalesce(func.max(facts.c.number), 0)).where(facts.c.run == run).scalar_subquery()
        same = (runs.c.id == run) & (runs.c.process == json.dumps(dict(before))) & (last == recorded)
        change: dict[str, Any] = {"process": json.dumps(dict(process)), "record": json.dumps(dict(record))}
        change |= {"ended": None, "state": RunState.RUNNING}
        void = update(commands).where(commands.c.run == run, commands.c.taken.is_(None)).values(taken=time.time())
        with self.writing() as rows:
            claimed = rows.execute(update(runs).where(same).values(**change)).rowcount == 1
            if claimed:
                rows.execute(void)
        return claimed

    def live_runs(self) -> Iterable[RunRow]:
        """Runs that have not ended, whether or not their process still lives."""
        from sqlalchemy import select

        from .schema import runs

        with self.reading() as rows:
            found = rows.execute(select(runs).where(runs.c.ended.is_(None))).all()
        return [_run_row(row) for row in found]


def _run_row(row: Row[Any]) -> RunRow:
    return RunRow(
        row.id,
        row.pipeline,
        RunState(row.state),
        row.reason,
        row.started,
        row.ended,
        json.loads(row.process),
        json.loads(row.record),
    )
