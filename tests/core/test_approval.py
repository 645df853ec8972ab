"""Human approval: a node run waits for a person, and nothing else moves it on (rows 52 to 55)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.events import (
    Action,
    Answer,
    AttemptEnded,
    Begin,
    Cancel,
    Earlier,
    End,
    Found,
    Look,
    Start,
)
from dagbook.runner.core.lifecycle import Answered, RunState, State
from dagbook.runner.core.model import Node, OnError, Pipeline
from dagbook.runner.core.scheduler import Scheduler
from tests.core.pipelines import flows
from tests.core.test_expansion import begun, end, foreseen, grid, run_state, states
from tests.core.world import World

ASKS = ("leah", "yochay")


def answer(
    scheduler: Scheduler, id: str, approved: bool = True, plan: str | None = None, by: str = "leah"
) -> list[Action]:
    """Decide on a node run, for the plan that it has unless another is given; the actions that follow."""
    plan = scheduler.run.node_runs[id].created.plan if plan is None else plan
    return scheduler.handle(Answer(id, approved, by, "a test", plan)).actions


def asking(*more: Node, looks: tuple[str, ...] = ()) -> Scheduler:
    """a, then b, which asks; and c, which has nothing to do with them."""
    nodes = (Node(title="a"), Node(title="b", after=("a",), approve=ASKS), Node(title="c"), *more)
    scheduler = Scheduler(Pipeline(nodes=nodes), 9, looks=looks)
    scheduler.handle(Begin())
    return scheduler


def test_rows_52_55_it_is_pending_as_soon_as_its_inputs_are_decided_and_so_is_the_run_while_the_rest_goes_on() -> None:
    scheduler = asking(Node(title="d", after=("c",)))
    assert run_state(scheduler) is RunState.RUNNING
    assert end(scheduler, "a") == []
    assert states(scheduler)["b"] is State.PENDING_APPROVAL
    assert "leah or yochay" in scheduler.run.node_runs["b"].reason
    assert scheduler.run.node_runs["b"].detail["approvers"] == ["leah", "yochay"]
    assert run_state(scheduler) is RunState.PENDING_APPROVAL
    assert not scheduler.only_waits()
    assert end(scheduler, "c") == ["d"]
    assert not scheduler.only_waits()
    end(scheduler, "d")
    assert scheduler.only_waits()
    assert run_state(scheduler) is RunState.PENDING_APPROVAL


def test_row_54_an_approval_lets_it_start_and_the_run_goes_on() -> None:
    scheduler = asking()
    end(scheduler, "a")
    decision = scheduler.handle(Answer("b", True, "leah", "a test", scheduler.run.node_runs["b"].created.plan))
    assert Answered("b", True, "leah", "a test", scheduler.run.node_runs["b"].created.plan) in decision.facts
    assert decision.actions == [Start("b", 1, {"a": "a"})]
    assert run_state(scheduler) is RunState.RUNNING
    end(scheduler, "b")
    end(scheduler, "c")
    assert run_state(scheduler) is RunState.SUCCEEDED
    assert scheduler.run.node_runs["b"].answer == decision.facts[0]


def test_the_run_stays_pending_until_the_last_pending_node_run_is_decided() -> None:
    scheduler = begun(grid("b", 3, approve=ASKS))
    for number, state in [(2, RunState.PENDING_APPROVAL), (1, RunState.PENDING_APPROVAL), (3, RunState.RUNNING)]:
        assert answer(scheduler, f"b#{number}") == [Start(f"b#{number}", 1, {})]
        assert run_state(scheduler) is state


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda plan: Answer("b", True, "leah", "a test", "another plan"), id="for another plan"),
        pytest.param(lambda plan: Answer("b", False, "leah", "a test", ""), id="for no plan"),
        pytest.param(lambda plan: Answer("c", True, "leah", "a test", plan), id="for what runs"),
        pytest.param(lambda plan: Answer("a", False, "leah", "a test", plan), id="for what has ended"),
        pytest.param(lambda plan: Answer("nobody", True, "leah", "a test", plan), id="for what is not there"),
        pytest.param(lambda plan: Found("b", Earlier({}, {})), id="a result of before answers nothing"),
    ],
)
def test_what_is_no_answer_to_what_was_asked_changes_nothing(told: object) -> None:
    scheduler = asking(looks=("b",))
    end(scheduler, "a")
    decision = scheduler.handle(told(scheduler.run.node_runs["b"].created.plan))  # type: ignore[operator]
    assert (decision.facts, decision.actions) == ([], [])
    assert states(scheduler)["b"] is State.PENDING_APPROVAL


@pytest.mark.parametrize("second", [True, False])
def test_of_two_answers_the_first_counts(second: bool) -> None:
    scheduler = asking()
    end(scheduler, "a")
    answer(scheduler, "b")
    decision = scheduler.handle(Answer("b", second, "yochay", "a test", scheduler.run.node_runs["b"].created.plan))
    assert (decision.facts, decision.actions) == ([], [])
    assert scheduler.run.node_runs["b"].answer is not None
    assert scheduler.run.node_runs["b"].answer.by == "leah"


def test_the_plan_that_is_approved_follows_from_what_the_node_is_to_run_on() -> None:
    """Another artifact or tag before it is another plan; the same is the same."""

    def plan_of(artifact: str, **tags: float) -> str:
        scheduler = asking()
        end(scheduler, "c")
        attempt = scheduler.run.node_runs["a"].attempt
        for name, value in tags.items():
            scheduler.run.node_runs["a"].tags[name] = value
        scheduler.handle(AttemptEnded("a", attempt, State.SUCCEEDED, detail={"artifact": artifact}))
        return scheduler.run.node_runs["b"].created.plan

    assert plan_of("x", m=1) == plan_of("x", m=1)
    assert len({plan_of("x", m=1), plan_of("y", m=1), plan_of("x", m=2), plan_of("x")}) == 4


def test_row_54_a_rejection_ends_the_run_cancels_what_is_under_way_and_keeps_done_work() -> None:
    nodes = (grid("q", 2, approve=ASKS), Node(title="late", after=("b",)), Node(title="d", after=("c",)))
    scheduler = asking(*nodes)
    end(scheduler, "a")
    assert answer(scheduler, "b", approved=False) == [End("c")]
    end(scheduler, "c", State.CANCELLED)
    wanted = dict.fromkeys(("c", "d", "late", "q#1", "q#2"), State.CANCELLED)
    assert states(scheduler) == {"a": State.SUCCEEDED, "b": State.REJECTED, **wanted}
    assert run_state(scheduler) is RunState.REJECTED
    assert scheduler.run.reason == 'leah rejected "b"'


def test_what_ends_well_while_a_rejected_run_is_ended_is_kept() -> None:
    scheduler = asking()
    end(scheduler, "a")
    answer(scheduler, "b", approved=False)
    end(scheduler, "c")
    assert states(scheduler)["c"] is State.SUCCEEDED
    assert run_state(scheduler) is RunState.REJECTED


def test_an_earlier_result_is_looked_for_only_after_the_approval() -> None:
    scheduler = asking(looks=("b",))
    assert end(scheduler, "a") == []
    assert answer(scheduler, "b") == [Look("b")]
    scheduler.handle(Found("b", Earlier({"artifact": "x"}, {"m": 1}), "nothing changed"))
    assert states(scheduler)["b"] is State.CACHED
    assert scheduler.run.node_runs["b"].tags == {"m": 1}


def test_cancelling_while_it_is_pending_cancels_it() -> None:
    scheduler = asking()
    end(scheduler, "a")
    end(scheduler, "c")
    assert scheduler.handle(Cancel("Ctrl-C")).actions == []
    assert states(scheduler)["b"] is State.CANCELLED
    assert run_state(scheduler) is RunState.CANCELLED
    assert answer(scheduler, "b") == []
    assert states(scheduler)["b"] is State.CANCELLED


def test_a_failure_that_stops_all_ends_what_is_pending() -> None:
    scheduler = begun(Node(title="b", approve=ASKS), Node(title="c", on_error=OnError.STOP_ALL))
    end(scheduler, "c", State.FAILED)
    assert states(scheduler)["b"] is State.CANCELLED
    assert run_state(scheduler) is RunState.FAILED


def test_nobody_is_asked_about_what_does_not_run() -> None:
    """Conditions come first, and so does the fate of the nodes before it."""
    condition = Condition(objective=Objective.GT, tag="m", target=1)
    nodes = (
        Node(title="b", after=("a",), approve=ASKS),
        Node(title="c", after=("a",), approve=ASKS, when=(condition,)),
    )
    scheduler = begun(Node(title="a"), *nodes)
    end(scheduler, "a", State.FAILED)
    assert states(scheduler) == {"a": State.FAILED, "b": State.UPSTREAM_FAILED, "c": State.UPSTREAM_FAILED}
    scheduler = begun(Node(title="a"), nodes[1])
    end(scheduler, "a", m=0)
    assert states(scheduler)["c"] is State.SKIPPED


def test_a_second_attempt_is_not_asked_about_again() -> None:
    scheduler = begun(Node(title="b", approve=ASKS, retries=1))
    answer(scheduler, "b")
    end(scheduler, "b", State.FAILED)
    assert states(scheduler)["b"] is State.FAILED
    assert run_state(scheduler) is RunState.RUNNING


@given(flows(approvals=True), st.integers(0, 999), st.randoms(use_true_random=False))
def test_approved_runs_end_as_they_would_without_asking_and_none_starts_unasked(
    pipeline: Pipeline, seed: int, fate: random.Random
) -> None:
    wanted = foreseen(pipeline, seed)
    scheduler, world = Scheduler(pipeline, 2), World(seed, fate)
    world.begin(scheduler)
    world.play(scheduler)
    keys, runs = world.keys(scheduler), scheduler.run.node_runs
    assert {keys[id]: run.state for id, run in runs.items()} == wanted.states()
    asked = {node.title for node in pipeline.nodes if node.approve}
    for id, _ in world.started:
        given_for = runs[id].answer
        assert (given_for is not None and given_for.approved) is (runs[id].node in asked)


@given(flows(approvals=True), st.integers(0, 999), st.randoms(use_true_random=False))
def test_with_nobody_to_answer_the_run_comes_to_a_point_where_it_only_waits(
    pipeline: Pipeline, seed: int, fate: random.Random
) -> None:
    scheduler, world = Scheduler(pipeline, 2), World(seed, fate, approves=False)
    world.begin(scheduler)
    world.play(scheduler)
    pending = State.PENDING_APPROVAL in states(scheduler).values()
    assert scheduler.only_waits() is pending
    assert (run_state(scheduler) is RunState.PENDING_APPROVAL) is pending
