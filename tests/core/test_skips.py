"""Conditions in a run: who goes on and when, what is skipped, and what that means for the rest."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.events import Cancel
from dagbook.runner.core.lifecycle import BROKEN, RunState, State
from dagbook.runner.core.model import Node, OnError
from dagbook.runner.core.values import Value
from tests.core.brute_force import is_number
from tests.core.test_conditions import when
from tests.core.test_expansion import begun, end, grid, states


def test_row_44_only_runs_that_pass_go_on_and_each_as_soon_as_it_is_decided() -> None:
    scheduler = begun(grid("a", 3), Node(title="b", after=("a",), when=(when("gt", 0.5),)))
    assert end(scheduler, "a#3", m=0.9) == ["b#3"]
    assert end(scheduler, "a#1", m=0.1) == []
    assert end(scheduler, "a#2", m=0.6) == ["b#2"]
    assert set(states(scheduler)) == {"a#1", "a#2", "a#3", "b#3", "b#2"}


def test_row_48_max_over_two_families_waits_for_all_of_both_and_one_run_goes_on() -> None:
    """Row 50: blank means all direct parents."""
    scheduler = begun(grid("a", 2), grid("b", 2), Node(title="best", after=("a", "b"), when=(when("max"),)))
    assert end(scheduler, "a#1", m=1) == end(scheduler, "b#2", m=5) == end(scheduler, "b#1", m=2) == []
    assert end(scheduler, "a#2", m=3) == ["best#0.2"]
    assert scheduler.run.node_runs["best#0.2"].created.parents == {"b": "b#2"}
    assert "b#2 wins with 5" in scheduler.run.node_runs["best#0.2"].created.because


def test_row_50_a_condition_on_one_of_the_parents_leaves_the_others_alone() -> None:
    scheduler = begun(grid("a", 2), grid("b", 2), Node(title="c", after=("a", "b"), when=(when("gt", 1, "a"),)))
    end(scheduler, "b#1")
    end(scheduler, "b#2")
    assert end(scheduler, "a#1", m=1) == []
    assert end(scheduler, "a#2", m=2) == ["c#2.1", "c#2.2"]


def test_row_51_a_tested_parent_is_missing_only_where_none_of_its_passing_runs_is_consistent() -> None:
    """Above both is one grid: on g#1 both pass, on g#2 only a, on g#3 none."""
    last = Node(title="c", after=("a", "b"), when=(when("gt", 0),))
    scheduler = begun(grid("g", 3), Node(title="a", after=("g",)), Node(title="b", after=("g",)), last)
    values = {"a#1": 1, "b#1": 1, "a#2": 1, "b#2": 0, "a#3": 0, "b#3": -1}
    for id in ("g#1", "g#2", "g#3"):
        end(scheduler, id)
    started = [one for id, value in values.items() for one in end(scheduler, id, m=value)]
    runs = scheduler.run.node_runs
    assert sorted(started) == ["c#1", "c#2"]
    assert (runs["c#1"].created.parents, runs["c#2"].created.parents) == ({"a": "a#1", "b": "b#1"}, {"a": "a#2"})


def test_of_a_gathered_parent_a_choice_that_lacks_a_tested_one_holds_only_what_is_on_its_route() -> None:
    last = Node(title="n", after=("t", "u", "p"), gather=("p",), when=(when("gt", 0, "t", "u"),))
    scheduler = begun(grid("g", 2), Node(title="t", after=("g",)), Node(title="u"), grid("p", 2, "g"), last)
    end(scheduler, "u", m=0)
    for id in ("g#1", "g#2"):
        end(scheduler, id)
    for id in ("p#1.1", "p#1.2", "p#2.1", "p#2.2"):
        end(scheduler, id)
    end(scheduler, "t#1", m=1)
    assert sorted(end(scheduler, "t#2", m=1)) == ["n#1", "n#2"]
    created = scheduler.run.node_runs["n#2"].created
    assert (created.parents, created.gathered) == ({"t": "t#2"}, {"p": ("p#2.1", "p#2.2")})


# skips


def test_a_node_of_which_no_run_passes_is_skipped_once_and_so_is_what_comes_after_it() -> None:
    nodes = (grid("a", 3), grid("b", 2, "a", when=(when("gt", 1),)), grid("c", 2, "b"), Node(title="d", after=("a",)))
    scheduler = begun(*nodes)
    for number in (1, 2, 3):
        end(scheduler, f"a#{number}", m=0)
        end(scheduler, f"d#{number}")
    assert {id: state for id, state in states(scheduler).items() if id[0] in "bc"} == {
        "b": State.SKIPPED,
        "c": State.SKIPPED,
    }
    assert scheduler.run.node_runs["b"].reason.startswith("no run passed gt:a.m:1: a#1 has m 0; ")
    assert scheduler.run.node_runs["c"].reason == '"b" was skipped'
    assert scheduler.run.state is RunState.SUCCEEDED


def test_a_tested_parent_that_was_skipped_counts_as_not_passing() -> None:
    skipped = Node(title="s", after=("a",), when=(when("gt", 1),))
    scheduler = begun(
        Node(title="a"), Node(title="b"), skipped, Node(title="best", after=("s", "b"), when=(when("max"),))
    )
    end(scheduler, "a", m=0)
    assert end(scheduler, "b", m=0) == ["best"]
    assert scheduler.run.node_runs["best"].created.parents == {"b": "b"}
    assert "s skipped" in scheduler.run.node_runs["best"].created.because


@pytest.mark.parametrize(
    ("ends", "wanted"),
    [
        pytest.param({"a": State.FAILED, "b": State.LOST}, State.UPSTREAM_FAILED, id="all tested failed"),
        pytest.param({"a": State.FAILED, "b": State.SUCCEEDED}, State.SKIPPED, id="one failed and one did not pass"),
        pytest.param({"a": State.SUCCEEDED, "b": State.SUCCEEDED}, State.SKIPPED, id="none passed"),
    ],
)
@pytest.mark.parametrize("rule", [None, OnError.CONTINUE])
def test_a_node_of_which_no_tested_run_passes_is_skipped_unless_all_of_them_failed(
    ends: dict[str, State], wanted: State, rule: OnError | None
) -> None:
    last = Node(title="c", after=("a", "b"), when=(when("gt", 5),))
    scheduler = begun(Node(title="a", on_error=rule), Node(title="b", on_error=rule), last)
    for id, state in ends.items():
        end(scheduler, id, state, m=1)
    assert states(scheduler)["c"] is wanted
    failed = any(state in BROKEN for state in ends.values())
    assert scheduler.run.state is (RunState.FAILED if failed else RunState.SUCCEEDED)


def test_a_failed_run_neither_passes_nor_wins_whatever_it_logged() -> None:
    scheduler = begun(grid("a", 2), Node(title="best", after=("a",), when=(when("max"),)))
    end(scheduler, "a#1", State.FAILED, m=99)
    assert end(scheduler, "a#2", m=1) == ["best#2"]


def test_a_node_that_may_miss_its_failed_parents_runs_though_all_of_that_failed_upstream() -> None:
    """CONTINUE stands at b, which never ran because a failed."""
    b = Node(title="b", after=("a",), on_error=OnError.CONTINUE)
    scheduler = begun(Node(title="a"), b, Node(title="c", after=("b",)), Node(title="d", after=("a",)))
    assert end(scheduler, "a", State.FAILED) == ["c"]
    assert states(scheduler)["b"] is states(scheduler)["d"] is State.UPSTREAM_FAILED


def test_what_a_cancelled_run_would_have_tested_is_cancelled_and_not_skipped() -> None:
    scheduler = begun(Node(title="a"), Node(title="b", after=("a",), when=(when("max"),)))
    scheduler.handle(Cancel("Ctrl-C"))
    end(scheduler, "a", State.CANCELLED)
    assert states(scheduler) == {"a": State.CANCELLED, "b": State.CANCELLED}


@given(
    st.lists(st.sampled_from([1, 2, 2, 3, math.nan, "high"]), min_size=2, max_size=6), st.randoms(use_true_random=False)
)
def test_exactly_one_run_goes_on_from_max_or_the_node_is_skipped(values: list[Value], fate: random.Random) -> None:
    scheduler = begun(grid("a", len(values)), Node(title="best", after=("a",), when=(when("max"),)))
    order = list(range(1, len(values) + 1))
    fate.shuffle(order)
    started = [one for number in order for one in end(scheduler, f"a#{number}", m=values[number - 1])]
    able = [value for value in values if is_number(value)]
    wanted = [f"best#{values.index(max(able)) + 1}"] if able else []  # type: ignore[type-var]
    assert started == wanted
    assert ("best" in states(scheduler)) is not bool(able)
