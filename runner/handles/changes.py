"""Following runs: each change of state as an event, of one run or of many at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ..core.lifecycle import Changed, RunChanged, RunState, State
from ..records.bell import FALLBACK_SECONDS, wait_for_any
from ..records.follow import Follower

if TYPE_CHECKING:
    from .node_run import NodeRun
    from .run import Run


@dataclass(frozen=True)
class Change:
    """A node run, or where `node_run` is None the whole run, has come into `state` at `time`.

    `node_run` is as it was known when the change was told, which may be later than the change itself.
    """

    run: Run
    node_run: NodeRun | None
    state: State | RunState
    time: datetime

    def __str__(self) -> str:
        return f"{self.run.pipeline} {self.run.id}  {self.node_run or 'run'}  {self.state.replace('_', ' ')}"


class Waited(NamedTuple):
    """What `wait` came to: the runs that are over, and those that go on."""

    done: list[Run]
    not_done: list[Run]


def follow(runs: Iterable[Run], timeout: float | None = None) -> Iterator[Change]:
    """Each change of these runs from their beginnings on, until all are over.

        for change in dagbook.follow(runs):
            print(change)

    Raises TimeoutError after `timeout` seconds.
    """
    for _, told in _news(list(runs), timeout):
        yield from told


def as_completed(runs: Iterable[Run], timeout: float | None = None) -> Iterator[Run]:
    """The runs, each as soon as it is over.

        for run in dagbook.as_completed(runs):
            print(run.pipeline, run.state)

    Raises TimeoutError after `timeout` seconds.
    """
    for over, _ in _news(list(runs), timeout):
        if over is not None:
            yield over


def wait(runs: Iterable[Run], timeout: float | None = None) -> Waited:
    """Wait until all runs are over, or `timeout` seconds have passed; gives (done, not_done). Ctrl-C stops waiting."""
    wanted = list(runs)
    try:
        done = set(as_completed(wanted, timeout))
    except TimeoutError:
        done = {run for run in wanted if run.over}
    return Waited([run for run in wanted if run in done], [run for run in wanted if run not in done])


def _news(runs: list[Run], timeout: float | None) -> Iterator[tuple[Run | None, list[Change]]]:
    """What is new, run by run; the run itself with its last news. Waits for the runs' bells in between."""
    until = None if timeout is None else time.monotonic() + timeout
    left = {run: Follower(run._store, run.id, outputs=False, journals=False) for run in runs}
    try:
        while left:
            for run, follower in list(left.items()):
                follower.update()
                over = follower.over
                if over:
                    left.pop(run).close()
                yield run if over else None, _changes(run, follower)
            _wait(left.values(), until)
    finally:
        for follower in left.values():
            follower.close()


def _wait(followers: Iterable[Follower], until: float | None) -> None:
    """Return when there may be news. Raises TimeoutError when it is later than `until`."""
    ears = [follower.listening() for follower in followers]
    seconds = FALLBACK_SECONDS if until is None else min(FALLBACK_SECONDS, until - time.monotonic())
    if ears and seconds <= 0:
        raise TimeoutError(f"{len(ears)} {'run' if len(ears) == 1 else 'runs'} still going on")
    if ears and all(ears):
        wait_for_any([ear for ear in ears if ear is not None], seconds)


def _changes(run: Run, follower: Follower) -> list[Change]:
    from .node_run import NodeRun

    found = []
    for entry in follower.entries:
        when = datetime.fromtimestamp(entry.at, UTC).astimezone()
        if isinstance(entry.fact, RunChanged):
            found.append(Change(run, None, entry.fact.state, when))
        elif isinstance(entry.fact, Changed) and entry.fact.id in follower.so_far.node_runs:
            told = NodeRun.of(follower, follower.so_far.node_runs[entry.fact.id])
            found.append(Change(run, told, entry.fact.state, when))
    return found
