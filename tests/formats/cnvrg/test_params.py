"""Parameters of cnvrg tasks as values and grids, and how many routes they make (rows 8, 32-37, 41, 43)."""

from __future__ import annotations

from typing import Any

import pytest

from dagbook.runner.core.routes import count

from .reading import flow, only_node, sound, task, told

VALUES = [
    # as written, single values, grid
    ("7", 7, None),
    ("0.5", 0.5, None),
    ("data.csv", "data.csv", None),
    ("'7'", "7", None),
    ("true", True, None),
    ("no", "no", None),
    ("1e3", 1000.0, None),
    ("012", "012", None),
    ("0x1f", 31, None),
    ("1:30", "1:30", None),
    ("", None, None),
    ("null", None, None),
    ("''", None, None),
    ("[]", None, None),
    ("['']", None, None),
    ("[3]", 3, None),
    ("[3, 5, 12]", None, [3, 5, 12]),
    ("['128', '256']", None, ["128", "256"]),
    ("[a, 1, 2.5, true]", None, ["a", 1, 2.5, True]),
    ("['', a]", None, ["", "a"]),
    ("[[1, 2]]", [1, 2], None),
    ("'{{ t.tag }}'", "{{ t.tag }}", None),
    ("'{ { t.tag | hyper } }'", "{ { t.tag | hyper } }", None),
    ("'{{ t.a,b }}'", "{{ t.a,b }}", None),
]


@pytest.mark.parametrize(("text", "single", "grid"), VALUES, ids=[text or "nothing" for text, *_ in VALUES])
def test_row_32_what_a_value_means(text: str, single: Any, grid: Any) -> None:
    node = only_node("params:", "- key: k", f"  value: {text}")
    assert (node.params, node.grid) == (({}, {"k": grid}) if grid else ({"k": single}, {}))
    value = node.params.get("k")
    assert type(value) is type(single)


def test_row_32_a_parameter_without_any_value_is_one_without_a_value() -> None:
    assert only_node("params:", "- key: k").params == {"k": None}


def test_row_33_a_text_with_commas_is_one_value_and_that_is_told() -> None:
    lines = ("params:", "- key: k", "  value: 1,2,3")
    assert only_node(*lines).params == {"k": "1,2,3"}
    assert ("W-CHANGED", 9, "tasks[0].params[0].value") in told(flow(task("a", *lines)))


def test_a_comma_within_braces_is_part_of_a_title() -> None:
    lines = ("params:", "- key: k", "  value: '{{ one, two.tag }}'")
    assert [code for code, *_ in told(flow(task("a", *lines)))] == ["W-KEPT"]


def test_row_33_a_text_with_commas_is_several_values_where_that_is_wanted() -> None:
    lines = ("params:", "- key: k", "  value: 1,two", "- key: l", "  values: ['x, y']")
    node = only_node(*lines, csv_grid=True)
    assert node.grid == {"k": [1, "two"], "l": ["x", "y"]}
    assert [code for code, *_ in told(flow(task("a", *lines)), csv_grid=True)] == ["W-KEPT"]


def test_row_33_a_comma_too_many_is_a_fault_then() -> None:
    assert ("E-GRID-EMPTY", 7, "tasks[0]") in [
        (code, line, path.partition(".")[0])
        for code, line, path in told(flow(task("a", "params: [{key: k, value: '1,,2'}]")), csv_grid=True)
    ]


def test_y5_what_looks_like_a_number_is_a_text_where_a_text_is_due() -> None:
    node = only_node("image: '3.10'", "git_branch: 1e3", "output_dir: 012")
    assert (node.image, node.git) == ("3.10", ".@1e3")
    assert node.setup is not None
    assert node.setup.output == "012"


def test_y5_the_truth_values_of_yaml_1_1_are_meant_where_one_is_due() -> None:
    node = only_node("prerun: no", "single_mode: on", "restart_if_stuck: off")
    assert node.setup is not None
    assert (node.setup.prerun, node.single, node.retries) == (False, True, 0)


def grid(title: str, size: int, *lines: str) -> str:
    values = ", ".join(map(str, range(size)))
    return task(title, *lines, "params:", f"- key: {title}", f"  value: [{values}]")


A2, B3 = grid("a", 2), grid("b", 3)
BOTH = (("a", "c"), ("b", "c"))
SHAPES = [
    pytest.param(flow(grid("a", 3), B3, relations=(("a", "b"),)), 9, id="rows 34 35 36: 3 * 3"),
    pytest.param(flow(A2, B3, grid("c", 5), relations=BOTH), 30, id="row 37: 2 * 3 * 5"),
    pytest.param(flow(A2, B3, task("c", "single_mode: true"), relations=BOTH), 6, id="row 43: 2 + 3 + 1"),
    pytest.param(flow(A2, B3, grid("c", 5, "single_mode: true"), relations=BOTH), 10, id="row 43: 2 + 3 + 5"),
    pytest.param(flow(task("a"), task("b"), task("c"), relations=BOTH), 1, id="row 39: one route without a grid"),
]


@pytest.mark.parametrize(("text", "routes"), SHAPES)
def test_an_imported_flow_makes_as_many_routes_as_cnvrg(text: str, routes: int) -> None:
    assert count(sound(text)).routes == routes
