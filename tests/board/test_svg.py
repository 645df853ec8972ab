"""Cards and whole pictures as SVG: well formed, safe, in words too, and nothing cut off in a real browser."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, sync_playwright

from dagbook.runner.board.card_svg import card_svg, card_words
from dagbook.runner.board.cells_svg import MOST_CELLS
from dagbook.runner.board.graph_svg import graph_svg
from dagbook.runner.board.lettering import escaped, fitting, shortened, width_of
from dagbook.runner.board.palette import palette
from dagbook.runner.board.pictured import planned_scene, run_scene, sizes_of
from dagbook.runner.board.scene import Arrow, Box, Card, Flow, Form, Scene
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import Fact, State
from dagbook.runner.core.model import Node, Pipeline
from tests.board.payloads import PAYLOADS
from tests.board.recorded import node_run, recorded

SVG = "{http://www.w3.org/2000/svg}"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
THEMES = ("light", "dark", "auto")
ALLOWED = {"svg", "g", "path", "rect", "circle", "text", "title", "desc", "style"}


def drawn(card: Card, theme: str = "light") -> ElementTree.Element:
    """A card's SVG, read as XML."""
    width, height = sizes_of([card])[card.key]
    return ElementTree.fromstring(card_svg(card, Box(0, 0, width, height), palette(theme)))


def words(element: ElementTree.Element) -> list[str]:
    """The lines of text in a picture."""
    return ["".join(one.itertext()) for one in element.iter(f"{SVG}text")]


cards = st.builds(
    Card,
    key=st.just("k"),
    node=st.text(max_size=20),
    title=st.text(max_size=80),
    form=st.sampled_from(Form),
    kind=st.sampled_from(["cell", "command", "notebook", "data", "summary", "more", "?"]),
    state=st.none() | st.sampled_from(State),
    line=st.text(max_size=60),
    time=st.sampled_from(["", "0.4 s", "2 h 10 min"]),
    pill=st.text(max_size=40),
    count=st.sampled_from(["", "×3", "9/12", "10000/10000"]),
    progress=st.none() | st.floats(-1, 2),
    states=st.lists(st.sampled_from(State), max_size=60).map(tuple),
    best=st.none() | st.integers(0, 60),
    asks=st.booleans(),
    planned=st.integers(0, 60),
)


@given(cards, st.sampled_from(THEMES))
def test_any_card_is_well_formed_and_made_of_shapes_and_text_alone(card: Card, theme: str) -> None:
    """A character that XML forbids would leave the whole picture empty where it is a data URI."""
    found = drawn(card, theme)
    assert {one.tag.removeprefix(SVG) for one in found.iter()} <= ALLOWED
    assert not [name for one in found.iter() for name in one.attrib if name.startswith("on") or "href" in name]


def test_a_card_is_drawn_at_twice_its_size_to_stay_sharp() -> None:
    found = drawn(Card("a", "a", "a"))
    assert (found.get("width"), found.get("height"), found.get("viewBox")) == ("328", "128", "0 0 164 64")


def test_a_card_shows_its_name_line_time_and_value() -> None:
    card = Card("a", "a", "Train", state=State.RUNNING, line="epoch 3 of 5", time="12 s", pill="loss 0.2", progress=0.5)
    assert words(drawn(card)) == ["Train", "12 s", "epoch 3 of 5", "loss 0.2"]


def test_a_long_name_is_shortened_and_told_whole_when_the_mouse_rests_on_it() -> None:
    title = "A title that goes on and on and would not fit on any card"
    found = drawn(Card("a", "a", title, state=State.SUCCEEDED, time="1.0 s"))
    name, *others = words(found)
    assert name.endswith("…")
    assert title.startswith(name[:-1])
    assert others == ["1.0 s"]
    (whole,) = found.iter(f"{SVG}title")
    assert title in str(whole.text)


def test_where_a_value_needs_the_room_its_name_is_cut_and_not_the_value() -> None:
    card = Card(
        "a", "a", "Train everything", state=State.SUCCEEDED, time="2 h 10 min", pill="validation_accuracy 0.9312"
    )
    shown = next(line for line in words(drawn(card)) if "0.9312" in line)
    assert shown.endswith("0.9312")
    assert "validation_accuracy" not in shown


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", State)
def test_each_state_shows_its_colour_and_its_border(state: State, theme: str) -> None:
    mark = palette(theme).mark(state)
    border = next(one for one in drawn(Card("a", "a", "a", state=state), theme).iter(f"{SVG}rect"))
    assert border.get("stroke") == mark.colour
    assert border.get("stroke-dasharray", "") == mark.dash
    assert border.get("stroke-width") == f"{mark.thick:g}"


def test_no_two_states_look_alike() -> None:
    """Also to somebody who sees no colours: these are taken away before comparing."""
    plain = {
        state: re.sub("#[0-9a-fA-F]{6}", "", card_svg(Card("a", "a", "a", state=state), Box(0, 0, 164, 64), palette()))
        for state in State
    }
    plain = {state: re.sub("<title>.*?</title>", "", svg) for state, svg in plain.items()}
    for one, other in itertools.combinations(State, 2):
        assert plain[one] != plain[other]


def folded(*states: State, planned: int = 0, best: int | None = None) -> Card:
    state = states[0] if states else None
    return Card("a", "a", "a", Form.FOLDED, state=state, states=states, planned=planned, best=best)


def boxes(card: Card, height: str) -> list[ElementTree.Element]:
    return [one for one in drawn(card).iter(f"{SVG}rect") if one.get("height") == height]


def test_a_folded_card_has_a_cell_for_each_node_run_and_for_those_yet_to_come() -> None:
    card = folded(State.SUCCEEDED, State.FAILED, planned=5)
    assert len(boxes(card, "19")) == 5
    assert sum(one.get("fill") == "none" for one in boxes(card, "19")) == 3


def test_the_best_of_a_folded_card_has_a_star() -> None:
    plain, starred = folded(*[State.SUCCEEDED] * 3), folded(*[State.SUCCEEDED] * 3, best=1)
    star = "M0 -1L.29 -.4"
    assert star not in card_svg(plain, Box(0, 0, 204, 82), palette())
    assert card_svg(starred, Box(0, 0, 204, 82), palette()).count(star) == 1


def test_above_twenty_four_node_runs_there_is_one_bar_of_their_shares() -> None:
    states = [State.SUCCEEDED] * 30 + [State.FAILED] * 10
    parts = [one for one in boxes(folded(*states), "9") if one.get("fill") != "none"]
    assert [float(one.get("width", 0)) for one in parts] == pytest.approx([153 * 0.75, 153 * 0.25])
    assert len(states) > MOST_CELLS


def test_a_card_in_words_tells_its_states_and_facts() -> None:
    card = Card("a", "a", "Train", Form.FOLDED, state=State.FAILED, states=(State.SUCCEEDED, State.FAILED), count="1/2")
    assert card_words(card) == "Train · 1 succeeded, 1 failed · 1/2"


@given(st.text(max_size=60), st.floats(10, 300), st.booleans())
def test_shortened_text_fits_as_far_as_is_known(text: str, width: float, bold: bool) -> None:
    found = shortened(text, width, 12, bold)
    assert width_of(found, 12, bold) <= width or found == "…"
    line, size = fitting(text, width, (14, 12), bold)
    assert width_of(line, size, bold) <= width or line == "…"


@given(st.text())
def test_escaped_text_can_stand_in_any_element_and_attribute(text: str) -> None:
    found = ElementTree.fromstring(f'<a b="{escaped(text)}">{escaped(text)}</a>')
    assert "<" not in escaped(text)
    assert found.text is not None or not text


def test_marks_that_turn_the_direction_of_text_are_taken_out() -> None:
    """With them a line could read as another than it is."""
    assert escaped("a\u202eb\u2066c\u0000") == "a�b�c�"


def hostile(number: int, payload: str) -> Node:
    """A node with a payload wherever it may have text, as far as titles allow it."""
    title = "".join(one if one.isprintable() and one not in "/\\:~" else " " for one in f"{number} {payload}")[:90]
    when = Condition(objective=Objective.EQ, tag=payload, target=payload)
    return Node(title=title, approve=(payload,), when=(when,), after=("seed",))


HOSTILE = Pipeline(
    name=PAYLOADS[0],
    nodes=(Node(title="seed"), *(hostile(number, payload) for number, payload in enumerate(PAYLOADS))),
)


@pytest.mark.parametrize("theme", THEMES)
def test_titles_conditions_and_names_of_people_stay_text(theme: str) -> None:
    found = ElementTree.fromstring(graph_svg(planned_scene(HOSTILE), theme))
    assert {one.tag.removeprefix(SVG) for one in found.iter()} <= ALLOWED
    assert not [name for one in found.iter() for name in one.attrib if name.startswith("on") or "href" in name]
    styles = ["".join(one.itertext()) for one in found.iter(f"{SVG}style")]
    assert len(styles) == (theme == "auto")
    assert not re.search("url|import|expression|<", "".join(styles))


def states_pipeline() -> tuple[Pipeline, list[Fact]]:
    """A run with every state, a folded grid with a winner, a grid of many, long names."""
    nodes = [Node(title=f"a step that {state} in the end".replace("_", " ")) for state in State]
    nodes.append(Node(title="grid", grid={"lr": [1, 2, 3, 4], "depth": [1, 2, 3]}))
    nodes.append(Node(title="WWWWWWWWWWWWWWWWWWWWWWW", after=("grid",), grid={"seed": list(range(40))}))
    nodes.append(Node(title="best", after=("grid",), when=(Condition(objective=Objective.MAX, tag="accuracy"),)))
    pipeline = Pipeline(name="every state", nodes=tuple(nodes))
    facts: list[Fact] = []
    for node, state in zip(nodes, State, strict=False):
        why = "ValueError: could not convert string to float: 'abc'"
        facts += node_run(pipeline, node.title, state, tags={"accuracy": 0.93123, "x": 1e-9}, reason=why)
    for at in range(10):
        route = {"lr": 1 + at // 3, "depth": 1 + at % 3}
        facts += node_run(pipeline, "grid", list(State)[at], (at + 1,), route, tags={"accuracy": at / 9})
    facts += node_run(pipeline, "best", State.RUNNING, parents={"grid": "grid#6"})
    return pipeline, facts


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


_STICKING_OUT = """
() => [...document.querySelectorAll('svg')].flatMap(card => {
    const box = card.getBoundingClientRect();
    return [...card.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
        .filter(([, own]) => own.left < box.left + 9 || own.right > box.right - 2 || own.bottom > box.bottom)
        .map(([words, own]) => [words, own.left - box.left, own.right - box.right]);
})
"""
_COVERING = """
() => [...document.querySelectorAll('svg')].flatMap(card => {
    const lines = [...card.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    return lines.flatMap(([one, a], at) => lines.slice(at + 1)
        .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
        .map(([other]) => [one, other]));
})
"""


@pytest.mark.browser
def test_no_text_of_a_card_sticks_out_of_it_or_covers_another(chromium: Browser, tmp_path: Path) -> None:
    """In the fonts of this machine, whatever the state, the length of the name and the value are."""
    follower = recorded(tmp_path, *states_pipeline())
    scene = run_scene(follower, {"grid"}, now=1e12)
    more = [*planned_scene(HOSTILE).cards, *run_scene(follower, now=1e12).cards]
    cards = [
        *((card, scene.boxes[card.key]) for card in scene.cards),
        *((card, Box(0, 0, *sizes_of([card])[card.key])) for card in more),
    ]
    page = chromium.new_page()
    page.set_content("".join(card_svg(card, box, palette(), scale=1) for card, box in cards))
    assert page.evaluate("document.querySelectorAll('svg').length") == len(cards)
    assert page.evaluate(_STICKING_OUT) == []
    assert page.evaluate(_COVERING) == []
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1000, 1600])
def test_a_whole_picture_fits_its_page_and_runs_nothing(chromium: Browser, tmp_path: Path, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    scenes = [planned_scene(HOSTILE), run_scene(recorded(tmp_path, *states_pipeline()), now=1e12)]
    page.set_content("".join(graph_svg(scene) for scene in scenes), wait_until="load")
    assert page.evaluate("document.querySelectorAll('svg').length") == len(scenes)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.__pwned") is None
    assert complaints == []
    page.close()


@pytest.mark.browser
def test_the_picture_turns_dark_with_the_page_and_is_light_elsewhere(chromium: Browser) -> None:
    scene = Scene((Card("a", "a", "a", state=State.FAILED),), (), {"a": Box(82, 32, 164, 64)}, 164, 64)
    page = chromium.new_page()
    for body, theme in (
        ("", "light"),
        ('data-jp-theme-light="true"', "light"),
        ('data-jp-theme-light="false"', "dark"),
    ):
        page.set_content(f"<div {body}>{graph_svg(scene)}</div>")
        found = page.evaluate("getComputedStyle(document.querySelector('svg circle')).fill")
        wanted = palette(theme).marks[State.FAILED].colour
        assert found == f"rgb({', '.join(str(int(wanted[at : at + 2], 16)) for at in (1, 3, 5))})"
    page.close()


def test_a_picture_is_told_in_words_too() -> None:
    pipeline = Pipeline(name="demo", nodes=(Node(title="a"), Node(title="b", after=("a",), approve=("leah",))))
    found = ElementTree.fromstring(graph_svg(planned_scene(pipeline)))
    assert (found.get("role"), found.get("aria-label")) == ("img", "demo: 2 nodes")
    assert found.findtext(f"{SVG}title") == "demo: 2 nodes"
    assert found.findtext(f"{SVG}desc") == "a · cell; b · asks leah · after a"


def test_the_name_of_a_run_tells_its_states(tmp_path: Path) -> None:
    pipeline = Pipeline(name="demo", nodes=(Node(title="a"), Node(title="b", after=("a",))))
    facts = [*node_run(pipeline, "a", State.SUCCEEDED), *node_run(pipeline, "b", State.RUNNING)]
    svg = graph_svg(run_scene(recorded(tmp_path, pipeline, facts)))
    assert ElementTree.fromstring(svg).get("aria-label") == "demo: 2 nodes, 1 running, 1 succeeded"


def arrow_paths(flow: Flow) -> list[str]:
    """The line and the head of an arrow in the light theme."""
    boxes = {"a": Box(82, 32, 164, 64), "b": Box(382, 132, 164, 64)}
    scene = Scene((Card("a", "a", "a"), Card("b", "b", "b")), (Arrow("a", "b", flow=flow),), boxes, 464, 164)
    with_arrow, without = graph_svg(scene, "light"), graph_svg(Scene(scene.cards, (), boxes, 464, 164), "light")
    return [one for one in re.findall("<path[^>]*>", with_arrow) if one not in without]


def test_arrows_differ_by_what_goes_along_them_also_without_colours() -> None:
    plain = {flow: re.sub("#[0-9a-f]{6}", "", "".join(arrow_paths(flow)), flags=re.I) for flow in Flow}
    for one, other in itertools.combinations(Flow, 2):
        assert plain[one] != plain[other]


def test_an_arrow_goes_from_the_right_of_its_source_to_the_left_of_its_target() -> None:
    line, head = arrow_paths(Flow.IDLE)
    assert 'd="M164.0 32.0C' in line
    assert 'd="M300.0 132.0l-7.0' in head


def test_a_label_is_shortened_on_its_arrow_and_whole_in_its_title() -> None:
    label = "some_very_long_output_pattern_*.parquet → training-set-images"
    boxes = {"a": Box(82, 32, 164, 64), "b": Box(482, 32, 164, 64)}
    scene = Scene((Card("a", "a", "a"), Card("b", "b", "b")), (Arrow("a", "b", label),), boxes, 564, 64)
    found = ElementTree.fromstring(graph_svg(scene))
    assert label in [one.text for one in found.iter(f"{SVG}title")]
    assert label not in words(found)
    assert any(line.startswith("some_very_long") and line.endswith("…") for line in words(found))


def test_a_frame_is_drawn_below_the_arrows_and_its_node_runs_above(tmp_path: Path) -> None:
    svg = graph_svg(run_scene(recorded(tmp_path, *states_pipeline()), {"grid"}, now=1e12))
    frame, inside = svg.index("<title>grid · "), svg.index("<title>grid lr=1 depth=1")
    assert frame < svg.index('<path d="M', frame) < inside
