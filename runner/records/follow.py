"""Following a run from outside: what is known of it now, and a wait for news."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.lifecycle import (
    ENDED,
    Changed,
    Created,
    Fact,
    NodeRun,
    RunChanged,
    RunSoFar,
    RunState,
    State,
)
from .bell import Listening
from .journal import Reading, fold
from .processes import alive
from .store import Entry, RunRow, Store

OVER = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.REJECTED})


@dataclass(slots=True)
class Watched:
    """What a follower knows of one node run besides its facts: its outputs, times, and cell progress.

    `outputs` are in nbformat's shape, by the node's cell; `began` and `ended` in seconds since the epoch.
    """

    run: NodeRun
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    cell: int = 0
    cells: int = 0
    began: float | None = None
    ended: float | None = None
    version: int = 0  # grows with everything that changes what is shown
    reading: Reading | None = None

    def seconds(self, now: float) -> float | None:
        """How long the latest attempt has taken up to `now` or its end; None before it started."""
        return None if self.began is None else (self.ended or now) - self.began


class Follower:
    """Knows a run as the store tells it. `update` takes in what is new, `wait` returns when there may be more."""

    def __init__(self, store: Store, run: str) -> None:
        self.store = store
        self.row: RunRow = store.run(run)
        self.so_far = RunSoFar()
        self.watched: dict[str, Watched] = {}
        self.entries: list[Entry] = []  # new with the last update
        self._last = 0
        self._listening: Listening | None = None

    @property
    def over(self) -> bool:
        """True when the run has ended."""
        return self.so_far.state in OVER

    def update(self) -> bool:
        """Read what was recorded and printed since the last time; True when something was."""
        self.entries = self.store.facts(self.row.id, self._last)
        for entry in self.entries:
            self._last = entry.number
            self.so_far.apply(entry.fact)
            self._watch(entry.fact, entry.at)
        printed = [self._read(watched) for watched in self.watched.values() if watched.reading]
        return bool(self.entries) or any(printed)

    def _watch(self, fact: Fact, at: float) -> None:
        if isinstance(fact, Created):
            self.watched[fact.id] = Watched(self.so_far.node_runs[fact.id])
            return
        if isinstance(fact, RunChanged):
            return
        watched = self.watched[fact.id]
        watched.version += 1
        if not isinstance(fact, Changed):
            return
        if fact.state is State.STARTING:
            watched.outputs, watched.cell, watched.cells = {}, 0, 0
            watched.began, watched.ended = at, None
            watched.reading = Reading(self.folder_of(watched.run))
        elif fact.state in ENDED:
            watched.ended = at
            if watched.reading:
                self._read(watched)
                watched.reading = None

    def _read(self, watched: Watched) -> bool:
        assert watched.reading is not None
        messages = watched.reading.new()
        for message in messages:
            watched.cell = message["cell"]
            if message["output_type"] == "progress":
                watched.cells = message["cells"]
            else:
                fold([message], watched.outputs.setdefault(message["cell"], []))
        watched.version += len(messages)
        return bool(messages)

    def listed(self) -> list[Watched]:
        """The node runs that there are, node by node in order of first creation, each node's in order of routes."""
        nodes: dict[str, int] = {}
        for one in self.watched.values():
            nodes.setdefault(one.run.node, len(nodes))
        return sorted(self.watched.values(), key=lambda one: (nodes[one.run.node], one.run.created.coordinates))

    def cell_of(self, title: str) -> int | None:
        """The position of the node's cell in the notebook it was read from, where that is known."""
        nodes = self.row.record["pipeline"]["nodes"]
        return next((node["cell"] for node in nodes if node["title"] == title), None)

    def folder_of(self, run: NodeRun) -> Path:
        """Where the latest attempt of a node run keeps its notebook and journal."""
        return self.store.attempt_folder(self.row.id, run.id, max(run.attempt, 1))

    def wait(self, seconds: float = 1.0) -> None:
        """Return when there may be news, at the latest after `seconds`; settles a run whose process has died."""
        if self._listening is None or not self._listening.connected:
            self.row = self.store.run(self.row.id)
            self._listening = Listening(self.row.process.get("bell"))
            if not self._listening.connected and settle(self.store, self.row):
                return
        self._listening.wait(seconds)

    def follow(self, idle: bool = False) -> Iterator[None]:
        """Yields after each piece of news until the run is over, the last time with everything known.

        With `idle` also when a wait brought no news, once a second at most.
        """
        while True:
            changed = self.update()
            over = self.over
            if changed or over or idle:
                yield
            if over:
                self.close()
                return
            self.wait()

    def close(self) -> None:
        """Stop listening."""
        if self._listening:
            self._listening.close()


def settle(store: Store, row: RunRow) -> bool:
    """Write the end of a run whose process died without one: attempts in flight are lost. True when it did so."""
    from sqlalchemy.exc import IntegrityError

    if row.state in OVER or alive(row.process):
        return False
    entries = store.facts(row.id)
    if any(isinstance(e.fact, RunChanged) and e.fact.state in OVER for e in entries):
        return False
    state = RunSoFar()
    for entry in entries:
        state.apply(entry.fact)
    why = "the run's process ended without a word (killed, or the machine stopped)"
    facts: list[Fact] = []
    for run in state.node_runs.values():
        if run.state in (State.STARTING, State.RUNNING):
            facts.append(Changed(run.id, State.LOST, run.attempt, why))
        elif run.state not in ENDED:
            facts.append(Changed(run.id, State.CANCELLED, run.attempt, why))
    facts.append(RunChanged(RunState.FAILED, why))
    try:
        store.append(row.id, entries[-1].number if entries else 0, facts)
    except IntegrityError:
        return False  # somebody else settled it at the same moment
    if bell := row.process.get("bell"):
        shutil.rmtree(Path(bell).parent, ignore_errors=True)
    return True


def settle_all(store: Store) -> list[str]:
    """Settle every run of the store whose process is gone; returns their ids."""
    return [row.id for row in store.live_runs() if settle(store, row)]
