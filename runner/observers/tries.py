"""A run as a list of tries: each attempt of a node run, and each earlier result that stands for one. Pure.

A node run forgets its earlier attempts when it is tried again; who keeps a record of each follows the facts with this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..core.lifecycle import (
    ENDED,
    PASSED,
    Answered,
    Changed,
    Created,
    Fact,
    Kept,
    Pictured,
    Resumed,
    RunChanged,
    State,
    Tagged,
)
from ..core.model import Kind, Pipeline
from ..core.values import Value
from ..records.store import Entry


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a metric, or a tag (`step` None); `at` in seconds since the epoch."""

    name: str
    value: Value
    step: float | None
    at: float


@dataclass(slots=True)
class Try:
    """An attempt of a node run, or (`attempt` 0) an earlier result that stands for it.

    `key` names it among all tries of its run, the same whenever the facts are read.
    """

    key: str
    created: Created
    attempt: int
    began: float
    state: State
    ended: float | None = None
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    pictures: list[tuple[str, float, str]] = field(default_factory=list)  # name, step, file


@dataclass(frozen=True, slots=True)
class Untried:
    """A node run that never ran, nor had a result to stand for it: why."""

    created: Created
    state: State
    reason: str


class Tries:
    """Follows the facts of one run. Datasets are no tries: what they held is in `datasets`, by title."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._data = {node.title for node in pipeline.nodes if node.kind is Kind.DATA}
        self._created: dict[str, Created] = {}
        self._now: dict[str, Try] = {}  # by node run: the latest, while facts may still be about it
        self.all: dict[str, Try] = {}  # by key, in the order in which they began
        self.untried: dict[str, Untried] = {}
        self.datasets: dict[str, str] = {}

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in what was recorded."""
        for entry in entries:
            self._take(entry.fact, entry)

    def _take(self, fact: Fact, entry: Entry) -> None:
        match fact:
            case Created():
                self._created[fact.id] = fact
                self._now.pop(fact.id, None)
            case Changed():
                self._change(self._created[fact.id], fact, entry)
            case Tagged():
                if one := self._now.get(fact.id):
                    one.points.append(Point(fact.name, fact.value, fact.step, entry.at))
            case Pictured():
                if one := self._now.get(fact.id):
                    one.pictures.append((fact.name, fact.step, fact.file))
            case Resumed():
                self._now, self.untried = {}, {}
            case Kept() | Answered() | RunChanged():
                pass

    def _change(self, created: Created, fact: Changed, entry: Entry) -> None:
        if created.node in self._data:
            self._change_data(created, fact)
        elif fact.state is State.STARTING:
            self._begin(Try(f"{fact.id}/{fact.attempt}", created, fact.attempt, entry.at, fact.state))
        elif fact.state is State.CACHED:
            found = Try(f"{fact.id}/cached-{entry.number}", created, 0, entry.at, fact.state)
            self._begin(found)
            _end(found, fact, entry.at)
        elif one := self._now.get(fact.id):
            if fact.state is State.QUEUED:  # it is tried again
                del self._now[fact.id]
            elif fact.state in ENDED and one.ended is None:  # else the run was ended before it was tried again
                _end(one, fact, entry.at)
            elif one.ended is None:
                one.state = fact.state
        elif fact.state in ENDED:
            self.untried[fact.id] = Untried(created, fact.state, fact.reason)

    def _begin(self, one: Try) -> None:
        self.all[one.key] = self._now[one.created.id] = one

    def _change_data(self, created: Created, fact: Changed) -> None:
        if fact.state in PASSED:
            self.datasets[created.node] = str(fact.detail.get("artifact", ""))
        elif fact.state in ENDED:
            self.untried[fact.id] = Untried(created, fact.state, fact.reason)


def _end(one: Try, fact: Changed, at: float) -> None:
    one.state, one.reason, one.ended = fact.state, fact.reason, at
    one.detail.update(fact.detail)
