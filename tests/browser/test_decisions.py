"""What a person sees of conditions, approvals and the cache in a real JupyterLab."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
LOAD = "%load_ext dagbook"
RUN = "%pipeline_run --executor process"
TRY = """%%pipeline_node attempt --grid size=1,2,3
import dagbook
dagbook.log_tag("score", min(size, 2))
"""


def pictures(lab: Lab, scene: str, height: int = 2400) -> None:
    """The scene narrow and light, wide and dark, for people to judge."""
    lab.picture(scene, 1000, "Light", height)
    lab.picture(scene, 1600, "Dark", height)


def test_the_model_search_is_run_watched_approved_and_asked_for_again(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    """Cell by cell, as its text says: run, look, approve; a second run takes all but the yes from the cache."""
    source = json.loads((EXAMPLES / "model_search.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in source if cell["cell_type"] == "code"]
    shutil.copytree(EXAMPLES / "data", server.folder / "data", dirs_exist_ok=True)
    more = ("%pipeline_approve publish --by leah", "%pipeline_run", "%pipeline_approve publish --by yochay --reject")
    lab.open(notebook("model_search.ipynb", *code, *more))
    at = {code[n].split()[1]: n for n in range(len(code)) if code[n].startswith(("%%pipeline_node", "%pipeline_data"))}
    run = len(code) - 1
    lab.run(*range(len(code)))
    lab.wait_for(run, "▶ linear")
    pictures(lab, "search-running")

    for title, last in (("linear", "C=100"), ("forest", "trees=50 depth=8"), ("best", ""), ("report", "")):
        lab.wait_for(at[title], f"✓ {title} [{last}]" if last else f"✓ {title}")  # one by one: the whole takes long
    lab.wait_for(at["publish"], "‖ publish", "pending approval", "waits for leah or yochay")
    lab.wait_for(at["publish"], "decide: %pipeline_approve publish --by leah --run ")
    lab.wait_for(run, "1 pending approval, 11 succeeded", "%pipeline_approve publish --by leah --run ")
    lab.wait_for(at["best"], "wins with")
    pictures(lab, "search-pending")

    lab.run(run + 1)
    lab.wait_for(at["publish"], "✓ publish", "approved by leah", "published with an accuracy of")
    assert "decide:" not in lab.text(at["publish"])
    lab.run(run + 2)
    lab.wait_for(run + 2, "1 pending approval, 11 cached", "as in run")
    lab.wait_for(at["forest"], "↺ forest", "· cached · accuracy=")
    pictures(lab, "search-cached")

    lab.run(run + 3)
    lab.wait_for(run + 2, "rejected", 'yochay rejected "publish"')
    lab.wait_for(at["publish"], "✕ publish", "rejected")
    pictures(lab, "search-rejected")


def test_a_skipped_node_says_why_and_a_tie_says_who_won(lab: Lab, notebook: Callable[..., str]) -> None:
    best = "%%pipeline_node best --after attempt --when max:score\nprint('chosen')"
    never = "%%pipeline_node never --after attempt --when gt:score:5\nprint('no')"
    after = "%%pipeline_node after --after never\nprint('no')"
    bad = "%%pipeline_node bad --after best\n1 / 0"
    ask = '%%pipeline_node "Ask <b>them" --after attempt --approve leah,yochay\nprint(1)'
    cells = (LOAD, TRY, best, never, after, bad, ask, RUN)
    lab.open(notebook("skips.ipynb", *cells))
    lab.run(*range(len(cells)))
    lab.wait_for(2, "✓ best", "attempt#2 wins with 2 (a tie with attempt#3; the earliest wins)")
    lab.wait_for(3, "⊘ never", "skipped", "no run passed gt:attempt.score:5")
    lab.wait_for(4, "⊘ after", "skipped")
    lab.wait_for(5, "✕ bad", "ZeroDivisionError")
    lab.wait_for(6, "ask_bthem#1, ask_bthem#2, ask_bthem#3")
    lab.wait_for(7, "3 pending approval", "1 failed", "2 skipped")
    assert lab.page.locator(".dagbook-cell b b").count() == 0  # a title is text
    pictures(lab, "skips")


def test_a_run_of_which_all_is_known_is_up_to_date(lab: Lab, notebook: Callable[..., str]) -> None:
    lab.open(notebook("again.ipynb", LOAD, TRY, RUN, RUN))
    lab.run(0, 1, 2)
    lab.wait_for(2, "3 succeeded")
    lab.run(3)
    lab.wait_for(3, "succeeded", "3 of 3 up to date")
    pictures(lab, "again", 1200)
