"""The header: which run, how it stands, for how long, and the counts in the order in which people read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.board.estimate import Estimate
from dagbook.runner.board.header import GROUPS, LOOKS, Header, header, header_html, header_words_html
from dagbook.runner.core.lifecycle import Resumed, RunChanged, RunState, State
from dagbook.runner.core.model import Node
from dagbook.runner.records.store import Store
from dagbook.runner.view import state_word
from tests.board.times import START, Timed, add_run, chain, created, followed, over, pipeline_of, ran, went


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".dagbook")


def told(store: Store, facts: list[Timed], now: float = 100.0, estimate: Estimate | None = None) -> Header:
    return header(followed(store, add_run(store, chain("a", "b"), facts)), START + now, estimate)


def test_every_state_of_a_node_run_and_of_a_run_has_its_place() -> None:
    grouped = [state for _, states in GROUPS for state in states]
    assert sorted(grouped) == sorted(State)
    assert set(LOOKS) == set(RunState)


def test_the_counts_put_together_what_means_the_same_to_people(store: Store) -> None:
    queued = [created("c", "c", 5), went("c", 5, State.QUEUED, 0), created("d", "d", 5)]
    starting = [created("b", "b", 4), went("b", 4, State.QUEUED, 0), went("b", 5, State.STARTING)]
    found = told(store, [*ran("a", "a", 0, 0, 4), *starting, *queued])
    assert [(chip.word, chip.count) for chip in found.groups] == [
        ("waiting", 1),
        ("queued", 1),
        ("running", 1),
        ("succeeded", 1),
    ]
    assert found.chips == ((State.WAITING, 1), (State.QUEUED, 1), (State.RUNNING, 1), (State.SUCCEEDED, 1))


def test_a_count_is_called_as_its_state_is_called_in_cells_lists_and_cards() -> None:
    assert [word for word, _ in GROUPS] == [state_word(states[0]) for _, states in GROUPS]


def test_a_run_that_goes_on_has_run_until_now(store: Store) -> None:
    assert told(store, ran("a", "a", 0, 0, None), now=65).elapsed == 65


def test_a_run_that_is_over_has_run_to_its_end_however_late_one_looks(store: Store) -> None:
    assert told(store, [*ran("a", "a", 0, 0, 4), over(4)], now=5000).elapsed == 4


def test_a_follower_that_saw_the_run_begin_knows_when_it_ended(store: Store) -> None:
    """The row that it read at first has no end in it."""
    run = add_run(store, chain("a"), [])
    follower = followed(store, run)
    assert follower.row.ended is None
    store.append(run, 0, [fact for _, fact in [*ran("a", "a", 0, 0, 4), over(4)]])
    follower.update()
    last = follower.watched["a"].story[-1][0]
    assert header(follower, last + 1000).elapsed == pytest.approx(last - START, abs=1)


def test_a_run_that_was_resumed_goes_on_also_if_it_had_ended(store: Store) -> None:
    again: list[Timed] = [(3600.0, Resumed("leah")), (3600.0, RunChanged(RunState.RUNNING))]
    facts = [
        *ran("a", "a", 0, 0, 4, state=State.FAILED),
        over(4, RunState.FAILED),
        *again,
        *ran("a", "a", 3600, 3600, None),
    ]
    assert told(store, facts, now=3610).elapsed == 3610


def test_the_estimate_is_told_while_the_run_goes_on_and_not_after(store: Store) -> None:
    about = Estimate(42.0)
    live, ended = ran("a", "a", 0, 0, None), [*ran("a", "a", 0, 0, 4), over(4)]
    assert (told(store, live, 1, about).left, told(store, ended, 5, about).left) == (42.0, None)
    assert "about 42 s left" in header_words_html(told(store, live, 1, about))
    assert "left" not in header_words_html(told(store, ended, 5, about))


def test_the_words_name_the_run_and_say_why_it_failed(store: Store) -> None:
    found = told(store, [*ran("a", "a", 0, 0, 4, state=State.FAILED), over(4, RunState.FAILED, '"a" failed')], 9)
    html = header_html(found)
    for words in ("demo", found.run, "✕ failed", "took 4.0 s", "&quot;a&quot; failed", "✕ 1 failed"):
        assert words in html


def test_what_a_pipeline_is_called_is_no_markup(store: Store) -> None:
    """P6."""
    name = "<img src=x onerror=alert(1)>\"'"
    run = add_run(store, pipeline_of(Node(title="a"), name=name), [over(1, RunState.FAILED, name)])
    html = header_html(header(followed(store, run), START))
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 2
