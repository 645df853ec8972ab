"""Conditions: which runs pass, who wins, what is skipped and what is not."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.conditions import Gate, fault, number_in, settled
from dagbook.runner.core.edge import COMPARING, Condition, Objective
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.lifecycle import BROKEN, Created, NodeRun, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.values import Value
from tests.core.brute_force import is_number
from tests.core.test_expansion import begun, end, grid

MISSING = "MISSING"
NUMBERS: list[Value] = [-1, 0, 0.9, 1, 0.1 + 0.2, 10**400, -(10**400)]
DIVERGED: list[Value] = [float("nan"), float("inf"), float("-inf"), None, "", "0.9", "high", True, [1], MISSING]
THRESHOLDS = [one for one in Objective if one not in COMPARING]


def when(objective: str, target: Value = None, *tasks: str, tag: str = "m") -> Condition:
    return Condition(objective=Objective(objective), tag=tag, tasks=tasks, target=target)


def decided(
    id: str, value: Value = MISSING, state: State = State.SUCCEEDED, coordinates: tuple[int, ...] = ()
) -> NodeRun:
    """A decided run of the node `id` (up to `#`) with the tag m."""
    run = NodeRun(Created(id, id.partition("#")[0], coordinates, {}, {}, {}), state)
    if value != MISSING:
        run.tags["m"] = value
    return run


# one run and a threshold


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: repr(value)[:9])
@pytest.mark.parametrize("objective", THRESHOLDS)
@pytest.mark.parametrize("target", [0.9, 1, 0.3, 10**400], ids=lambda target: repr(target)[:4])
def test_rows_45_to_47_a_number_passes_a_threshold_as_arithmetic_says(
    objective: Objective, value: Value, target: float
) -> None:
    """C3: eq is exact, so 0.1 + 0.2 is not 0.3."""
    assert number_in(value) == value
    exact = {
        "gt": value > target,  # type: ignore[operator]
        "lt": value < target,  # type: ignore[operator]
        "ge": value >= target,  # type: ignore[operator]
        "le": value <= target,  # type: ignore[operator]
        "eq": value == target,
        "ne": value != target,
    }
    assert (fault(when(objective, target), decided("a", value)) == "") is exact[objective]


@pytest.mark.parametrize("value", DIVERGED, ids=repr)
@pytest.mark.parametrize("objective", list(Objective))
def test_P24_C1_what_is_no_finite_number_passes_no_numeric_condition(objective: Objective, value: Value) -> None:
    """Not even ne, and it takes part in no max or min; the reason names run, tag and value."""
    said = fault(when(objective, None if objective in COMPARING else 0.5), decided("a#2", value))
    assert "a#2" in said
    assert "m" in said
    assert value == MISSING or str(value) in said


@pytest.mark.parametrize("objective", ["gt", "lt", "ge", "le"])
@pytest.mark.parametrize("target", ["high", None, True, float("nan"), float("inf")])
@pytest.mark.parametrize("value", [0.5, 7, "high", "low", True])
def test_C1_an_order_against_what_is_no_number_passes_nothing(objective: str, target: Value, value: Value) -> None:
    assert fault(when(objective, target), decided("a", value))


@pytest.mark.parametrize(
    ("value", "target", "same"),
    [
        ("done", "done", True),
        ("Done", "done", False),
        ("", "done", False),
        (True, "True", True),
        (True, True, True),
        (False, True, False),
        (1, "1", True),
        (1, True, False),
        (None, "done", False),
        (float("nan"), "done", False),
    ],
)
def test_row_47_texts_are_equal_as_they_are_shown(value: Value, target: Value, same: bool) -> None:
    assert (fault(when("eq", target), decided("a", value)) == "") is same
    assert (fault(when("ne", target), decided("a", value)) == "") is not same


@pytest.mark.parametrize("target", ["done", 1])
@pytest.mark.parametrize("objective", list(Objective))
def test_a_run_that_logged_no_such_tag_or_did_not_pass_meets_nothing(objective: Objective, target: Value) -> None:
    target = None if objective in COMPARING else target
    assert fault(when(objective, target), decided("a")) == 'a logged no "m"'
    for state in [*BROKEN, State.UPSTREAM_FAILED, State.SKIPPED, State.CANCELLED]:
        assert fault(when(objective, target), decided("a", 1, state)) == f"a {state.replace('_', ' ')}"


# winners


def winners(runs: list[NodeRun], *conditions: Condition) -> tuple[list[str], Gate]:
    """Who goes on when all of these have been decided, in that order."""
    titles = sorted({title for one in conditions for title in one.tasks})
    gate = Gate(conditions, {title: number for number, title in enumerate(titles)})
    on = [run for one in runs for run in gate.add(one)]
    for title in titles:
        on += gate.settle(title)[0]
    return [run.id for run in on], gate


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([*NUMBERS, *DIVERGED])), max_size=6),
    st.sampled_from(["max", "min"]),
    st.randoms(use_true_random=False),
)
def test_rows_48_49_P24_C2_one_run_wins_and_a_tie_goes_to_the_earliest_whatever_the_order_of_completion(
    measured: list[tuple[str, Value]], objective: str, fate: random.Random
) -> None:
    runs = [decided(f"{title}#{at}", value, coordinates=(at,)) for at, (title, value) in enumerate(measured, 1)]
    able = [
        run for run in sorted(runs, key=lambda run: (run.node, run.created.coordinates)) if is_number(run.tags.get("m"))
    ]
    wanted: list[str] = []
    for run in able:  # by hand: the first that no other beats
        values = [other.tags["m"] for other in able]
        beaten = any(v > run.tags["m"] if objective == "max" else v < run.tags["m"] for v in values)  # type: ignore[operator]
        wanted += [] if beaten or wanted else [run.id]
    shuffled = list(runs)
    fate.shuffle(shuffled)
    assert winners(shuffled, when(objective, None, "a", "b"))[0] == wanted


def test_C2_a_tie_is_reported_with_those_who_tied() -> None:
    values = {"b#1": 3, "a#2": 3, "a#10": 3.0, "a#3": 1}
    runs = [decided(id, value, coordinates=(int(id.partition("#")[2]),)) for id, value in values.items()]
    won, gate = winners(runs, when("max", None, "a", "b"))
    assert won == ["a#2"]
    assert gate.because == "max:a,b.m: a#2 wins with 3 (a tie with a#10, b#1; the earliest wins)"


def test_ties_go_by_definition_order_and_not_by_the_names_of_the_tasks() -> None:
    scheduler = begun(Node(title="z"), Node(title="a"), Node(title="best", after=("a", "z"), when=(when("max"),)))
    end(scheduler, "a", m=1)
    assert end(scheduler, "z", m=1) == ["best"]
    created = scheduler.run.node_runs["best"].created
    assert created.parents == {"z": "z"}
    assert "a tie with a; the earliest wins" in created.because


def test_ties_within_a_task_go_by_parameter_order_beyond_nine() -> None:
    scheduler = begun(grid("a", 12), Node(title="best", after=("a",), when=(when("min"),)))
    for number in (11, 12, 3, 10, 2):
        end(scheduler, f"a#{number}", m=1)
    for number in (1, 4, 5, 6, 7, 8):
        end(scheduler, f"a#{number}", m=2)
    assert end(scheduler, "a#9", m=1) == ["best#2"]


@pytest.mark.parametrize(
    ("loss", "won"),
    [pytest.param({"a#1": 2, "a#2": 1}, ["a#2"], id="agree"), pytest.param({"a#1": 1, "a#2": 2}, [], id="do not")],
)
def test_two_comparisons_must_agree_on_the_winner(loss: dict[str, Value], won: list[str]) -> None:
    runs = [decided("a#1", 1, coordinates=(1,)), decided("a#2", 2, coordinates=(2,))]
    for run in runs:
        run.tags["loss"] = loss[run.id]
    found, gate = winners(runs, when("max", None, "a"), when("min", None, "a", tag="loss"))
    assert found == won
    assert won or gate.conclusion()[0] is State.SKIPPED
    assert won or "do not agree on a winner" in gate.conclusion()[1]


def test_thresholds_filter_before_max_chooses() -> None:
    """The highest of those below the limit, and not the highest of all, which is above it."""
    runs = [decided(f"a#{n}", n, coordinates=(n,)) for n in (1, 2, 3, 4)]
    for conditions in itertools.permutations([when("max", None, "a"), when("lt", 3, "a"), when("ne", 0, "a")]):
        assert winners(runs, *conditions)[0] == ["a#2"]


def test_P24_max_over_nothing_but_diverged_runs_has_no_winner_and_says_why() -> None:
    values: list[Value] = [math.nan, math.inf, "high", None]
    runs = [decided(f"a#{n}", value, coordinates=(n,)) for n, value in enumerate(values, 1)]
    won, gate = winners(runs, when("max", None, "a"))
    state, said = gate.conclusion()
    assert (won, state) == ([], State.SKIPPED)
    assert "a#1 has m nan, which is no number to compare" in said
    assert "1 more did not pass" in said


# which tasks a condition tests


@pytest.mark.parametrize(
    ("tag", "tasks", "name"),
    [
        pytest.param("accuracy", ("Train model", "v1.2", "a"), "accuracy", id="blank: all direct parents"),
        pytest.param("Train model.accuracy", ("Train model",), "accuracy", id="a title with a space"),
        pytest.param("train  MODEL.top.5", ("Train model",), "top.5", id="a tag with a dot"),
        pytest.param("v1.2.loss", ("v1.2",), "loss", id="a title with a dot"),
        pytest.param("a,Train model.loss", ("a", "Train model"), "loss", id="two titles"),
        pytest.param("top.5", ("Train model", "v1.2", "a"), "top.5", id="a dot that names nothing"),
    ],
)
def test_row_50_the_tasks_before_a_dot_are_those_that_are_tested(tag: str, tasks: tuple[str, ...], name: str) -> None:
    after = ("Train model", "v1.2", "a")
    node = Node(title="n", after=after, when=(Condition(objective=Objective.MAX, tag=tag),))
    pipeline = Pipeline(nodes=(*(Node(title=title) for title in after), node))
    found = settled(pipeline, node, node.when[0], after)
    assert (found.tasks, found.tag) == (tasks, name)


@pytest.mark.parametrize(("tag", "tasks"), [("far.loss", ()), ("loss", ("far",)), ("loss", ("nobody",))])
def test_row_50_a_task_that_does_not_come_right_before_is_refused(tag: str, tasks: tuple[str, ...]) -> None:
    node = Node(title="n", after=("a",), when=(Condition(objective=Objective.MAX, tag=tag, tasks=tasks),))
    pipeline = Pipeline(nodes=(Node(title="far"), Node(title="a", after=("far",)), node))
    with pytest.raises(PipelineError, match="which does not come right before it"):
        settled(pipeline, node, node.when[0], ("a",))
