"""Following a run from outside: what is known of it now, and a wait for news."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.errors import MachineError
from ..core.lifecycle import (
    ENDED,
    Answered,
    Changed,
    Created,
    Fact,
    Kept,
    NodeRun,
    Resumed,
    RunChanged,
    RunSoFar,
    RunState,
    State,
)
from .bell import Listening
from .clock import now
from .journal import Shown
from .processes import alive
from .settling import OVER, ends_of, settle
from .store import Entry, RunRow, Store


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
    reading: Shown | None = None
    kept: bool = False  # it stands from before the run was resumed
    story: list[tuple[float, Fact]] = field(default_factory=list)  # all but its tags and images, each with its time

    def seconds(self, now: float) -> float | None:
        """How long the latest attempt has taken up to `now` or its end; None before it started."""
        return None if self.began is None else max((self.ended or now) - self.began, 0.0)


class Follower:
    """Knows a run as the store tells it. `update` takes in what is new, `wait` returns when there may be more.

    Without `outputs` the journals of attempts that are over are not read: of 10,000 node runs these are 10,000 files.
    Without `journals` none is: what is known comes from the facts alone.
    """

    def __init__(self, store: Store, run: str, outputs: bool = True, journals: bool = True) -> None:
        self.store = store
        self._outputs = outputs
        self._journals = journals
        self.row: RunRow = store.run(run)
        self.so_far = RunSoFar()
        self.watched: dict[str, Watched] = {}
        self.entries: list[Entry] = []  # new with the last update
        self._last = 0
        self._past: dict[str, Watched] = {}  # from before the run was resumed
        self.suspended = False
        self._wakers: tuple[socket.socket, socket.socket] | None = None
        self._woken = False  # for good: nothing more will be recorded by this process
        self._begins_again = False
        self._listening: Listening | None = None

    @property
    def over(self) -> bool:
        """True when the run has ended, or when it waits for a decision and nobody runs it meanwhile."""
        return self.suspended or (self.so_far.state in OVER and not self._begins_again)

    def update(self) -> bool:
        """Read what was recorded and printed since the last time; True when something was."""
        self.entries = self.store.facts(self.row.id, self._last)
        for entry in self.entries:
            self._last = entry.number
            self.so_far.apply(entry.fact)
            self._watch(entry.fact, entry.at)
            self.suspended = False
        self._begins_again = self.so_far.state in OVER and self._is_claimed()
        printed = [self._read(watched) for watched in self.watched.values() if watched.reading]
        return bool(self.entries) or any(printed)

    def _is_claimed(self) -> bool:
        """True when a process has taken the ended run over to resume it, and its facts do not tell so yet.

        Asked after the facts were read: an end is recorded together with its facts.
        """
        row = self.store.find(self.row.id)
        return row.ended is None and alive(row.process)

    def _watch(self, fact: Fact, at: float) -> None:
        match fact:
            case Created():
                before = self._past.get(fact.id)
                story = [*(before.story if before else ()), (at, fact)]
                self.watched[fact.id] = Watched(self.so_far.node_runs[fact.id], story=story)
                return
            case Resumed():
                self._past |= self.watched
                self.watched = {}
                return
            case Kept():
                self.watched[fact.id] = self._past.pop(fact.id)
                self.watched[fact.id].kept = True
            case RunChanged():
                return
        watched = self.watched[fact.id]
        watched.version += 1
        if isinstance(fact, Changed | Answered):
            watched.story.append((at, fact))
        if not isinstance(fact, Changed):
            return
        if fact.state is State.STARTING:
            watched.outputs, watched.cell, watched.cells = {}, 0, 0
            watched.began, watched.ended = at, None
            watched.reading = Shown(self.folder_of(watched.run)) if self._journals else None
        elif fact.state in ENDED:
            watched.ended = at
            if fact.state is State.CACHED and self._journals:
                watched.reading = Shown(self.folder_of(watched.run))  # what it showed when it ran
            if watched.reading and self._outputs:
                self._read(watched)
            watched.reading = None

    def _read(self, watched: Watched) -> bool:
        assert watched.reading is not None
        found = watched.reading.update()
        watched.outputs, watched.cell, watched.cells = (
            watched.reading.outputs,
            watched.reading.cell,
            watched.reading.cells,
        )
        watched.version += found
        return found > 0

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
        """Where the latest attempt of a node run, or the one that stands for it, keeps its notebook and journal."""
        earlier = run.detail.get("from")
        if run.state is State.CACHED and earlier:
            return self.store.attempt_folder(earlier["run"], earlier["node_run"], earlier["attempt"])
        return self.store.attempt_folder(self.row.id, run.id, max(run.attempt, 1))

    def wait(self, seconds: float = 1.0) -> None:
        """Return when there may be news, at the latest after `seconds`; settles a run whose process has died."""
        if listening := self.listening():
            listening.wait(seconds, self._wakers[0] if self._wakers else None)

    def listening(self) -> Listening | None:
        """The ear for news of the run; None when there is something to look at now. Settles it as `wait` does."""
        if self._listening is None or not self._listening.connected:
            self.row = self.store.run(self.row.id)
            self._listening = Listening(self.row.process.get("bell"))
            if not self._listening.connected:
                if self.settle():
                    return None
                self.suspended = self.so_far.state is RunState.PENDING_APPROVAL and not alive(self.row.process)
                if self.suspended:
                    return None
        return self._listening

    def settle(self) -> bool:
        """Take in the end of a run whose process has died; where the store takes nothing, it is known only here."""
        row = self.store.find(self.row.id)
        try:
            if not settle(self.store, row):
                return False
            self.row = self.store.run(row.id)
            return True
        except MachineError:
            unrecorded = ends_of(row, self.so_far)
            for fact in unrecorded:
                self.so_far.apply(fact)
                self._watch(fact, now())
            self.row = replace(self.row, state=self.so_far.state, reason=self.so_far.reason)
            return bool(unrecorded)

    def waker(self) -> Callable[[], None]:
        """A call that ends every wait from now on: whoever follows need not listen any more.

        The run is over, or its process could not even record its end.
        """
        self._wakers = _, other = socket.socketpair()

        def wake() -> None:
            self._woken = True
            with contextlib.suppress(OSError):  # nobody waits any more
                other.send(b"!")

        return wake

    def follow(self, idle: bool = False) -> Iterator[None]:
        """Yields after each piece of news until the run is over, the last time with everything known.

        With `idle` also when a wait brought no news, once a second at most.
        """
        while True:
            last = self._woken  # before looking: what was recorded until then is seen
            changed = self.update()
            over = self.over or last
            if changed or over or idle:
                yield
            if over:
                self.close()
                return
            self.wait()

    def close(self) -> None:
        """Stop listening."""
        for one in self._wakers or ():
            one.close()
        self._wakers = None
        if self._listening:
            self._listening.close()
