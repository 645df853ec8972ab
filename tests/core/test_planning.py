"""A plan: the scheduler with every attempt taken to succeed, and what only the run decides told of once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.events import Earlier
from dagbook.runner.core.lifecycle import NodeRun, RunSoFar, RunState, State
from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.core.planning import Looker, Planned, planner
from dagbook.runner.core.reuse import Candidate
from dagbook.runner.core.routes import count
from dagbook.runner.core.scheduler import Scheduler
from dagbook.runner.core.values import Value
from tests.core.pipelines import flows
from tests.core.test_expansion import grid
from tests.core.world import World

BEST = Condition(objective=Objective.MAX, tag="m")
HYPER = {"r": "{{ a.r | hyper }}"}


def planned(*nodes: Node, **more: object) -> Planned:
    return planner(Pipeline(nodes=nodes), **more)  # type: ignore[arg-type]


def recalling(tags: Mapping[str, Mapping[str, Value]]) -> Looker:
    """A look into a cache that holds the node runs of these ids, with their tags."""

    def look(so_far: RunSoFar, run: NodeRun) -> tuple[Earlier | None, str]:
        return (Earlier({}, tags[run.id]), "") if run.id in tags else (None, "it never ran")

    return look


@given(flows(approvals=True))
def test_a_plan_lists_every_node_and_each_unknown_one_once(pipeline: Pipeline) -> None:
    found = planner(pipeline)
    listed = Counter(run.node for run in found.run.node_runs.values())
    assert set(listed) == {node.title for node in pipeline.nodes}
    waiting = Counter(run.node for run in found.run.node_runs.values() if run.state is State.WAITING)
    assert set(waiting.values()) <= {1}
    assert sorted(waiting) == sorted(found.unknown)
    assert all(run.reason for run in found.run.node_runs.values() if run.state is State.WAITING)
    states = {run.state for run in found.run.node_runs.values()}
    refused = State.FAILED in states  # a reference to several runs at once, which the checks would not let through
    assert refused or (states <= {State.WAITING, State.SUCCEEDED} and found.run.state is RunState.SUCCEEDED)


@given(flows())
def test_counts_agree_with_the_plan_where_they_are_known(pipeline: Pipeline) -> None:
    """A reference to a tag makes a node wait, and yet it is known how often it will run."""
    counted, found = count(pipeline), planner(pipeline)
    assume(found.run.state is RunState.SUCCEEDED)
    runs = found.run.node_runs.values()
    for title, number in counted.by_node.items():
        states = [run.state for run in runs if run.node == title]
        if number is not None and set(states) == {State.SUCCEEDED}:
            assert len(states) == number
        if number is None:
            assert State.WAITING in states


@given(flows(), st.integers(0, 99), st.randoms(use_true_random=False))
def test_where_nothing_is_unknown_the_plan_is_the_run(pipeline: Pipeline, seed: int, fate: random.Random) -> None:
    found = planner(pipeline)
    assume(not found.unknown and found.run.state is RunState.SUCCEEDED)
    scheduler, world = Scheduler(pipeline, 3), World(seed, fate, failing=0)
    world.begin(scheduler)
    world.play(scheduler)
    assert set(found.run.node_runs) == set(scheduler.run.node_runs)
    assert not count(pipeline).unknown
    assert count(pipeline).node_runs == len(found.run.node_runs)


def test_a_hyper_parameter_a_condition_and_what_comes_after_them_are_left_to_the_run() -> None:
    found = planned(
        grid("a", 2),
        Node(title="b", after=("a",), params=HYPER),
        Node(title="c", after=("b",)),
        Node(title="best", after=("a",), when=(BEST,)),
        Node(title="d", after=("a",), params={"p": "{{ a.m }}"}),
        Node(title="e", after=("a",)),
    )
    states = {id: run.state for id, run in found.run.node_runs.items()}
    known = dict.fromkeys(("a#1", "a#2", "e#1", "e#2"), State.SUCCEEDED)
    assert states == known | dict.fromkeys(("b", "c", "best", "d"), State.WAITING)
    assert sorted(found.unknown) == ["b", "best", "c", "d"]
    assert found.run.node_runs["b"].reason == 'the tag "r" is known only when "a" has run'
    assert found.run.node_runs["best"].reason == 'its condition: the tag "m" is known only when "a" has run'


def test_a_parameter_of_a_node_before_is_known_to_a_plan() -> None:
    """So a reference to it, a threshold on it, and max over it, are decided."""
    found = planned(
        grid("a", 3),
        Node(title="b", after=("a",), params={"p": "{{ a.x }}"}),
        Node(title="some", after=("a",), when=(Condition(objective=Objective.GE, tag="x", target=1),)),
        Node(title="best", after=("a",), when=(Condition(objective=Objective.MAX, tag="x"),)),
    )
    assert found.unknown == []
    assert [id for id in found.run.node_runs if id[0] in "sb" and not id.startswith("b#")] == [
        "some#2",
        "some#3",
        "best#3",
    ]
    assert found.run.node_runs["b#3"].created.params == {"p": 2}


def test_row_40_over_the_tag_of_a_run_that_is_cached_the_values_are_known() -> None:
    nodes = (Node(title="a"), Node(title="b", after=("a",), params=HYPER), Node(title="c", after=("b",)))
    found = planned(*nodes, looks=("a", "b"), look=recalling({"a": {"r": "1,2,3"}, "b#2": {}}))
    states = {id: run.state for id, run in found.run.node_runs.items()}
    cached = dict.fromkeys(("a", "b#2"), State.CACHED)
    assert states == dict.fromkeys(("b#1", "b#3", "c#1", "c#2", "c#3"), State.SUCCEEDED) | cached
    assert found.unknown == []
    assert found.why["b#1"] == "it never ran"


def test_max_over_cached_runs_is_known_and_over_one_that_is_not_it_is_not() -> None:
    nodes = (grid("a", 2), Node(title="best", after=("a",), when=(BEST,)))
    found = planned(*nodes, looks=("a",), look=recalling({"a#1": {"m": 1}, "a#2": {"m": 2}}))
    assert [id for id in found.run.node_runs if id.startswith("best")] == ["best#2"]
    found = planned(*nodes, looks=("a",), look=recalling({"a#1": {"m": 1}}))
    assert found.unknown == ["best"]


def test_a_threshold_lists_the_cached_runs_that_pass_and_once_what_is_left_to_the_run() -> None:
    passing = Condition(objective=Objective.GT, tag="m", target=0)
    nodes = (grid("a", 3), Node(title="b", after=("a",), when=(passing,)), Node(title="c", after=("b",)))
    found = planned(*nodes, looks=("a",), look=recalling({"a#1": {"m": 1}, "a#2": {"m": 0}}))
    states = {id: run.state for id, run in found.run.node_runs.items() if id[0] in "bc"}
    assert states == {
        "b#1": State.SUCCEEDED,
        "c#1": State.SUCCEEDED,
        "b": State.WAITING,
        "c": State.WAITING,
    }


def test_what_is_looked_up_is_only_what_has_known_inputs() -> None:
    asked: list[str] = []

    def look(so_far: RunSoFar, run: NodeRun) -> tuple[Earlier | None, str]:
        asked.append(run.id)
        return None, "the code changed"

    found = planned(Node(title="a"), Node(title="b", after=("a",)), looks=("a", "b"), look=look)
    assert asked == ["a"]
    assert found.why == {"a": "the code changed", "b": '"a" runs before it'}


def test_approvals_are_told_and_taken_as_given() -> None:
    nodes = (grid("a", 2, approve=("leah",)), Node(title="b", after=("a",), approve=("leah", "yochay")))
    found = planned(*nodes)
    assert sorted(found.asks) == ["a#1", "a#2", "b#1", "b#2"]
    assert found.asks["b#1"] == "waits for leah or yochay"
    assert {run.state for run in found.run.node_runs.values()} == {State.SUCCEEDED}


def test_a_dataset_has_no_tags_that_a_plan_would_have_to_wait_for() -> None:
    found = planned(Node(title="d", kind=Kind.DATA, path="x"), Node(title="a", after=("d",)))
    assert found.unknown == []


def test_a_plan_stops_when_there_would_be_more_than_may_run() -> None:
    found = planned(grid("a", 30), grid("b", 30, "a"), most=50)
    assert 50 < len(found.run.node_runs) < 200


@pytest.mark.parametrize("reused", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_titles_of_earlier_runs_that_stand_are_planned_as_cached(reused: list[str]) -> None:
    nodes = (Node(title="a"), Node(title="b", after=("a",)), Node(title="c", after=("b",)))
    found = planned(*nodes, reused=reused)
    assert [id for id, run in found.run.node_runs.items() if run.state is State.CACHED] == reused


def test_row_40_the_tags_of_earlier_runs_that_stand_are_known_to_a_plan() -> None:
    nodes = (
        Node(title="a"),
        Node(title="b", after=("a",), params=HYPER),
        Node(title="best", after=("a",), when=(BEST,)),
    )
    found = planned(*nodes, reused=["a"], earlier={"a": [Candidate("{}", "{}", Earlier({}, {"r": "1,2", "m": 1}))]})
    assert sorted(found.run.node_runs) == ["a", "b#1", "b#2", "best"]
    assert found.unknown == []


def test_what_depends_on_a_missing_earlier_result_is_left_to_the_run() -> None:
    nodes = (Node(title="a"), Node(title="best", after=("a",), when=(BEST,)), Node(title="c", after=("best",)))
    found = planned(*nodes, reused=["a", "best"])
    assert found.unknown == ["best", "c"]
