"""What a board keeps in its place: under a click, while a log grows, and when its kernel has gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from .test_board import LOAD, PREPARE, RUN, Shown

if TYPE_CHECKING:
    from .conftest import Lab

pytestmark = pytest.mark.browser

TALKS = """%%pipeline_node talks --after prepare
import time
for line in range(120):
    print("line", line, flush=True)
time.sleep(600)
"""
PUBLISH = "%%pipeline_node publish --after prepare --approve leah,yochay\n1"
TOPS = """() => ['.dagbook-main', '.dagbook-left .custom-widget', '.dagbook-below'].map(name => {
    const found = [...document.querySelectorAll(name)].at(-1).getBoundingClientRect();
    const board = [...document.querySelectorAll('.dagbook-board')].at(-1).getBoundingClientRect();
    return Math.round(found.top - board.top);
})"""
LAST_LINE = """() => {
    const pre = [...document.querySelectorAll('.dagbook-side pre')].find(one => one.textContent.includes('line 119'));
    if (!pre) return false;
    const box = pre.parentElement;
    return box.scrollHeight > box.clientHeight + 100
        && Math.abs(pre.getBoundingClientRect().bottom - box.getBoundingClientRect().bottom) < 4;
}"""
PLACES = """() => {
    const row = [...document.querySelectorAll('.dagbook-steering')].at(-1), top = row.getBoundingClientRect().top;
    return [...row.querySelectorAll('button')].map(one => one.getBoundingClientRect())
        .filter(box => box.width)  // the others are not shown, and nowhere
        .map(box => [box.x, box.y - top, box.width].map(Math.round));
}"""
SIGNS = """() => {
    const board = [...document.querySelectorAll('.dagbook-board')].at(-1);
    const inner = [...board.querySelectorAll('.jupyter-widgets-disconnected')];
    const content = one => getComputedStyle(one, '::before').content;
    return [content(board), inner.length > 5, inner.filter(one => content(one) !== 'none').length];
}"""
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
GONE = "() => [...document.querySelectorAll('.dagbook-board')].at(-1).matches('.jupyter-widgets-disconnected')"


def test_a_board_stays_where_it_is(lab: Lab, notebook: Callable[..., str]) -> None:
    """A click on a card, a question of a button and the lines of a log move nothing; without a kernel it says so."""
    shown = Shown(lab)
    lab.page.set_viewport_size({"width": 1600, "height": 1400})
    lab.open(notebook("stays.ipynb", LOAD, PREPARE, TALKS, PUBLISH, RUN))
    lab.run(0, 1, 2, 3, 4)
    shown.wait(3)
    shown.wait_for_state("talks", "running")
    shown.wait_for_state("publish", "pending_approval")
    before = lab.page.evaluate(TOPS)
    shown.click("talks")
    lab.page.wait_for_function(LAST_LINE)
    assert lab.page.evaluate(TOPS) == before
    lab.picture("stays-log", 1600, "Light", 1400)
    shown.click("publish")
    steering = lab.page.locator(".dagbook-steering").last
    steering.locator("button", has_text="Reject").wait_for()
    steering.locator("select").select_option("leah")
    places = lab.page.evaluate(PLACES)
    steering.locator("button", has_text="Reject").click()
    steering.locator("button", has_text="Really reject?").wait_for()
    assert lab.page.evaluate(PLACES) == places
    assert lab.page.evaluate(TOPS) == before
    lab.picture("stays-asks", 1600, "Dark", 1400)
    lab.picture("stays-asks", 1000, "Light", 1400)
    lab.page.evaluate(RESTART)
    lab.page.wait_for_function(GONE)
    told, several, broken = lab.page.evaluate(SIGNS)
    assert "The kernel has gone; a run goes on without it" in told
    assert (several, broken) == (True, 0)
    lab.picture("stays-gone", 1600, "Dark", 1400)
    lab.picture("stays-gone", 1600, "Light", 1400)
