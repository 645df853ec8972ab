"""A made-up world for the scheduler: it answers its actions in random order.

What a node run comes to follows from where it comes from alone (its key and a seed), never from ids, times or order,
so that a slow oracle can say beforehand how a run must end.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from dagbook.runner.core.events import (
    Action,
    Answer,
    AttemptEnded,
    AttemptRuns,
    Begin,
    End,
    Event,
    Found,
    Look,
    RetryDue,
    Start,
    TryLater,
)
from dagbook.runner.core.lifecycle import Created, Fact, NodeRun, State, Tagged
from dagbook.runner.core.scheduler import Scheduler
from dagbook.runner.core.values import Value

NONE = "none"  # what stands for the choice of a node of which no run came to be
MEASURES: tuple[Value, ...] = (1, 2, 2, 3, 3.0, 0.5, -1, float("nan"), float("inf"), "high", "2", None, True, 10**400)
LISTS: tuple[Value, ...] = ("7", "7,8", " 7, eight ,9", "7,8", [7, 8], 7, "", [])


def key_of(
    title: str,
    own: Mapping[str, Value],
    parents: Mapping[str, str],
    gathered: Mapping[str, Iterable[str]],
    waited: Mapping[str, Iterable[str]],
) -> str:
    """What a node run is: its node, its own values, and the keys of the runs before it."""
    several = [sorted((name, sorted(keys)) for name, keys in runs.items()) for runs in (gathered, waited)]
    text = repr((sorted((name, repr(value)) for name, value in own.items()), sorted(parents.items()), several))
    return f"{title}:{hashlib.sha1(text.encode()).hexdigest()[:16]}"


def keys_of(created: Iterable[Created], parents_of: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The keys by node run id; in order of creation."""
    keys: dict[str, str] = {}
    for one in created:
        before = {title: keys[id] for title, id in one.parents.items()}
        gathered = {title: [keys[id] for id in ids] for title, ids in one.gathered.items()}
        waited = {title: [keys[id] for id in ids] for title, ids in one.waited.items()}
        if parents_of[one.node] and not (before or gathered or waited):
            keys[one.id] = f"{one.node}:{NONE}"
        else:
            keys[one.id] = key_of(one.node, one.route.get(one.node, {}), before, gathered, waited)
    return keys


@dataclass(frozen=True)
class Outcome:
    """What a node run comes to: so many attempts are broken before one ends well, and what each logs."""

    failures: int
    broken: State
    tags: Mapping[str, Value]
    logs_when_broken: bool


def outcome_of(key: str, seed: int, failing: float = 0.15) -> Outcome:
    """The outcome for a key: a number `m`, a list `l`, and failures; each may be missing."""
    chance = random.Random(f"{seed} {key}")
    failures = chance.choice([1, 1, 9]) if chance.random() < failing else 0
    tags: dict[str, Value] = {}
    if chance.random() < 0.9:
        tags["m"] = chance.choice(MEASURES)
    if chance.random() < 0.9:
        tags["l"] = chance.choice(LISTS)
    return Outcome(failures, chance.choice([State.FAILED, State.TIMED_OUT, State.LOST]), tags, chance.random() < 0.5)


@dataclass
class World:
    """Plays one run, in an order that `fate` decides; `approves` says yes to whatever is pending."""

    seed: int
    fate: random.Random
    failing: float = 0.15
    approves: bool = True
    facts: list[Fact] = field(default_factory=list)
    started: list[tuple[str, int]] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    # One series of events for each thing that goes on; any of them may be the next to move.
    pending: list[deque[Event]] = field(default_factory=list)

    def begin(self, scheduler: Scheduler, resumed_by: str = "") -> None:
        """Start a run, or go on with one of which nothing but the facts is left."""
        self.pending = []
        self.tell(scheduler, Begin(resumed_by))

    def play(self, scheduler: Scheduler, steps: int | None = None) -> None:
        """Let things happen until nothing is left to happen, or for so many steps."""
        while self.pending and steps != 0:
            self.step(scheduler)
            steps = None if steps is None else steps - 1

    def step(self, scheduler: Scheduler) -> Event:
        """Let one thing happen."""
        series = self.pending[self.fate.randrange(len(self.pending))]
        event = series.popleft()
        if not series:
            self.pending = [other for other in self.pending if other is not series]
        self.tell(scheduler, event)
        return event

    def tell(self, scheduler: Scheduler, event: Event) -> None:
        """Tell the scheduler, and take its actions up."""
        self.told.append(event)
        decision = scheduler.handle(event)
        self.facts += decision.facts
        for fact in decision.facts:
            if getattr(fact, "state", None) is State.PENDING_APPROVAL and self.approves:
                plan = scheduler.run.node_runs[fact.id].created.plan  # type: ignore[union-attr]
                answer = Answer(fact.id, True, "leah", "a test", plan)  # type: ignore[union-attr]
                self.pending.append(deque([answer]))
        for action in decision.actions:
            self._take_up(scheduler, action)

    def _take_up(self, scheduler: Scheduler, action: Action) -> None:
        match action:
            case Start():
                self.started.append((action.id, action.attempt))
                self.pending.append(deque(self._attempt(scheduler, action)))
            case TryLater():
                self.pending.append(deque([RetryDue(action.id)]))
            case Look():
                self.pending.append(deque([Found(action.id)]))
            case End():
                self.pending = [one for one in self.pending if getattr(one[0], "id", None) != action.id]
                attempt = scheduler.run.node_runs[action.id].attempt
                self.pending.append(deque([AttemptEnded(action.id, attempt, State.CANCELLED)]))

    def _attempt(self, scheduler: Scheduler, start: Start) -> Iterable[Event]:
        run = scheduler.run.node_runs[start.id]
        outcome = outcome_of(self.key(scheduler, run), self.seed, self.failing)
        breaks = start.attempt - run.tried_before <= outcome.failures
        yield AttemptRuns(start.id, start.attempt)
        if outcome.logs_when_broken or not breaks:
            yield from (Tagged(start.id, name, value) for name, value in outcome.tags.items())
        if breaks:
            yield AttemptEnded(start.id, start.attempt, outcome.broken)
        else:
            yield AttemptEnded(start.id, start.attempt, State.SUCCEEDED, detail={"artifact": artifact_of(run.created)})

    def key(self, scheduler: Scheduler, run: NodeRun) -> str:
        """The key of a node run."""
        return self.keys(scheduler)[run.id]

    @staticmethod
    def keys(scheduler: Scheduler) -> dict[str, str]:
        """The keys of all node runs so far, by id."""
        parents_of = {title: node.after for title, node in scheduler._nodes.items()}
        runs = scheduler.run.node_runs
        ordered: dict[str, Created] = {}

        def add(id: str) -> None:
            if id not in ordered:
                for other in runs[id].created.before():
                    add(other)
                ordered[id] = runs[id].created

        for id in runs:
            add(id)
        return keys_of(ordered.values(), parents_of)


def artifact_of(created: Created) -> str:
    """What a node run leaves: the same for the same parameters at the same place."""
    text = repr((created.node, created.coordinates, sorted((name, repr(v)) for name, v in created.params.items())))
    return hashlib.sha1(text.encode()).hexdigest()
