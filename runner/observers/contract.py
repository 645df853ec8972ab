"""What an observer of a run is given, and what it has to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..core.errors import Problem
from ..core.model import Pipeline
from ..records.follow import Follower
from ..records.run_notes import note
from ..records.store import Store


@dataclass(frozen=True, slots=True)
class Sight:
    """The run that an observer sees, and whom it tells what went wrong.

    `over` is set when nothing more will happen in the run's process, `left` when nobody waits for the observer any
    more. `follower` has what was before the run began, or began again, in its `entries` at first.
    """

    store: Store
    run: str
    pipeline: Pipeline
    follower: Follower
    say: Callable[[str], None]
    over: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        """The folder of the store."""
        return self.store.folder

    def warn(self, found: Problem) -> None:
        """Tell what stops nothing: in a line now, and in the run's record."""
        warn(self.store, self.run, self.say, found)

    def keep(self, name: str, **facts: Any) -> None:
        """Keep facts of the observer `name` in the run's record."""

        def keep(record: dict[str, Any]) -> None:
            record.setdefault("observers", {}).setdefault(name, {}).update(facts)

        note(self.store, self.run, keep)


def warn(store: Store, run: str, say: Callable[[str], None], found: Problem) -> None:
    """Tell what stops nothing: in a line now, and in the run's record. Raises MachineError."""
    say(found.describe())
    note(store, run, lambda record: record.setdefault("warnings", []).append(found.as_json()))


class Observer(Protocol):
    """Sees one run, from a thread of its own: `begin`, then `news` after each piece of it, then `end`.

    None of them may change the run. What they raise is told, and ends the observer alone.
    """

    @property
    def name(self) -> str:
        """By what it is called in messages."""

    @property
    def moved(self) -> float:
        """When something last went through (`time.monotonic`): who makes no headway is not waited for."""

    def begin(self, sight: Sight) -> None:
        """The run is about to begin."""

    def news(self) -> None:
        """There may be news; also called about once a second without."""

    def end(self) -> None:
        """Nothing more will happen: return when all is told, or when `Sight.left` is set."""

    def unsaid(self) -> Problem | None:
        """What could not be told, when it is not waited for any more."""
