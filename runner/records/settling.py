"""Settling: the end of a run whose process is gone, written by whoever notices."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..core.errors import MachineError
from ..core.lifecycle import (
    ENDED,
    Answered,
    Changed,
    Fact,
    NodeRun,
    RunChanged,
    RunSoFar,
    RunState,
    State,
    so_far,
)
from .bell import bells, bells_of, take_down
from .failpoints import failpoint
from .processes import alive
from .run_rows import ListedRun
from .store import Store
from .store_folder import StoreUnreadable

OVER = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.REJECTED})
UNRECORDED = "; this cannot be recorded now"  # the store takes nothing: dagbook doctor tells why
_WHY = "the run's process ended without a word (killed, or the machine stopped)"


def settle(store: Store, row: ListedRun) -> bool:
    """Write the end of a run whose process died without one: attempts in flight are lost. True when it did so.

    A run that waits for somebody's decision goes on waiting: it can be resumed.
    """
    if row.state in OVER or alive(row.process):
        return False
    return _write(store, row, _deaths)


def settle_if_it_can(store: Store, row: ListedRun) -> bool:
    """The same for who only looks: where nothing can be recorded, as on a full disk, the run is left as it is."""
    try:
        return settle(store, row)
    except MachineError:
        return False


def listed(store: Store, most: int = 20, pipeline: str | None = None) -> list[ListedRun]:
    """The latest runs as they are, newest first: settled, or told to be over where that cannot be recorded."""
    with contextlib.suppress(MachineError):
        settle_all(store)
    return [_as_it_is(row) for row in store.latest(most, pipeline)]


def _as_it_is(row: ListedRun) -> ListedRun:
    if row.state is RunState.RUNNING and not alive(row.process):
        return replace(row, state=RunState.FAILED, reason=f"{_WHY}{UNRECORDED}")
    return row


def ends_of(row: ListedRun, run: RunSoFar) -> list[Fact]:
    """What would be recorded of a run whose process is gone; nothing while it lives, or waits for a decision."""
    if run.state in OVER or alive(row.process):
        return []
    return list(_deaths(run, f"{_WHY}{UNRECORDED}"))


def dead_bells(store: Store) -> Iterator[tuple[str, Path]]:
    """The folders of sockets that processes which are gone have left, each with its run.

    Those of a process that lives and has not yet said which is its own are not among them.
    """
    for id, folders in bells().items():  # looked for first: a process has its run before it makes one
        row = store.known(id)
        if row is None or (alive(row.process) and not row.process.get("bell")):
            continue
        own = Path(row.process["bell"]).parent if alive(row.process) else None
        for folder in folders:
            if folder != own:
                yield id, folder


def break_off(store: Store, row: ListedRun, why: str) -> None:
    """Write the end of a run of this process that cannot go on; attempts in flight are lost. Raises MachineError."""
    _write(store, row, partial(_deaths, why=why))


def settle_all(store: Store) -> list[str]:
    """Settle every run of the store whose process is gone, and take their sockets away; returns their ids.

    A run whose story cannot be read is left as it is: it keeps nobody from the others, and the auditor tells of it.
    """
    for id, folder in dead_bells(store):  # their runs may have ended already: nothing is left to settle
        take_down(id, folder)
    settled = []
    for row in store.live_runs():
        with contextlib.suppress(StoreUnreadable):
            if settle(store, row):
                settled.append(row.id)
    return settled


def end_waiting(store: Store, row: ListedRun, state: RunState, reason: str, answer: Answered | None = None) -> bool:
    """End a run that nobody runs and that waits for a decision: cancelled, or rejected by `answer`."""
    if row.state in OVER or alive(row.process):
        return False

    def ends(run: RunSoFar) -> Iterator[Fact]:
        yield from _in_flight(run)
        if answer is not None:
            yield answer
            yield Changed(answer.id, State.REJECTED, 0, reason)
        for one in run.node_runs.values():
            flying = one.state in (State.STARTING, State.RUNNING)
            if one.state not in ENDED and not flying and not (answer and answer.id == one.id):
                yield Changed(one.id, State.CANCELLED, one.attempt, reason)
        yield RunChanged(state, reason)

    return _write(store, row, ends)


def _write(store: Store, row: ListedRun, ends: Callable[[RunSoFar], Iterator[Fact]]) -> bool:
    from sqlite3 import IntegrityError

    entries = store.facts(row.id)
    state, last = so_far(entry.fact for entry in entries), entries[-1].number if entries else 0
    # A run that is over by its facts was about to be resumed when its process died: it is as it was before.
    again = [RunChanged(state.state, state.reason)] if state.state in OVER else ends(state)
    facts: list[Fact] = list(again)
    if not facts:
        return False
    failpoint("run.settle")
    left = bells_of(row.id)  # before it may be resumed, which makes another
    try:
        if store.append(row.id, last, facts, held_by=row.process) == last:
            return False  # it has ended meanwhile, or was resumed
    except IntegrityError:
        return False  # somebody else settled it at the same moment
    for folder in {*left, *([Path(row.process["bell"]).parent] if row.process.get("bell") else [])}:
        take_down(row.id, folder)
    return True


def _deaths(run: RunSoFar, why: str = _WHY) -> Iterator[Fact]:
    yield from _in_flight(run, why)
    if any(one.state is State.PENDING_APPROVAL for one in run.node_runs.values()):
        return
    for one in run.node_runs.values():
        if one.state not in ENDED and one.state not in (State.STARTING, State.RUNNING):
            yield Changed(one.id, State.CANCELLED, one.attempt, why)
    yield RunChanged(RunState.FAILED, why)


def _in_flight(run: RunSoFar, why: str = _WHY) -> Iterator[Fact]:
    flying: list[NodeRun] = [one for one in run.node_runs.values() if one.state in (State.STARTING, State.RUNNING)]
    for one in flying:
        yield Changed(one.id, State.LOST, one.attempt, why)
