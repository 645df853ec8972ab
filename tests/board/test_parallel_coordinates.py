"""Parallel coordinates: which axes there are, where rows stand on them, and the picture that stays."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.board.compared_columns import Column, Kind, labels_of, sorted_by
from dagbook.runner.board.comparison_table import table_html, table_of
from dagbook.runner.board.pair import pair_of
from dagbook.runner.board.pair_html import pair_html
from dagbook.runner.board.palette import contrast
from dagbook.runner.board.parallel_axes import MOST_AXES, MOST_LINES, Scale, axis_of, parallel
from dagbook.runner.board.parallel_coordinates import parallel_svg, shade_colour
from dagbook.runner.comparison import Comparison, Told, compare
from dagbook.runner.core.lifecycle import State
from dagbook.runner.core.values import Value
from tests.board.payloads import PAYLOADS
from tests.board.searches import TRAIN, record_search
from tests.test_comparison import ids, ran, scored, told

_ALLOWED = frozenset({"div", "svg", "style", "g", "title", "line", "circle", "text", "rect", "polyline"})


def axes(comparison: Comparison) -> dict[str, Scale]:
    return {axis.name: axis.scale for axis in parallel(comparison).axes}


def column(*values: Value, kind: Kind = Kind.TAG) -> Column:
    return Column("x", kind, values)


def tagged(tags: dict[str, Any]) -> dict[str, Any]:
    """Tags whose names are no Python names."""
    return tags


def two(folder: Path) -> tuple[Comparison, dict[str, Told]]:
    """Two recorded runs of a search, route by route."""
    first = record_search(folder)
    second = record_search(folder, TRAIN + "# longer\n", seed=7)
    found = [Told(first.store.run(run), first.store.state_of(run)) for run in (first.run, second.run)]
    return compare(found, 10.0), {one.row.id: one for one in found}


class Elements(HTMLParser):
    """The elements and attributes that a text makes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_row_67_numbers_texts_and_truth_values_have_axes_and_what_is_the_same_in_all_has_none() -> None:
    rows = [
        ran("train#1", route={"train": {"lr": 0.1, "kind": "tree"}}, params={"epochs": 3}, score=0.9, good=True),
        ran("train#2", route={"train": {"lr": 0.01, "kind": "line"}}, params={"epochs": 3}, score=0.8, good=False),
    ]
    assert axes(compare([told("aaaa", *rows)], 10.0)) == {
        "lr": Scale.LINEAR,
        "kind": Scale.WORDS,
        "good": Scale.WORDS,
        "score": Scale.LINEAR,
    }


def test_the_objective_is_the_last_axis_and_shades_the_lines_from_the_least_good_to_the_best() -> None:
    high = parallel(compare([scored(1.0, 3.0, 2.0)], 10.0, by="score"))
    assert high.axes[-1].name == "score"
    assert [(line.shade, line.best) for line in high.lines] == [(1.0, True), (0.5, False), (0.0, False)]
    low = parallel(compare([scored(1.0, 3.0, 2.0)], 10.0, by="-score"))
    assert [(line.shade, line.best) for line in low.lines] == [(1.0, True), (0.5, False), (0.0, False)]
    assert [line.places[-1] for line in low.lines] == [0.0, 0.5, 1.0]


def test_without_by_the_first_metric_gives_the_colour_and_none_is_the_best() -> None:
    rows = [ran(f"train#{n}", series={"loss": [1.0, float(n)]}, score=n) for n in (1, 2)]
    picture = parallel(compare([told("aaaa", *rows)], 10.0))
    assert picture.objective is not None
    assert picture.objective.name == "loss"
    assert not any(line.best for line in picture.lines)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ((0.001, 2.0), Scale.LOG),
        ((0.001, 1.0), Scale.LINEAR),
        ((0.0, 2000.0), Scale.LINEAR),
        ((-1.0, 5000.0), Scale.LINEAR),
        ((5e-324, 1e308), Scale.LOG),
    ],
)
def test_an_axis_is_logarithmic_when_it_spans_more_than_three_decades_above_zero(
    values: tuple[Value, ...], scale: Scale
) -> None:
    assert axis_of(column(*values)).scale is scale


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf, 10**400])
def test_what_is_no_number_that_can_be_drawn_is_missing_and_has_no_place(nothing: Value) -> None:
    axis = axis_of(column(1.0, nothing, 3.0))
    assert axis.missing
    assert [axis.place(value) for value in axis.column.values] == [0.0, None, 1.0]


@given(st.lists(st.one_of(st.integers(), st.floats(), st.none(), st.booleans(), st.text(max_size=5)), min_size=1))
def test_every_place_and_every_mark_is_on_its_axis(values: list[Value]) -> None:
    axis = axis_of(column(*values))
    places = [place for value in values if (place := axis.place(value)) is not None]
    assert all(0 <= place <= 1 for place in (*places, *(place for place, _ in axis.ticks())))


def test_a_text_that_each_row_says_differently_is_no_axis() -> None:
    rows = [ran(f"train#{n}", note=f"line {n}", score=n) for n in range(20)]
    assert "note" not in axes(compare([told("aaaa", *rows)], 10.0))


def test_too_many_axes_and_lines_are_counted() -> None:
    rows = [ran(f"train#{n}", score=n, **tagged({f"t{k}": n + k for k in range(12)})) for n in range(MOST_LINES + 5)]
    comparison = compare([told("aaaa", *rows)], 10.0, by="score")
    picture = parallel(comparison)
    assert (len(picture.axes), picture.more_axes) == (MOST_AXES, 5)
    assert (len(picture.lines), picture.more_lines) == (MOST_LINES, 5)
    assert picture.lines[0].best
    assert "… 5 more rows and 5 more values not drawn" in parallel_svg(comparison)


def test_the_picture_has_the_best_thick_the_failed_broken_and_a_place_for_what_is_missing() -> None:
    rows = [ran("train#1", score=1), ran("train#2", score=2), ran("train#3", state=State.FAILED)]
    svg = parallel_svg(compare([told("aaaa", *rows)], 10.0, by="score"))
    lines = re.findall(r"<title>([^<]*)</title><polyline[^>]*/><polyline ([^>]*)/>", svg)
    by_row = {title.split("\n")[0]: look for title, look in lines}
    assert set(by_row) == {"train#1", "★ train#2", "train#3 (did not end well)"}
    assert 'stroke-width="3.6"' in by_row["★ train#2"]
    assert [name for name, look in by_row.items() if "dasharray" in look] == ["train#3 (did not end well)"]
    assert ">none</text>" in svg
    assert "score: none" in svg


def test_marked_rows_have_their_letters() -> None:
    svg = parallel_svg(compare([scored(1.0, 2.0)], 10.0), {0: "A", 1: "B"})
    assert re.findall(r'font-weight="700" fill="[^"]*">([AB ]+)</text>', svg) in (["A", "B"], ["B", "A"], ["A B"])


@pytest.mark.parametrize("comparison", [compare([scored(1.0)], 10.0, ["train"]), compare([told("aaaa")], 10.0)])
def test_there_is_no_picture_of_less_than_two_rows(comparison: Comparison) -> None:
    assert parallel_svg(comparison) == ""


@pytest.mark.parametrize("shade", [None, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_every_line_can_be_seen_on_light_and_on_dark(shade: float | None, ground: str) -> None:
    assert contrast(shade_colour(shade), ground) >= 3


@pytest.mark.parametrize("descending", [False, True])
def test_rows_31_67_sorting_puts_what_is_missing_last_either_way(descending: bool) -> None:
    comparison = compare([scored(2, math.nan, None, 1, "b", "a")], 10.0)
    found = ids(sorted_by(comparison, Kind.TAG, "score", descending))
    there = ["train#3", "train#0"] if not descending else ["train#0", "train#3"]
    texts = ["train#5", "train#4"] if not descending else ["train#4", "train#5"]
    assert found == [*there, *texts, "train#1", "train#2"]


def test_the_best_stays_the_best_in_whatever_order_rows_stand() -> None:
    comparison = compare([scored(2, 5, 3)], 10.0, by="score")
    assert sorted_by(comparison, Kind.TAG, "score", descending=False).best() == 5
    assert table_html(table_of(sorted_by(comparison, Kind.KEY, "node run", False))).count("★") == 1


def test_row_67_a_pair_tells_values_by_how_much_and_inputs(tmp_path: Path) -> None:
    comparison, found = two(tmp_path)
    rows = [(row.run, row.id) for row in comparison.rows]
    first, second = found
    pair = pair_of(comparison, rows.index((first, "train#1")), rows.index((second, "train#1")), found)
    told = {change.name: (change.one, change.other, change.delta) for change in pair.values}
    assert told["seed"] == ("0", "7", "↑ 7")
    assert told["accuracy"] == ("0.87", "0.877", "↑ 0.007 (+0.8 %)")
    assert told["loss"][2].startswith("↓")
    assert "rate" not in told
    assert [change.name for change in pair.inputs] == ["prepare"]


def test_row_67_two_routes_of_one_run_took_in_the_same(tmp_path: Path) -> None:
    comparison, found = two(tmp_path)
    pair = pair_of(comparison, 0, 2, found)
    assert pair.inputs == ()
    assert pair.same_inputs == 1
    assert "their code, image and project files are the same" in pair_html(pair)


def test_two_nodes_of_one_run_are_not_said_to_have_the_same_code() -> None:
    one = told("aaaa", ran("a", "a", score=1), ran("b", "b", score=2))
    assert "their code is not compared" in pair_html(pair_of(compare([one], 10.0), 0, 1, {"aaaa": one}))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_make_no_element_and_no_attribute(payload: str) -> None:
    chosen = [{"train": {"x": f"{n}{payload}"}} for n in (1, 2)]
    tags = [tagged({payload: n, "note": payload}) for n in (1, 2)]
    rows = [ran(f"train#{n}", route=chosen[n - 1], **tags[n - 1]) for n in (1, 2)]
    run = told("aaaa", *rows)
    comparison = compare([run], 10.0)
    assert all("pwned" in label or "…" in label for label in labels_of(comparison))
    svg = Elements(parallel_svg(comparison, {0: payload}))
    assert svg.tags <= _ALLOWED
    assert not {name for name in svg.attributes if name.startswith("on") or name in ("href", "src", "srcdoc")}
    harmless = told("aaaa", *(ran(f"train#{n}", route={"train": {"x": f"{n}"}}, m=n, note="n") for n in (1, 2)))
    plain = compare([harmless], 10.0)
    made = [
        table_html(table_of(one), {0: "A"}) + pair_html(pair_of(one, 0, 1, {"aaaa": run}))
        for one in (comparison, plain)
    ]
    hostile, kind = map(Elements, made)
    assert hostile.tags == kind.tags
    assert hostile.attributes - {"title"} == kind.attributes - {"title"}  # what is shortened has one
