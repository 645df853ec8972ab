"""Foresight: what will come to be if what is under way succeeds."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.events import AttemptEnded, Begin, Event, RetryDue, Start, TryLater
from dagbook.runner.core.foresight import Foresight
from dagbook.runner.core.lifecycle import Changed, Created, NodeRun, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.scheduler import Scheduler
from tests.core.pipelines import flows, pipelines


def play(pipeline: Pipeline, fate: random.Random, jobs: int, bad: float = 0.0) -> dict[str, Created]:
    """Run a pipeline in a random order, each that starts supposed to succeed; what was foreseen and did not come."""
    scheduler, foresight = Scheduler(pipeline, jobs), Foresight(pipeline)
    foreseen: dict[str, Created] = {}
    pending: list[Event] = [Begin()]
    while pending:
        decision = scheduler.handle(pending.pop(fate.randrange(len(pending))))
        for fact in decision.facts:
            if isinstance(fact, Created) and any(fact.before()) and not bad:
                assert foreseen.pop(fact.id) == replace(fact, plan="")
            if isinstance(fact, Changed) and fact.state is State.STARTING:
                found = {one.id: one.created for one in foresight.suppose(scheduler.run.node_runs[fact.id], 1)}
                assert not found.keys() & foreseen.keys(), "each is foreseen once"
                foreseen |= found
        for action in decision.actions:
            if isinstance(action, Start):
                state = State.FAILED if fate.random() < bad else State.SUCCEEDED
                pending.append(AttemptEnded(action.id, action.attempt, state))
            elif isinstance(action, TryLater):
                pending.append(RetryDue(action.id))
    return foreseen


@settings(max_examples=150, deadline=None)
@given(pipelines(), st.integers(0, 10**6), st.integers(1, 4))
def test_all_that_comes_to_be_was_foreseen_as_it_is(pipeline: Pipeline, seed: int, jobs: int) -> None:
    """Grids, joins and gathers: as soon as the last run before it starts, a node run is foreseen, with its parents."""
    assert not play(pipeline, random.Random(seed), jobs)


@settings(max_examples=150, deadline=None)
@given(flows(), st.integers(0, 10**6), st.integers(1, 4))
def test_what_depends_on_tags_and_fates_is_no_trouble(pipeline: Pipeline, seed: int, jobs: int) -> None:
    """Conditions, references, hyper, failures: what cannot be foreseen is not, and nothing is foreseen twice."""
    play(pipeline, random.Random(seed), jobs, bad=0.2)


def test_a_reference_to_a_running_node_is_not_foreseen_and_one_to_a_finished_is() -> None:
    nodes = (
        Node(title="a"),
        Node(title="b", after=("a",), params={"x": "{{ a.size }}"}),
        Node(title="c", after=("a",)),
        Node(title="d", after=("c",), params={"x": "{{ a.size }}"}),
    )
    foresight = Foresight(Pipeline(nodes=nodes))
    a = NodeRun(Created("a", "a", (), {}, {}, {}), State.RUNNING, 1)
    assert [one.id for one in foresight.suppose(a, 1)] == ["c"]
    a.tags["size"], a.state, a.detail = 7, State.SUCCEEDED, {"artifact": "0" * 64}
    foresight.learn(a)
    c = NodeRun(Created("c", "c", (), {}, {}, {"a": "a"}), State.RUNNING, 1)
    (found,) = foresight.suppose(c, 1)
    assert found.created.params == {"x": 7}
    assert foresight.suppose(c, 1) == []
