"""The board of a run and of a pipeline: what its parts show, and what a click does. Real widgets, no browser."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dagbook.extension.board import Board
from dagbook.extension.plan_board import plan_board
from dagbook.extension.run_board import run_board
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.errors import Place, problem
from dagbook.runner.core.lifecycle import Changed, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.follow import Follower
from tests.board.recorded import node_run, recorded


def widgets(top: Any) -> list[Any]:
    """A widget and all that is in it."""
    return [top, *(one for child in getattr(top, "children", ()) for one in widgets(child))]


def named(board: Board, kind: str, description: str) -> Any:
    """The widget of a kind with this description."""
    (found,) = (one for one in widgets(board.widget) if type(one).__name__ == kind and one.description == description)
    return found


def told(board: Board) -> str:
    """All HTML on the board."""
    return "\n".join(one.value for one in widgets(board.widget) if type(one).__name__ == "HTML")


def cytoscape(board: Board) -> Any:
    (found,) = (one for one in widgets(board.widget) if type(one).__name__ == "CytoscapeWidget")
    return found


def keys(board: Board) -> set[str]:
    return {node.data["id"] for node in cytoscape(board).graph.nodes}


def is_seen(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


BEST = Condition(objective=Objective.MAX, tag="accuracy")
PIPELINE = Pipeline(
    name="churn",
    nodes=(
        Node(title="prepare", source="print('prepared')"),
        Node(title="fit", source="1", after=("prepare",), grid={"lr": [1, 2, 3]}),
        Node(title="publish", source="1", after=("fit",), when=(BEST,), approve=("leah",)),
    ),
)


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    facts = [
        *node_run(PIPELINE, "prepare", State.SUCCEEDED),
        *node_run(PIPELINE, "fit", State.FAILED, (1,), {"lr": 1}, {"prepare": "prepare"}, reason="ValueError: no"),
        *node_run(PIPELINE, "fit", State.RUNNING, (2,), {"lr": 2}, {"prepare": "prepare"}),
        *node_run(PIPELINE, "fit", State.SUCCEEDED, (3,), {"lr": 3}, {"prepare": "prepare"}, {"accuracy": 0.9}),
        *node_run(PIPELINE, "publish", State.PENDING_APPROVAL, (3,), None, {"fit": "fit#3"}),
    ]
    return recorded(tmp_path, PIPELINE, facts)


def test_a_grid_is_one_card_that_opens_and_folds(follower: Follower) -> None:
    board = run_board(follower)
    assert keys(board) == {"prepare", "fit", "publish"}
    board.inspect("fit")
    named(board, "Button", "Open").click()
    assert {"fit", "fit#1", "fit#2", "fit#3"} <= keys(board)
    named(board, "Button", "Fold").click()
    assert keys(board) == {"prepare", "fit", "publish"}


def test_a_click_tells_about_a_node_run_and_one_on_a_folded_card_about_all_of_them(follower: Follower) -> None:
    board = run_board(follower)
    assert "Click a card" in told(board)
    board.inspect("fit")
    assert "0.9" in told(board)
    board.open("fit")
    board.inspect("fit#1")
    assert "ValueError: no" in told(board)
    board.inspect("nothing of that name")
    assert board.selected == "fit#1"


def test_a_node_run_with_a_route_of_a_card_that_stands_for_its_node_can_be_decided_on(follower: Follower) -> None:
    board = run_board(follower)
    board.inspect("publish")
    assert named(board, "Button", "Approve").layout.display == ""
    board.inspect("prepare")
    assert named(board, "Button", "Approve").layout.display == "none"


def test_the_list_of_cards_chooses_as_a_click_does_and_follows_it(follower: Follower) -> None:
    board = run_board(follower)
    (choice,) = (
        one for one in widgets(board.widget) if dict(getattr(one, "options", ()) or ()).get("Choose a node …") == ""
    )
    choice.value = "publish"
    assert board.selected == "publish"
    board.inspect("prepare")
    assert choice.value == "prepare"


def test_chips_count_states_and_filter_graph_and_list(follower: Follower) -> None:
    board = run_board(follower)
    tabs = next(one for one in widgets(board.widget) if type(one).__name__ == "Tab")
    tabs.selected_index = list(tabs.titles).index("List")
    whole = told(board).count("<tr")
    failed = named(board, "ToggleButton", "✕ 1 failed")
    failed.value = True
    assert told(board).count("<tr") < whole
    assert board.drain()
    assert cytoscape(board).cytoscape_style[-1]["selector"] == "node.has-failed"
    failed.value = False
    assert board.drain()
    assert told(board).count("<tr") == whole


def test_news_reach_header_chips_cards_and_facts(follower: Follower) -> None:
    board = run_board(follower)
    board.inspect("publish")
    follower.store.append(follower.row.id, 100, [Changed("fit#2", State.SUCCEEDED)])
    with board.lock:
        follower.update()
        board.paint()
    assert named(board, "ToggleButton", "✓ 3 succeeded")
    assert not [
        one
        for one in widgets(board.widget)
        if getattr(one, "description", "") == "▶ 1 running" and one.layout.display == ""
    ]
    assert board.drain()
    (card,) = (node for node in cytoscape(board).graph.nodes if node.data["id"] == "fit")
    assert "has-running" not in card.classes.split()


def test_facts_that_did_not_change_are_not_sent_again_so_that_what_is_unfolded_stays_so(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # how long something has taken so far is a change
    board = run_board(follower)
    board.inspect("prepare")
    (facts,) = (one for one in widgets(board.widget) if "dagbook-facts" in getattr(one, "_dom_classes", ()))
    assert len(facts.children) > 1
    sent: list[Any] = []
    for one in facts.children:
        one.observe(sent.append, "value")
    board.paint()
    assert sent == []
    board.open("fit")
    board.inspect("fit#1")
    assert sent


def test_clicks_and_news_may_come_from_different_threads(follower: Follower) -> None:
    board = run_board(follower)
    faults: list[BaseException] = []

    def click() -> None:
        try:
            for _ in range(10):
                board.inspect("fit")
                board.open("fit")
                board.inspect("fit#2")
                board.fold("fit")
        except BaseException as error:
            faults.append(error)

    clicking = threading.Thread(target=click)
    clicking.start()
    for _ in range(10):
        board.paint()
    clicking.join(60)
    assert not clicking.is_alive()
    assert faults == []
    assert keys(board) == {"prepare", "fit", "publish"}


def test_a_pipeline_that_did_not_run_shows_definitions_and_what_an_edit_would_make_of_it() -> None:
    board = plan_board(PIPELINE)
    assert keys(board) == {"prepare", "fit", "publish"}
    assert "not run yet" in told(board)
    board.inspect("prepare")
    assert "prepared" in told(board)
    board.inspect("fit")  # a grid of which there is no run yet
    assert not any(getattr(one, "description", "") == "Open" and is_seen(one) for one in widgets(board.widget))
    assert board.where("prepare")[0] < board.where("fit")[0]
    (title,) = (one for one in widgets(board.widget) if type(one).__name__ == "Text" and one.description == "Title")
    title.value = "deploy"
    assert "deploy" in keys(board)


def test_a_dark_board_is_drawn_dark(follower: Follower) -> None:
    assert "dagbook-dark" in run_board(follower, "dark").widget._dom_classes
    assert "dagbook-light" in run_board(follower, "light").widget._dom_classes


def test_a_pipeline_with_mistakes_is_drawn_and_an_edit_that_mends_them_takes_the_marks_away() -> None:
    wrong = Node(title="fit", source="1", after=("prepair",))
    fault = problem("E-PARAM-MISSING", Place(node="fit"), name="epochs", nearest="")
    board = plan_board(Pipeline(nodes=(Node(title="prepare", source="1"), wrong)), faults=[fault])
    assert "2 mistakes" in told(board)
    board.inspect("fit")
    assert "E-EDGE-UNKNOWN" in told(board)
    (tabs,) = (one for one in widgets(board.widget) if type(one).__name__ == "Tab")
    assert tabs.titles[0] == "Mistakes"
    marked = {card.key for card in board._scene.cards if card.wrong}
    board.subject.pipeline = Pipeline(nodes=(Node(title="prepare", source="1"),))  # type: ignore[attr-defined]
    board.paint()
    assert marked == {"fit"}
    assert not any(card.wrong for card in board._scene.cards)


def test_a_row_of_the_list_shows_its_node_run_also_one_of_several_that_stand_in_one_card(follower: Follower) -> None:
    board = run_board(follower)
    (tabs,) = (one for one in widgets(board.widget) if type(one).__name__ == "Tab")
    tabs.selected_index = list(tabs.titles).index("List")
    (rows,) = (one for one in widgets(tabs) if type(one).__name__ == "ToggleButtons")
    told_of = list(rows.tooltips)
    assert told_of[0] == "Show prepare"
    assert told(board).count("<tr") == len(told_of) + 1
    rows.index = 0
    assert board.selected == "prepare"
    assert "fit#1.1" not in keys(board)
    rows.index = next(at for at, words in enumerate(told_of) if words.startswith("Show fit"))
    assert board.selected in keys(board)
    assert board.selected.startswith("fit#")
