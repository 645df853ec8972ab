"""Scenes: what the whole picture of a pipeline and of a run holds, at any size."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from dagbook.runner.board.folding import MOST_CARDS
from dagbook.runner.board.pictured import flow_of, planned_scene, run_scene
from dagbook.runner.board.scene import Card, Flow, Form, Scene
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import Fact, RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.board.recorded import node_run, recorded
from tests.flows.flow import Flow as Notebook

FAN = Pipeline(
    name="fan",
    nodes=(
        Node(title="load"),
        Node(title="train", after=("load",), grid={"x": [1, 2, 3]}),
        Node(title="join", after=("train", "load"), gather=("train",)),
    ),
)


def complete(scene: Scene) -> None:
    """Each card has its place inside the picture, each arrow its two cards."""
    keys = [card.key for card in scene.cards]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(scene.boxes)
    assert len({arrow.key for arrow in scene.arrows}) == len(scene.arrows)
    for arrow in scene.arrows:
        assert arrow.source in scene.boxes
        assert arrow.target in scene.boxes
    for box in scene.boxes.values():
        assert box.x + box.width / 2 <= scene.width + 0.1
        assert box.y + box.height / 2 <= scene.height + 0.1


def test_a_planned_scene_has_all_nodes_and_edges_and_skips_told() -> None:
    scene = planned_scene(FAN)
    complete(scene)
    assert [card.key for card in scene.cards] == ["load", "train", "join"]
    assert {(arrow.key, arrow.label, arrow.skips) for arrow in scene.arrows} == {
        ("load->train", "", 0),
        ("train->join", "all runs", 0),
        ("load->join", "", 1),
    }
    (long,) = (arrow for arrow in scene.arrows if arrow.skips)
    assert long.bends
    assert {arrow.flow for arrow in scene.arrows} == {Flow.IDLE}


def test_an_opened_node_holds_its_node_runs_and_closed_again_the_picture_is_as_before(tmp_path: Path) -> None:
    facts = [fact for at in (1, 2, 3) for fact in node_run(FAN, "train", State.SUCCEEDED, (at,), {"x": at})]
    follower = recorded(tmp_path, FAN, facts)
    closed, opened = run_scene(follower, now=1e12), run_scene(follower, {"train"}, now=1e12)
    complete(opened)
    frame = opened.boxes["train"]
    for key in ("train#1", "train#2", "train#3"):
        box = opened.boxes[key]
        assert abs(box.x - frame.x) + box.width / 2 < frame.width / 2
        assert abs(box.y - frame.y) + box.height / 2 < frame.height / 2
    assert {arrow.key for arrow in opened.arrows} == {arrow.key for arrow in closed.arrows}
    assert run_scene(follower, now=1e12) == closed


def test_cards_do_not_move_while_a_run_goes_on(tmp_path: Path) -> None:
    facts = [*node_run(FAN, "load", State.SUCCEEDED), *node_run(FAN, "train", State.RUNNING, (1,), {"x": 1})]
    assert run_scene(recorded(tmp_path, FAN, facts)).boxes == planned_scene(FAN).boxes


def test_row_4_nodes_with_top_and_left_stand_there() -> None:
    nodes = (Node(title="a", top=300, left=40), Node(title="b", after=("a",), top=0, left=400))
    scene = planned_scene(Pipeline(nodes=nodes))
    assert {key: (box.x - box.width / 2, box.y - box.height / 2) for key, box in scene.boxes.items()} == {
        "a": (40, 300),
        "b": (400, 0),
    }


def line(length: int, wide: int = 1) -> Pipeline:
    """Chains beside each other."""
    nodes = [
        Node(title=f"n{chain} {at}", after=(f"n{chain} {at - 1}",) if at else ())
        for chain in range(wide)
        for at in range(length)
    ]
    return Pipeline(nodes=tuple(nodes))


def test_a_short_picture_goes_to_the_right_and_a_very_long_one_down() -> None:
    assert planned_scene(line(5)).direction == "right"
    long = planned_scene(line(20))
    assert (long.direction, long.width) == ("down", 164)
    assert planned_scene(line(20), direction="right").direction == "right"


def random_pipeline(size: int) -> Pipeline:
    chance = random.Random(3)
    nodes = []
    for at in range(size):
        before = {f"n {max(0, at - 1 - int(chance.expovariate(1 / 40)))}" for _ in range(2)} if at else set()
        nodes.append(Node(title=f"n {at}", after=tuple(sorted(before))))
    return Pipeline(nodes=tuple(nodes))


def fan(children: int) -> Pipeline:
    """Many nodes after one."""
    return Pipeline(nodes=(Node(title="a"), *(Node(title=f"b{at}", after=("a",)) for at in range(children))))


@pytest.mark.parametrize(
    "pipeline",
    [
        pytest.param(random_pipeline(1000), id="random"),
        pytest.param(line(40, 25), id="chains"),
        pytest.param(line(1, 900), id="unconnected"),
        pytest.param(fan(800), id="fan"),
        pytest.param(random_pipeline(301), id="one too many"),
    ],
)
def test_of_a_thousand_nodes_three_hundred_cards_are_drawn_unless_all_are_asked_for(pipeline: Pipeline) -> None:
    scene = planned_scene(pipeline)
    complete(scene)
    assert len(scene.cards) <= MOST_CARDS
    drawn = sum(int(card.count[1:]) if card.form is Form.SUMMARY else 1 for card in scene.cards)
    assert drawn == len(pipeline.nodes)
    whole = planned_scene(pipeline, whole=True)
    complete(whole)
    assert len(whole.cards) == len(pipeline.nodes)


def test_a_chain_that_stands_for_many_can_be_opened() -> None:
    scene = planned_scene(line(40, 25))
    (first, *_) = scene.cards
    assert (first.form, first.title, first.count) == (Form.SUMMARY, "n0 0 … n0 39", "×40")
    opened = planned_scene(line(40, 25), {first.key})
    complete(opened)
    assert {f"n0_{at}" for at in range(40)} < {card.key for card in opened.cards}


def test_three_hundred_nodes_are_drawn_one_by_one() -> None:
    assert len(planned_scene(random_pipeline(MOST_CARDS)).cards) == MOST_CARDS


def test_states_of_nodes_that_are_drawn_together_are_told_together(tmp_path: Path) -> None:
    pipeline = line(2, 200)
    facts = [*node_run(pipeline, "n0 0", State.SUCCEEDED), *node_run(pipeline, "n0 1", State.FAILED)]
    (first, *_) = run_scene(recorded(tmp_path, pipeline, facts)).cards
    assert (first.form, first.state, first.states) == (Form.SUMMARY, State.FAILED, (State.SUCCEEDED, State.FAILED))


@pytest.mark.parametrize(
    ("before", "after", "flow"),
    [
        (None, None, Flow.IDLE),
        (State.RUNNING, State.WAITING, Flow.IDLE),
        (State.SUCCEEDED, State.QUEUED, Flow.IDLE),
        (State.SUCCEEDED, State.RUNNING, Flow.FLOWING),
        (State.CACHED, State.STARTING, Flow.FLOWING),
        (State.SUCCEEDED, State.SUCCEEDED, Flow.PASSED),
        (State.FAILED, State.UPSTREAM_FAILED, Flow.BROKEN),
        (State.FAILED, State.WAITING, Flow.BROKEN),
        (State.SUCCEEDED, State.SKIPPED, Flow.BROKEN),
        (State.SUCCEEDED, State.FAILED, Flow.PASSED),
    ],
)
def test_an_arrow_tells_whether_something_goes_along_it(before: State | None, after: State | None, flow: Flow) -> None:
    assert flow_of(Card("a", "a", "a", state=before), Card("b", "b", "b", state=after)) is flow


def test_of_folded_cards_one_run_at_work_makes_the_arrow_flow() -> None:
    source = Card("a", "a", "a", Form.FOLDED, state=State.FAILED, states=(State.SUCCEEDED, State.FAILED))
    target = Card("b", "b", "b", Form.FOLDED, state=State.RUNNING, states=(State.RUNNING, State.SUCCEEDED))
    assert flow_of(source, target) is Flow.FLOWING


def test_a_node_that_did_not_come_to_be_has_no_state_when_the_run_is_over(tmp_path: Path) -> None:
    facts = [*node_run(FAN, "load", State.CANCELLED), RunChanged(RunState.CANCELLED)]
    states = {card.key: card.state for card in run_scene(recorded(tmp_path, FAN, facts)).cards}
    assert states == {"load": State.CANCELLED, "train": None, "join": None}


def test_row_44_a_real_run_is_pictured_as_it_went(tmp_path: Path) -> None:
    """A grid, a condition that chooses, a failure: all from the store of a run that really ran."""
    notebook = Notebook(
        tmp_path,
        "%%pipeline_node first --grid x=1,2\nfrom dagbook import log_metric\nlog_metric('score', x * 1.0, step=1)",
        "%%pipeline_node best --after first --when max:score\nprint('chosen')",
        "%%pipeline_node wrong --after best\nraise ValueError('no <b>good</b>')",
        "%%pipeline_node after --after wrong\nprint(1)",
    )
    ended = notebook.run(code=1)
    follower = Follower(Store(notebook.store), ended.id)
    follower.update()
    found = {card.key: card for card in run_scene(follower).cards}
    assert (found["first"].count, found["first"].best, found["first"].pill) == ("×2", 1, "score 2")
    assert (found["best"].state, found["best"].form) == (State.SUCCEEDED, Form.NODE)
    assert found["wrong"].state is State.FAILED
    assert "no <b>good</b>" in found["wrong"].line
    assert found["after"].state is State.UPSTREAM_FAILED
    assert all(found[key].time for key in ("first", "best", "wrong"))


def test_over_the_edge_from_what_a_condition_left_out_nothing_came(tmp_path: Path) -> None:
    when = (Condition(tag="score", objective=Objective.MAX),)
    pipeline = Pipeline(
        nodes=(Node(title="a"), Node(title="b"), Node(title="best", after=("a", "b"), when=when)),
    )
    scores = [fact for title in "ab" for fact in node_run(pipeline, title, State.SUCCEEDED, tags={"score": 1})]

    def flows(name: str, facts: list[Fact]) -> dict[str, Flow]:
        scene = run_scene(recorded(tmp_path / name, pipeline, facts), now=1e12)
        return {arrow.source: arrow.flow for arrow in scene.arrows}

    for state, flow in ((State.SUCCEEDED, Flow.PASSED), (State.RUNNING, Flow.FLOWING), (State.QUEUED, Flow.IDLE)):
        chosen = node_run(pipeline, "best", state, parents={"a": "a"})
        assert flows(state, [*scores, *chosen]) == {"a": flow, "b": Flow.BROKEN}
    assert flows("undecided", scores) == {"a": Flow.IDLE, "b": Flow.IDLE}


def test_the_outline_of_a_run_is_worked_out_once(tmp_path: Path) -> None:
    from dagbook.runner.board.pictured import outline_of_run

    follower = recorded(tmp_path, FAN, [])
    assert outline_of_run(follower) is outline_of_run(follower)
    assert list(itertools.chain(outline_of_run(follower).graph)) == ["load", "train", "join"]
