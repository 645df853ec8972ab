"""Searches: which executions they mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.dialect import Rule, Search, SearchKind, Style
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.search import execution_count, executions_of, values_of


def rule(style: str, **fields: Any) -> Rule:
    """A rule of this style."""
    return Rule(style=Style(style), **fields)


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (rule("single", value=25), [25]),
        (rule("multiple", items=(30, "a", True)), [30, "a", True]),
        (rule("linear", start=25, end=25, step=1), [25]),
        (rule("linear", start=1, end=5, step=2), [1, 3, 5]),
        (rule("linear", start=1, end=6, step=2), [1, 3, 5]),
        (rule("linear", start=5, end=1, step=-2), [5, 3, 1]),
        (rule("linear", start=0.1, end=0.5, step=0.1), [0.1, 0.2, 0.3, 0.4, 0.5]),
        (rule("logspace", start=-5, end=-1, count=5), [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
        (rule("logspace", min=-5, max=-1, count=5), [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
        (rule("logspace", start=0, end=3, count=4, base=2), [1, 2, 4, 8]),
        (rule("logspace", start=0, end=1, count=3, integerify=True), [1, 3, 10]),
        (rule("logspace", start=2, end=4, count=1), [100]),
    ],
)
def test_a_rule_gives_these_values(given: Rule, values: list[Any]) -> None:
    """Ends are counted in, steps are exact, exponents are exponents."""
    assert (
        values_of("a", given) == pytest.approx(values)
        if given.style is Style.LOGSPACE
        else values_of("a", given) == values
    )


def test_row_94_a_grid_is_the_product_in_the_order_of_the_file() -> None:
    """Five items and a logspace of five make 25; the last rule changes fastest; what is fixed is in all of them."""
    rules = {"n": rule("multiple", items=(1, 2, 3, 4, 5)), "rate": rule("logspace", start=-5, end=-1, count=5)}
    made = executions_of(Search(rules=rules), {"seed": 7, "n": 0})
    assert len(made) == 25
    assert [one["n"] for one in made[:6]] == [1, 1, 1, 1, 1, 2]
    assert {one["seed"] for one in made} == {7}


def test_without_rules_there_is_one_execution() -> None:
    """A search that varies nothing runs once, with what is fixed."""
    assert executions_of(Search(), {"a": 1}) == [{"a": 1}]


def test_a_manual_search_takes_its_sets() -> None:
    """Set by set; or rule by rule, the first values together, then the second."""
    sets = ({"a": 1, "b": 2}, {"a": 3})
    assert executions_of(Search(kind=SearchKind.MANUAL, sets=sets), {"b": 0}) == [{"a": 1, "b": 2}, {"a": 3, "b": 0}]
    rules = {"a": rule("multiple", items=(1, 2)), "b": rule("single", value=9)}
    assert executions_of(Search(kind=SearchKind.MANUAL, rules=rules), {}) == [{"a": 1, "b": 9}, {"a": 2, "b": 9}]


@given(
    st.sampled_from([SearchKind.RANDOM, SearchKind.BAYESIAN]),
    st.integers(1, 50),
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
    st.booleans(),
    st.none() | st.integers(),
)
def test_random_values_are_within_the_bounds_and_the_same_each_time(
    kind: SearchKind, count: int, low: float, width: float, whole: bool, seed: int | None
) -> None:
    """As many as were asked for; with a seed or without, the same again."""
    rules = {
        "x": rule("random", min=low, max=low + width + 1, integerify=whole, seed=seed),
        "y": rule("multiple", items=("a", "b")),
    }
    search = Search(kind=kind, rules=rules, count=count)
    made = executions_of(search, {})
    assert made == executions_of(search, {})
    assert len(made) == count
    for one in made:
        assert isinstance(one["x"], int if whole else float)
        assert low <= one["x"] <= low + width + 1
        assert one["y"] in ("a", "b")


def test_another_seed_draws_other_values() -> None:
    """Two parameters of one search are not drawn alike either."""
    first, second = (values_of("x", rule("random", min=0, max=1, count=5, seed=seed)) for seed in (1, 2))
    assert first != second
    assert values_of("y", rule("random", min=0, max=1, count=5, seed=1)) != first


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=4), max_size=5))
def test_the_count_is_the_number_of_executions(axes: list[list[int]]) -> None:
    """Known without making them."""
    search = Search(rules={f"p{number}": rule("multiple", items=tuple(axis)) for number, axis in enumerate(axes)})
    made = executions_of(search, {})
    assert execution_count(search) == len(made)
    assert len({tuple(one.items()) for one in made}) <= len(made)


@pytest.mark.parametrize(
    "search",
    [
        Search(rules={name: rule("multiple", items=tuple(range(30))) for name in "abc"}),
        Search(rules={"a": rule("linear", start=0, end=1e300, step=1e-300)}),
        Search(kind=SearchKind.RANDOM, rules={"a": rule("random", min=0, max=1)}, count=10_001),
        Search(kind=SearchKind.MANUAL, rules={"a": rule("logspace", start=0, end=1, count=10**9)}),
    ],
)
def test_more_than_ten_thousand_executions_are_refused_before_they_are_made(search: Search) -> None:
    """With the number."""
    with pytest.raises(PipelineError, match="E-GRID-SIZE"):
        executions_of(search, {})


@pytest.mark.parametrize(
    "bad",
    [
        rule("multiple"),
        rule("linear", start=1, end=5, step=-1),
        rule("linear", start=1, end=5),
        rule("linear", start=1, end=float("inf"), step=1),
        rule("logspace", start=1, end=500, count=3),
        rule("logspace", start=1, end=2, count=3, base=-2),
        rule("random", min=2, max=1),
        rule("random", min=0.2, max=0.8, integerify=True),
        rule("random", min=0, max=float("nan")),
    ],
)
def test_a_rule_that_gives_nothing_is_told(bad: Rule) -> None:
    """By the name of its parameter."""
    with pytest.raises(PipelineError, match=r'E-RANGE: the rule of "rate"'):
        executions_of(Search(rules={"rate": bad}), {})
