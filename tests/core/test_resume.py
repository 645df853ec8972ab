"""Resume: a run whose process was lost goes on from its facts; finished work is kept, and nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.events import Answer, AttemptEnded, Begin, Cancel, RetryDue, Start, TryLater
from dagbook.runner.core.lifecycle import (
    PASSED,
    Answered,
    Changed,
    Fact,
    Kept,
    Resumed,
    RunSoFar,
    RunState,
    State,
    Tagged,
    so_far,
)
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.scheduler import Scheduler
from tests.core.pipelines import flows
from tests.core.test_expansion import end, foreseen, grid, states
from tests.core.world import World


def passed(run: RunSoFar) -> set[str]:
    """The ids of the node runs that stand, in this life of the run or in one before."""
    return {id for runs in (run.past, run.node_runs) for id, one in runs.items() if one.state in PASSED}


def resumed(pipeline: Pipeline, facts: list[Fact], forced: Collection[str] = (), jobs: int = 2) -> Scheduler:
    """A scheduler that takes a run over of which only the facts are left."""
    run = so_far(facts)
    return Scheduler(pipeline, jobs, run=run, intact=passed(run), forced=forced)


def again(scheduler: Scheduler, pipeline: Pipeline, facts: list[Fact], forced: Collection[str] = ()) -> list[str]:
    """Resume a run that has ended, let all succeed as before, and return the ids of what was run again."""
    after = resumed(pipeline, facts, forced)
    world = World(0, random.Random(1), failing=0, facts=facts)
    world.begin(after, "leah")
    world.play(after)
    assert after.run.state is RunState.SUCCEEDED
    return sorted(id for id, _ in world.started)


def ended(pipeline: Pipeline) -> tuple[Scheduler, list[Fact]]:
    """A run of it in which everything succeeds, and its facts."""
    scheduler, world = Scheduler(pipeline, 2), World(0, random.Random(1), failing=0)
    world.begin(scheduler)
    world.play(scheduler)
    assert scheduler.run.state is RunState.SUCCEEDED
    return scheduler, world.facts


# crashes at random


@given(flows(approvals=True), st.integers(0, 999), st.integers(1, 4), st.randoms(use_true_random=False))
def test_after_any_number_of_crashes_nothing_finished_is_run_again_or_lost_and_the_end_is_the_same(
    pipeline: Pipeline, seed: int, crashes: int, fate: random.Random
) -> None:
    wanted = foreseen(pipeline, seed)
    world = World(seed, fate)
    scheduler = Scheduler(pipeline, 2)
    world.begin(scheduler)
    finished: dict[str, object] = {}
    for _ in range(crashes):
        _crash(world, scheduler)
        run = so_far(world.facts)
        finished |= {id: (run.node_runs.get(id) or run.past[id]).detail["artifact"] for id in passed(run)}
        starts = len(world.started)
        scheduler = Scheduler(pipeline, 2, run=run, intact=passed(run))
        world.begin(scheduler, resumed_by="leah")
        world.play(scheduler, steps=0)
        assert not finished.keys() & {id for id, _ in world.started[starts:]}
    world.play(scheduler)
    runs, keys = scheduler.run.node_runs, world.keys(scheduler)
    assert {keys[id]: run.state for id, run in runs.items()} == wanted.states()
    assert {id: runs[id].detail["artifact"] for id in finished} == finished
    tags = {run.key: run.tags for some in wanted.runs.values() for run in some if run.state in PASSED}
    found = {keys[id]: run.tags for id, run in runs.items() if run.state in PASSED}
    assert {key: repr(sorted(of.items())) for key, of in found.items()} == {
        key: repr(sorted(of.items())) for key, of in tags.items()
    }
    _assert_attempts_are_numbered_on(world)
    answers = Counter(fact.id for fact in world.facts if isinstance(fact, Answered))
    assert set(answers.values()) <= {1}  # nobody is asked about the same again


def _crash(world: World, scheduler: Scheduler) -> None:
    """Play on for some events; of what the last one led to, only some of the facts are left and no action."""
    world.play(scheduler, steps=world.fate.randrange(30))
    if world.pending and world.fate.random() < 0.5:
        facts, started = len(world.facts), len(world.started)
        world.step(scheduler)
        del world.facts[world.fate.randint(facts, len(world.facts)) :], world.started[started:]


def _assert_attempts_are_numbered_on(world: World) -> None:
    attempts: dict[str, list[int]] = {}
    for fact in world.facts:
        if isinstance(fact, Changed) and fact.state is State.STARTING:
            attempts.setdefault(fact.id, []).append(fact.attempt)
    for id, numbers in attempts.items():
        assert numbers == list(range(1, len(numbers) + 1)), id


@given(flows(approvals=True), st.integers(0, 999), st.randoms(use_true_random=False))
def test_the_facts_alone_tell_the_state_at_every_moment(pipeline: Pipeline, seed: int, fate: random.Random) -> None:
    """Also across a crash in the middle."""
    world, scheduler = World(seed, fate), Scheduler(pipeline, 2)
    world.begin(scheduler)
    crash_at = fate.randrange(40)
    while world.pending:
        assert so_far(world.facts) == scheduler.run
        if len(world.told) == crash_at:
            scheduler = resumed(pipeline, world.facts)
            world.begin(scheduler, resumed_by="leah")
        else:
            world.step(scheduler)
    assert so_far(world.facts) == scheduler.run


@given(flows(), st.integers(0, 999), st.randoms(use_true_random=False))
def test_a_cancelled_run_that_is_resumed_ends_as_if_it_had_not_been_cancelled(
    pipeline: Pipeline, seed: int, fate: random.Random
) -> None:
    wanted = foreseen(pipeline, seed)
    world, scheduler = World(seed, fate), Scheduler(pipeline, 2)
    world.begin(scheduler)
    world.play(scheduler, steps=fate.randrange(20))
    world.tell(scheduler, Cancel("Ctrl-C"))
    world.play(scheduler)
    kept = passed(scheduler.run)
    scheduler = resumed(pipeline, world.facts)
    before = len(world.started)
    world.begin(scheduler, resumed_by="leah")
    world.play(scheduler)
    keys = world.keys(scheduler)
    assert {keys[id]: run.state for id, run in scheduler.run.node_runs.items()} == wanted.states()
    assert not kept & {id for id, _ in world.started[before:]}


# attempts and answers


def test_retries_count_anew_and_attempts_go_on() -> None:
    pipeline = Pipeline(nodes=(Node(title="a", retries=1),))
    scheduler = Scheduler(pipeline, 1)
    facts = list(scheduler.handle(Begin()).facts)
    for attempt in (1, 2):
        decision = scheduler.handle(AttemptEnded("a", attempt, State.FAILED))
        facts += decision.facts
        if attempt == 1:
            facts += scheduler.handle(RetryDue("a")).facts
    assert scheduler.run.state is RunState.FAILED
    scheduler = resumed(pipeline, facts)
    assert scheduler.handle(Begin("leah")).actions == [Start("a", 3, {})]
    (later,) = scheduler.handle(AttemptEnded("a", 3, State.FAILED)).actions
    assert later == TryLater("a", 1.0)


def pending_run() -> tuple[Pipeline, Scheduler, list[Fact]]:
    pipeline = Pipeline(nodes=(Node(title="a"), Node(title="b", after=("a",), approve=("leah",))))
    scheduler = Scheduler(pipeline, 1)
    facts = list(scheduler.handle(Begin()).facts)
    facts += scheduler.handle(AttemptEnded("a", 1, State.SUCCEEDED, detail={"artifact": "x"})).facts
    return pipeline, scheduler, facts


def test_what_waits_for_a_person_waits_on_after_a_restart_for_the_same_plan() -> None:
    pipeline, before, facts = pending_run()
    scheduler = resumed(pipeline, facts)
    decision = scheduler.handle(Begin("leah"))
    assert decision.actions == []
    assert Kept("a") in decision.facts
    assert scheduler.run.state is RunState.PENDING_APPROVAL
    plan = before.run.node_runs["b"].created.plan
    assert scheduler.handle(Answer("b", True, "leah", "a test", plan)).actions == [Start("b", 1, {"a": "a"})]


def test_an_approval_is_final_a_restart_does_not_ask_again_about_the_same_plan() -> None:
    pipeline, scheduler, facts = pending_run()
    plan = scheduler.run.node_runs["b"].created.plan
    facts += scheduler.handle(Answer("b", True, "leah", "a test", plan)).facts
    for _ in range(2):  # lost twice
        scheduler = resumed(pipeline, facts)
        decision = scheduler.handle(Begin("somebody"))
        facts += decision.facts
        assert [action.id for action in decision.actions if isinstance(action, Start)] == ["b"]
    assert scheduler.run.node_runs["b"].answer is not None
    assert scheduler.run.node_runs["b"].answer.by == "leah"


def test_an_approval_does_not_hold_for_another_plan() -> None:
    pipeline, scheduler, facts = pending_run()
    plan = scheduler.run.node_runs["b"].created.plan
    facts += scheduler.handle(Answer("b", True, "leah", "a test", plan)).facts
    changed = pipeline.model_copy(
        update={"nodes": (pipeline.nodes[0], pipeline.nodes[1].model_copy(update={"source": "x"}))}
    )
    scheduler = resumed(changed, facts)
    assert scheduler.handle(Begin("somebody")).actions == []
    assert states(scheduler)["b"] is State.PENDING_APPROVAL
    assert scheduler.handle(Answer("b", True, "leah", "a test", plan)).actions == []


def test_a_node_that_is_forced_does_not_ask_again_for_the_same_plan() -> None:
    """A decision is final; another try of the same plan is not another question."""
    pipeline, scheduler, facts = pending_run()
    plan = scheduler.run.node_runs["b"].created.plan
    facts += scheduler.handle(Answer("b", True, "leah", "a test", plan)).facts
    scheduler = resumed(pipeline, facts, forced=["b"])
    started = [action.id for action in scheduler.handle(Begin("somebody")).actions if isinstance(action, Start)]
    assert started == ["b"]


# what is kept


CHAIN = Pipeline(
    nodes=(
        Node(title="a", params={"p": 1}),
        grid("g", 2, "a"),
        Node(title="h", after=("g",)),
        Node(title="all", after=("h",), gather=("h",)),
        Node(title="other"),
        Node(title="last", after=("all", "other")),
    )
)


def with_node(pipeline: Pipeline, title: str, **changes: object) -> Pipeline:
    nodes = tuple(node.model_copy(update=changes) if node.title == title else node for node in pipeline.nodes)
    return Pipeline(nodes=nodes)


def test_a_run_that_has_succeeded_is_resumed_without_running_anything() -> None:
    scheduler, facts = ended(CHAIN)
    before = len(facts)
    assert again(scheduler, CHAIN, facts) == []
    kept = [fact.id for fact in facts[before:] if isinstance(fact, Kept)]
    assert sorted(kept) == sorted(scheduler.run.node_runs)
    assert isinstance(facts[before], Resumed)


@pytest.mark.parametrize(
    ("title", "changes", "rerun"),
    [
        pytest.param("a", {"params": {"p": 2}}, ["a", "g#1", "g#2"], id="a parameter: it, and those who see its tags"),
        pytest.param("h", {"source": "x = 1"}, ["h#1", "h#2"], id="code that leaves the same: its children are kept"),
        pytest.param("other", {"params": {"q": 1}}, ["last", "other"], id="the other branch is kept"),
        pytest.param("last", {"env": {"E": "1"}}, ["last"], id="a variable of its own"),
        pytest.param("g", {"grid": {"x": [0, 5]}}, ["all", "g#2", "h#2", "last"], id="a value of a grid: that route"),
        pytest.param("g", {"grid": {"x": [0, 1, 2]}}, ["all", "g#3", "h#3", "last"], id="one value more: its route"),
        pytest.param("a", {"retries": 5, "timeout": 3.0, "approve": ("leah",)}, [], id="what changes no result"),
    ],
)
def test_a_change_runs_again_exactly_what_depends_on_it(
    title: str, changes: dict[str, object], rerun: list[str]
) -> None:
    scheduler, facts = ended(CHAIN)
    assert again(scheduler, with_node(CHAIN, title, **changes), facts) == rerun


def test_forced_nodes_run_again_and_their_children_only_if_the_result_is_another() -> None:
    scheduler, facts = ended(CHAIN)
    assert again(scheduler, CHAIN, list(facts), forced=["g"]) == ["g#1", "g#2"]
    for artifact, started in [("new", ["h#2"]), (scheduler.run.node_runs["g#2"].detail["artifact"], [])]:
        after = resumed(CHAIN, facts, forced=["g"])
        begun = after.handle(Begin("leah")).actions
        assert [action.id for action in begun if isinstance(action, Start)] == ["g#1", "g#2"]
        for name, value in scheduler.run.node_runs["g#2"].tags.items():
            after.handle(Tagged("g#2", name, value))
        over = AttemptEnded("g#2", 2, State.SUCCEEDED, detail={"artifact": artifact})
        assert [action.id for action in after.handle(over).actions if isinstance(action, Start)] == started


def test_a_result_that_is_no_longer_there_is_made_again_and_its_children_stay() -> None:
    _, facts = ended(CHAIN)
    run = so_far(facts)
    world = World(0, random.Random(1), failing=0)
    after = Scheduler(CHAIN, 2, run=run, intact=passed(run) - {"h#1"})
    world.begin(after, "leah")
    world.play(after)
    assert [id for id, _ in world.started] == ["h#1"]


def test_what_failed_before_is_run_again_and_what_failed_upstream_too() -> None:
    pipeline = Pipeline(nodes=(Node(title="a"), Node(title="b", after=("a",)), Node(title="c")))
    scheduler = Scheduler(pipeline, 9)
    facts = list(scheduler.handle(Begin()).facts)
    facts += scheduler.handle(AttemptEnded("a", 1, State.FAILED)).facts
    facts += scheduler.handle(AttemptEnded("c", 1, State.SUCCEEDED)).facts
    assert scheduler.run.state is RunState.FAILED
    scheduler = resumed(pipeline, facts)
    assert scheduler.handle(Begin("leah")).actions == [Start("a", 2, {})]
    assert end(scheduler, "a") == ["b"]
    end(scheduler, "b")
    assert scheduler.run.state is RunState.SUCCEEDED
    assert states(scheduler) == dict.fromkeys("abc", State.SUCCEEDED)


def test_a_node_that_is_gone_leaves_nothing_behind() -> None:
    scheduler, facts = ended(CHAIN)
    smaller = Pipeline(nodes=CHAIN.nodes[:3])
    assert again(scheduler, smaller, facts) == []
    assert so_far(facts).node_runs.keys() == {"a", "g#1", "g#2", "h#1", "h#2"}
