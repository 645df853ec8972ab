"""How long a run will go on: from what its nodes took in earlier runs, on the slots that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.board.estimate import MOST_EARLIER, Estimate, estimate
from dagbook.runner.board.spans import Doing
from dagbook.runner.board.timeline import timeline
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.store import Store
from tests.board.times import START, Timed, add_run, chain, created, finished, followed, over, pipeline_of, ran, went


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".dagbook")


def left(store: Store, pipeline: Pipeline, told: list[Timed], now: float, jobs: int = 2) -> Estimate | None:
    run = add_run(store, pipeline, told, jobs=jobs, began=START + 10_000)
    return estimate(store, "demo", followed(store, run), START + 10_000 + now)


def seconds(found: Estimate | None) -> float:
    assert found is not None
    return found.left


def test_without_earlier_runs_nobody_can_tell(store: Store) -> None:
    assert left(store, chain("a", "b"), ran("a", "a", 0, 0, None), 1) is None


def test_runs_of_another_pipeline_tell_nothing(store: Store) -> None:
    other = pipeline_of(Node(title="a"), name="other")
    add_run(store, other, [*ran("a", "a", 0, 0, 10), over(10)])
    assert left(store, chain("a"), ran("a", "a", 0, 0, None), 1) is None


def test_what_is_left_is_the_rest_of_what_runs_and_all_that_comes_after(store: Store) -> None:
    finished(store, {"a": 10, "b": 20, "c": 5})
    told = [*ran("a", "a", 0, 0, 10), *ran("b", "b", 10, 10, None, "a")]
    assert seconds(left(store, chain("a", "b", "c"), told, 14)) == pytest.approx(16 + 5)


def test_of_several_earlier_runs_the_middle_one_counts(store: Store) -> None:
    for number, took in enumerate((10, 11, 500)):
        finished(store, {"a": took}, START + number)
    assert seconds(left(store, chain("a"), ran("a", "a", 0, 0, None), 1)) == pytest.approx(10)


def test_a_node_run_that_takes_longer_than_it_mostly_did_is_compared_with_the_long_ones(store: Store) -> None:
    for number, took in enumerate((10, 11, 100)):
        finished(store, {"a": took}, START + number)
    assert seconds(left(store, chain("a"), ran("a", "a", 0, 0, None), 40)) == pytest.approx(60)


def test_what_was_never_seen_to_end_makes_it_a_least(store: Store) -> None:
    finished(store, {"a": 10})
    found = left(store, chain("a", "new"), ran("a", "a", 0, 0, None), 4)
    assert found is not None
    assert found.at_least
    assert found.left == pytest.approx(6)
    assert found.words == "at least 6.0 s left"


@pytest.mark.parametrize(("jobs", "expected"), [(1, 60), (2, 30), (4, 20), (9, 10)])
def test_node_runs_share_the_slots_that_there_are(store: Store, jobs: int, expected: float) -> None:
    finished(store, {"t": 10})
    grid = pipeline_of(Node(title="t", grid={"x": list(range(6))}))
    told = [fact for n in range(6) for fact in (created(f"t#{n}", "t", 0), went(f"t#{n}", 0, State.QUEUED, 0))]
    assert seconds(left(store, grid, told, 0, jobs)) == pytest.approx(expected)


def test_node_runs_of_a_grid_that_do_not_exist_yet_are_counted(store: Store) -> None:
    fan = pipeline_of(Node(title="a"), Node(title="t", after=("a",), grid={"x": [1, 2, 3, 4]}))
    told = [*ran("a", "a", 0, 0, 10), *ran("t#1", "t", 10, 10, 15, "a"), over(15)]
    add_run(store, fan, told)
    found = left(store, fan, ran("a", "a", 0, 0, None), 0)
    assert found is not None
    assert found.left == pytest.approx(10 + 4 * 5 / 2)
    assert [at - START - 10_000 for at in found.nodes["t"]] == pytest.approx([10, 20])


def test_a_node_that_a_condition_mostly_skipped_is_not_waited_for(store: Store) -> None:
    above = Condition(objective=Objective("gt"), tag="x", target=5)
    rare = pipeline_of(Node(title="a"), Node(title="r", after=("a",), when=(above,)))
    for number in range(3):
        told = [*ran("a", "a", 0, 0, 10)]
        told += ran("r", "r", 10, 10, 90, "a") if number == 0 else [created("r", "r", 10, "a"), skipped("r", 10)]
        add_run(store, rare, [*told, over(90)], began=START + number)
    assert seconds(left(store, rare, ran("a", "a", 0, 0, None), 4)) == pytest.approx(6)


def skipped(id: str, at: float) -> Timed:
    return went(id, at, State.SKIPPED, 0)


def test_the_time_that_people_take_is_not_foretold(store: Store) -> None:
    finished(store, {"a": 10})
    told = [created("a", "a", 0), went("a", 0, State.PENDING_APPROVAL, 0)]
    found = left(store, chain("a"), told, 500)
    assert found is not None
    assert found.asks
    assert found.left == pytest.approx(10)
    assert found.words == "about 10 s left after the approval"


def test_a_run_that_is_over_has_nothing_left(store: Store) -> None:
    finished(store, {"a": 10})
    assert left(store, chain("a"), [*ran("a", "a", 0, 0, 10), over(10)], 11) is None


def test_the_timeline_shows_what_is_expected_to_come(store: Store) -> None:
    finished(store, {"a": 10, "b": 20})
    run = add_run(store, chain("a", "b"), ran("a", "a", 0, 0, None), began=START + 10_000)
    follower, now = followed(store, run), START + 10_004
    found = timeline(follower, now, estimate(store, "demo", follower, now))
    bars = [bar for row in found.rows for bar in row.lanes[0] if bar.doing is Doing.COMES]
    assert [(bar.begin - now, bar.end - now) for bar in bars] == [pytest.approx((0, 6)), pytest.approx((6, 26))]
    assert [row.node for row in found.rows] == ["a", "b"]
    assert found.ends == pytest.approx(now + 26)


def test_of_many_earlier_runs_only_the_latest_are_asked(store: Store) -> None:
    for number in range(100):
        finished(store, {"a": 1000 if number < 100 - MOST_EARLIER else 10}, START + number)
    run = add_run(store, chain("a"), ran("a", "a", 0, 0, None), began=START + 10_000)
    follower = followed(store, run)
    assert seconds(estimate(store, "demo", follower, START + 10_001)) == pytest.approx(9)
