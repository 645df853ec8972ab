"""The scheduler, told events and asked for facts and actions: no clock, no thread, no file."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.errors import IllegalChange
from dagbook.runner.core.events import (
    AttemptEnded,
    AttemptRuns,
    Begin,
    Cancel,
    Earlier,
    End,
    Event,
    RetryDue,
    Start,
    TryLater,
)
from dagbook.runner.core.graph import graph_of
from dagbook.runner.core.lifecycle import (
    BROKEN,
    ENDED,
    LEGAL,
    PASSED,
    Changed,
    Created,
    NodeRun,
    RunState,
    State,
    so_far,
)
from dagbook.runner.core.model import Node, OnError, Pipeline
from dagbook.runner.core.planning import planner
from dagbook.runner.core.reuse import Candidate
from dagbook.runner.core.scheduler import Scheduler
from tests.core.pipelines import oracle, pipelines


def play(scheduler: Scheduler, fate: random.Random, failures: float = 0.0, cancel_at: int | None = None) -> list[Event]:
    """Be a world that answers the scheduler's actions in random order, until nothing is left to happen."""
    pending: list[Event] = [Begin()]
    told: list[Event] = []
    while pending:
        event = pending.pop(fate.randrange(len(pending)))
        if cancel_at is not None and len(told) == cancel_at:
            pending.append(event)
            event = Cancel("a test")
        told.append(event)
        for action in scheduler.handle(event).actions:
            match action:
                case Start():
                    pending.append(AttemptRuns(action.id, action.attempt))
                case TryLater():
                    pending.append(RetryDue(action.id))
                case End():
                    pending = [e for e in pending if getattr(e, "id", None) != action.id]
                    attempt = scheduler.run.node_runs[action.id].attempt
                    pending.append(AttemptEnded(action.id, attempt, State.CANCELLED))
        if isinstance(event, AttemptRuns):
            bad = fate.random() < failures
            state = fate.choice([State.FAILED, State.TIMED_OUT, State.LOST]) if bad else State.SUCCEEDED
            ended = AttemptEnded(event.id, event.attempt, state)
            if event.id in scheduler.under_way() and not any(getattr(e, "id", None) == event.id for e in pending):
                pending.append(ended)
    return told


@given(pipelines(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_every_node_run_starts_after_its_parents_and_none_is_forgotten_or_run_twice(
    pipeline: Pipeline, jobs: int, fate: random.Random
) -> None:
    """Over random graphs and orders of completion (rows 34, 35, 39)."""
    scheduler = Scheduler(pipeline, jobs)
    started: list[str] = []
    ended: set[str] = set()
    pending: list[Event] = [Begin()]
    while pending:
        event = pending.pop(fate.randrange(len(pending)))
        if isinstance(event, AttemptEnded):
            ended.add(event.id)
        for action in scheduler.handle(event).actions:
            assert isinstance(action, Start)
            assert set(scheduler.run.node_runs[action.id].created.before()) <= ended
            started.append(action.id)
            pending.append(AttemptEnded(action.id, action.attempt, State.SUCCEEDED))
        assert len(scheduler.under_way()) <= jobs
    assert Counter(started) == Counter(list(scheduler.run.node_runs))
    assert scheduler.run.state is RunState.SUCCEEDED


@given(pipelines(most_nodes=6), st.randoms(use_true_random=False))
def test_the_node_runs_are_those_of_a_brute_force_oracle(pipeline: Pipeline, fate: random.Random) -> None:
    """N = X * Y over consistent combinations of parents (rows 35-37, 39)."""
    scheduler = Scheduler(pipeline, jobs=3)
    play(scheduler, fate)
    found: dict[str, set[frozenset[tuple[str, int]]]] = {node.title: set() for node in pipeline.nodes}
    for run in scheduler.run.node_runs.values():
        place = frozenset(zip(run.created.route, run.created.coordinates, strict=True))
        assert place not in found[run.node]
        found[run.node].add(place)
    assert found == oracle(pipeline)


@given(pipelines(), st.randoms(use_true_random=False))
def test_parents_on_a_route_share_their_shared_ancestors(pipeline: Pipeline, fate: random.Random) -> None:
    """Two parents are combined only where they come from the same run of every shared ancestor."""
    scheduler = Scheduler(pipeline, jobs=2)
    play(scheduler, fate)

    def ancestry(id: str) -> dict[str, str]:
        created = scheduler.run.node_runs[id].created
        found = {created.node: id}
        for parent in created.parents.values():
            for node, run in ancestry(parent).items():
                assert found.setdefault(node, run) == run
        return found

    for id in scheduler.run.node_runs:
        ancestry(id)


@settings(max_examples=200)
@given(
    pipelines(),
    st.integers(1, 3),
    st.floats(0, 0.9),
    st.one_of(st.none(), st.integers(1, 12)),
    st.sampled_from(OnError),
    st.randoms(use_true_random=False),
)
def test_a_run_ends_with_every_node_accounted_for_whatever_fails(
    pipeline: Pipeline, jobs: int, failures: float, cancel_at: int | None, rule: OnError, fate: random.Random
) -> None:
    """Failures, retries, cancels and every rule on errors: the run ends, and all node runs are in an end state."""
    scheduler = Scheduler(pipeline, jobs, rule)
    facts = []
    original = scheduler.handle

    def handle(event: Event):  # type: ignore[no-untyped-def]
        decision = original(event)
        facts.extend(decision.facts)
        return decision

    scheduler.handle = handle  # type: ignore[method-assign]
    play(scheduler, fate, failures, cancel_at)
    assert scheduler.run.state is not RunState.RUNNING
    assert {run.node for run in scheduler.run.node_runs.values()} == {node.title for node in pipeline.nodes}
    assert all(run.state in ENDED for run in scheduler.run.node_runs.values())
    assert not scheduler.under_way()
    replayed = so_far(facts)
    assert {id: run.state for id, run in replayed.node_runs.items()} == {
        id: run.state for id, run in scheduler.run.node_runs.items()
    }
    assert replayed.state == scheduler.run.state


@given(pipelines(), st.randoms(use_true_random=False))
def test_a_gathering_node_is_handed_all_runs_of_the_parent_that_agree_with_the_rest(
    pipeline: Pipeline, fate: random.Random
) -> None:
    """Gathering closes the parent's axes; shared axes that another parent carries stay matched."""
    scheduler = Scheduler(pipeline, jobs=2)
    play(scheduler, fate)
    runs = scheduler.run.node_runs
    for run in runs.values():
        mine = {axis: run.created.route[axis] for axis in _carried(run, runs)}
        for title, ids in run.created.gathered.items():
            others = [other for other in runs.values() if other.node == title]
            consistent = [o.id for o in others if all(mine.get(a, v) == v for a, v in o.created.route.items())]
            assert sorted(ids) == sorted(consistent)


def _carried(run: NodeRun, runs: dict[str, NodeRun]) -> set[str]:
    return {axis for parent in run.created.parents.values() for axis in runs[parent].created.route}


def test_a_gathering_node_waits_only_for_the_runs_that_it_is_handed() -> None:
    """A grid above both: each gathering run needs the inner grid of its own outer value, and no other."""
    nodes = (
        Node(title="g", grid={"x": [1, 2]}),
        Node(title="p", after=("g",), grid={"y": [1, 2]}),
        Node(title="n", after=("g", "p"), gather=("p",)),
    )
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs=9)
    scheduler.handle(Begin())
    scheduler.handle(AttemptEnded("g#1", 1, State.SUCCEEDED))
    scheduler.handle(AttemptEnded("p#1.2", 1, State.SUCCEEDED))
    decision = scheduler.handle(AttemptEnded("p#1.1", 1, State.SUCCEEDED))
    assert decision.actions == [Start("n#1", 1, {"g": "g#1"}, {"p": ("p#1.1", "p#1.2")})]


def one_failure(rule: OnError = OnError.STOP_NEXT, retries: int = 0) -> tuple[Scheduler, list[str]]:
    """a fails; b comes after a, c after b, d stands alone. Returns the scheduler and what was started."""
    nodes = (
        Node(title="a", retries=retries, on_error=rule),
        Node(title="b", after=("a",)),
        Node(title="c", after=("b",)),
        Node(title="d"),
    )
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs=1)
    started = []
    actions = scheduler.handle(Begin()).actions
    while actions:
        action = actions.pop(0)
        if isinstance(action, TryLater):
            actions += scheduler.handle(RetryDue(action.id)).actions
        elif isinstance(action, Start):
            started.append(action.id)
            state = State.FAILED if action.id == "a" else State.SUCCEEDED
            actions += scheduler.handle(AttemptEnded(action.id, action.attempt, state)).actions
    return scheduler, started


def states(scheduler: Scheduler) -> dict[str, State]:
    return {id: run.state for id, run in scheduler.run.node_runs.items()}


def test_stop_next_lets_what_does_not_depend_on_the_failure_go_on() -> None:
    scheduler, started = one_failure()
    assert started == ["a", "d"]
    assert states(scheduler)["b"] is State.UPSTREAM_FAILED
    assert states(scheduler)["c"] is State.UPSTREAM_FAILED
    assert scheduler.run.state is RunState.FAILED
    assert '"a"' in scheduler.run.node_runs["b"].reason


def test_stop_all_cancels_what_has_not_started_and_the_run_has_failed() -> None:
    scheduler, started = one_failure(OnError.STOP_ALL)
    assert started == ["a"]
    assert states(scheduler)["d"] is State.CANCELLED
    assert scheduler.run.state is RunState.FAILED


def test_continue_runs_dependents_without_the_failed_parent() -> None:
    scheduler, started = one_failure(OnError.CONTINUE)
    assert started == ["a", "d", "b", "c"] or set(started) == {"a", "b", "c", "d"}
    assert scheduler.run.state is RunState.FAILED


def test_a_failed_attempt_is_tried_again_as_often_as_retries_say_with_growing_pauses() -> None:
    scheduler = Scheduler(Pipeline(nodes=(Node(title="a", retries=2),)), jobs=1)
    actions = scheduler.handle(Begin()).actions
    pauses = []
    for attempt in (1, 2):
        assert actions == [Start("a", attempt, {})]
        (later,) = scheduler.handle(AttemptEnded("a", attempt, State.LOST)).actions
        assert isinstance(later, TryLater)
        pauses.append(later.seconds)
        actions = scheduler.handle(RetryDue("a")).actions
    assert pauses == [1.0, 2.0]
    assert scheduler.handle(AttemptEnded("a", 3, State.FAILED)).actions == []
    assert scheduler.run.node_runs["a"].attempt == 3
    assert scheduler.run.state is RunState.FAILED


def test_children_wait_until_the_last_retry_is_decided() -> None:
    nodes = (Node(title="a", retries=1), Node(title="b", after=("a",)))
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs=1)
    scheduler.handle(Begin())
    decision = scheduler.handle(AttemptEnded("a", 1, State.FAILED))
    assert not [fact for fact in decision.facts if isinstance(fact, Created)]
    scheduler.handle(RetryDue("a"))
    decision = scheduler.handle(AttemptEnded("a", 2, State.SUCCEEDED))
    assert decision.actions == [Start("b", 1, {"a": "a"})]


def test_cancel_ends_what_is_under_way_and_starts_nothing_more() -> None:
    nodes = (Node(title="a"), Node(title="b"), Node(title="c", after=("a",)))
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs=1)
    scheduler.handle(Begin())
    decision = scheduler.handle(Cancel("Ctrl-C"))
    assert decision.actions == [End("a")]
    assert decision.facts[-1] == Changed("c", State.CANCELLED, 0, "Ctrl-C") or "c" not in states(scheduler)
    scheduler.handle(AttemptEnded("a", 1, State.CANCELLED, "Ctrl-C"))
    assert states(scheduler) == {"a": State.CANCELLED, "b": State.CANCELLED, "c": State.CANCELLED}
    assert scheduler.run.state is RunState.CANCELLED


def test_a_slow_grid_point_holds_up_nobody_but_its_own_children() -> None:
    """Row 38: node runs are created as their own parents' runs are decided."""
    nodes = (Node(title="a", grid={"x": [1, 2]}), Node(title="b", after=("a",)))
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs=4)
    scheduler.handle(Begin())
    decision = scheduler.handle(AttemptEnded("a#2", 1, State.SUCCEEDED))
    assert decision.actions == [Start("b#2", 1, {"a": "a#2"})]


def test_reused_nodes_are_not_run_and_their_earlier_results_stand_for_them() -> None:
    nodes = (Node(title="a"), Node(title="b", after=("a",)))
    earlier = {"a": [Candidate("{}", "{}", Earlier({"artifact": "abc"}, {"accuracy": 0.9}))]}
    scheduler = Scheduler(Pipeline(nodes=nodes), jobs=1, reused=["a"], earlier=earlier)
    decision = scheduler.handle(Begin())
    assert decision.actions == [Start("b", 1, {"a": "a"})]
    assert scheduler.run.node_runs["a"].state is State.CACHED
    assert scheduler.run.node_runs["a"].detail == {"artifact": "abc"}
    assert scheduler.run.node_runs["a"].tags == {"accuracy": 0.9}


def test_an_illegal_change_is_refused_with_the_node_runs_story() -> None:
    scheduler = Scheduler(Pipeline(nodes=(Node(title="a"),)), jobs=1)
    scheduler.handle(Begin())
    scheduler.handle(AttemptEnded("a", 1, State.SUCCEEDED))
    with pytest.raises(IllegalChange, match="queued -> starting -> succeeded"):
        scheduler.handle(AttemptRuns("a", 1))


def test_a_failure_deep_in_a_chain_of_ten_thousand_is_told_to_the_end() -> None:
    nodes = [Node(title="n0")] + [Node(title=f"n{i}", after=(f"n{i - 1}",)) for i in range(1, 10_000)]
    scheduler = Scheduler(Pipeline(nodes=tuple(nodes)), jobs=1)
    scheduler.handle(Begin())
    scheduler.handle(AttemptEnded("n0", 1, State.FAILED))
    assert scheduler.run.node_runs["n9999"].state is State.UPSTREAM_FAILED
    assert scheduler.run.state is RunState.FAILED


def test_ended_states_lead_nowhere_but_to_another_attempt() -> None:
    for state in ENDED:
        assert LEGAL[state] == (frozenset({State.QUEUED, State.CANCELLED}) if state in BROKEN else frozenset())
    assert PASSED < ENDED


@given(pipelines())
def test_a_plan_is_the_run_in_which_everything_succeeds(pipeline: Pipeline) -> None:
    scheduler = Scheduler(pipeline, jobs=2)
    play(scheduler, random.Random(1))
    planned = planner(pipeline).run
    assert set(planned.node_runs) == set(scheduler.run.node_runs)
    assert planned.state is RunState.SUCCEEDED
    order = list(graph_of(pipeline))
    assert {run.node for run in planned.node_runs.values()} == set(order)


def test_changes_are_recorded_before_the_actions_they_lead_to() -> None:
    scheduler = Scheduler(Pipeline(nodes=(Node(title="a"),)), jobs=1)
    decision = scheduler.handle(Begin())
    assert Changed("a", State.STARTING, 1) in decision.facts
    assert decision.actions == [Start("a", 1, {})]
