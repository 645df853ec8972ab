"""The run board in a real JupyterLab: draw, watch, click, reload, reopen."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import TimeoutError

from tests.board.payloads import PAYLOADS

from .conftest import PICTURES, TAKES_PICTURES

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server


pytestmark = pytest.mark.browser

LOAD = "%load_ext dagbook"
RUN = "%pipeline_run --executor process"
PREPARE = """%%pipeline_node prepare
import dagbook, time
print("prepared", flush=True)
dagbook.log_tag("rows", 4)
"""
TRAIN = """%%pipeline_node train --after prepare --grid size=1,2,3
import dagbook
for step in range(5):
    dagbook.log_metric("loss", 1 / (step + size), step)
dagbook.log_tag("score", size)
"""
BAD = "%%pipeline_node bad --after prepare\nprint('dividing')\n1 / 0"
AFTER_BAD = "%%pipeline_node 'after bad' --after bad\nprint(1)"
PUBLISH = "%%pipeline_node publish --after train --when max:score --approve root,leah\nprint('published')"

ENDLESS = """%%pipeline_node endless --after prepare
import time
print("begun", flush=True)
time.sleep(600)
"""

_CY = "[...document.querySelectorAll('.custom-widget')].filter(one => one._cyreg).at(-1)._cyreg.cy"
_DRAWN = """count => {
    const shown = [...document.querySelectorAll('.custom-widget')].filter(one => one._cyreg).at(-1);
    return shown && shown._cyreg.cy.nodes().not('.arrows').length === count && shown.getBoundingClientRect().height > 0;
}"""
_PLACE = """key => {
    const shown = [...document.querySelectorAll('.custom-widget')].filter(one => one._cyreg).at(-1);
    shown.scrollIntoView({block: 'center'});
    const box = shown.getBoundingClientRect(), at = shown._cyreg.cy.getElementById(key).renderedPosition();
    return [box.x + at.x, box.y + at.y];
}"""


_CHOSEN = """([list, key]) => {
    const words = list.options[list.selectedIndex]?.text ?? '';
    return words.toLowerCase().replaceAll(' ', '_').startsWith(key.split('#')[0]);
}"""


class Shown:
    """The last board of a page."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.page = lab, lab.page
        self.side = self.page.locator(".dagbook-side").last

    def wait(self, nodes: int) -> None:
        """Wait until the graph is drawn with so many nodes."""
        self.page.wait_for_function(_DRAWN, arg=nodes)

    def classes(self) -> dict[str, set[str]]:
        """The classes of each node, as the browser has them."""
        found = self.page.evaluate(f"() => {_CY}.nodes().not('.arrows').map(node => [node.id(), node.classes()])")
        return {key: set(words) for key, words in found}

    def wait_for_state(self, key: str, state: str) -> None:
        """Wait until a node has the class of a state."""
        self.page.wait_for_function(
            f"([key, state]) => {_CY}.getElementById(key).hasClass(state)", arg=[key, f"s-{state}"]
        )

    def click(self, key: str) -> None:
        """Click on a card, until the list above the facts says that it is the one: a graph that is fitted moves."""
        chosen = self.side.locator("select").first
        before: list[float] = []
        for _ in range(20):
            while (now := self.page.evaluate(_PLACE, key)) != before:
                before = now
                self.page.evaluate("() => new Promise(requestAnimationFrame)")
            self.page.mouse.click(*before)
            with contextlib.suppress(TimeoutError):
                self.page.wait_for_function(_CHOSEN, arg=[chosen.element_handle(), key], timeout=3000)
                return
        raise AssertionError(f"a click on {key} chose nothing")

    def inspects(self, *words: str) -> None:
        """Wait until the inspector shows these words."""
        for word in words:
            self.side.get_by_text(word).first.wait_for()


@pytest.fixture
def shown(lab: Lab) -> Shown:
    return Shown(lab)


def pictures(lab: Lab, scene: str, height: int = 1500) -> None:
    """The last board in both themes, narrow and wide, for people to judge, where they ask for pictures."""
    if not TAKES_PICTURES:
        return
    for theme in ("Light", "Dark"):
        for width in (1000, 1600):
            lab.page.evaluate("() => [...document.querySelectorAll('.dagbook-board')].at(-1)?.scrollIntoView()")
            lab.page.set_viewport_size({"width": width, "height": height})
            if (fit := lab.page.get_by_role("button", name="Fit").last).is_visible():
                fit.click()
            lab.picture(f"board-{scene}", width, theme, height)


def test_a_pipeline_is_drawn_before_any_run_and_a_click_tells_its_definition(
    lab: Lab, shown: Shown, notebook: Callable[..., str]
) -> None:
    lab.open(notebook("planned.ipynb", LOAD, PREPARE, TRAIN, PUBLISH, "%pipeline_show"))
    lab.run(0, 1, 2, 3, 4)
    shown.wait(3)
    assert all("s-none" in words for words in shown.classes().values())
    shown.click("train")
    shown.inspects("size", "dagbook.log_metric")
    pictures(lab, "planned")


def test_a_pipeline_with_mistakes_is_drawn_with_them_marked_and_the_cell_ends_with_an_error(
    lab: Lab, shown: Shown, notebook: Callable[..., str]
) -> None:
    wrong = "%%pipeline_node wrong --after prepair --param epochs\nprint(epochs)"
    round_ = "%%pipeline_node one --after two\n1", "%%pipeline_node two --after one\n1"
    lab.open(notebook("mistakes.ipynb", LOAD, PREPARE, wrong, *round_, "%pipeline_show"))
    lab.run(*range(6))
    shown.wait(4)
    shown.click("wrong")
    shown.inspects("E-EDGE-UNKNOWN", "E-PARAM-MISSING")
    shown.page.get_by_role("tab", name="Mistakes", exact=True).wait_for()
    assert "E-CYCLE" in shown.page.locator(".dagbook-page").first.inner_text()
    assert any(output["output_type"] == "error" for output in lab.outputs(5))
    pictures(lab, "mistakes", 1100)


def test_a_run_is_watched_to_its_end_and_its_cards_end_in_the_right_states(
    lab: Lab, shown: Shown, notebook: Callable[..., str]
) -> None:
    """Success, failure, what follows from it, a grid, an approval by button; then all from the cache."""
    lab.open(notebook("watched.ipynb", LOAD, PREPARE, TRAIN, BAD, AFTER_BAD, PUBLISH, RUN, RUN))
    lab.run(*range(7))
    shown.wait(5)
    shown.wait_for_state("prepare", "succeeded")
    shown.wait_for_state("bad", "failed")
    shown.wait_for_state("after_bad", "upstream_failed")
    shown.wait_for_state("publish", "pending_approval")
    shown.click("bad")
    shown.inspects("ZeroDivisionError")
    pictures(lab, "failed")
    shown.click("publish")
    shown.side.get_by_role("button", name="Approve").click()
    shown.wait_for_state("publish", "succeeded")
    lab.wait_for(6, "· failed ·")
    assert {key: next(word for word in words if word.startswith("s-")) for key, words in shown.classes().items()} == {
        "prepare": "s-succeeded",
        "train": "s-succeeded",
        "bad": "s-failed",
        "after_bad": "s-upstream_failed",
        "publish": "s-succeeded",
    }
    shown.click("train")
    shown.inspects("0.2", "size")
    shown.side.get_by_role("button", name="Open", exact=True).click()
    shown.wait(8)
    pictures(lab, "opened")

    lab.run(7)
    shown.wait_for_state("prepare", "cached")
    shown.wait_for_state("bad", "failed")


def test_the_saved_notebook_shows_a_picture_without_a_kernel(
    lab: Lab, server: Server, shown: Shown, notebook: Callable[..., str]
) -> None:
    name = notebook("reopened.ipynb", LOAD, PREPARE, TRAIN, RUN)
    lab.open(name)
    lab.run(0, 1, 2, 3)
    shown.wait_for_state("train", "succeeded")
    lab.wait_for(3, "4 succeeded")
    assert shown.page.locator(".dagbook-twin").is_hidden()
    lab.save()
    server.shut_all_down()
    lab.open(name, kernel=False)
    assert not lab.has_kernel()
    twin = lab.page.locator(".dagbook-twin")
    twin.wait_for()
    assert twin.locator("svg").first.is_visible()
    assert lab.page.get_by_text("Error displaying widget").filter(visible=True).count() == 0
    pictures(lab, "reopened")


def test_a_page_that_was_reloaded_picks_a_live_run_up_again_and_stops_it_with_a_button(
    lab: Lab, shown: Shown, notebook: Callable[..., str]
) -> None:
    """Also after the kernel has been restarted: the store knows the run."""
    name = notebook("reloaded.ipynb", LOAD, PREPARE, ENDLESS, RUN, "%pipeline_show")
    lab.open(name)
    lab.run(0, 1, 2, 3)
    shown.wait_for_state("endless", "running")
    lab.page.reload()
    lab.page.wait_for_function("() => window.jupyterapp !== undefined")
    lab.open(name)
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lab.run(0, 4)
    shown.wait_for_state("endless", "running")
    shown.click("endless")
    shown.inspects("begun")
    stop = shown.side.get_by_role("button")
    stop.get_by_text("Stop run").click()
    stop.get_by_text("Really stop?").click()
    shown.wait_for_state("endless", "cancelled")
    lab.wait_for(4, "cancelled by")


def test_a_page_that_is_reloaded_draws_the_graph_again_as_long_as_its_kernel_lives(
    lab: Lab, shown: Shown, notebook: Callable[..., str]
) -> None:
    name = notebook("redrawn.ipynb", LOAD, PREPARE, TRAIN, "%pipeline_show")
    lab.open(name)
    lab.run(0, 1, 2, 3)
    shown.wait(2)
    lab.save()
    lab.page.reload()
    lab.page.wait_for_function("() => window.jupyterapp !== undefined")
    lab.open(name)
    shown.wait(2)
    assert lab.page.evaluate(f"() => {_CY}.edges().map(edge => edge.id())") == ["prepare->train"]
    assert lab.page.evaluate(f"() => {_CY}.getElementById('train').position('x')") > 100


def test_a_board_drawn_dark_and_one_in_a_theme_that_changes(
    lab: Lab, shown: Shown, notebook: Callable[..., str]
) -> None:
    """`--theme dark` draws dark cards; a page in the other theme turns the picture over."""
    lab.open(notebook("dark.ipynb", LOAD, PREPARE, "%pipeline_show --theme dark", "%pipeline_show"))
    lab.run(0, 1, 2)
    shown.wait(1)
    turned = "() => getComputedStyle(document.querySelector('.dagbook-board .custom-widget canvas')).filter"
    lab.show_as(1000, "Light", 900)
    lab.picture("board-theme", 1000, "Light", 900)
    assert "invert" in lab.page.evaluate(turned)
    lab.show_as(1000, "Dark", 900)
    lab.picture("board-theme", 1000, "Dark", 900)
    assert lab.page.evaluate(turned) == "none"


@pytest.mark.parametrize("count", [1000, 3000])
def test_a_thousand_nodes_and_more_are_drawn_and_end_in_the_right_state_after_a_storm(
    lab: Lab, shown: Shown, notebook: Callable[..., str], count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    first = """
from dagbook.extension.graph_widget import GraphWidget
from tests.extension.scenes import scene
small = GraphWidget()
small.show(scene(3))
small.widget
"""
    draw = f"""
made = scene({count})
graph = GraphWidget()
graph.show(made)
graph.widget
"""
    storm = """
import random
from dataclasses import replace
from dagbook.runner.core.lifecycle import State
chance = random.Random(3)
for _ in range(8):
    made = replace(made, cards=tuple(replace(card, state=chance.choice(list(State))) for card in made.cards))
    graph.update(made)
print(graph.drain(120))
"""
    told = "import json; print(json.dumps({card.key: card.state for card in made.cards}))"
    lab.open(notebook(f"large-{count}.ipynb", first, draw, storm, told))
    lab.run(0)  # what every first board costs: importing, and the browser's own reading of the widget's code
    shown.wait(3)
    began = time.monotonic()
    lab.run(1)
    lab.page.wait_for_function(_DRAWN, arg=count, polling=50)
    lab.page.evaluate("() => new Promise(requestAnimationFrame)")
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{count} nodes: {took:.1f} s from the click until they were drawn")  # noqa: T201  (not asserted on)
    lab.run(2, 3)
    assert lab.text(2) == "True\n"
    final = json.loads(lab.text(3))
    lab.page.wait_for_function(
        f"final => {_CY}.nodes().not('.arrows').every(node => node.hasClass('s-' + final[node.id()]))", arg=final
    )
    unlike = f"() => {_CY}.nodes('.plain').filter(node => node.style('background-color') === 'rgb(153,153,153)').length"
    assert lab.page.evaluate(unlike) == 0, "the library's own grey: no rule for the state applies"
    assert "rate exceeded" not in json.dumps([lab.outputs(cell) for cell in range(4)])
    pictures(lab, f"large-{count}", 900)


def test_text_that_would_run_a_script_runs_none(
    lab: Lab, server: Server, shown: Shown, notebook: Callable[..., str]
) -> None:
    """In titles, parameters, tags, prints, errors, displays: on the board, in the cells, and when reopened."""
    legal = [payload for payload in PAYLOADS if payload.isprintable()]
    evil = f"""%%pipeline_node evil --after prepare
import dagbook
payloads = {legal!r}
for number, payload in enumerate(payloads):
    dagbook.log_tag(f"tag{{number}}", payload)
    print(payload, flush=True)
class Evil:
    def __repr__(self):
        return payloads[0]
display(Evil())
for payload in payloads:
    for kind in ("text/html", "image/svg+xml", "text/markdown"):
        display({{kind: payload}}, raw=True)
raise RuntimeError(payloads[13])
"""
    named = f"%%pipeline_node '<img src=x onerror=window.__pwned=1>' --after evil --param p={json.dumps(legal[1])!r}\n1"
    cells = (LOAD, "%pipeline '<img src=x onerror=window.__pwned=1>'", PREPARE, evil, named, RUN, "%pipeline_show")
    name = notebook("evil.ipynb", *cells)
    lab.open(name)
    lab.run(*range(6))
    shown.wait_for_state("evil", "failed")
    shown.click("evil")
    shown.inspects("RuntimeError")
    shown.page.get_by_role("tab", name="List").click()
    shown.page.locator(".dagbook-page table").last.wait_for()
    lab.wait_for(5, "· failed ·")
    lab.run(6)
    shown.wait(3)
    framed = lab.page.locator(".jp-CodeCell").nth(3).locator("iframe")
    framed.last.wait_for(state="attached")
    _ran_nothing(lab)
    lab.save()
    server.shut_all_down()
    lab.open(name, kernel=False)
    framed.last.wait_for(state="attached")
    _ran_nothing(lab)


def _ran_nothing(lab: Lab) -> None:
    """No payload has run, once all images and frames of the page have been read or given up."""
    lab.page.wait_for_function("() => [...document.images].every(image => image.complete)")
    lab.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert lab.page.evaluate("() => window.__pwned") is None


def test_the_board_works_in_notebook_7(lab: Lab, server: Server, shown: Shown, notebook: Callable[..., str]) -> None:
    name = notebook("seven.ipynb", LOAD, PREPARE, TRAIN, RUN)
    page = lab.page
    page.goto(f"{server.url}/notebooks/{name}?token={server.token}")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel != null")
    lab.run(0, 1, 2, 3)
    shown.wait_for_state("train", "succeeded")
    shown.click("train")
    shown.inspects("size")
    if TAKES_PICTURES:
        page.screenshot(path=PICTURES / "board-notebook7.png")
