"""The store: one folder with the database of runs, the artifacts and the notebooks of node runs.

Many processes may read; each run has one writer, its run process. Whoever wants something of a run leaves a command
in the database and rings the run's socket (`bell`).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.errors import MachineError, PipelineError, nearest, problem
from ..core.lifecycle import Fact, RunChanged, RunSoFar, RunState, so_far
from .clock import now
from .failpoints import failpoint
from .reserve import give_up, set_aside
from .room import shortage
from .run_rows import LISTED, WHOLE, ListedRun, listed_run, run_row
from .run_rows import RunRow as RunRow  # for those who know it from here
from .store_folder import StoreBusy, StoreFolder, StoreGone

if TYPE_CHECKING:
    from sqlite3 import Row

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded fact with its number within the run (1, 2, …) and its time."""

    number: int
    at: float
    fact: Fact


class Store(StoreFolder):
    """The store in `folder`, with the runs that its database tells of; made and raising as `StoreFolder` says."""

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
            raise self.unreadable(f"run {run} has a fact that makes no sense ({error!r})") from None
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
            raise self.unreadable(f"a run in it makes no sense ({error})") from None

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
