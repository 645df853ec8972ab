"""Where cards stand: nothing overlaps, edges lead on, and the same graph always looks the same."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.board.layout import Direction, Edge, Placed, Size, placed
from dagbook.runner.board.ordering import Layered, crossings
from dagbook.runner.board.scene import Box

NODE = (164.0, 64.0)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Size], list[Edge]]:
    """Cards of two sizes, and acyclic edges between them."""
    number = draw(st.integers(1, 14))
    keys = [f"n{at}" for at in range(number)]
    sizes = {key: draw(st.sampled_from([NODE, (204.0, 82.0), (500.0, 300.0)])) for key in keys}
    pairs = [(one, other) for one, other in itertools.combinations(keys, 2)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=24)) if pairs else []
    return sizes, edges


directions = st.sampled_from(["right", "down"])


def overlapping(boxes: dict[str, Box]) -> list[tuple[str, str]]:
    """The pairs of cards that cover each other."""
    return [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(boxes.items(), 2)
        if abs(a.x - b.x) < (a.width + b.width) / 2 - 0.05 and abs(a.y - b.y) < (a.height + b.height) / 2 - 0.05
    ]


@given(graphs(), directions)
def test_no_two_cards_overlap_and_all_are_inside_the_picture(
    graph: tuple[dict[str, Size], list[Edge]], direction: Direction
) -> None:
    found = placed(*graph, direction=direction)
    assert set(found.boxes) == set(graph[0])
    assert overlapping(dict(found.boxes)) == []
    for key, box in found.boxes.items():
        assert (box.width, box.height) == graph[0][key]
        assert box.x - box.width / 2 >= -0.05
        assert box.y - box.height / 2 >= -0.05
        assert box.x + box.width / 2 <= found.width + 0.05
        assert box.y + box.height / 2 <= found.height + 0.05


@given(graphs(), directions)
def test_each_edge_leads_on_by_at_least_a_rank(graph: tuple[dict[str, Size], list[Edge]], direction: Direction) -> None:
    found = placed(*graph, direction=direction)
    for source, target in graph[1]:
        one, other = found.boxes[source], found.boxes[target]
        assert found.ranks[source] < found.ranks[target]
        if direction == "right":
            assert one.x + one.width / 2 < other.x - other.width / 2
        else:
            assert one.y + one.height / 2 < other.y - other.height / 2


@given(graphs())
def test_edges_that_pass_ranks_go_around_the_cards_there(graph: tuple[dict[str, Size], list[Edge]]) -> None:
    found = placed(*graph)
    for (source, target), points in found.bends.items():
        assert len(points) == 2 * (found.ranks[target] - found.ranks[source] - 1)
        for x, y in points:
            for key, box in found.boxes.items():
                if key not in (source, target):
                    inside = abs(x - box.x) < box.width / 2 - 0.1 and abs(y - box.y) < box.height / 2 - 0.1
                    assert not inside, (source, target, key)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_in_which_cards_and_edges_are_told_changes_nothing(
    graph: tuple[dict[str, Size], list[Edge]], chance: random.Random
) -> None:
    sizes, edges = graph
    keys, others = list(sizes), list(edges)
    chance.shuffle(keys)
    chance.shuffle(others)
    assert placed({key: sizes[key] for key in keys}, others) == placed(sizes, edges)


@settings(max_examples=40)
@given(graphs(), st.data())
def test_row_4_cards_placed_by_hand_stay_where_they_were_put_and_others_make_room(
    graph: tuple[dict[str, Size], list[Edge]], data: st.DataObject
) -> None:
    sizes, edges = graph
    key = data.draw(st.sampled_from(sorted(sizes)))
    left, top = data.draw(st.integers(0, 900)), data.draw(st.integers(0, 900))
    found = placed(sizes, edges, {key: (left, top)})
    box = found.boxes[key]
    assert (box.x - box.width / 2, box.y - box.height / 2) == (left, top)
    assert overlapping(dict(found.boxes)) == []
    assert found.width >= left + box.width
    assert found.height >= top + box.height
    assert not [edge for edge in found.bends if key in edge]


def chain(length: int) -> tuple[dict[str, Size], list[Edge]]:
    keys = [f"n{at}" for at in range(length)]
    return dict.fromkeys(keys, NODE), list(itertools.pairwise(keys))


def test_a_chain_is_straight() -> None:
    found = placed(*chain(9))
    assert len({box.y for box in found.boxes.values()}) == 1
    assert len({box.x for box in placed(*chain(9), direction="down").boxes.values()}) == 1


def test_what_fans_out_is_centred_on_where_it_comes_from() -> None:
    sizes = dict.fromkeys(["from", "a", "b", "c", "to"], NODE)
    found = placed(sizes, [("from", "a"), ("from", "b"), ("from", "c"), ("a", "to"), ("b", "to"), ("c", "to")])
    assert found.boxes["from"].y == found.boxes["b"].y == found.boxes["to"].y
    assert [found.boxes[key].x for key in "abc"] == [found.boxes["a"].x] * 3


def test_what_nothing_comes_before_stands_next_to_what_needs_it() -> None:
    sizes, edges = chain(5)
    found = placed({**sizes, "data": NODE}, [*edges, ("data", "n3")])
    assert found.ranks["data"] == 2


def test_crossings_that_can_be_avoided_are() -> None:
    sizes = dict.fromkeys(["a1", "a2", "a3", "b1", "b2", "b3"], NODE)
    edges = [("a1", "b3"), ("a2", "b2"), ("a3", "b1")]
    found = placed(sizes, edges)
    for source, target in edges:
        assert found.boxes[source].y == found.boxes[target].y


def test_cards_are_reordered_where_that_avoids_a_crossing() -> None:
    """In the order in which they are come by, a1 -> b2 would cross a2 -> b1."""
    edges = [("a1", "b1"), ("a1", "b2"), ("a2", "b1")]
    boxes = placed(dict.fromkeys(["a1", "a2", "b1", "b2"], NODE), edges).boxes
    for (one, first), (other, second) in itertools.combinations(edges, 2):
        assert (boxes[one].y - boxes[other].y) * (boxes[first].y - boxes[second].y) >= 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14, unique=True))
def test_crossings_are_counted_as_by_looking_at_each_pair(pairs: list[tuple[int, int]]) -> None:
    rows = [[f"a{at}" for at in range(6)], [f"b{at}" for at in range(6)]]
    below = {key: [f"b{two}" for one, two in pairs if f"a{one}" == key] for key in rows[0]}
    slow = sum((one[0] - other[0]) * (one[1] - other[1]) < 0 for one, other in itertools.combinations(pairs, 2))
    assert crossings(rows, Layered(rows, {}, below, {})) == slow


def test_labels_get_the_room_that_they_need() -> None:
    sizes, edges = chain(2)
    plain, labelled = placed(sizes, edges), placed(sizes, edges, labels={("n0", "n1"): 120.0})
    assert labelled.boxes["n1"].x - labelled.boxes["n0"].x >= 164 + 120
    assert plain.boxes["n1"].x < labelled.boxes["n1"].x


def test_an_edge_to_itself_or_to_a_card_that_is_not_there_is_left_out() -> None:
    found = placed({"a": NODE}, [("a", "a"), ("a", "b")])
    assert found.ranks == {"a": 0}


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        placed(dict.fromkeys("ab", NODE), [("a", "b"), ("b", "a")])


def test_nothing_has_no_size() -> None:
    assert placed({}, []) == Placed({}, {}, {}, 0.0, 0.0)


def large(nodes: int, edges: int) -> tuple[dict[str, Size], list[Edge]]:
    chance = random.Random(1)
    found: set[Edge] = set()
    while len(found) < edges:
        source = chance.randrange(nodes - 1)
        target = min(nodes - 1, source + 1 + int(chance.expovariate(1 / 60)))
        found.add((f"n{source}", f"n{target}"))
    return {f"n{at}": NODE for at in range(nodes)}, sorted(found)


def test_three_thousand_cards_do_not_overlap() -> None:
    found = placed(*large(3000, 4466))
    rows: dict[int, list[Box]] = {}
    for key, box in found.boxes.items():
        rows.setdefault(found.ranks[key], []).append(box)
    for row in rows.values():
        row.sort(key=lambda box: box.y)
        assert all(below.y - above.y >= above.height for above, below in itertools.pairwise(row))
