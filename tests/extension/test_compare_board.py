"""The board that compares: sorted by a click, coloured by a choice, two rows held to each other."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import plotly.graph_objects
import pytest

from dagbook.extension import compare_board
from dagbook.extension.compare_board import CompareBoard, static_comparison
from dagbook.extension.compare_figure import PLOTLY, compare_figure
from dagbook.runner.board.compared_columns import Kind
from dagbook.runner.compared import compare_in
from dagbook.runner.comparison import compare
from dagbook.runner.core.lifecycle import State
from dagbook.runner.records.store import Store
from tests.board.payloads import PAYLOADS
from tests.board.searches import TRAIN, record_search
from tests.test_comparison import ids, ran, told


@pytest.fixture(params=[True, False], ids=["with plotly", "without plotly"])
def plotly_there(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(compare_board, "can_plot", lambda: request.param)
    return bool(request.param)


def board_of(folder: Path, *wanted: str, by: str | None = "accuracy") -> CompareBoard:
    store = Store(folder)
    return CompareBoard(store, compare_in(store, wanted, by=by))


def rows(board: CompareBoard) -> list[str]:
    """The node runs in the order of the table."""
    return re.findall(r">(train#\d+)<", board._body.value)


def heads(board: CompareBoard) -> dict[str, Any]:
    return {button.tooltip.removeprefix("Sort by "): button for button in board._heads.children[1:]}


def test_rows_31_67_a_click_on_a_head_sorts_and_the_next_one_turns_it_round(tmp_path: Path, plotly_there: bool) -> None:
    record_search(tmp_path)
    board = board_of(tmp_path)
    assert rows(board)[0] == "train#4"
    heads(board)["duration"].click()
    assert rows(board) == [f"train#{number}" for number in (2, 1, 3, 4, 5, 6, 7, 8)]
    assert heads(board)["duration"].description == "duration ▲"
    heads(board)["duration"].click()
    assert rows(board) == [f"train#{number}" for number in (8, 7, 6, 5, 4, 3, 1, 2)]
    assert heads(board)["duration"].description == "duration ▼"
    assert board._body.value.count("★") == 1


def test_what_has_no_value_is_last_both_ways(tmp_path: Path) -> None:
    record_search(tmp_path)
    board = board_of(tmp_path)
    for _ in range(2):
        heads(board)["accuracy"].click()
        assert rows(board)[-1] == "train#2"


def test_another_objective_colours_and_ranks_anew(tmp_path: Path, plotly_there: bool) -> None:
    record_search(tmp_path)
    board = board_of(tmp_path)
    board._objective.value = "duration"
    assert rows(board)[0] == "train#8"
    board._lowest.value = True
    assert rows(board)[0] == "train#2"
    assert "★ 0.2 s" in board._body.value


def test_row_67_two_chosen_rows_are_held_to_each_other_and_keep_their_letters(tmp_path: Path) -> None:
    record_search(tmp_path)
    board = board_of(tmp_path)
    assert "Choose two rows" in board._difference.value
    board._lists[0].index, board._lists[1].index = 1, 2
    assert "from A to B" in board._difference.value
    board.sort(Kind.DURATION, "duration")
    assert re.findall(r">([AB])</td>.*?>(train#\d)<", board._body.value) == [("B", "train#3"), ("A", "train#4")]
    board._lists[0].index = 0
    assert "Choose two rows" in board._difference.value


def test_row_67_rows_of_two_runs_differ_in_code_too(tmp_path: Path) -> None:
    first = record_search(tmp_path).run
    second = record_search(tmp_path, TRAIN + "# longer <b>\n", seed=7).run
    board = board_of(tmp_path, first, second, by=None)
    board.choose(0, 8)
    assert "+# longer &lt;b&gt;" in board._difference.value
    assert board._difference.value.count("train [rate=0.1 depth=3]") == 1  # of the artifacts, the one of this route
    board.choose(0, 9)
    assert "train [rate" not in board._difference.value


def test_two_rows_are_held_to_each_other_at_once(tmp_path: Path) -> None:
    made = record_search(tmp_path, depths=(3,))
    store = Store(tmp_path)
    board = CompareBoard(store, compare_in(store, [made.run], ["train#1", "train#3"]))
    assert "Values that differ" in board._difference.value


def test_the_static_comparison_is_seen_where_the_board_is_not_alive(tmp_path: Path) -> None:
    record_search(tmp_path)
    compared = compare_in(Store(tmp_path), [], by="accuracy")
    beside = static_comparison(compared, beside_board=True)
    assert 'class="dagbook-twin"' in beside["text/html"]
    assert "dagbook-parallel" in beside["text/html"]
    assert "<script" not in beside["text/html"]
    assert 'class="dagbook-twin"' not in static_comparison(compared)["text/html"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_is_one_that_plotly_takes_with_the_static_picture_beside_it(tmp_path: Path, theme: str) -> None:
    record_search(tmp_path)
    comparison = compare_in(Store(tmp_path), [], by="accuracy").comparison
    found = compare_figure(comparison, theme)
    assert found is not None
    drawn = plotly.graph_objects.Figure(found[PLOTLY]["data"], found[PLOTLY]["layout"])  # it refuses what it knows not
    (trace,) = drawn.data
    assert [dimension.label for dimension in trace.dimensions][-1] == "accuracy"
    assert len(trace.dimensions[0]["values"]) == 7 + 5  # the best of the eight is drawn five times
    assert "dagbook-parallel" in found["text/html"]


def test_the_best_line_is_thick_and_on_the_axes_with_all_of_its_width() -> None:
    """plotly draws all lines as thin: those of the best lie so close that they are one."""
    lines = [ran("train#1", score=1, size=3), ran("train#2", score=9, size=5), ran("train#3", score=2, size=3)]
    found = compare_figure(compare([told("aaaa", *lines)], 10.0, by="score"), "light")
    assert found is not None
    (trace,) = found[PLOTLY]["data"]
    best = [at for at, shade in enumerate(trace["line"]["color"]) if shade == 1.0]
    assert len(best) == 5
    assert len(trace["line"]["color"]) == 2 + 5
    for axis in trace["dimensions"]:
        strokes = [axis["values"][at] for at in best]
        assert max(strokes) <= 1
        assert min(strokes) >= 0
        assert 0.01 < max(strokes) - min(strokes) < 0.02
        assert max(after - before for before, after in pairwise(strokes)) < 0.004


def test_a_row_without_a_value_is_drawn_below_the_axis_and_grey() -> None:
    lines = [ran("train#1", score=1), ran("train#2", score=2), ran("train#3", state=State.FAILED)]
    found = compare_figure(compare([told("aaaa", *lines)], 10.0, by="score"), "light")
    assert found is not None
    (trace,) = found[PLOTLY]["data"]
    score = trace["dimensions"][-1]
    assert score["values"][-1] < 0
    assert score["ticktext"][0] == "none"
    assert trace["line"]["color"] == [1.0] * 5 + [0.0, trace["line"]["cmin"]]


def test_there_is_no_figure_of_one_row(tmp_path: Path) -> None:
    made = record_search(tmp_path)
    store = Store(tmp_path)
    assert compare_figure(compare_in(store, [made.run], ["train#1"]).comparison, "light") is None
    assert ids(compare_in(store, [made.run], ["train#1"]).comparison) == ["train#1"]


@pytest.mark.parametrize("payload", PAYLOADS[::7])
def test_payloads_are_told_as_text(tmp_path: Path, payload: str, plotly_there: bool) -> None:
    first = record_search(tmp_path, TRAIN + f"# {payload}\n", note=payload, depths=(3,)).run
    second = record_search(tmp_path, seed=3, depths=(3,)).run
    board = board_of(tmp_path, first, second)
    board.choose(0, 1)
    html = [board._body.value, board._difference.value]
    html += [] if plotly_there else [board._picture.value]
    for text in html:
        assert not re.search(r"<(script|img|iframe|a|input|details|video|body|math)\b", text, re.IGNORECASE)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_names_of_a_figures_axes_are_no_html(payload: str) -> None:
    """plotly would make elements of some of it."""
    tags: list[dict[str, Any]] = [{payload: number} for number in (1, 2)]
    rows = [ran(f"train#{number}", **told_tags) for number, told_tags in enumerate(tags, 1)]
    figure = compare_figure(compare([told("aaaa", *rows)], 10.0), "light")
    assert figure is not None
    labels = [one["label"] for one in figure[PLOTLY]["data"][0]["dimensions"]]
    assert len(labels) == 1
    assert not any("<" in label for label in labels)
