"""The list: a table that tells in words what the picture shows."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from dagbook.runner.board.listing import MOST_ROWS, listing_html
from dagbook.runner.core.lifecycle import Answered, State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.store import Store
from dagbook.runner.view import GLYPHS
from tests.board.payloads import PAYLOADS
from tests.board.times import START, Timed, add_run, chain, created, followed, over, pipeline_of, ran, went


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".dagbook")


def listed(
    store: Store, pipeline: Pipeline, facts: list[Timed], states: frozenset[State] | None = None
) -> ElementTree.Element:
    """The table as a browser would read it; it is XML as well."""
    html = listing_html(followed(store, add_run(store, pipeline, facts)), START + 100, states)
    return ElementTree.fromstring(html)


def rows(table: ElementTree.Element) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")][1:]


def test_the_table_can_be_read_out(store: Store) -> None:
    """A caption, a heading for each column, and one for each row."""
    table = listed(store, chain("a"), [*ran("a", "a", 0, 0, 4), over(4)])
    assert [caption.text for caption in table.iter("caption")] == ["1 node run"]
    assert [head.get("scope") for head in table.iter("th")] == ["col"] * 7 + ["row"]


def test_a_row_tells_state_node_route_time_attempts_and_what_was_logged(store: Store) -> None:
    facts = ran("a#2", "a", 0, 0, 4, route={"lr": 0.1})
    facts[4:4] = [(1.0, Tagged("a#2", "loss", value, step)) for value, step in ((0.5, 0.0), (0.25, 1.0))]
    table = listed(store, pipeline_of(Node(title="a", grid={"lr": [0.2, 0.1]})), [*facts, over(4)])
    assert rows(table) == [["✓ succeeded", "a", "lr=0.1", "4.0 s", "1", "loss=0.25 (last of 2)", ""]]


def test_a_row_tells_why(store: Store) -> None:
    facts = [
        *ran("a", "a", 0, 0, 4, state=State.FAILED, reason="ValueError: no\nmore"),
        created("b", "b", 4, "a"),
        went("b", 4, State.UPSTREAM_FAILED, 0, '"a" failed'),
        created("c", "c", 0),
        went("c", 0, State.PENDING_APPROVAL, 0),
        (5.0, Answered("c", True, "leah", "command line", "")),
        went("c", 5, State.QUEUED, 0),
    ]
    assert [row[-1] for row in rows(listed(store, chain("a", "b", "c"), facts))] == [
        "ValueError: no",
        '"a" failed',
        "approved by leah",
    ]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.LOST])
def test_a_state_is_told_by_glyph_and_word_and_not_by_colour_alone(store: Store, state: State) -> None:
    told = rows(listed(store, chain("a"), ran("a", "a", 0, 0, 4, state=state)))
    assert told[0][0] == f"{GLYPHS[state]} {state.replace('_', ' ')}"


def test_a_filter_leaves_the_rows_in_these_states_and_says_so(store: Store) -> None:
    facts = [*ran("a", "a", 0, 0, 4), *ran("b", "b", 4, 4, 5, "a", state=State.FAILED)]
    table = listed(store, chain("a", "b"), facts, frozenset({State.FAILED}))
    assert [row[1] for row in rows(table)] == ["b"]
    assert [caption.text for caption in table.iter("caption")] == ["1 of 2 node runs: failed"]


def test_more_rows_than_the_table_holds_are_counted_and_what_failed_is_among_those_shown(store: Store) -> None:
    grid = pipeline_of(Node(title="t", grid={"x": list(range(400))}))
    facts = [
        fact
        for n in range(400)
        for fact in ran(f"t#{n + 1}", "t", 0, 0, 1, state=State.FAILED if n == 399 else State.SUCCEEDED)
    ]
    table = listed(store, grid, facts)
    assert len(rows(table)) == MOST_ROWS
    assert rows(table)[-1][0] == "✕ failed"
    assert "… and 100 more: 100 succeeded" in "".join(table.itertext())


def test_nothing_that_was_named_or_logged_becomes_markup(store: Store) -> None:
    """P6: each payload comes through as text, and no element comes of it."""
    facts = [
        fact
        for number, text in enumerate(PAYLOADS)
        for fact in [
            *ran(f"n{number}", text, 0, 0, 1, route={text: text}, state=State.FAILED, reason=text)[:-1],
            (0.5, Tagged(f"n{number}", text, text)),
            went(f"n{number}", 1, State.FAILED, 1, text),
        ]
    ]
    table = listed(store, chain("n"), facts)
    assert len(rows(table)) == len(PAYLOADS)
    assert {one.tag for one in table.iter()} == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "span"}
    assert {name for one in table.iter() for name in one.attrib} <= {"class", "style", "scope", "title"}
