"""The grid of runs: which runs and nodes it holds, in which order, and what each square says."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from dagbook.runner.board.run_grid import RunGrid, run_grid
from dagbook.runner.board.run_grid_html import run_grid_html
from dagbook.runner.core.lifecycle import Kept, Resumed, RunChanged, RunState, State
from dagbook.runner.core.model import Node
from dagbook.runner.records.store import Store
from tests.board.payloads import PAYLOADS
from tests.board.times import START, Timed, add_run, chain, created, finished, over, pipeline_of, ran, went


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".dagbook")


def words(grid: RunGrid) -> dict[str, list[str]]:
    return {row.node: [square.words if square else "" for square in row.squares] for row in grid.rows}


def test_runs_stand_from_the_oldest_to_the_newest_and_the_latest_are_taken(store: Store) -> None:
    ids = [finished(store, {"a": 1}, START + number) for number in range(25)]
    grid = run_grid(store, 20)
    assert [run.id for run in grid.runs] == ids[5:]
    assert len(grid.rows[0].squares) == 20


def test_a_square_says_what_the_runs_of_a_node_came_to_the_worst_first(store: Store) -> None:
    facts = [*ran("t#1", "t", 0, 0, 1), *ran("t#2", "t", 0, 0, 1, state=State.FAILED), *ran("t#3", "t", 0, 0, 1)]
    add_run(store, pipeline_of(Node(title="t", grid={"x": [1, 2, 3]})), [*facts, over(2, RunState.FAILED)])
    (square,) = run_grid(store).rows[0].squares
    assert square is not None
    assert (square.state, square.counts) == (State.FAILED, {State.SUCCEEDED: 2, State.FAILED: 1})
    assert square.words == "2 succeeded, 1 failed"


def test_a_node_that_only_older_runs_have_stands_where_it_stood(store: Store) -> None:
    finished(store, {"a": 1, "gone": 1, "b": 1}, START)
    finished(store, {"a": 1, "b": 1, "new": 1}, START + 10)
    assert list(words(run_grid(store)).items()) == [
        ("a", ["succeeded", "succeeded"]),
        ("gone", ["succeeded", ""]),
        ("b", ["succeeded", "succeeded"]),
        ("new", ["", "succeeded"]),
    ]


def test_a_node_that_the_run_did_not_come_to_has_no_square(store: Store) -> None:
    add_run(store, chain("a", "b"), ran("a", "a", 0, 0, None))
    assert words(run_grid(store)) == {"a": ["running"], "b": [""]}


def test_of_a_run_that_was_resumed_the_latest_states_count(store: Store) -> None:
    again: list[Timed] = [(9.0, Resumed("leah")), (9.0, RunChanged(RunState.RUNNING)), (9.0, Kept("a"))]
    facts = [
        *ran("a", "a", 0, 0, 1),
        *ran("b", "b", 1, 1, 2, "a", state=State.FAILED),
        *(created("c", "c", 2, "b"), went("c", 2, State.UPSTREAM_FAILED, 0)),
        over(3, RunState.FAILED),
        *again,
        *ran("b", "b", 9, 9, None, "a"),
    ]
    add_run(store, chain("a", "b", "c"), facts)
    assert words(run_grid(store)) == {"a": ["succeeded"], "b": ["running"], "c": [""]}


def test_runs_of_several_pipelines_have_rows_of_their_own_the_newest_pipeline_first(store: Store) -> None:
    finished(store, {"a": 1}, START)
    add_run(store, pipeline_of(Node(title="a"), name="other"), [*ran("a", "a", 0, 0, 1), over(1)], began=START + 5)
    grid = run_grid(store)
    assert [(row.pipeline, [bool(square) for square in row.squares]) for row in grid.rows] == [
        ("other", [False, True]),
        ("demo", [True, False]),
    ]
    assert len(run_grid(store, pipeline="demo").runs) == 1


def test_how_long_a_run_took_is_known_when_it_is_over(store: Store) -> None:
    finished(store, {"a": 7}, START)
    add_run(store, chain("a"), ran("a", "a", 0, 0, None), began=START + 10)
    assert [run.seconds for run in run_grid(store).runs] == [7, None]


def test_the_table_can_be_read_out(store: Store) -> None:
    """Each column and row has a heading, and each square its words."""
    run = finished(store, {"a": 7}, START)
    table = ElementTree.fromstring(run_grid_html(run_grid(store)))
    assert [head.get("scope") for head in table.iter("th")] == ["col", "col", "row"]
    (square,) = (one for one in table.iter("span") if one.get("role") == "img")
    assert square.get("aria-label") == f"{run}: succeeded"
    assert square.text == "✓"


def test_an_empty_store_says_so(store: Store) -> None:
    assert "No run yet" in run_grid_html(run_grid(store))


def test_nothing_that_was_named_becomes_markup(store: Store) -> None:
    """P6."""
    for number, text in enumerate(PAYLOADS):
        pipeline = pipeline_of(Node(title="n"), name=f"{text}")
        add_run(store, pipeline, [over(1, RunState.FAILED, text)], began=START + number)
    grid = run_grid(store, len(PAYLOADS))
    assert len(grid.runs) == len(PAYLOADS)
    table = ElementTree.fromstring(run_grid_html(grid))
    assert {one.tag for one in table.iter()} <= {"div", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert {name for one in table.iter() for name in one.attrib} <= {
        *("class", "style", "scope", "title", "colspan", "role", "aria-label"),
    }
