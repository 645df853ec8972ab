"""A pipeline with mistakes is drawn as far as it can be, and its mistakes are marked."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from dagbook.runner.board.graph_svg import graph_svg
from dagbook.runner.board.mistakes import Mistakes, mistakes_html, mistakes_of
from dagbook.runner.board.pictured import planned_scene
from dagbook.runner.board.scene import Flow, Scene
from dagbook.runner.core.check import check
from dagbook.runner.core.model import Node, Pipeline


def mistaken(*nodes: Node) -> Mistakes:
    pipeline = Pipeline(nodes=nodes)
    return mistakes_of(pipeline, check(pipeline))


def drawn(mistakes: Mistakes) -> Scene:
    return planned_scene(mistakes.drawable, mistakes=mistakes)


def test_a_sound_pipeline_is_drawn_whole_and_unmarked() -> None:
    found = mistaken(Node(title="a"), Node(title="b", after=("a",)))
    assert found.all == ()
    assert not any(card.wrong for card in drawn(found).cards)
    assert len(drawn(found).arrows) == 1


def test_a_node_that_comes_after_an_unknown_one_is_marked_with_the_mistake_in_its_line() -> None:
    found = mistaken(Node(title="prepare"), Node(title="train", after=("prepare", "prepair")))
    prepare, train = drawn(found).cards
    assert not prepare.wrong
    assert "prepair" in train.wrong
    assert train.line == train.wrong
    assert [arrow.key for arrow in drawn(found).arrows] == ["prepare->train"]
    picture = graph_svg(drawn(found))
    assert "train · mistake ·" in picture
    assert "prepare · mistake" not in picture
    ElementTree.fromstring(picture)


def test_a_circle_is_drawn_with_the_edge_that_closes_it_and_all_its_nodes_are_marked() -> None:
    found = mistaken(
        Node(title="a", after=("c",)), Node(title="b", after=("a",)), Node(title="c", after=("b",)), Node(title="d")
    )
    scene = drawn(found)
    assert {card.key for card in scene.cards if card.wrong} == {"a", "b", "c"}
    (back,) = (arrow for arrow in scene.arrows if arrow.label == "circle")
    assert back.flow is Flow.BROKEN
    assert len(scene.arrows) == 3
    ElementTree.fromstring(graph_svg(scene))
    assert [one.code for one in found.all] == ["E-CYCLE"]


def test_a_circle_is_told_beside_other_mistakes() -> None:
    found = mistaken(Node(title="a", after=("b",)), Node(title="b", after=("a", "nowhere")))
    assert {one.code for one in found.all} == {"E-EDGE-UNKNOWN", "E-CYCLE"}


@pytest.mark.parametrize(
    "nodes",
    [
        (Node(title="a"), Node(title="a")),
        (Node(title="a b"), Node(title="a_b")),
        (Node(title="a", after=("a",)),),
        (Node(title="a"), Node(title="b", gather=("a",))),
        (Node(title="a", uses=("x",)),),
        (Node(title="a", params={"x": 1}, grid={"x": [1, 2]}),),
    ],
)
def test_whatever_is_wrong_a_card_is_marked(nodes: tuple[Node, ...]) -> None:
    found = mistaken(*nodes)
    assert found.all
    assert any(card.wrong for card in drawn(found).cards) or found.others


def test_above_300_nodes_the_card_that_holds_a_mistake_is_marked() -> None:
    nodes = [Node(title=f"n{number}", after=(f"n{number - 1}",) if number else ()) for number in range(400)]
    nodes[200] = Node(title="n200", after=("n199", "nowhere"))
    (card,) = (card for card in drawn(mistaken(*nodes)).cards if card.wrong)
    assert "n200" in card.line


def test_a_mistake_is_told_as_text_with_what_to_do() -> None:
    evil = "<script>alert(1)<script>"
    found = mistaken(Node(title="train", after=(evil,)))
    told = mistakes_html(found.all)
    assert "<script" not in told
    assert "&lt;script&gt;" in told
    assert "E-EDGE-UNKNOWN" in told
    assert "<script" not in graph_svg(drawn(found))
