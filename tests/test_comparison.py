"""Comparing routes and runs: which rows there are, how they are named, sorted and shown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

import pytest

from dagbook.runner.compared import Compared
from dagbook.runner.comparison import Comparison, Told, compare
from dagbook.runner.comparison_data import as_csv
from dagbook.runner.comparison_html import bundle
from dagbook.runner.comparison_sheet import Sheet, sheet, short
from dagbook.runner.comparison_text import text
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.lifecycle import Changed, Created, Fact, RunChanged, RunState, State, Tagged, so_far
from dagbook.runner.core.values import Value
from dagbook.runner.records.store import RunRow

Route = Mapping[str, Mapping[str, Value]]


def told(run: str, *facts: list[Fact], titles: tuple[str, ...] = (), **parameters: Any) -> Told:
    """A run of ten seconds with these facts; `titles` are nodes that have not come to run."""
    flat = [fact for found in facts for fact in found]
    nodes = [*dict.fromkeys(fact.node for fact in flat if isinstance(fact, Created)), *titles]
    record = {"pipeline": {"nodes": [{"title": title} for title in nodes], "parameters": parameters}}
    state = so_far([*flat, RunChanged(RunState.SUCCEEDED)])
    return Told(RunRow(run, "demo", RunState.SUCCEEDED, "", 0.0, 10.0, {}, record), state)


def ran(
    id: str,
    node: str = "train",
    route: Route | None = None,
    params: Mapping[str, Value] | None = None,
    state: State = State.SUCCEEDED,
    took: float = 1.0,
    series: Mapping[str, list[Value]] | None = None,
    **tags: Value,
) -> list[Fact]:
    """A node run that ran and logged; its place in its grid is the number in its id."""
    place = tuple(int(part) for part in id.partition("#")[2].split(".") if part)
    own = dict((route or {}).get(node, {})) | dict(params or {})
    facts: list[Fact] = [Created(id, node, place, own, route or {}, {})]
    facts += [Changed(id, each, 1) for each in (State.QUEUED, State.STARTING, State.RUNNING)]
    for name, values in (series or {}).items():
        facts += [Tagged(id, name, value, float(step)) for step, value in enumerate(values)]
    facts += [Tagged(id, name, value) for name, value in tags.items()]
    return [*facts, Changed(id, state, 1, detail={"duration_s": took})]


def scored(*values: Value) -> Told:
    """A run whose node `train` ran once for each score; None: it logged none."""
    runs = [
        ran(f"train#{n}", score=value) if value is not None else ran(f"train#{n}") for n, value in enumerate(values)
    ]
    return told("aaaa", *runs)


def ids(comparison: Comparison) -> list[str | None]:
    return [row.id for row in comparison.rows]


def column(made: Sheet, head: str) -> list[str]:
    return next([cell.text for cell in found.cells] for found in made.columns if found.head == head)


def heads(made: Sheet) -> list[str]:
    return [found.head for found in made.columns]


def shown(comparison: Comparison) -> Compared:
    return Compared(comparison, None, 10.0)


GRID = told(
    "aaaa",
    ran("prepare", "prepare"),
    ran("train#1", route={"train": {"lr": 0.1}}, params={"epochs": 3}, accuracy=0.9),
    ran("train#2", route={"train": {"lr": 0.01}}, params={"epochs": 3}, accuracy=0.8),
)


def test_rows_31_67_one_run_compares_the_nodes_that_ran_several_times() -> None:
    made = compare([GRID], 10.0)
    assert ids(made) == ["train#1", "train#2"]
    assert [dict(row.params) for row in made.rows] == [{"lr": 0.1, "epochs": 3}, {"lr": 0.01, "epochs": 3}]
    assert [dict(row.logged) for row in made.rows] == [{"accuracy": 0.9}, {"accuracy": 0.8}]
    assert [row.duration for row in made.rows] == [1.0, 1.0]


def test_parameters_that_are_the_same_everywhere_stand_above_the_table_unless_all_are_asked_for() -> None:
    made = compare([GRID], 10.0)
    assert sheet(made).shared == "The same in all: epochs=3"
    assert heads(sheet(made)) == ["node run", "state", "lr", "accuracy", "duration"]
    assert sheet(made, everything=True).shared == ""
    assert heads(sheet(made, everything=True)) == ["node run", "state", "lr", "epochs", "accuracy", "duration"]


@pytest.mark.parametrize("named", ["train", "Train", "train#2"])
def test_nodes_are_chosen_by_title_slug_or_id(named: str) -> None:
    assert ids(compare([GRID], 10.0, [named])) == (["train#2"] if "#" in named else ["train#1", "train#2"])


def test_a_run_without_routes_shows_every_node_run() -> None:
    made = compare([told("aaaa", ran("a", "a"), ran("b", "b"))], 10.0)
    assert ids(made) == ["a", "b"]


def test_rows_31_67_several_runs_are_a_row_each_when_every_node_ran_once() -> None:
    first = told("aaaa", ran("fit", "fit", params={"epochs": 3}, score=0.5), epochs=3)
    second = told("bbbb", ran("fit", "fit", params={"epochs": 5}, score=0.6), epochs=5)
    made = compare([first, second], 10.0)
    assert [(row.run, row.id, row.duration) for row in made.rows] == [("aaaa", None, 10.0), ("bbbb", None, 10.0)]
    assert heads(sheet(made)) == ["run", "state", "epochs", "score", "duration"]
    assert column(sheet(made), "score") == ["0.5", "0.6"]


def test_row_67_several_runs_with_routes_are_a_row_per_node_run_and_run() -> None:
    other = told("bbbb", ran("train#1", route={"train": {"lr": 0.5}}, accuracy=0.7))
    made = compare([GRID, other], 10.0)
    assert [(row.run, row.id) for row in made.rows] == [("aaaa", "train#1"), ("aaaa", "train#2"), ("bbbb", "train#1")]
    assert heads(sheet(made))[:2] == ["run", "node run"]


def test_a_name_to_which_two_nodes_give_different_values_is_told_with_its_node() -> None:
    route = {"train": {"lr": 0.1}, "tune": {"lr": 0.2, "depth": 3}}
    assert dict(compare([told("aaaa", ran("tune#1.1", "tune", route))], 10.0).rows[0].params) == {
        "train.lr": 0.1,
        "tune.lr": 0.2,
        "depth": 3,
    }
    whole = [told(run, ran("a", "a", score=1), ran("b", "b", score=2, kind="x")) for run in ("aaaa", "bbbb")]
    assert dict(compare(whole, 10.0).rows[0].logged) == {"a.score": 1, "b.score": 2, "kind": "x"}


def test_a_cached_node_run_says_so_and_a_skipped_node_is_listed_once() -> None:
    cached: list[Fact] = [
        Created("train#1", "train", (1,), {}, {}, {}),
        Changed("train#1", State.CACHED, detail={"duration_s": 7.0}),
        Tagged("train#1", "score", 0.5),
    ]
    skipped: list[Fact] = []
    for number in (2, 3):
        skipped += [Created(f"train#{number}", "train", (number,), {}, {}, {})]
        skipped += [Changed(f"train#{number}", State.SKIPPED, reason="no run passed")]
    made = sheet(compare([told("aaaa", cached, skipped)], 10.0))
    assert column(made, "node run") == ["train#1", "train#2"]
    assert column(made, "state") == ["↺ cached", "⊘ skipped"]
    assert column(made, "score") == ["0.5", ""]
    assert column(made, "duration") == ["7.0 s", ""]


# order


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("score", ["train#3", "train#0", "train#5", "train#2", "train#1", "train#4", "train#6"]),
        ("-score", ["train#0", "train#5", "train#3", "train#2", "train#1", "train#4", "train#6"]),
    ],
)
def test_rows_are_sorted_best_first_and_what_has_no_order_comes_last_either_way(by: str, order: list[str]) -> None:
    """Ties keep their order; text comes after numbers, then NaN, infinite, missing as they were."""
    run = scored(0.5, math.nan, "high", 0.7, math.inf, 0.5, None)
    made = compare([run], 10.0, by=by)
    assert ids(made) == order
    assert made.best() == (0.5 if by.startswith("-") else 0.7)


def test_every_row_that_holds_the_best_value_is_marked_and_only_with_by() -> None:
    made = sheet(compare([scored(1, 1.0, 0.5)], 10.0, by="score"))
    assert [cell.best for found in made.columns if found.head == "score ↓" for cell in found.cells] == [1, 1, 0]
    assert not any(cell.best for found in sheet(compare([scored(1, 2)], 10.0)).columns for cell in found.cells)
    assert compare([scored(math.nan, math.inf)], 10.0, by="score").best() is None


def test_rows_are_sorted_by_parameters_and_durations_too() -> None:
    run = told("aaaa", ran("train#1", took=2.0, params={"x": 1}), ran("train#2", took=1.0, params={"x": 2}))
    assert ids(compare([run], 10.0, by="-duration")) == ["train#2", "train#1"]
    assert ids(compare([run], 10.0, by="x")) == ["train#2", "train#1"]


# what cannot be


def test_an_unknown_node_is_told_with_the_nearest_and_one_that_has_not_run_yet_is_known() -> None:
    with pytest.raises(PipelineError) as raised:
        compare([GRID], 10.0, ["trian"])
    assert raised.value.problems[0].code == "E-NODE-UNKNOWN"
    assert 'Did you mean "train"?' in str(raised.value)
    made = compare([told("aaaa", ran("a", "a"), titles=("later",))], 10.0, ["later"])
    assert "There is no node run of it yet." in text(shown(made))


def test_a_tag_that_nothing_has_cannot_be_sorted_by() -> None:
    with pytest.raises(PipelineError) as raised:
        compare([GRID], 10.0, by="-acuracy")
    assert raised.value.problems[0].code == "E-USAGE"
    assert 'Did you mean "accuracy"?' in str(raised.value)


# how it is shown


def test_a_metric_shows_its_last_value_and_the_least_and_greatest_number_of_a_series() -> None:
    run = told(
        "aaaa", ran("train#1", series={"loss": [math.nan, 3.0, 1.0, 2.0]}), ran("train#2", series={"loss": [5.0]})
    )
    made = sheet(compare([run], 10.0))
    assert heads(made) == ["node run", "state", "loss", "min … max", "duration"]
    assert column(made, "loss") == ["2", "5"]
    assert column(made, "min … max") == ["1 … 3", ""]


@pytest.mark.parametrize(
    ("value", "told_as"),
    [
        (0.123456789, "0.123457"),
        (1e-7, "1e-07"),
        (100000, "100000"),
        (10**18, "1e+18"),
        (math.nan, "nan"),
        (True, "True"),
        ("a\n\x1b[31mb\u202ec", "a  [31mb c"),
        ("x" * 50, "x" * 39 + "…"),
        ([1, "a"], "[1, 'a']"),
    ],
)
def test_values_are_short_and_steer_no_terminal(value: Value, told_as: str) -> None:
    assert short(value) == told_as


def test_numbers_are_aligned_to_the_right_and_wide_characters_count_twice() -> None:
    run = told("aaaa", ran("train#1", n=5, word="漢字"), ran("train#2", n=1000, word="ab"))
    lines = text(shown(compare([run], 10.0))).splitlines()[2:]
    assert lines == [
        "node run  state           n  word  duration",
        "train#1   ✓ succeeded     5  漢字     1.0 s",
        "train#2   ✓ succeeded  1000  ab       1.0 s",
    ]


def test_html_escapes_what_people_made_and_tells_how_many_rows_are_left_out() -> None:
    runs = [ran(f"train#{n}", params={"<b>": n}, note="<img src=x onerror=alert(1)>") for n in range(250)]
    made = bundle(shown(compare([told("aaaa", *runs)], 10.0)))
    assert "<img" not in made["text/html"]
    assert "<b>" not in made["text/html"]
    assert "&lt;b&gt;" in made["text/html"]
    assert made["text/html"].count("<tr>") == 201
    assert "… 50 more" in made["text/html"]
    assert "… 50 more" in made["text/plain"]


def test_csv_holds_every_value_in_full() -> None:
    run = told(
        "aaaa",
        ran("train#1", route={"train": {"lr": 0.1}}, series={"loss": [3.0, 1.0]}, note='a, "b"', score=0.123456789),
        ran("train#2", route={"train": {"lr": 0.2}}),
    )
    first, second = csv.DictReader(io.StringIO(as_csv(compare([run], 10.0))))
    assert first["params.lr"] == "0.1"
    assert first["tags.note"] == 'a, "b"'
    assert first["tags.score"] == "0.123456789"
    assert [first[f"metrics.loss{part}"] for part in ("", ".min", ".max")] == ["1.0", "1.0", "3.0"]
    assert (second["id"], second["tags.score"], second["metrics.loss"]) == ("train#2", "", "")
