"""The scheduler: events in, facts and actions out. No clock, no file, no await.

The engine tells what happened (`Begin`, `AttemptRuns`, `AttemptEnded`, `RetryDue`, `Cancel`); the scheduler answers
with the facts to record and then the actions to perform. A node run is created as soon as the runs of its own
parents are decided; it never waits for unrelated ones. The run ends when nothing is left to happen, and refuses to
end while a node run is unaccounted for.

A plan is the same scheduler with every attempt succeeding at once (`planner`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from .axes import permutation_count, permutations
from .events import (
    AttemptEnded,
    AttemptRuns,
    Begin,
    Cancel,
    Decision,
    Earlier,
    End,
    Event,
    RetryDue,
    Start,
    TryLater,
)
from .graph import Graph, children_of, graph_of
from .lifecycle import (
    BROKEN,
    PASSED,
    Changed,
    Created,
    Fact,
    NodeRun,
    RunChanged,
    RunSoFar,
    RunState,
    State,
    Tagged,
)
from .model import OnError, Pipeline
from .names import slug_of
from .routes import Choice, Join, SingleJoin, axes_of, gathered_by, name_of
from .values import Value

FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 60.0  # seconds; doubled from attempt to attempt


class Scheduler:
    """Decides the course of one run.

    `jobs` node runs are under way at most. `on_error` is the pipeline's rule; a node's own wins. Titles in `reused`
    are not run: what `earlier` holds of their node runs, by id, stands for them. `run` is the state so far.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        jobs: int,
        on_error: OnError = OnError.STOP_NEXT,
        reused: Iterable[str] = (),
        earlier: Mapping[str, Earlier] | None = None,
    ) -> None:
        graph = graph_of(pipeline)
        self.run = RunSoFar()
        self._pipeline = pipeline
        self._nodes = {node.title: node for node in pipeline.nodes}
        self._jobs = jobs
        self._on_error = on_error
        self._reused = frozenset(reused)
        self._earlier = earlier or {}
        self._axes = axes_of(pipeline, graph)
        self._children = children_of(graph)
        self._joins = self._make_joins(graph)
        self._roots = [title for title, parents in graph.items() if not parents]
        self._queue: deque[str] = deque()
        self._under_way: set[str] = set()
        self._backing_off: set[str] = set()
        self._decided: deque[NodeRun] = deque()  # ended for good, their children not yet created
        self._open = 0  # node runs that have not ended for good
        self._stopping: RunChanged | None = None
        self._seen: set[str] = set()  # nodes of which a run was created
        self._decision = Decision()

    def _make_joins(self, graph: Graph) -> dict[str, Join | SingleJoin]:
        sizes = {node.title: permutation_count(node) for node in self._pipeline.nodes}
        joins: dict[str, Join | SingleJoin] = {}
        for title, parents in graph.items():
            slugs = gathered_by(self._nodes[title])
            gathered = [parent for parent in parents if slug_of(parent) in slugs]
            if any(self._axes[parent] for parent in parents):
                joins[title] = Join(parents, gathered, self._axes, sizes)
            elif parents:
                joins[title] = SingleJoin(parents, gathered)
        return joins

    def handle(self, event: Event) -> Decision:
        """What follows from `event`. Raises IllegalChange for an event that cannot be."""
        self._decision = decision = Decision()
        match event:
            case Begin():
                self._tell(RunChanged(RunState.RUNNING))
                for title in self._roots:
                    self._create(title, Choice({}, {}))
            case AttemptRuns():
                self._change(event.id, State.RUNNING, attempt=event.attempt)
            case AttemptEnded():
                self._end_attempt(event)
            case RetryDue():
                self._retry(event.id)
            case Cancel():
                self._stop(RunChanged(RunState.CANCELLED, event.reason))
            case Tagged():
                self._tell(event)
        self._follow()
        self._fill()
        self._finish()
        return decision

    def under_way(self) -> frozenset[str]:
        """Ids of the node runs whose attempts are being run."""
        return frozenset(self._under_way)

    # facts

    def _tell(self, fact: Fact) -> None:
        self.run.apply(fact)
        self._decision.facts.append(fact)

    def _change(
        self, id: str, state: State, reason: str = "", attempt: int = 0, detail: Mapping[str, Any] | None = None
    ) -> None:
        self._tell(Changed(id, state, attempt, reason, detail or {}))

    # node runs come to be

    def _create(self, title: str, choice: Choice) -> None:
        """Create the runs of a node for one choice of its parents' runs: one per own permutation."""
        node, axes = self._nodes[title], self._axes[title]
        place: dict[str, int] = {}
        route: dict[str, Mapping[str, Value]] = {}
        for parent in choice.parents.values():
            created = self.run.node_runs[parent].created
            place.update(zip(self._axes[created.node], created.coordinates, strict=True))
            route.update(created.route)
        for number, (params, chosen) in enumerate(permutations(self._pipeline, node), 1):
            if chosen:
                place[title], route = number, {**route, title: chosen}
            coordinates = tuple(place[axis] for axis in axes)
            along = {axis: route[axis] for axis in axes}
            id = name_of(node.slug, coordinates)
            self._tell(Created(id, title, coordinates, params, along, choice.parents, choice.gathered))
            self._seen.add(title)
            self._open += 1
            self._admit(self.run.node_runs[id])

    def _admit(self, run: NodeRun) -> None:
        """Send a new node run on: to the queue, or straight to where its parents' fate puts it."""
        verdict, reason = self._verdict(run)
        if verdict is None:
            self._change(run.id, State.QUEUED)
            self._queue.append(run.id)
            return
        found = self._earlier.get(run.id) if verdict is State.CACHED else None
        self._change(run.id, verdict, reason, detail=found.detail if found else None)
        for name, value in (found.tags if found else {}).items():
            self._tell(Tagged(run.id, name, value))
        self._decide(run)

    def _verdict(self, run: NodeRun) -> tuple[State | None, str]:
        if self._stopping:
            return State.CANCELLED, self._stopping.reason
        if run.node in self._reused:
            return State.CACHED, "its earlier result is used"
        for parent in run.created.before():
            before = self.run.node_runs[parent]
            if before.state in PASSED or self._may_be_missing(before):
                continue
            if before.state is State.CANCELLED:
                return State.CANCELLED, before.reason
            if before.state is State.SKIPPED:
                return State.SKIPPED, f'"{before.node}" was skipped'
            return State.UPSTREAM_FAILED, f'"{before.node}" {before.state.replace("_", " ")}'
        return None, ""

    def _retries(self, title: str) -> int:
        own = self._nodes[title].retries
        return (self._pipeline.defaults.retries or 0) if own is None else own

    def _rule(self, title: str) -> OnError:
        return self._nodes[title].on_error or self._on_error

    def _may_be_missing(self, before: NodeRun) -> bool:
        broken = before.state in BROKEN or before.state is State.UPSTREAM_FAILED
        return broken and self._rule(before.node) is OnError.CONTINUE

    # node runs end

    def _decide(self, run: NodeRun) -> None:
        self._open -= 1
        self._decided.append(run)

    def _follow(self) -> None:
        """Create the node runs that waited for what was decided; a loop, since fates travel down long chains."""
        while self._decided:
            run = self._decided.popleft()
            for child in self._children[run.node]:
                for choice in self._joins[child].add(run.node, run.id, run.created.coordinates):
                    self._create(child, choice)

    def _end_attempt(self, event: AttemptEnded) -> None:
        run = self.run.node_runs[event.id]
        self._under_way.discard(event.id)
        self._change(event.id, event.state, event.reason, event.attempt, event.detail)
        if event.state in BROKEN:
            if not self._stopping and event.attempt <= self._retries(run.node):
                seconds = min(FIRST_BACK_OFF * 2 ** (event.attempt - 1), LONGEST_BACK_OFF)
                self._backing_off.add(event.id)
                self._decision.actions.append(TryLater(event.id, seconds))
                return
            if self._rule(run.node) is OnError.STOP_ALL and not self._stopping:
                self._decide(run)
                self._stop(RunChanged(RunState.FAILED, f'"{run.node}" {event.state.replace("_", " ")}'))
                return
        self._decide(run)

    def _retry(self, id: str) -> None:
        if id in self._backing_off:
            self._backing_off.discard(id)
            self._change(id, State.QUEUED)
            self._queue.append(id)

    def _stop(self, how: RunChanged) -> None:
        """End everything: nothing new starts, what is under way is told to end."""
        if self._stopping:
            return
        self._stopping = how
        self._decision.actions.extend(End(id) for id in sorted(self._under_way))
        idle = [*self._queue, *sorted(self._backing_off)]
        self._queue.clear()
        self._backing_off.clear()
        for id in idle:
            self._change(id, State.CANCELLED, how.reason)
            self._decide(self.run.node_runs[id])

    # the run goes on, or ends

    def _fill(self) -> None:
        """Start queued node runs while there is room."""
        while self._queue and len(self._under_way) < self._jobs:
            run = self.run.node_runs[self._queue.popleft()]
            attempt = run.attempt + 1
            self._under_way.add(run.id)
            self._change(run.id, State.STARTING, attempt=attempt)
            present = {title: id for title, id in run.created.parents.items() if self._passed(id)}
            gathered = {title: tuple(filter(self._passed, ids)) for title, ids in run.created.gathered.items()}
            self._decision.actions.append(Start(run.id, attempt, present, gathered))

    def _passed(self, id: str) -> bool:
        return self.run.node_runs[id].state in PASSED

    def _finish(self) -> None:
        if self._open or self.run.state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED):
            return
        forgotten = [title for title in self._nodes if title not in self._seen]
        assert not forgotten, f"the run may not end: no run of {forgotten} was accounted for"
        broken = {State.UPSTREAM_FAILED, *BROKEN}
        first = next((run for run in self.run.node_runs.values() if run.state in broken), None)
        if self._stopping:
            self._tell(self._stopping)
        elif first:
            self._tell(RunChanged(RunState.FAILED, f'"{first.node}" {first.state.replace("_", " ")}'))
        else:
            self._tell(RunChanged(RunState.SUCCEEDED))


def planner(pipeline: Pipeline, reused: Iterable[str] = (), most: int | None = None) -> RunSoFar:
    """The node runs of a run in which everything succeeds: what `dagbook plan` lists.

    Stops early, with more than `most` node runs, when there would be more.
    """
    scheduler = Scheduler(pipeline, jobs=1, reused=reused)
    to_do = deque(scheduler.handle(Begin()).actions)
    while to_do:
        action = to_do.popleft()
        if isinstance(action, Start):
            ended = AttemptEnded(action.id, action.attempt, State.SUCCEEDED)
            to_do.extend(scheduler.handle(ended).actions)
        if most is not None and len(scheduler.run.node_runs) > most:
            break
    return scheduler.run
