"""What a node run did when, from its facts: it waited, it was asked about, its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..core.lifecycle import ENDED, Changed, Created, State
from ..records.follow import Watched

_UNDER_WAY = frozenset({State.STARTING, State.RUNNING})


class Doing(StrEnum):
    """What goes on during a bar."""

    WAITS = "waits"  # its parents are done, and it has not started: for room, or to be tried again
    ASKS = "asks"  # somebody is to decide whether it may start
    RUNS = "runs"  # an attempt
    COMES = "comes"  # nothing yet: when it is expected to be under way


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time of a node run, in seconds since the epoch.

    `state` is how its attempt ended or stands; `attempt` counts from 1; `open` is True while it goes on.
    """

    id: str
    doing: Doing
    begin: float
    end: float
    state: State
    attempt: int = 0
    open: bool = False


def bars_of(watched: Watched, now: float) -> list[Bar]:
    """The bars of a node run up to `now`, in order of time. What took no time at all is a bar, too, if it ended.

    One that was cached waited for nothing but to be looked up.
    """
    bars = _bars(watched.run.id, _moments(watched), now)
    return [bar for bar in bars if bar.doing is not Doing.WAITS or watched.run.state is not State.CACHED]


def _moments(watched: Watched) -> list[tuple[float, State, int]]:
    """When it came to be in which state, and in which attempt."""
    found = []
    for at, fact in watched.story:
        if isinstance(fact, Created):
            found.append((at, State.WAITING, 0))
        elif isinstance(fact, Changed):
            found.append((at, fact.state, fact.attempt))
    return found


def _bars(id: str, moments: list[tuple[float, State, int]], now: float) -> Iterator[Bar]:
    begun: tuple[float, int] | None = None  # the attempt that goes on
    for number, (at, state, attempt) in enumerate(moments):
        last = number + 1 == len(moments)
        until = now if last else moments[number + 1][0]
        if state is State.STARTING or (state is State.RUNNING and begun is None):
            begun = at, attempt
        if state in _UNDER_WAY and last:
            began, attempt = begun or (at, attempt)
            yield Bar(id, Doing.RUNS, began, max(until, began), state, attempt, open=True)
        elif state in ENDED:
            if begun or state is State.CACHED:
                began, attempt = begun or (at, attempt)
                yield Bar(id, Doing.RUNS, began, at, state, attempt)
            begun = None
        elif state not in _UNDER_WAY and until > at:
            if begun and state is State.PENDING_APPROVAL:  # a pipeline that is a node, and somebody within it is asked
                yield Bar(id, Doing.RUNS, begun[0], at, State.RUNNING, begun[1])
                begun = None
            doing = Doing.ASKS if state is State.PENDING_APPROVAL else Doing.WAITS
            yield Bar(id, doing, at, until, state, attempt, open=last)
