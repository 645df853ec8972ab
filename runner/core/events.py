"""What the engine tells the scheduler (events), and what it is told to do (actions)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .lifecycle import Fact, Pictured, State, Tagged
from .values import Value


@dataclass(frozen=True, slots=True)
class Begin:
    """The run starts, or begins again (`resumed_by`: who and how); told once, first."""

    resumed_by: str = ""


@dataclass(frozen=True, slots=True)
class AttemptRuns:
    """The attempt's kernel answers, or its command runs; or what waited for somebody's decision goes on."""

    id: str
    attempt: int
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptAsks:
    """The attempt, that of a pipeline which is a node, waits for somebody's decision; meanwhile it needs no room."""

    id: str
    attempt: int
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """The attempt is over, in one of the states succeeded, failed, timed_out, lost, cancelled."""

    id: str
    attempt: int
    state: State
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The back-off of a node run is over."""

    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a node run that was looked up: an earlier result that stands for it, or why there is none."""

    id: str
    earlier: Earlier | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody decided whether a pending node run may start; of no effect when it is not pending, or not so planned."""

    id: str
    approved: bool
    by: str
    how: str
    plan: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody ends the run. `reason` says who and how."""

    reason: str


Event = Begin | AttemptRuns | AttemptAsks | AttemptEnded | RetryDue | Cancel | Tagged | Pictured | Found | Answer


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run recorded of a node run that now stands for it."""

    detail: Mapping[str, Any]
    tags: Mapping[str, Value]
    metrics: Mapping[str, Sequence[tuple[float, Value]]] = field(default_factory=dict)
    images: Mapping[str, Sequence[tuple[float, str]]] = field(default_factory=dict)

    def logged(self, id: str) -> Iterator[Tagged | Pictured]:
        """What it logged, as facts of the node run `id`."""
        for name, value in self.tags.items():
            if not self.metrics.get(name):
                yield Tagged(id, name, value)
        for name, points in self.metrics.items():
            for step, value in points:
                yield Tagged(id, name, value, step)
        for name, shown in self.images.items():
            for step, file in shown:
                yield Pictured(id, name, step, file)


@dataclass(frozen=True, slots=True)
class Look:
    """Look for an earlier result of this node run, and say `Found`."""

    id: str


@dataclass(frozen=True, slots=True)
class Start:
    """Run this attempt; its inputs are the artifacts of `parents` (node title -> run id) and, all runs of a node at
    once, of `gathered`."""

    id: str
    attempt: int
    parents: Mapping[str, str]
    gathered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """End the attempt that is under way; `AttemptEnded` follows."""

    id: str


@dataclass(frozen=True, slots=True)
class TryLater:
    """Say `RetryDue` after `seconds`."""

    id: str
    seconds: float


Action = Look | Start | End | TryLater


@dataclass(slots=True)
class Decision:
    """What follows from an event: facts to record first, then actions to perform, both in order."""

    facts: list[Fact] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
