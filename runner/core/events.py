"""What the engine tells the scheduler (events), and what it is told to do (actions)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .lifecycle import Fact, State, Tagged
from .values import Value


@dataclass(frozen=True, slots=True)
class Begin:
    """The run starts; told once, first."""


@dataclass(frozen=True, slots=True)
class AttemptRuns:
    """The attempt's kernel answers, or its command runs."""

    id: str
    attempt: int


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
class Cancel:
    """Somebody ends the run. `reason` says who and how."""

    reason: str


Event = Begin | AttemptRuns | AttemptEnded | RetryDue | Cancel | Tagged


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run recorded of a node run that now stands for it."""

    detail: Mapping[str, Any]
    tags: Mapping[str, Value]


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


Action = Start | End | TryLater


@dataclass(slots=True)
class Decision:
    """What follows from an event: facts to record first, then actions to perform, both in order."""

    facts: list[Fact] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
