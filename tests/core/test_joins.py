"""Joins: consistent choices, against trying all tuples; each comes out once, in whatever order the runs come."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Collection, Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.joins import ConditionalJoin, Join, SingleJoin, place_of
from dagbook.runner.core.routes import Axes, Choice, Coordinates

Runs = dict[str, list[Coordinates]]  # by parent, the places of its runs
PARENTS = ("p", "q", "r")
Found = tuple[frozenset[tuple[str, str]], frozenset[tuple[str, tuple[str, ...]]]]


@st.composite
def parents(draw: st.DrawFn) -> tuple[dict[str, Axes], Runs]:
    """Up to three parents on some of the axes a, b and c, each with some of its possible runs.

    A run may have a 0 on an axis; two runs of one parent always differ in a place where neither has a 0.
    """
    axes = {parent: tuple(a for a in "abc" if draw(st.booleans())) for parent in PARENTS[: draw(st.integers(1, 3))]}
    runs: Runs = {}
    for parent, own in axes.items():
        possible = list(itertools.product((0, 1, 2), repeat=len(own)))
        chosen: list[Coordinates] = []
        for one in draw(st.lists(st.sampled_from(possible), max_size=5)):
            if not any(agree(own, one, own, other) for other in chosen):
                chosen.append(one)
        runs[parent] = chosen
    return axes, runs


def agree(axes: Axes, one: Coordinates, others: Axes, other: Coordinates) -> bool:
    left, right = place_of(axes, one), place_of(others, other)
    return all(left[axis] == right[axis] for axis in left.keys() & right.keys())


def name(parent: str, place: Coordinates) -> str:
    return f"{parent}{place}"


def told(choices: Iterable[Choice]) -> list[Found]:
    return [
        (frozenset(choice.parents.items()), frozenset((title, ids) for title, ids in choice.gathered.items()))
        for choice in choices
    ]


def feed(join: Join | ConditionalJoin, runs: Runs, fate: random.Random) -> Iterator[Choice]:
    """Give it all runs in random order; a parent is settled some time after its last run."""
    left = {parent: list(places) for parent, places in runs.items()}
    unsettled = list(runs)
    while unsettled:
        parent = fate.choice(unsettled)
        if left[parent]:
            place = left[parent].pop(fate.randrange(len(left[parent])))
            yield from join.add(parent, name(parent, place), place)
        else:
            unsettled.remove(parent)
            yield from join.settle(parent)


def tried(axes: dict[str, Axes], runs: Runs, tested: Collection[str], gathered: Collection[str]) -> list[Found]:
    """All choices, by trying all tuples."""
    plain = [parent for parent in runs if parent not in gathered]
    found = []
    for tuple_ in itertools.product(*([*runs[one], *([None] if one in tested else [])] for one in plain)):
        chosen = [(one, place) for one, place in zip(plain, tuple_, strict=True) if place is not None]

        def fits(parent: str, place: Coordinates, chosen: list[tuple[str, Coordinates]] = chosen) -> bool:
            return all(agree(axes[parent], place, axes[one], other) for one, other in chosen if one != parent)

        lacking = [one for one in plain if one not in dict(chosen)]
        if not all(fits(*one) for one in chosen) or any(fits(one, place) for one in lacking for place in runs[one]):
            continue
        handed = {one: tuple(name(one, place) for place in sorted(runs[one]) if fits(one, place)) for one in gathered}
        if any(not ids for one, ids in handed.items() if one not in tested):
            continue
        if tested and not any(one in tested for one in (*dict(chosen), *(one for one, ids in handed.items() if ids))):
            continue
        found.append((frozenset((one, name(one, place)) for one, place in chosen), frozenset(handed.items())))
    return found


@given(parents(), st.data(), st.randoms(use_true_random=False))
def test_every_consistent_choice_comes_out_once(
    given_: tuple[dict[str, Axes], Runs], data: st.DataObject, fate: random.Random
) -> None:
    """Rows 35, 37, 39; gathered parents hand over all that agrees with the rest."""
    axes, runs = given_
    gathered = [parent for parent in runs if data.draw(st.booleans())]
    join = Join(tuple(runs), gathered, axes, dict.fromkeys("abc"))
    found = told(feed(join, runs, fate))
    assert len(found) == len(set(found))
    assert set(found) == set(tried(axes, runs, (), gathered))


@settings(max_examples=300)
@given(parents(), st.data(), st.randoms(use_true_random=False))
def test_a_choice_lacks_tested_parents_only_where_no_passing_run_agrees(
    given_: tuple[dict[str, Axes], Runs], data: st.DataObject, fate: random.Random
) -> None:
    """Row 51. The runs given of a tested parent are those that passed."""
    axes, runs = given_
    gathered = [parent for parent in runs if data.draw(st.sampled_from([False, False, True]))]
    tested = [parent for parent in runs if data.draw(st.sampled_from([True, True, False]))] or [next(iter(runs))]
    join = ConditionalJoin(tuple(runs), tested, gathered, axes, dict.fromkeys("abc"))
    found = told(feed(join, runs, fate))
    assert len(found) == len(set(found))
    assert set(found) == set(tried(axes, runs, tested, gathered))


def test_runs_that_pass_on_different_routes_are_choices_of_their_own() -> None:
    """Neither may keep the other out, though each of them would have fitted at first."""
    axes: dict[str, Axes] = {"p": ("a",), "q": ("a",), "r": ()}
    for order in itertools.permutations("pqr"):
        join = ConditionalJoin(tuple("pqr"), ("p", "q"), (), axes, {"a": None})
        runs = {"p": (1,), "q": (2,), "r": ()}
        found = [choice for parent in order for choice in join.add(parent, parent, runs[parent])]
        assert found == []
        found += [choice for parent in order for choice in join.settle(parent)]
        assert sorted(list(choice.parents) for choice in found) == [["p", "r"], ["q", "r"]]


def test_parents_stand_in_a_choice_in_the_order_in_which_they_were_written() -> None:
    for order in itertools.permutations(PARENTS):
        join = Join(PARENTS, (), dict.fromkeys(PARENTS, ()), {})
        (choice,) = [choice for parent in order for choice in join.add(parent, parent, ())]
        assert list(choice.parents) == list(PARENTS)
        tests = ConditionalJoin(PARENTS, ("p", "r"), (), dict.fromkeys(PARENTS, ()), {})
        found = [choice for parent in order if parent != "p" for choice in tests.add(parent, parent, ())]
        found += [choice for parent in order for choice in tests.settle(parent)]
        assert [list(choice.parents) for choice in found] == [["q", "r"]]


def test_a_group_of_known_size_is_whole_with_its_last_run_and_needs_no_settling() -> None:
    join = Join(("p",), ("p",), {"p": ("a",)}, {"a": 2})
    assert list(join.add("p", "p#2", (2,))) == []
    assert list(join.add("p", "p#1", (1,))) == [Choice({}, {"p": ("p#1", "p#2")})]
    assert list(join.settle("p")) == []


@given(st.permutations(PARENTS), st.sets(st.sampled_from(PARENTS)))
def test_parents_that_run_once_make_one_choice_with_the_last_of_them(order: list[str], gathered: set[str]) -> None:
    join = SingleJoin(PARENTS, gathered)
    axes: dict[str, Axes] = dict.fromkeys(PARENTS, ())
    assert [choice for parent in order[:2] for choice in join.add(parent, parent, ())] == []
    last = told(join.add(order[2], order[2], ()))
    assert last == [
        (
            frozenset((one, one) for one in PARENTS if one not in gathered),
            frozenset((one, (one,)) for one in PARENTS if one in gathered),
        )
    ]
    slow = Join(PARENTS, gathered, axes, {})
    assert last == told(choice for parent in order for choice in slow.add(parent, parent, ()))


# how much work it is


def whole(routes: int, join: Join | ConditionalJoin, runs: Runs) -> None:
    """Give it all runs; each route makes one choice."""
    found = [choice for one, places in runs.items() for at in places for choice in join.add(one, name(one, at), at)]
    assert len([*found, *(choice for one in runs for choice in join.settle(one))]) == routes


def along(routes: int) -> list[Coordinates]:
    return [(position,) for position in range(1, routes + 1)]


def after_a_tested_one(routes: int) -> None:
    join = ConditionalJoin(("p", "q"), ("p",), (), {"p": ("a",), "q": ("a",)}, {"a": None})
    whole(routes, join, {"p": along(routes), "q": along(routes)})


def after_a_gathered_one(routes: int) -> None:
    join = Join(("p", "q"), ("q",), {"p": ("a",), "q": ("a",)}, {"a": None})
    whole(routes, join, {"p": along(routes), "q": along(routes)})


def after_one_that_lacks_another_on_every_second_route(routes: int) -> None:
    """Its runs have a 0 there, which agrees with everything."""
    join = Join(("p", "q"), (), {"p": ("a", "b"), "q": ("a", "b")}, {"a": None, "b": None})
    runs: list[Coordinates] = [(position, position % 2) for position in range(1, routes + 1)]
    whole(routes, join, {"p": runs, "q": [(position, 1) for position in range(1, routes + 1)]})


def calls(work: Callable[[int], None], routes: int) -> int:
    """How many calls that makes, of functions of any kind; unlike a time it is the same each time."""
    seen = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work(routes)
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize(
    "work",
    [
        after_a_tested_one,
        after_a_gathered_one,
        after_one_that_lacks_another_on_every_second_route,
    ],
)
def test_four_times_the_routes_are_some_four_times_the_work(work: Callable[[int], None]) -> None:
    """Rows 35, 46: no choice looks through the runs of all others."""
    assert calls(work, 400) < 5 * calls(work, 100)
