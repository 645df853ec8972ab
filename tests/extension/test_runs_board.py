"""The grid of runs with its buttons: open one, compare two, read the store again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagbook.extension.compare_board import CompareBoard
from dagbook.extension.opened_run import OpenedRun
from dagbook.extension.runs_board import RunsBoard, static_runs
from dagbook.runner.core.names import slug_of
from dagbook.runner.records.store import Store
from tests.board.searches import record_search


class Opened:
    """Stands for what a click opens: tells whether it is closed."""

    def __init__(self, run: str, node: str = "") -> None:
        import ipywidgets

        self.run, self.node = run, node
        self.widget: Any = ipywidgets.HTML(run)
        self.closed = False

    def close(self) -> None:
        self.closed = True


def openers(board: RunsBoard) -> list[Any]:
    return list(board._openers.children[1:])


def markers(board: RunsBoard) -> list[Any]:
    return list(board._markers.children[1:])


def opened(board: RunsBoard) -> Any:
    """What stands below the grid."""
    return board.opened


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    return [record_search(tmp_path, seed=seed, depths=(3,)).run for seed in range(3)]


def test_a_click_opens_a_run_and_the_one_before_is_closed(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path), open_run=Opened)
    openers(board)[0].click()
    first = opened(board)
    assert isinstance(first, Opened)
    assert first.run == runs[0]
    assert board._below.children == (first.widget,)
    openers(board)[2].click()
    assert first.closed
    assert isinstance(opened(board), Opened)
    assert opened(board).run == runs[2]
    board._leave.click()
    assert opened(board) is None
    assert board._below.children == ()


def test_a_run_opens_on_its_board(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path))
    board.open(runs[1])
    assert isinstance(opened(board), OpenedRun)
    assert runs[1] in opened(board).board._header._words.value
    board.close()


def test_row_67_the_second_mark_compares_and_a_third_takes_the_place_of_the_first(
    tmp_path: Path, runs: list[str]
) -> None:
    board = RunsBoard(Store(tmp_path))
    one, two, three = markers(board)
    two.value = True
    assert opened(board) is None
    one.value = True
    assert isinstance(opened(board), CompareBoard)
    assert [row.id for row in opened(board)._comparison.runs] == runs[:2]  # the older one first
    three.value = True
    assert [row.id for row in opened(board)._comparison.runs] == [runs[0], runs[2]]
    assert [button.value for button in markers(board)] == [True, False, True]
    assert [button.description for button in markers(board)] == ["●", "○", "●"]


def test_reading_again_shows_new_runs_and_keeps_marks(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path))
    markers(board)[2].value = True
    before = openers(board)
    board.refresh()
    assert openers(board) == before
    new = record_search(tmp_path, seed=9).run
    board.refresh()
    assert [button.description for button in openers(board)] == [run[:4] for run in (*runs, new)]
    assert [button.value for button in markers(board)] == [False, False, True, False]


def test_a_run_that_is_gone_is_told_in_words(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path))
    board.open("ffffffffffff<b>")
    assert opened(board) is None
    assert "&lt;b&gt;" in board._told.value


def test_a_store_without_runs_says_so(tmp_path: Path) -> None:
    board = RunsBoard(Store(tmp_path))
    assert "No run yet" in board._table.value
    assert openers(board) == []


def test_the_static_grid_is_seen_where_the_board_is_not_alive(tmp_path: Path, runs: list[str]) -> None:
    store = Store(tmp_path)
    assert 'class="dagbook-twin"' in static_runs(store, "text", beside_board=True)["text/html"]
    made = static_runs(store, "text")
    assert made["text/plain"] == "text"
    assert made["text/html"].startswith('<div class="dagbook-cell">')


def test_a_square_opens_its_node_in_its_run(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path), open_run=Opened)
    node = board.grid.rows[0].node
    openers = board._squares.opener(node)
    assert openers is not None
    openers.widget.index = 1
    assert (opened(board).run, opened(board).node) == (runs[1], node)
    assert openers.widget.tooltips[1].startswith("succeeded · ")


def test_only_the_square_of_what_is_open_is_marked(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path), open_run=Opened)
    one, other = (board._squares.opener(row.node) for row in board.grid.rows)
    assert one is not None
    assert other is not None
    one.widget.index = 1
    other.widget.index = 2
    assert (one.widget.index, other.widget.index) == (None, 2)
    openers(board)[0].click()
    assert other.widget.index is None
    other.widget.index = 0
    board._leave.click()
    assert other.widget.index is None


def test_a_square_of_a_node_that_is_no_part_of_a_run_opens_nothing(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path), open_run=Opened)
    row = board.grid.rows[0]
    board._squares.show(replace(board.grid, rows=(replace(row, squares=(None, *row.squares[1:])),)))
    openers = board._squares.opener(row.node)
    assert openers is not None
    openers.widget.index = 0
    assert opened(board) is None


def test_a_run_that_a_square_opens_is_shown_with_the_node_inspected(tmp_path: Path, runs: list[str]) -> None:
    board = RunsBoard(Store(tmp_path))
    node = board.grid.rows[1].node
    board.open(runs[0], node)
    assert opened(board).board.selected == slug_of(node)
    board.close()
