"""Is the database sound, is each run a story that the lifecycle allows, does a living process hold what goes on?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import DagbookError
from ..core.lifecycle import ENDED, PASSED, Changed, NodeRun, RunSoFar, RunState, State
from ..records.database import reading_address
from ..records.processes import alive
from ..records.run_rows import ListedRun
from ..records.settling import OVER, settle
from ..records.store import Store
from .finding import Finding, Invariant

_IN_FLIGHT = (State.STARTING, State.RUNNING)


def database_findings(file: Path) -> Iterator[Finding]:
    """What SQLite itself finds wrong with the database `file`."""
    try:
        connection = sqlite3.connect(reading_address(file), uri=True)
        try:
            told = [str(row[0]) for row in connection.execute("pragma integrity_check")]
            told += [f"a row of {row[0]} names one of {row[2]} that is not there" for row in _foreign(connection)]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        told = [str(error)]
    wrong = [line for line in told if line != "ok"]
    only_indices = bool(wrong) and all("index" in line for line in wrong)
    for line in wrong:
        if only_indices:
            yield Finding(Invariant.DATABASE, line, str(file), "make the indices anew", lambda: _reindex(file))
        else:
            yield Finding(Invariant.DATABASE, line, str(file))


def _foreign(connection: sqlite3.Connection) -> list[tuple[str, int, str, int]]:
    return connection.execute("pragma foreign_key_check").fetchall()


def _reindex(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("reindex")
    connection.close()


def steady_findings(store: Store, row: ListedRun) -> list[Finding]:
    """What is wrong with one run, which may go on, end or be resumed while it is looked at: as it is in the end."""
    while True:
        found = list(run_findings(store, row))
        now = store.known(row.id)
        if now is None or now == row:
            return found
        row = now


def run_findings(store: Store, row: ListedRun) -> Iterator[Finding]:
    """What is wrong with what is recorded of one run."""
    state = RunSoFar()
    numbers = []
    try:
        for entry in store.facts(row.id):
            numbers.append(entry.number)
            state.apply(entry.fact)
            yield from _early_results(row, state, entry.fact)
    except (DagbookError, KeyError, ValueError, TypeError) as error:
        where = f"run {row.id}, fact {len(numbers)}"
        yield Finding(Invariant.HISTORY, f"its story cannot be: {_in_a_line(error)}", where)
        return
    if numbers != list(range(1, len(numbers) + 1)):
        yield Finding(Invariant.HISTORY, "facts are missing from its story", f"run {row.id}")
    yield from _open_ends(store, row, state)


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _early_results(row: ListedRun, state: RunSoFar, fact: object) -> Iterator[Finding]:
    """A result that an attempt left which did not succeed."""
    if isinstance(fact, Changed) and fact.state not in PASSED and fact.detail.get("artifact"):
        words = f"{state.node_runs[fact.id].id} is {fact.state}, and yet its files count as a result"
        yield Finding(Invariant.FAILURES, words, f"run {row.id}")


def _open_ends(store: Store, row: ListedRun, state: RunSoFar) -> Iterator[Finding]:
    where = f"run {row.id}"
    if row.state in OVER:
        for one in _unended(state):
            yield Finding(Invariant.ATTEMPTS, f"{one.id} is still {one.state}, and the run has ended", where)
        if state.state != row.state:
            told = f"the list of runs says {row.state}, its story {state.state}"
            yield Finding(
                Invariant.HISTORY, told, where, "list it as its story says", lambda: _relist(store, row, state)
            )
        return
    if alive(row.process):
        return
    flying = any(one.state in _IN_FLIGHT for one in state.node_runs.values())
    if row.state is RunState.PENDING_APPROVAL and not flying:
        return  # it waits for a person, and nobody runs it meanwhile
    yield Finding(
        Invariant.ATTEMPTS,
        f"it is {row.state}, and its process is gone",
        where,
        "record its end; what is done is kept, and resume goes on",
        lambda: settle(store, row),
    )


def _unended(state: RunSoFar) -> list[NodeRun]:
    return [one for one in state.node_runs.values() if one.state not in ENDED]


def _relist(store: Store, row: ListedRun, state: RunSoFar) -> None:
    with store.writing() as rows:
        as_it_was = (row.id, row.state, row.ended)  # else it has been resumed meanwhile
        wanted = "update runs set state = ?, reason = ? where id = ? and state = ? and ended is ?"
        rows.execute(wanted, (state.state, state.reason, *as_it_was))
