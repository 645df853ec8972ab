"""The model search from its first cell to its last, on the board alone."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import PICTURES, TAKES_PICTURES
from .test_board import _CY, Shown

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).parents[2] / "example_notebooks"

_LABELS = f"""() => {_CY}.edges('.named').map(edge => {{
    const box = edge.boundingBox({{includeNodes: false, includeEdges: false, includeTargetLabels: true}});
    return [edge.id(), box.x1, box.y1, box.x2, box.y2];
}})"""
_ROOM = f"""key => {{
    const card = {_CY}.getElementById(key);
    const halo = card.numericStyle('width') / 2 + card.numericStyle('underlay-padding');
    return {_CY}.width() - card.renderedPosition('x') - halo * {_CY}.zoom();
}}"""
_ENDS = f"""() => {_CY}.edges().flatMap(edge => [edge.sourceEndpoint(), edge.targetEndpoint()])
    .map(end => [Math.round(end.x * 10), Math.round(end.y * 10)])"""


def test_rows_31_54_56_63_64_66_the_model_search_is_started_watched_inspected_approved_and_compared_on_the_board(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    """Run by one call, seen while it goes on, looked at before somebody who was asked approves it."""
    source = json.loads((EXAMPLES / "model_search.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in source if cell["cell_type"] == "code"]
    defining = [text for text in code if not text.startswith(("%pipeline_show", "%pipeline_plan", "%pipeline_run"))]
    shutil.copytree(EXAMPLES / "data", server.folder / "data", dirs_exist_ok=True)
    lab.page.set_viewport_size({"width": 1600, "height": 1500})
    lab.open(notebook("model_search_board.ipynb", *defining, "%pipeline_run", "%pipeline_compare"))
    lab.run(*range(len(defining) + 1))
    board = Shown(lab)
    board.wait(7)
    board.wait_for_state("split", "running")
    for key in ("linear", "forest", "best", "report"):
        board.wait_for_state(key, "succeeded")
    board.wait_for_state("publish", "pending_approval")

    board.click("forest")
    board.inspects("trees", "depth", "accuracy")
    lab.picture("search-board", 1600, "Dark", 1500)
    lab.picture("search-board", 1600, "Light", 1500)
    if TAKES_PICTURES:
        lab.page.locator(".dagbook-board").last.screenshot(path=PICTURES / "board.png")  # the one in README
    board.click("publish")
    buttons = lab.page.locator(".dagbook-steering").last
    buttons.locator("select").select_option("leah")
    buttons.locator("button", has_text="Approve").click()
    board.wait_for_state("publish", "succeeded")
    board.side.locator(".dagbook-inspector", has_text="leah").first.wait_for()
    # The dataset may be as an earlier test's run left it, and is then counted as cached.
    lab.page.locator(".dagbook-head", has_text=re.compile(r"1[12] succeeded")).last.wait_for()

    lab.run(len(defining) + 1)
    lab.page.get_by_text("Colour by").wait_for()
    lab.picture("search-compared", 1600, "Light", 1500)
    assert not lab.complaints


def test_row_17_edges_between_the_same_cards_and_their_labels_are_told_apart(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    """Two models, and two nodes that both come after each: four edges that cross, each with a label."""
    source = json.loads((EXAMPLES / "model_search.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in source if cell["cell_type"] == "code"]
    defining = [text for text in code if not text.startswith(("%pipeline_show", "%pipeline_plan", "%pipeline_run"))]
    shutil.copytree(EXAMPLES / "data", server.folder / "data", dirs_exist_ok=True)
    lab.page.set_viewport_size({"width": 1600, "height": 1500})
    lab.open(notebook("model_search_edges.ipynb", *defining, "%pipeline_show"))
    lab.run(*range(len(defining) + 1))
    board = Shown(lab)
    board.wait(7)
    board.click("publish")
    if TAKES_PICTURES:
        lab.page.locator(".dagbook-board").last.screenshot(path=PICTURES / "search-edges-1600-light.png")
    assert lab.page.evaluate(_ROOM, "publish") >= 0  # its halo, at the right of the picture, is all to be seen
    ends = {tuple(end) for end in lab.page.evaluate(_ENDS)}
    assert len(ends) == 2 * lab.page.evaluate(f"() => {_CY}.edges().length")
    labels = lab.page.evaluate(_LABELS)
    assert len(labels) >= 4
    for (one, *area), (other, *beside) in itertools.combinations(labels, 2):
        apart = area[2] <= beside[0] or beside[2] <= area[0] or area[3] <= beside[1] or beside[3] <= area[1]
        assert apart, (one, other, area, beside)
