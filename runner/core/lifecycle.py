"""States of node runs and runs, the legal changes between them, and the facts that a run leaves behind.

Every change is a fact, appended in order; the state is what the facts say (`RunSoFar.apply`). The scheduler, the
store, the command line, the notebook and the tests all read the same facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from .errors import IllegalChange
from .values import Value


class State(StrEnum):
    """Where a node run is."""

    WAITING = "waiting"  # it exists: its parents' runs are decided
    PENDING_APPROVAL = "pending_approval"  # a person must say yes first
    QUEUED = "queued"  # it may start as soon as there is room
    STARTING = "starting"  # its container or process is being made
    RUNNING = "running"  # its kernel answers, its cells run
    SUCCEEDED = "succeeded"  # it ended well and its artifact is published
    FAILED = "failed"  # its code raised, or its kernel died
    TIMED_OUT = "timed_out"  # it ran longer than --timeout and was ended
    CANCELLED = "cancelled"  # it was ended, or never started, because the run was
    LOST = "lost"  # it vanished for a cause outside of it
    CACHED = "cached"  # an earlier run's result stands for it
    SKIPPED = "skipped"  # its condition says no, or a node before it was skipped
    UPSTREAM_FAILED = "upstream_failed"  # a node before it failed
    REJECTED = "rejected"  # a person said no


class RunState(StrEnum):
    """Where a whole run is."""

    RUNNING = "running"  # something is being done
    PENDING_APPROVAL = "pending_approval"  # a node run waits for a person
    SUCCEEDED = "succeeded"  # nothing failed
    FAILED = "failed"  # a node run failed, timed out or was lost
    CANCELLED = "cancelled"  # somebody ended it
    REJECTED = "rejected"  # somebody said no


PASSED = frozenset({State.SUCCEEDED, State.CACHED})
BROKEN = frozenset({State.FAILED, State.TIMED_OUT, State.LOST})
ENDED = PASSED | BROKEN | {State.CANCELLED, State.SKIPPED, State.UPSTREAM_FAILED, State.REJECTED}

_WITHOUT_RUNNING = {State.CACHED, State.SKIPPED, State.UPSTREAM_FAILED, State.CANCELLED, State.FAILED}
_BEFORE_START = {State.QUEUED, State.CANCELLED}

# From each state, the states that may come next. A broken attempt goes back to `queued` when it is tried again.
LEGAL: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.WAITING: frozenset({State.PENDING_APPROVAL, State.QUEUED} | _WITHOUT_RUNNING),
        # A pipeline that is a node asks while it runs, and goes on when somebody has decided.
        State.PENDING_APPROVAL: frozenset({State.REJECTED, State.RUNNING} | _BEFORE_START),
        State.QUEUED: frozenset({State.STARTING, State.CANCELLED, State.CACHED}),
        State.STARTING: frozenset({State.RUNNING, State.SUCCEEDED, State.CANCELLED} | BROKEN),
        State.RUNNING: frozenset({State.PENDING_APPROVAL, State.SUCCEEDED, State.CANCELLED} | BROKEN),
        State.FAILED: frozenset(_BEFORE_START),
        State.TIMED_OUT: frozenset(_BEFORE_START),
        State.LOST: frozenset(_BEFORE_START),
        **{state: frozenset() for state in ENDED - BROKEN},
    }
)


@dataclass(frozen=True, slots=True)
class Created:
    """A node run came to be: which node, which place on the axes of its route, from which parents' runs.

    `coordinates` gives, for each open axis of the node in order, the 1-based position of this route on it.
    A position is 0 where the route has no run of that node. `route` holds for each of those axes' nodes the values
    chosen; `params` all of the node run's own parameters. `plan` is a digest of all that it is to run on, so that an
    approval and a kept result can be told to be meant for it; `because` says what its conditions decided.
    """

    id: str
    node: str
    coordinates: tuple[int, ...]
    params: Mapping[str, Value]
    route: Mapping[str, Mapping[str, Value]]
    parents: Mapping[str, str]  # node title -> id of its run on this route
    gathered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # node title -> ids of all its runs here
    waited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # likewise, only waited for (single mode)
    plan: str = ""
    because: str = ""

    def before(self) -> Iterator[str]:
        """The ids of all node runs that this one comes after."""
        yield from self.parents.values()
        for runs in (*self.gathered.values(), *self.waited.values()):
            yield from runs


@dataclass(frozen=True, slots=True)
class Changed:
    """A node run went on to `state`. `detail` is for people and reports (plain JSON): error, image, artifact."""

    id: str
    state: State
    attempt: int = 0
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A node run logged a tag (`step` None) or a point of a metric, whose last value is a tag too."""

    id: str
    name: str
    value: Value
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Pictured:
    """A node run logged an image under a name, as a point of a metric; `file` is in the attempt's folder."""

    id: str
    name: str
    step: float
    file: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody decided whether a pending node run may start: final, and for this plan of it only."""

    id: str
    approved: bool
    by: str
    how: str
    plan: str


@dataclass(frozen=True, slots=True)
class RunChanged:
    """The whole run went on to `state`."""

    state: RunState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run begins again; what its node runs came to is past, until `Kept` takes it over."""

    by: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A node run of before stands: it passed, and what it ran on is the same."""

    id: str


Fact = Created | Changed | Tagged | Pictured | RunChanged | Answered | Resumed | Kept


@dataclass(slots=True)
class NodeRun:
    """What the facts say of one node run up to now."""

    created: Created
    state: State = State.WAITING
    attempt: int = 0
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Value] = field(default_factory=dict)
    metrics: dict[str, list[tuple[float, Value]]] = field(default_factory=dict)
    images: dict[str, list[tuple[float, str]]] = field(default_factory=dict)  # name -> steps and files
    story: list[str] = field(default_factory=list)
    tried_before: int = 0  # attempts that are past, from before the run was resumed
    answer: Answered | None = None

    @property
    def id(self) -> str:
        """`slug` or `slug#2.1`: unique within its run."""
        return self.created.id

    @property
    def node(self) -> str:
        """The node's title."""
        return self.created.node


@dataclass(slots=True)
class RunSoFar:
    """What the facts say of a run up to now: its state and its node runs in order of creation."""

    state: RunState = RunState.RUNNING
    reason: str = ""
    node_runs: dict[str, NodeRun] = field(default_factory=dict)
    past: dict[str, NodeRun] = field(default_factory=dict)  # from before the run was resumed, not yet taken over

    def apply(self, fact: Fact) -> None:
        """Take one more fact in. Raises IllegalChange when the lifecycle forbids it."""
        match fact:
            case Created():
                self._create(fact)
            case Changed():
                self._change(self.node_runs[fact.id], fact)
            case Tagged():
                self._tag(self.node_runs[fact.id], fact)
            case Pictured():
                self.node_runs[fact.id].images.setdefault(fact.name, []).append((fact.step, fact.file))
            case Answered():
                self.node_runs[fact.id].answer = fact
            case RunChanged():
                self.state, self.reason = fact.state, fact.reason
            case Resumed():
                self.past |= self.node_runs
                self.node_runs = {}
            case Kept():
                self.node_runs[fact.id] = self.past.pop(fact.id)

    def _create(self, fact: Created) -> None:
        before = self.past.pop(fact.id, None)
        tried = before.attempt if before else 0
        run = NodeRun(fact, attempt=tried, tags=dict(fact.params), tried_before=tried)
        if before and before.answer and before.answer.plan == fact.plan != "":
            run.answer = before.answer  # final, as long as it is asked about the same
        self.node_runs[fact.id] = run

    @staticmethod
    def _change(run: NodeRun, fact: Changed) -> None:
        if fact.state not in LEGAL[run.state]:
            raise IllegalChange(run.id, run.state, fact.state, run.story)
        if fact.state is State.STARTING:  # a new attempt starts with a clean slate
            run.tags, run.metrics, run.images, run.detail = dict(run.created.params), {}, {}, {}
        run.state, run.reason = fact.state, fact.reason
        run.attempt = fact.attempt or run.attempt
        run.detail.update(fact.detail)
        run.story.append(str(fact.state))

    @staticmethod
    def _tag(run: NodeRun, fact: Tagged) -> None:
        run.tags[fact.name] = fact.value
        if fact.step is not None:
            run.metrics.setdefault(fact.name, []).append((fact.step, fact.value))


def so_far(facts: Iterable[Fact]) -> RunSoFar:
    """The state that a series of facts amounts to."""
    run = RunSoFar()
    for fact in facts:
        run.apply(fact)
    return run
