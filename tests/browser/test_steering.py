"""Steering and building by hand in a real JupyterLab: buttons do what they say, and nothing is put into cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Lab

pytestmark = pytest.mark.browser

LOAD = "%load_ext dagbook"
TRAIN = "%%pipeline_node train\nprint('trained')"
DEPLOY = '%%pipeline_command "Deploy model" --after train --approve Leah,Yochay\necho deployed'
BUTTONS = """
from pathlib import Path
from dagbook.extension.steering import Steering
from dagbook.extension.steering_buttons import Buttons
from dagbook.runner.records.store import Store
store = Store(Path(".dagbook"), create=False)
row = store.run("latest")
buttons = Buttons(Steering(store.folder, row.id, lambda line: None))
buttons.show(store.state_of(row.id).node_runs[{id!r}], row.state)
buttons.box
"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.cells.length"
SELECTED = "() => window.getSelection().toString()"
WRITE = """
([index, text]) => window.jupyterapp.shell.currentWidget.content.model.cells.get(index).sharedModel.setSource(text)
"""
OPENED = "name => window.jupyterapp.shell.currentWidget.context.path.endsWith(name)"


def test_a_node_is_built_from_the_text_that_the_board_shows(lab: Lab, notebook: Callable[..., str]) -> None:
    """A form, a click that selects the text, a cell of the user's own; no cell appears by itself."""
    lab.open(notebook("build.ipynb", LOAD, TRAIN, "%pipeline_show", "1 + 1", ""))
    lab.run(0, 1, 2)
    panel = lab.page.locator(".dagbook-building")
    title = panel.locator("input[placeholder='Train model']")
    title.fill("Best <img src=x onerror=alert(1)>")
    panel.locator("select[multiple]").select_option("train")
    text = panel.locator("pre.dagbook-text", has_text="--after train")
    text.wait_for()
    title.focus()
    lab.page.keyboard.type("!")  # and the field is not left before the text is clicked
    panel.locator("pre.dagbook-text", has_text="!").wait_for()
    lab.page.keyboard.press("Backspace")
    panel.locator("pre.dagbook-text", has_not_text="!").wait_for()
    text.click()
    written = "%%pipeline_node \"Best <img src=x onerror=alert(1)>\" --after train\nprint('hello')"
    assert lab.page.evaluate(SELECTED).strip() == written
    assert panel.locator("img").count() == 0
    lab.page.locator(".dagbook-head", has_text="2 nodes").wait_for()  # the picture shows what would come of it
    lab.run(3)
    assert lab.page.evaluate(CELLS) == 5
    lab.page.evaluate(WRITE, [4, lab.page.evaluate(SELECTED) or written])
    lab.run(4)
    lab.wait_for(4, "defined", "after train")


def test_a_moved_card_moves_in_the_picture_and_its_line_says_so(lab: Lab, notebook: Callable[..., str]) -> None:
    """Row 4: `left` and `top`."""
    lab.open(notebook("move.ipynb", LOAD, TRAIN, DEPLOY, "%pipeline_show"))
    lab.run(0, 1, 2, 3)
    panel = lab.page.locator(".dagbook-building")
    panel.locator("button", has_text="Move").click()
    panel.get_by_label("Node").select_option("Deploy model")
    panel.get_by_text("Move the card with the arrows").wait_for()
    assert panel.locator("pre.dagbook-text").count() == 0
    panel.locator("button[title='Move it down']").click()
    panel.locator("pre.dagbook-text", has_text="--top").wait_for()
    for mode, shot in (("Move", "build-move"), ("Change", "build-change"), ("Connect", "build-connect")):
        panel.locator("button", has_text=mode).click()
        lab.picture(shot, 1000, "Light", 1400)
        lab.picture(shot, 1600, "Dark", 1400)


def test_an_approval_and_a_notebook_are_one_click_away(lab: Lab, notebook: Callable[..., str]) -> None:
    """Row 56: nobody decides before one of those asked is chosen; then the node starts. The notebook opens."""
    deploy, train = (BUTTONS.format(id=id) for id in ("deploy_model", "train"))
    run = "%pipeline_run --executor process"
    lab.open(notebook("steer.ipynb", LOAD, TRAIN, DEPLOY, run, deploy, train))
    lab.run(0, 1, 2, 3)
    lab.wait_for(2, "waits for Leah or Yochay")
    lab.run(4)
    box = lab.page.locator(".dagbook-steering", has=lab.page.locator("button:visible", has_text="Approve"))
    last = box.last
    assert last.locator("button", has_text="Approve").is_disabled()
    assert last.locator("select").input_value() == "choose who decides …"
    lab.picture("steer-choose", 1000, "Light", 1400)
    lab.picture("steer-choose", 1600, "Dark", 1400)
    last.locator("select").select_option("Leah")
    last.locator("button", has_text="Reject").click()
    last.locator("button", has_text="Really reject?").wait_for()
    lab.picture("steer-asks", 1000, "Dark", 1400)
    last.locator("button", has_text="Approve").click()
    lab.wait_for(2, "✓ Deploy model", "approved by Leah")
    lab.run(5)
    again = lab.page.locator(".dagbook-steering").last
    again.locator("button", has_text="Open notebook").click()
    lab.picture("steer-notebook", 1000, "Light", 1400)
    again.locator("a", has_text="Open it in JupyterLab").click()
    lab.page.wait_for_function(OPENED, arg="/train.ipynb")
