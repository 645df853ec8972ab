"""The timeline: when which node run waited and ran, the critical path, what is still to come, and its picture."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from dagbook.runner.board.spans import Bar, Doing
from dagbook.runner.board.timeline import MOST_LANES, MOST_ROWS, Timeline, timeline
from dagbook.runner.board.timeline_svg import timeline_html
from dagbook.runner.board.timescale import scale
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import Answered, Created, Kept, Resumed, RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.store import Store
from tests.board.payloads import PAYLOADS
from tests.board.times import START, Timed, add_run, chain, created, followed, over, pipeline_of, ran, went


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".dagbook")


def drawn(store: Store, pipeline: Pipeline, told: list[Timed], now: float = 100.0) -> Timeline:
    return timeline(followed(store, add_run(store, pipeline, told)), START + now)


def bars(found: Timeline, id: str) -> list[tuple[Doing, float, float, State]]:
    """The bars of a node run, in seconds since the run began."""
    all_bars: list[Bar] = [bar for row in found.rows for lane in row.lanes for bar in lane if bar.id == id]
    return [(bar.doing, round(bar.begin - START, 3), round(bar.end - START, 3), bar.state) for bar in all_bars]


DIAMOND = pipeline_of(
    Node(title="a"), Node(title="b", after=("a",)), Node(title="c", after=("a",)), Node(title="d", after=("b", "c"))
)


def test_a_node_run_waits_from_the_end_of_its_parents_to_its_start(store: Store) -> None:
    told = [*ran("a", "a", 0, 0, 4), *ran("b", "b", 4, 7, 9, "a"), over(9)]
    assert bars(drawn(store, chain("a", "b"), told), "b") == [
        (Doing.WAITS, 4, 7, State.QUEUED),
        (Doing.RUNS, 7, 9, State.SUCCEEDED),
    ]


def test_each_attempt_is_a_bar_of_its_own(store: Store) -> None:
    told = [
        created("a", "a", 0),
        *(went("a", at, state) for at, state in ((0, State.QUEUED), (0, State.STARTING), (1, State.RUNNING))),
        went("a", 3, State.FAILED),
        *(went("a", 5, state, 2) for state in (State.QUEUED, State.STARTING, State.RUNNING)),
        went("a", 8, State.SUCCEEDED, 2),
        over(8),
    ]
    found = drawn(store, chain("a"), told)
    runs = [bar for bar in bars(found, "a") if bar[0] is Doing.RUNS]
    assert runs == [(Doing.RUNS, 0, 3, State.FAILED), (Doing.RUNS, 5, 8, State.SUCCEEDED)]
    assert found.rows[0].seconds == pytest.approx(6)


def test_what_was_cancelled_before_it_was_tried_again_has_no_further_attempt(store: Store) -> None:
    told = [*ran("a", "a", 0, 0, 3, state=State.FAILED), went("a", 4, State.QUEUED), went("a", 6, State.CANCELLED)]
    found = drawn(store, chain("a"), [*told, over(6, RunState.CANCELLED)])
    assert [bar for bar in bars(found, "a") if bar[0] is Doing.RUNS] == [(Doing.RUNS, 0, 3, State.FAILED)]


def test_waiting_for_an_approval_is_told_apart_from_waiting_for_room(store: Store) -> None:
    yes = Answered("a", True, "leah", "command line", "")
    told = [
        created("a", "a", 0),
        went("a", 0, State.PENDING_APPROVAL, 0),
        (6.0, yes),
        went("a", 6, State.QUEUED, 0),
        went("a", 8, State.STARTING),
        went("a", 9, State.SUCCEEDED),
        over(9),
    ]
    assert [bar[:3] for bar in bars(drawn(store, chain("a"), told), "a")] == [
        (Doing.ASKS, 0, 6),
        (Doing.WAITS, 6, 8),
        (Doing.RUNS, 8, 9),
    ]


def test_a_pipeline_that_is_a_node_runs_is_asked_about_and_runs_on(store: Store) -> None:
    told = [
        created("a", "a", 0),
        *(went("a", at, state) for at, state in ((0, State.QUEUED), (0, State.STARTING), (1, State.RUNNING))),
        went("a", 3, State.PENDING_APPROVAL),
        went("a", 7, State.RUNNING),
        went("a", 9, State.SUCCEEDED),
        over(9),
    ]
    assert bars(drawn(store, chain("a"), told), "a") == [
        (Doing.RUNS, 0, 3, State.RUNNING),
        (Doing.ASKS, 3, 7, State.PENDING_APPROVAL),
        (Doing.RUNS, 7, 9, State.SUCCEEDED),
    ]


@pytest.mark.parametrize(
    ("state", "ending"), [(State.REJECTED, RunState.REJECTED), (State.CANCELLED, RunState.CANCELLED)]
)
def test_the_axis_reaches_to_the_answer_that_a_run_ended_with(store: Store, state: State, ending: RunState) -> None:
    told = [
        *ran("a", "a", 0, 0, 4),
        created("b", "b", 4, "a"),
        went("b", 4, State.PENDING_APPROVAL, 0),
        went("b", 9, state, 0),
        over(9, ending),
    ]
    found = drawn(store, chain("a", "b"), told)
    assert bars(found, "b") == [(Doing.ASKS, 4, 9, State.PENDING_APPROVAL)]
    assert found.scale.end == START + 9


def test_the_look_up_of_what_is_cached_is_no_wait_for_its_turn(store: Store) -> None:
    told = [created("a", "a", 0), went("a", 0, State.QUEUED, 0), went("a", 0.02, State.CACHED, 0), over(0.02)]
    found = drawn(store, chain("a"), told)
    assert bars(found, "a") == [(Doing.RUNS, 0.02, 0.02, State.CACHED)]
    assert "waits for its turn" not in timeline_html(found)


def test_the_critical_path_goes_back_from_the_last_end_to_the_parent_that_ended_last(store: Store) -> None:
    told = [
        *ran("a", "a", 0, 0, 2),
        *ran("b", "b", 2, 2, 9, "a"),
        *ran("c", "c", 2, 2, 3, "a"),
        *ran("d", "d", 9, 9, 10, "b", "c"),
        over(10),
    ]
    found = drawn(store, DIAMOND, told)
    assert found.critical == ("a", "b", "d")
    assert [row.node for row in found.rows if row.critical] == ["a", "b", "d"]


def test_the_critical_path_goes_by_what_a_condition_had_to_wait_for_though_it_lost(store: Store) -> None:
    """`best` takes the run of `fast`, and could not know that before the last run of `slow` had ended."""
    when = (Condition(tag="score", objective=Objective.MAX),)
    pipeline = pipeline_of(
        Node(title="fast"),
        Node(title="slow", grid={"x": [1, 2]}),
        Node(title="best", after=("fast", "slow"), when=when),
    )
    told = [
        *ran("fast", "fast", 0, 0, 2),
        *ran("slow#1", "slow", 0, 0, 3, route={"x": 1}),
        *ran("slow#2", "slow", 0, 3, 9, route={"x": 2}),
        *ran("best", "best", 9, 9, 10, "fast"),
        over(10),
    ]
    assert drawn(store, pipeline, told).critical == ("slow#2", "best")


def test_the_critical_path_goes_by_what_failed_and_was_to_be_gathered(store: Store) -> None:
    pipeline = pipeline_of(Node(title="t", grid={"x": [1, 2]}), Node(title="all", after=("t",), gather=("t",)))
    at, born = created("all", "all", 9)
    assert isinstance(born, Created)
    told = [
        *ran("t#1", "t", 0, 0, 2, route={"x": 1}),
        *ran("t#2", "t", 0, 0, 9, route={"x": 2}, state=State.FAILED),
        (at, replace(born, gathered={"t": ("t#1",)})),
        *ran("all", "all", 9, 9, 10)[1:],
        over(10, RunState.FAILED),
    ]
    assert drawn(store, pipeline, told).critical == ("t#2", "all")


def test_a_run_that_ended_after_a_threshold_was_met_is_no_reason_for_what_came_of_another(store: Store) -> None:
    when = (Condition(tag="score", objective=Objective.GT, target=1),)
    pipeline = pipeline_of(Node(title="t", grid={"x": [1, 2]}), Node(title="use", after=("t",), when=when))
    told = [
        *ran("t#1", "t", 0, 0, 2, route={"x": 1}),
        *ran("t#2", "t", 0, 0, 5, route={"x": 2}),
        *ran("use#1", "use", 2, 2, 10, "t#1"),
        over(10),
    ]
    assert drawn(store, pipeline, told).critical == ("t#1", "use#1")


def test_what_goes_on_is_on_the_critical_path_of_a_run_that_is_not_over(store: Store) -> None:
    told = [*ran("a", "a", 0, 0, 2), *ran("b", "b", 2, 2, None, "a"), *ran("c", "c", 2, 2, 30, "a")]
    assert drawn(store, DIAMOND, told).critical == ("a", "b")


def test_a_bar_that_goes_on_ends_now(store: Store) -> None:
    found = drawn(store, chain("a"), ran("a", "a", 0, 0, None), now=12)
    assert bars(found, "a") == [(Doing.RUNS, 0, 12, State.RUNNING)]
    assert found.now == START + 12


def test_time_stands_still_when_the_run_is_over(store: Store) -> None:
    told = [*ran("a", "a", 0, 0, 4), over(4)]
    early, late = (drawn(store, chain("a"), told, now) for now in (5.0, 5000.0))
    assert (early.now, early.scale.end, early.seconds) == (late.now, late.scale.end, late.seconds)
    assert late.scale.end == START + 4


def test_what_was_skipped_has_no_row_and_is_counted(store: Store) -> None:
    told = [*ran("a", "a", 0, 0, 4), created("b", "b", 4, "a"), went("b", 4, State.SKIPPED, 0), over(4)]
    found = drawn(store, chain("a", "b"), told)
    assert ([row.node for row in found.rows], found.without) == (["a"], 1)


def test_attempts_from_before_a_run_was_resumed_are_shown_with_those_after(store: Store) -> None:
    told = [
        *ran("a", "a", 0, 0, 2),
        *ran("b", "b", 2, 2, 5, "a", state=State.FAILED),
        over(5, RunState.FAILED),
        (3600.0, Resumed("leah")),
        (3600.0, RunChanged(RunState.RUNNING)),
        (3600.0, Kept("a")),
        *ran("b", "b", 3600, 3600, 3602, "a"),
        over(3602),
    ]
    found = drawn(store, chain("a", "b"), told)
    assert [bar[1:] for bar in bars(found, "b") if bar[0] is Doing.RUNS] == [
        (2, 5, State.FAILED),
        (3600, 3602, State.SUCCEEDED),
    ]
    (cut,) = found.scale.cuts
    assert cut[0] - START == pytest.approx(5, abs=0.5)
    assert cut[1] - START == pytest.approx(3600, abs=0.5)
    assert found.scale(START + 5) > 0.6  # an hour of nothing takes no room from the seconds of work


def grid_of(count: int, jobs: int = 4) -> list[Timed]:
    """`count` node runs of a second each, `jobs` at a time."""
    return [
        fact
        for number in range(count)
        for fact in ran(f"t#{number + 1}", "t", 0, number // jobs, number // jobs + 1, route={"x": number})
    ]


def test_more_than_forty_node_runs_are_folded_to_a_row_for_each_node(store: Store) -> None:
    grid = pipeline_of(Node(title="t", grid={"x": list(range(41))}))
    single = drawn(store, grid, [*grid_of(40), over(10)])
    folded = drawn(store, grid, [*grid_of(41), over(11)])
    assert (len(single.rows), single.folded) == (40, False)
    assert (len(folded.rows), folded.folded) == (1, True)
    assert len(folded.rows[0].lanes) == 4


def test_bars_of_one_lane_do_not_overlap(store: Store) -> None:
    grid = pipeline_of(Node(title="t", grid={"x": list(range(60))}))
    (row,) = drawn(store, grid, [*grid_of(60, jobs=MOST_LANES), over(8)]).rows
    for lane in row.lanes:
        assert all(one.end <= after.begin for one, after in itertools.pairwise(lane))


def test_bars_too_narrow_to_be_told_apart_are_drawn_as_one(store: Store) -> None:
    grid = pipeline_of(Node(title="t", grid={"x": list(range(2000))}))
    (row,) = drawn(store, grid, [*grid_of(2000, jobs=2), over(1000)]).rows
    assert sum(map(len, row.lanes)) < 600
    assert row.seconds == pytest.approx(1000, rel=1.1)


def test_rows_beyond_what_there_is_room_for_are_counted_and_critical_ones_stay(store: Store) -> None:
    titles = [f"n{number}" for number in range(MOST_ROWS + 20)]
    told = [fact for number, one in enumerate(titles) for fact in ran(one, one, 0, 0, 50 if number == 90 else 10)]
    found = drawn(store, pipeline_of(*(Node(title=one) for one in titles)), [*told, over(50)])
    assert (len(found.rows), found.left_out) == (MOST_ROWS, 20)
    assert "n90" in [row.node for row in found.rows]
    assert "20 rows that took least" in timeline_html(found)


@pytest.mark.parametrize("seconds", [0.05, 0.7, 3, 59, 61, 600, 5000, 90_000, 3_000_000])
def test_an_axis_has_a_few_ticks_at_round_times_whatever_its_length(seconds: float) -> None:
    ticks = scale(START, START + seconds, [(START, START + seconds)]).ticks()
    assert 1 <= len(ticks) <= 9
    assert ticks[0].place == 0
    assert len({tick.words for tick in ticks}) == len(ticks)
    assert all(after.place - one.place >= 0.07 for one, after in itertools.pairwise(ticks))


def test_places_grow_with_time_also_over_cuts() -> None:
    axis = scale(0, 10_000, [(0, 10), (5000, 5010), (9990, 10_000)])
    assert len(axis.cuts) == 2
    places = [axis(at) for at in range(0, 10_001, 5)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 1)


def test_a_pause_up_to_the_end_is_cut_too() -> None:
    axis = scale(0, 10_000, [(0, 10)])
    assert len(axis.cuts) == 1
    assert axis(10) > 0.9
    assert axis(10_000) == 1


def test_the_picture_holds_places_in_percent_and_its_text_is_not_scaled(store: Store) -> None:
    html = timeline_html(
        drawn(store, chain("a", "b"), [*ran("a", "a", 0, 0, 4), *ran("b", "b", 4, 4, 8, "a"), over(8)])
    )
    assert "viewBox" not in html
    assert 'x="50%" width="50%"' in html
    assert "Critical path:</b> a → b" in html


def test_what_took_no_time_is_a_ring(store: Store) -> None:
    """A box without a width would not be drawn."""
    told = [created("a", "a", 0), went("a", 0, State.CACHED, 0), *ran("b", "b", 0, 0, 4, "a"), over(4)]
    picture = ElementTree.fromstring(timeline_html(drawn(store, chain("a", "b"), told)))
    (ring,) = picture.iter("circle")
    assert "".join(ring.itertext()) == "a: cached"
    assert not [box for box in picture.iter("rect") if box.get("width") == "0%"]


def test_what_failed_is_hatched_by_itself_also_beside_a_picture_that_is_hidden(store: Store) -> None:
    """What a name points to is looked for in the whole page, and the first may lie in what is not shown."""
    found = drawn(store, chain("a"), [*ran("a", "a", 0, 0, 4, state=State.FAILED), over(4, RunState.FAILED)])
    picture = ElementTree.fromstring(timeline_html(found))
    assert not [one for one in picture.iter() if "id" in one.attrib or "url(" in str(one.attrib)]
    assert len([line for line in picture.iter("line") if "skew" in line.get("transform", "")]) == 2  # bar and legend


def test_a_run_of_which_nothing_has_started_says_so(store: Store) -> None:
    assert "Nothing has started yet" in timeline_html(drawn(store, chain("a"), []))


@pytest.mark.parametrize("share", [PAYLOADS[:20], PAYLOADS[20:40], PAYLOADS[40:], PAYLOADS])
def test_nothing_that_a_name_or_a_value_says_becomes_markup(store: Store, share: tuple[str, ...]) -> None:
    """P6: each payload comes through as text, and no element comes of it; folded and not."""
    told = [
        fact
        for number, text in enumerate(share)
        for fact in ran(f"n{number}", text, 0, number, number + 1, route={text: text})
    ]
    picture = ElementTree.fromstring(timeline_html(drawn(store, chain("n"), [*told, over(70)])))
    assert len(list(picture.iter("g"))) == len(share)
    assert {one.tag for one in picture.iter()} <= {
        *("div", "b", "span", "svg", "g", "title", "text", "tspan", "rect", "line", "defs", "pattern"),
    }
    assert not [name for one in picture.iter() for name in one.attrib if name.startswith("on") or "href" in name]
