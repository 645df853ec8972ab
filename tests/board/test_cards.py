"""The cards of a pipeline and of a run: a card for each node, whatever its node runs are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.board.cards import MOST_INSIDE, aggregate, planned_cards, run_cards, took
from dagbook.runner.board.outline import edge_label, outline_of
from dagbook.runner.board.scene import Card, Form
from dagbook.runner.core.edge import Condition, Edge, Objective, Port
from dagbook.runner.core.lifecycle import Created, Fact, NodeRun, State, Tagged
from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.records.follow import Watched
from dagbook.runner.view import age
from tests.board.recorded import node_run, recorded

SEARCH = Pipeline(
    name="search",
    nodes=(
        Node(title="raw", kind=Kind.DATA, path="raw"),
        Node(title="prepare", after=("raw",), cell=3),
        Node(title="Train model", after=("prepare",), grid={"lr": [0.1, 0.2, 0.3], "depth": [1, 2, 3]}),
        Node(title="best", after=("Train model",), when=(Condition(objective=Objective.MAX, tag="accuracy"),)),
        Node(title="report", after=("Train model",), gather=("Train model",), kind=Kind.COMMAND),
        Node(title="publish", after=("best",), approve=("leah", "yochay")),
    ),
)


def cards(tmp_path: Path, facts: list[Fact], opened: tuple[str, ...] = (), over: bool = False) -> dict[str, Card]:
    """The cards of a run of SEARCH by key."""
    follower = recorded(tmp_path, SEARCH, facts)
    return {card.key: card for card in run_cards(outline_of(SEARCH), follower.listed(), opened, 1e12, over)}


def trained(*states: State, accuracy: tuple[float, ...] = ()) -> list[Fact]:
    """Runs of the grid, in the order of its routes."""
    facts: list[Fact] = []
    for at, state in enumerate(states):
        route = {"lr": round(0.1 * (1 + at // 3), 1), "depth": 1 + at % 3}
        tags = {"accuracy": accuracy[at]} if at < len(accuracy) else {}
        facts += node_run(SEARCH, "Train model", state, (at + 1,), route, tags=tags, reason="it broke\nbadly")
    return facts


def test_row_35_a_planned_card_tells_what_a_node_is_and_how_often_it_runs() -> None:
    found = {card.key: card for card in planned_cards(outline_of(SEARCH))}
    assert list(found) == ["raw", "prepare", "train_model", "best", "report", "publish"]
    train = found["train_model"]
    assert (train.form, train.line, train.count, train.planned) == (Form.FOLDED, "3 × 3 grid", "×9", 9)
    assert (found["prepare"].form, found["prepare"].line, found["prepare"].count) == (Form.NODE, "cell 3", "")
    assert {card.state for card in found.values()} == {None}


@pytest.mark.parametrize(
    ("key", "line", "asks"),
    [
        pytest.param("raw", "dataset", False, id="dataset"),
        pytest.param("best", "max accuracy", False, id="row 44"),
        pytest.param("report", "command", False, id="command"),
        pytest.param("publish", "asks leah or yochay", True, id="row 52"),
    ],
)
def test_a_planned_line_tells_the_kind_the_condition_or_whom_it_asks(key: str, line: str, asks: bool) -> None:
    (card,) = (card for card in planned_cards(outline_of(SEARCH)) if card.key == key)
    assert (card.line, card.asks) == (line, asks)


def test_what_only_the_run_decides_has_an_unknown_count() -> None:
    found = {card.key: card.count for card in planned_cards(outline_of(SEARCH))}
    assert (found["best"], found["publish"]) == ("×?", "×?")


def test_many_node_runs_are_one_card_with_their_states_in_the_order_of_their_routes(tmp_path: Path) -> None:
    states = [State.SUCCEEDED, State.RUNNING, State.QUEUED]
    card = cards(tmp_path, trained(*states))["train_model"]
    assert card.form is Form.FOLDED
    assert card.states == tuple(states)
    assert (card.state, card.count, card.planned) == (State.RUNNING, "1/9", 9)
    assert card.progress == pytest.approx(1 / 9)


def test_a_dataset_is_called_one_when_it_is_at_hand(tmp_path: Path) -> None:
    assert cards(tmp_path, node_run(SEARCH, "raw", State.SUCCEEDED))["raw"].line == "dataset"


def test_nothing_of_a_node_that_ran_once_is_folded(tmp_path: Path) -> None:
    card = cards(tmp_path, node_run(SEARCH, "prepare", State.SUCCEEDED, tags={"loss": 0.25}))["prepare"]
    assert (card.form, card.state, card.states, card.pill, card.count) == (
        Form.NODE, State.SUCCEEDED, (), "loss 0.25", "",
    )  # fmt: skip


def test_a_failure_is_never_hidden_by_what_still_runs(tmp_path: Path) -> None:
    card = cards(tmp_path, trained(State.SUCCEEDED, State.FAILED, State.RUNNING))["train_model"]
    assert (card.state, card.line) == (State.FAILED, "1 failed: it broke")


def test_row_55_what_waits_for_a_person_is_told(tmp_path: Path) -> None:
    card = cards(tmp_path, node_run(SEARCH, "publish", State.PENDING_APPROVAL))["publish"]
    assert (card.state, card.line, card.asks) == (State.PENDING_APPROVAL, "asks leah or yochay", True)


def test_running_beats_queued_and_what_passed_beats_what_was_skipped() -> None:
    assert aggregate([State.QUEUED, State.RUNNING, State.SUCCEEDED]) is State.RUNNING
    assert aggregate([State.SKIPPED, State.CACHED]) is State.CACHED
    assert aggregate([State.SUCCEEDED, State.LOST, State.PENDING_APPROVAL]) is State.LOST
    assert aggregate([]) is None
    assert all(aggregate([state]) is state for state in State)


def chosen(tmp_path: Path) -> list[Fact]:
    """Three trainings, of which the second is the best and goes on."""
    facts = trained(*[State.SUCCEEDED] * 3, accuracy=(0.7, 0.9, 0.8))
    return [*facts, *node_run(SEARCH, "best", State.RUNNING, (2,), parents={"Train model": "train_model#2"})]


def test_the_best_is_the_one_that_a_later_condition_chose(tmp_path: Path) -> None:
    card = cards(tmp_path, chosen(tmp_path))["train_model"]
    assert (card.best, card.pill) == (1, "accuracy 0.9")


def test_before_the_choice_no_run_is_the_best_and_the_value_is_the_highest(tmp_path: Path) -> None:
    card = cards(tmp_path, trained(*[State.SUCCEEDED] * 3, accuracy=(0.7, 0.9, 0.8)))["train_model"]
    assert (card.best, card.pill) == (None, "accuracy 0.9")


def test_the_value_is_of_the_tag_that_a_later_condition_looks_at(tmp_path: Path) -> None:
    facts = node_run(SEARCH, "Train model", State.SUCCEEDED, (1,), {"lr": 0.1}, tags={"loss": 0.3, "accuracy": 0.9})
    assert cards(tmp_path, facts)["train_model"].pill == "accuracy 0.9"


def test_values_of_several_runs_that_no_condition_looks_at_are_told_from_lowest_to_highest(tmp_path: Path) -> None:
    pipeline = Pipeline(nodes=(Node(title="a", grid={"x": [1, 2]}),))
    facts = [
        *node_run(pipeline, "a", State.SUCCEEDED, (1,), {"x": 1}, tags={"loss": 0.5}),
        *node_run(pipeline, "a", State.SUCCEEDED, (2,), {"x": 2}, tags={"loss": 0.25}),
    ]
    (card,) = run_cards(outline_of(pipeline), recorded(tmp_path, pipeline, facts).listed(), (), 1e12)
    assert card.pill == "loss 0.25–0.5"


def test_an_opened_card_is_a_frame_followed_by_a_card_for_each_node_run(tmp_path: Path) -> None:
    found = cards(tmp_path, chosen(tmp_path), opened=("train_model",))
    assert found["train_model"].form is Form.OPENED
    inside = [card for card in found.values() if card.inside == "train_model"]
    assert [card.key for card in inside] == ["train_model#1", "train_model#2", "train_model#3"]
    assert [card.title for card in inside] == ["lr=0.1 depth=1", "lr=0.1 depth=2", "lr=0.1 depth=3"]
    assert [card.best for card in inside] == [None, 0, None]


def test_an_opened_card_shows_sixty_node_runs_and_tells_how_many_more_there_are(tmp_path: Path) -> None:
    pipeline = Pipeline(nodes=(Node(title="a", grid={"x": list(range(100))}),))
    facts = [
        fact
        for at in range(100)
        for fact in node_run(pipeline, "a", State.FAILED if at == 99 else State.CACHED, (at + 1,), {"x": at})
    ]
    found = run_cards(outline_of(pipeline), recorded(tmp_path, pipeline, facts).listed(), ("a",), 1e12)
    assert len(found) == 1 + MOST_INSIDE + 1
    assert (found[-1].title, found[-1].state, len(found[-1].states)) == ("… and 40 more", State.FAILED, 40)


def test_a_node_without_a_node_run_waits_until_the_run_is_over(tmp_path: Path) -> None:
    facts = node_run(SEARCH, "prepare", State.RUNNING)
    assert (cards(tmp_path / "a", facts)["best"].state) is State.WAITING
    ended = cards(tmp_path / "b", facts, over=True)["best"]
    assert (ended.state, ended.line) == (None, "did not come to be")


def test_what_waits_tells_for_how_many(tmp_path: Path) -> None:
    facts = [
        *node_run(SEARCH, "raw", State.CACHED),
        *trained(State.RUNNING),
        Created("report", "report", (), {}, {}, {"raw": "raw", "Train model": "train_model#1"}),
    ]
    assert cards(tmp_path, facts)["report"].line == "waits for 1"


def test_a_value_with_spaces_stays_in_one_piece_for_the_pill(tmp_path: Path) -> None:
    facts = [*node_run(SEARCH, "prepare", State.RUNNING), Tagged("prepare", "kind of", "two words")]
    assert cards(tmp_path, facts)["prepare"].pill == "kind of two\u00a0words"


def edge(port: Port, key: str, target: str, target_port: Port, target_key: str) -> Node:
    """A node with an edge of Valohai's kinds from `one`."""
    found = Edge(
        source="one", source_port=port, source_key=key, target=target, target_port=target_port, target_key=target_key
    )
    return Node(title=target, edges=(found,))


EDGES = Pipeline(
    nodes=(
        Node(title="one", grid={"x": [1, 2]}),
        edge(Port.OUTPUT, "*.csv", "files", Port.INPUT, "table"),
        edge(Port.METADATA, "rows", "same", Port.PARAMETER, "rows"),
        edge(Port.PARAMETER, "x", "other", Port.PARAMETER, "y"),
        Node(title="winner", after=("one",), when=(Condition(objective=Objective.MAX, tag="one.rows"),)),
        Node(title="enough", after=("one",), when=(Condition(objective=Objective.GE, tag="rows", target=5),)),
        Node(title="all", after=("one",), gather=("one",)),
        Node(title="alone", after=("one",), single=True),
        Node(title="plain", after=("one",)),
    ),
)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ("files", "*.csv → table"),
        ("same", "rows"),
        ("other", "x → y"),
        pytest.param("winner", "max rows", id="row 44"),
        ("enough", "rows ≥ 5"),
        ("all", "all runs"),
        ("alone", "waits only"),
        ("plain", ""),
    ],
)
def test_an_edge_is_labelled_with_what_goes_along_it(target: str, label: str) -> None:
    assert edge_label(outline_of(EDGES), "one", target) == label


def test_a_card_and_the_list_tell_the_same_time_of_a_node_run_that_is_to_be_tried_again() -> None:
    created = Created("a", "a", (), {}, {}, {})
    one = Watched(NodeRun(created, State.QUEUED), began=10.0, ended=12.0)
    assert took([one], 500.0) == age(one.seconds(500.0) or 0.0) == "2.0 s"
