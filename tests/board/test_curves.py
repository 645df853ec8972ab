"""Metric curves as SVG: points, gaps, axes, thousands of points."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dagbook.runner.board.curves_svg import MOST_DRAWN, MOST_POINTS, curve_svg, number_words
from tests.board.payloads import PAYLOADS

_SPACE = "{http://www.w3.org/2000/svg}"


def drawn(svg: str, tag: str) -> list[ElementTree.Element]:
    """The elements of one kind; the SVG must be well-formed."""
    return list(ElementTree.fromstring(svg).iter(_SPACE + tag))


def places(line: ElementTree.Element) -> list[tuple[float, float]]:
    """The points of a line, in pixels."""
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.attrib["points"].split())]


def texts(svg: str) -> list[str]:
    """All words in the picture."""
    return [element.text or "" for element in drawn(svg, "text")]


def test_a_curve_goes_right_with_the_steps_and_up_with_the_values() -> None:
    (line,) = drawn(curve_svg([(0, 1.0), (1, 2.0), (2, 4.0)], "accuracy"), "polyline")
    (x0, y0), (x1, y1), (x2, y2) = places(line)
    assert x0 < x1 < x2
    assert y0 > y1 > y2  # down is more


def test_the_last_value_and_the_name_are_told() -> None:
    svg = curve_svg([(0, 0.5), (1, 0.936823)], "auc")
    assert {"auc", "0.9368"} <= set(texts(svg))
    assert "auc: last 0.9368, lowest 0.5, highest 0.9368, step 1" in svg


def test_axes_have_round_ticks_within_the_values() -> None:
    ticks = texts(curve_svg([(step, step / 100) for step in range(97)], "m"))
    assert {"0", "0.25", "0.5", "0.75"} <= set(ticks)
    assert {"20", "40", "60", "80"} <= set(ticks)


@pytest.mark.parametrize("gap", [math.nan, math.inf, -math.inf, "no number", None, 10**400])
def test_what_is_no_number_leaves_a_gap(gap: Any) -> None:
    first, second = drawn(curve_svg([(0, 1.0), (1, 2.0), (2, gap), (3, 2.0), (4, 1.0)], "m"), "polyline")
    assert len(places(first)) == len(places(second)) == 2


def test_a_lone_point_is_a_dot() -> None:
    svg = curve_svg([(0, 3.0)], "m")
    assert drawn(svg, "polyline") == []
    assert drawn(svg, "circle")


def test_nothing_is_drawn_of_a_metric_without_points() -> None:
    assert curve_svg([], "m") == ""
    assert curve_svg({"a": []}, "m") == ""


def test_a_curve_of_nothing_but_gaps_says_so() -> None:
    svg = curve_svg([(0, math.nan), (1, math.nan)], "loss")
    assert "no number" in texts(svg)


def test_a_hundred_thousand_points_are_thinned_and_keep_their_peaks() -> None:
    points = [(step, 5.0 if step == 54_321 else math.sin(step / 900)) for step in range(100_000)]
    svg = curve_svg(points, "m")
    (line,) = drawn(svg, "polyline")
    assert len(places(line)) <= MOST_POINTS + 4
    assert len(svg) < 20_000
    alone = min(y for _, y in places(line))
    assert alone < sorted(y for _, y in places(line))[1] - 50  # the peak stands far above the wave


def test_points_out_of_order_are_drawn_by_their_steps() -> None:
    svg = curve_svg([(2, 4.0), (0, 1.0), (1, 2.0)], "m")
    assert svg == curve_svg([(0, 1.0), (1, 2.0), (2, 4.0)], "m")


def test_curves_of_several_runs_are_told_apart_by_a_legend() -> None:
    svg = curve_svg({"fit [lr=0.1]": [(0, 1.0), (1, 2.0)], "fit [lr=0.01]": [(0, 1.0), (1, 3.0)]}, "m")
    lines = drawn(svg, "polyline")
    assert len({line.attrib["stroke"] for line in lines}) == 2
    assert {"fit [lr=0.1]", "fit [lr=0.01]"} <= set(texts(svg))


def test_curves_above_the_number_that_can_be_told_apart_are_counted() -> None:
    svg = curve_svg({f"run {number}": [(0, 1.0), (1, number)] for number in range(30)}, "m")
    lines = drawn(svg, "polyline")
    assert len(lines) == MOST_DRAWN
    assert len({(line.attrib["stroke"], line.attrib.get("stroke-dasharray")) for line in lines}) == MOST_DRAWN
    assert f"… and {30 - MOST_DRAWN} more" in texts(svg)


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_name_becomes_no_element(text: str) -> None:
    svg = curve_svg({text: [(0, 1.0), (1, 2.0)], "b": [(0, 1.0)]}, text)
    assert {element.tag for element in ElementTree.fromstring(svg).iter()} == {
        _SPACE + tag for tag in ("svg", "title", "text", "line", "polyline", "circle")
    }


@example([(0.0, 1.7e308)])
@example([(-1.7e308, -1.7e308), (1.7e308, 1.7e308)])
@example([(0.0, 5e-324), (5e-324, 0.0)])
@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=40))
def test_any_points_give_a_picture_within_its_frame(points: list[tuple[float, float]]) -> None:
    svg = curve_svg(points, "m")
    if not svg:
        return
    for line in drawn(svg, "polyline"):
        assert all(0 <= x <= 360 and 0 <= y <= 150 for x, y in places(line))
    assert "nan" not in svg
    assert "inf" not in svg


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (0.25, "0.25"), (1200, "1200"), (50_000, "50000"), (3.1e-5, "3.1e-5"), (2.5e9, "2.5e9"), (-0.5, "-0.5")],
)
def test_numbers_are_short_on_an_axis(value: float, words: str) -> None:
    assert number_words(value) == words
