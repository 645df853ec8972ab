"""What the adapter around ipycytoscape sends: whole states, only what changed, never an element taken away."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from dagbook.extension.flush import Flusher, Send
from dagbook.extension.graph_curves import curve
from dagbook.extension.graph_style import filtered, style_sheet
from dagbook.extension.graph_widget import GraphWidget
from dagbook.extension.theme import Theme
from dagbook.runner.board.palette import palette
from dagbook.runner.board.scene import Arrow, Box, Card, Flow, Form, Scene
from dagbook.runner.core.lifecycle import State
from tests.extension.scenes import changed, scene


class Counting(Flusher):
    """Counts what waited to be sent."""

    def __init__(self) -> None:
        super().__init__(pause=0.001)
        self.puts = 0

    def put(self, key: Hashable, send: Send) -> None:
        self.puts += 1
        super().put(key, send)


class Drawn:
    """A graph widget, and what was sent of it since it was drawn."""

    def __init__(self, shown: Scene) -> None:
        self.flusher = Counting()
        self.graph = GraphWidget("light", self.flusher)
        self.graph.show(shown)
        self.sent: Counter[str] = Counter()
        for model in [*self.cytoscape.graph.nodes, *self.cytoscape.graph.edges]:
            model.observe(self._count, ["data", "classes"])

    @property
    def cytoscape(self) -> Any:
        """The widget that is shown now."""
        (found,) = self.graph.widget.children
        return found

    def node(self, key: str) -> Any:
        return next(node for node in self.cytoscape.graph.nodes if node.data["id"] == key)

    def edge(self, key: str) -> Any:
        return next(edge for edge in self.cytoscape.graph.edges if edge.data["id"] == key)

    def update(self, shown: Scene) -> None:
        self.graph.update(shown)
        assert self.flusher.drain()

    def _count(self, change: Any) -> None:
        self.sent[change["owner"].data["id"]] += 1


def test_every_card_and_arrow_is_drawn_where_the_scene_says() -> None:
    shown = scene(12)
    drawn = Drawn(shown)
    assert {node.data["id"]: (node.position["x"], node.position["y"]) for node in drawn.cytoscape.graph.nodes} == {
        key: (box.x, box.y) for key, box in shown.boxes.items()
    }
    assert {edge.data["id"] for edge in drawn.cytoscape.graph.edges} == {arrow.key for arrow in shown.arrows}
    assert drawn.cytoscape.cytoscape_layout["name"] == "preset"
    assert drawn.cytoscape.tooltip_source == ""


def test_only_what_changed_is_sent() -> None:
    shown = scene(12)
    drawn = Drawn(shown)
    key = shown.cards[4].key
    drawn.update(changed(shown, key, State.RUNNING))
    assert set(drawn.sent) == {key}
    assert "s-running" in drawn.node(key).classes.split()
    drawn.sent.clear()
    before = drawn.flusher.puts
    drawn.update(changed(shown, key, State.RUNNING))
    assert not drawn.sent
    assert drawn.flusher.puts == before


def test_a_new_picture_of_a_card_lies_above_the_one_before_until_it_is_read_so_that_the_card_is_never_blank() -> None:
    shown = scene(3)
    drawn = Drawn(shown)
    key = shown.cards[0].key
    layers: list[list[str]] = []
    drawn.node(key).observe(lambda change: layers.append(change["new"]["card"].split(" ")), "data")
    first = drawn.node(key).data["card"].split(" ")[1]
    drawn.update(changed(shown, key, State.FAILED))
    (below, above), settled = layers
    assert below == first
    assert above != first
    assert settled == [above, above]


def test_flow_is_shown_by_the_whole_class_string() -> None:
    shown = scene(5)
    drawn = Drawn(shown)
    first = shown.arrows[0]
    drawn.update(replace(shown, arrows=(replace(first, flow=Flow.FLOWING), *shown.arrows[1:])))
    words = drawn.edge(first.key).classes.split()
    assert "f-flowing" in words
    assert "f-idle" not in words
    assert "directed" in words


def test_another_set_of_cards_gets_a_new_widget_and_nothing_is_taken_from_the_old_one() -> None:
    drawn = Drawn(scene(6))
    before = drawn.cytoscape
    drawn.update(scene(9))
    assert drawn.cytoscape is not before
    assert len(drawn.cytoscape.graph.nodes) == 9
    assert len(before.graph.nodes) == 6


def test_one_card_at_a_time_is_marked_as_selected() -> None:
    shown = scene(5)
    drawn = Drawn(shown)
    one, other = shown.cards[1].key, shown.cards[2].key
    drawn.graph.select(one)
    drawn.graph.select(other)
    assert drawn.flusher.drain()
    assert "sel" not in drawn.node(one).classes.split()
    assert "sel" in drawn.node(other).classes.split()
    drawn.update(changed(shown, other, State.RUNNING))
    assert "sel" in drawn.node(other).classes.split()


def test_a_filter_is_one_message_however_many_cards_step_back() -> None:
    shown = scene(400)
    drawn = Drawn(shown)
    styles: list[Any] = []
    drawn.cytoscape.observe(styles.append, "cytoscape_style")
    drawn.graph.show_only(frozenset({State.FAILED, State.RUNNING}))
    assert drawn.flusher.drain()
    assert len(styles) == 1
    assert not drawn.sent
    assert styles[0]["new"][-1]["selector"] == "node.has-failed, node.has-running"
    drawn.graph.show_only(frozenset())
    assert drawn.flusher.drain()
    assert not any("has-" in rule["selector"] for rule in styles[-1]["new"])


def test_a_folded_card_is_found_by_the_states_of_its_runs() -> None:
    folded = Card("fit", "fit", "fit", Form.FOLDED, state=State.RUNNING, states=(State.FAILED, State.SUCCEEDED))
    drawn = Drawn(Scene((folded,), (), {"fit": Box(100, 40, 204, 82)}, 204, 82))
    assert {"s-running", "has-running", "has-failed", "has-succeeded"} <= set(drawn.node("fit").classes.split())


def pictures_of(address_list: str) -> list[str]:
    """The pictures, as SVG, that a node is drawn from, the lowest first."""
    return [unquote(address.partition(",")[2]) for address in address_list.split(" ")]


def test_above_300_cards_all_arrows_are_one_picture_so_that_a_thousand_nodes_are_drawn_in_time() -> None:
    """An element takes its time, in the kernel and in the browser, whatever it is: there is one for each card."""
    shown = scene(301)
    drawn = Drawn(shown)
    assert len(drawn.cytoscape.graph.nodes) == 302
    assert not drawn.cytoscape.graph.edges
    arrows = drawn.node("->")
    assert (arrows.data["w"], arrows.data["h"]) == (math.ceil(shown.width), math.ceil(shown.height))
    assert (arrows.position["x"], arrows.position["y"]) == (shown.width / 2, shown.height / 2)
    (picture,) = pictures_of(arrows.data["card"])
    line, _head = ElementTree.fromstring(picture)
    assert line.attrib["d"].count("M") == len(shown.arrows)
    assert not Drawn(scene(300)).cytoscape.graph.nodes[0].classes.startswith("arrows")


def test_what_flows_in_a_picture_of_all_arrows_is_one_message_however_many_change() -> None:
    shown = scene(301)
    drawn = Drawn(shown)
    layers: list[list[str]] = []
    drawn.node("->").observe(lambda change: layers.append(pictures_of(change["new"]["card"])), "data")
    flowing = tuple(replace(arrow, flow=Flow.FLOWING) for arrow in shown.arrows[:50])
    drawn.update(replace(shown, arrows=(*flowing, *shown.arrows[50:])))
    (before, after), settled = layers
    assert settled == [after]
    assert before != after
    counts = {element.attrib["d"].count("M") for element in ElementTree.fromstring(after)}
    assert counts == {50, len(shown.arrows) - 50}
    assert set(drawn.sent) == {"->"}


def test_names_of_arrows_stand_in_their_common_picture_as_text() -> None:
    shown = scene(301)
    evil = '<script>alert(1)</script>"&'
    drawn = Drawn(replace(shown, arrows=(replace(shown.arrows[0], label=evil), *shown.arrows[1:])))
    (picture,) = pictures_of(drawn.node("->").data["card"])
    names = [element for element in ElementTree.fromstring(picture).iter() if element.tag.endswith("title")]
    assert [name.text for name in names] == [evil]


def test_the_front_end_is_told_of_an_element_only_what_it_cannot_know() -> None:
    """And all that it needs, to draw the graph again in a page that was reloaded."""
    drawn = Drawn(scene(3))
    node, edge = drawn.cytoscape.graph.nodes[0], drawn.cytoscape.graph.edges[0]
    told = {"_model_name", "_model_module", "_model_module_version", "classes", "data"}
    assert set(node.get_state()) == told | {"position"}
    assert set(edge.get_state()) == told
    assert (node.get_state()["_model_name"], edge.get_state()["_model_name"]) == ("NodeModel", "EdgeModel")
    assert node.get_state("classes") == {"classes": node.classes}


def test_above_60_cards_there_are_plain_nodes_without_pictures() -> None:
    drawn = Drawn(scene(61))
    assert all(node.data["card"] == "" for node in drawn.cytoscape.graph.nodes)
    assert all("plain" in node.classes.split() for node in drawn.cytoscape.graph.nodes)
    assert "plain-queued" in drawn.node("node-7#1.7").classes.split()
    assert drawn.node("node-7#1.7").data["label"] == "node-7#1.7"
    assert all("card" in node.classes.split() for node in Drawn(scene(60)).cytoscape.graph.nodes)


def test_a_click_names_the_card_and_an_unknown_one_nobody() -> None:
    drawn = Drawn(scene(3))
    clicked: list[str] = []
    drawn.graph.on_click(clicked.append)
    click = {"widget": "node", "event": "click"}
    drawn.cytoscape._handle_interaction(None, {**click, "data": {"data": {"id": "node-1#1.1"}}}, [])
    drawn.cytoscape._handle_interaction(None, {**click, "data": {"data": {"id": "gone"}}}, [])
    assert clicked == ["node-1#1.1"]


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b\x00\x1b"])
def test_a_title_is_text_in_the_picture_of_its_card(title: str) -> None:
    card = Card("one", title, title, line=title, pill=title, time=title)
    drawn = Drawn(Scene((card,), (), {"one": Box(82, 32, 164, 64)}, 164, 64))
    for address in drawn.node("one").data["card"].split(" "):
        tree = ElementTree.fromstring(unquote(address.partition(",")[2]))
        names = {element.tag.rpartition("}")[2] for element in tree.iter()}
        assert not names & {"script", "img", "foreignObject"}
        assert not any(name.startswith("on") for element in tree.iter() for name in element.attrib)


def test_both_themes_have_rules_for_every_state_and_no_colour_is_a_css_variable() -> None:
    themes: tuple[Theme, ...] = ("light", "dark")
    for theme in themes:
        drawn = GraphWidget(theme)
        drawn.show(scene(2))
        (cytoscape,) = drawn.widget.children
        selectors = {rule["selector"] for rule in cytoscape.cytoscape_style}
        assert {f"node.plain-{state}" for state in State} <= selectors
        assert "var(" not in str(cytoscape.cytoscape_style)


def test_edges_between_the_same_cards_end_apart_and_their_labels_do_not_cover_each_other() -> None:
    """Two cards that both lead to two others: as in the static picture, no two ends and no two labels in one place."""
    boxes = {key: Box(82 + 360 * (key in "cd"), 32 + 90 * (key in "bd"), 164, 64) for key in "abcd"}
    arrows = tuple(Arrow(source, target, "accuracy ≥ 0.9") for source in "ab" for target in "cd")
    drawn = Drawn(Scene(tuple(Card(key, key, key) for key in "abcd"), arrows, boxes, 524, 154))
    edges = [drawn.edge(arrow.key).data for arrow in arrows]
    assert len({(edge["source"], edge["leaves"]) for edge in edges}) == 4
    assert len({(edge["target"], edge["arrives"]) for edge in edges}) == 4
    assert len({(edge["target"], edge["labelAt"], edge["labelLift"]) for edge in edges}) == 4
    assert all(edge["leaves"].startswith("50% ") and edge["arrives"].startswith("-50% ") for edge in edges)


def test_an_arrow_leaves_and_arrives_in_its_direction_and_goes_through_its_bends() -> None:
    source, target = Box(100, 50, 164, 64), Box(500, 250, 164, 64)
    way = curve(source, target)
    assert way.way == "right"
    points = [_back(source, target, share, aside) for share, aside in zip(way.along, way.aside, strict=True)]
    assert points[0] == pytest.approx((300, 50), abs=0.1)
    assert points[1] == pytest.approx((300, 250), abs=0.1)

    around = curve(source, target, ((250, 10), (350, 10)))
    points = [_back(source, target, share, aside) for share, aside in zip(around.along, around.aside, strict=True)]
    assert points[1] == pytest.approx((250, 10), abs=0.1)
    assert points[2] == pytest.approx((350, 10), abs=0.1)
    assert points[0][1] == pytest.approx(50, abs=0.1)
    assert points[-1][1] == pytest.approx(250, abs=0.1)

    assert curve(source, Box(100, 300, 164, 64)).way == "down"
    assert not curve(source, Box(500, 50, 164, 64)).bent
    assert curve(source, Box(120, 60, 164, 64)).way == ""


def _back(source: Box, target: Box, share: float, aside: float) -> tuple[float, float]:
    dx, dy = target.x - source.x, target.y - source.y
    length = math.hypot(dx, dy)
    return source.x + dx * share - dy / length * aside, source.y + dy * share + dx / length * aside


def test_no_rule_asks_for_two_classes_at_once() -> None:
    """The library takes the dot between them for a part of a name, and the rule never applies."""
    for rule in [*style_sheet(palette("light")), *filtered({State.FAILED, State.RUNNING})]:
        assert all(one.count(".") < 2 for one in rule["selector"].split(",")), rule


def test_text_in_plain_nodes_is_read_on_its_ground() -> None:
    from dagbook.runner.board.palette import contrast

    for theme in ("light", "dark"):
        for rule in style_sheet(palette(theme)):
            style = rule["style"]
            if re.match(r"node\.plain-", rule["selector"]):
                assert contrast(style["color"], style["background-color"]) >= 4.5, (theme, rule)


def test_labels_of_arrows_are_short() -> None:
    shown = Scene(
        (Card("a", "a", "a"), Card("b", "b", "b")),
        (Arrow("a", "b", label="x" * 5000),),
        {"a": Box(82, 32, 164, 64), "b": Box(400, 32, 164, 64)},
        500,
        64,
    )
    assert len(Drawn(shown).edge("a->b").data["label"]) <= 200
