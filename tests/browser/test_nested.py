"""A pipeline that is a node of another one, on the board in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from .test_board import LOAD, PREPARE, RUN, Shown

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server

pytestmark = pytest.mark.browser

INNER = (
    LOAD,
    "%pipeline fitting",
    "%%pipeline_node fit --grid lr=0.1,0.2\nprint(f'dagbook_tag_score: {lr}')",
    "%%pipeline_node best --after fit --when max:score\nprint('dagbook_tag_final: 42')",
    "%%pipeline_node publish --after best --approve root,leah\nprint('published')",
)
INSIDE = "%pipeline_notebook inner --path inner.ipynb --after prepare"


def test_a_pipeline_within_is_opened_from_its_card_and_decided_on_there(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    """The outer card asks as the node within does; a button opens the board of its run below."""
    shown = Shown(lab)
    lab.page.set_viewport_size({"width": 1600, "height": 2000})
    notebook("inner.ipynb", *INNER)
    cells = (LOAD, PREPARE, INSIDE, "%%pipeline_node last --after inner\nprint(1)", RUN, "%pipeline_runs")
    lab.open(notebook("outer.ipynb", *cells))
    lab.run(0, 1, 2, 3, 4)
    shown.wait(3)
    shown.wait_for_state("inner", "pending_approval")
    shown.click("inner")
    lab.page.get_by_role("button", name="Open run").click()
    shown.wait(3)  # the last graph is now that of the run within
    shown.wait_for_state("publish", "pending_approval")
    lab.picture("nested-asks", 1000, "Dark", 2600)
    lab.picture("nested-asks", 1600, "Light", 2000)
    shown.click("publish")
    shown.side.get_by_role("button", name="Approve").click()
    shown.wait_for_state("publish", "succeeded")
    lab.page.get_by_role("button", name="Close run").click()
    shown.wait_for_state("last", "succeeded")
    shown.click("inner")
    lab.picture("nested-over", 1600, "Dark", 1400)
    lab.run(5)
    lab.page.locator(".dagbook-runs-board").wait_for()
    lab.wait_for(5, "fitting", 'node "inner" of run')
    lab.picture("nested-runs", 1600, "Light", 1800)
