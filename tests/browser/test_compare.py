"""Comparing and listing runs in a real JupyterLab: sort, choose two, open a run, reopen without a kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.board.payloads import PAYLOADS
from tests.board.searches import TRAIN, record_search

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server

pytestmark = pytest.mark.browser

LOAD = "%load_ext dagbook"
HIDE_PLOTLY = """import dagbook.extension.compare_board as board
board.can_plot = lambda: False"""
ROWS = ".dagbook-compare .dagbook-compared tbody tr"


def record(folder: Path) -> list[str]:
    """Two runs of a search: other code, other seed."""
    first = record_search(folder)
    second = record_search(folder, TRAIN + "# longer\n", seed=7, note="<b>loud</b>")
    return [first.run, second.run]


def column(lab: Lab, number: int) -> list[str]:
    """The texts of a column of the table that sorts."""
    return lab.page.locator(f"{ROWS} td:nth-child({number})").all_inner_texts()


def _shown(words: str) -> str:
    """Words as ipywidgets puts them into a list."""
    return words.replace(" ", "\xa0")


@pytest.mark.parametrize("plotly", [True, False], ids=["with plotly", "without plotly"])
def test_row_67_a_comparison_sorts_and_tells_two_rows_apart(
    lab: Lab, server: Server, notebook: Callable[..., str], plotly: bool
) -> None:
    """Rows 31 and 67: the routes of a run side by side, by a click in any order, and what differs between two."""
    store = server.folder / f"search-{plotly}"
    record(store)
    compare = f"%pipeline_compare latest --by accuracy --store {store}"
    name = notebook(f"compare-{plotly}.ipynb", LOAD, "" if plotly else HIDE_PLOTLY, compare)
    lab.open(name)
    lab.run(0, 1, 2)
    board = lab.page.locator(".dagbook-board").last
    board.locator(".js-plotly-plot .parcoords" if plotly else ".dagbook-parallel svg").first.wait_for()
    assert column(lab, 2)[0] == "train#4"  # the best
    assert column(lab, 2)[-1] == "train#2"  # it failed, and has no accuracy
    board.get_by_role("button", name="depth").click()
    lab.page.wait_for_function("rows => document.querySelector(rows + ' td:nth-child(5)').innerText === '3'", arg=ROWS)
    assert column(lab, 5) == ["3"] * 4 + ["5"] * 4
    board.get_by_role("button", name="depth").click()
    lab.page.wait_for_function("rows => document.querySelector(rows + ' td:nth-child(5)').innerText === '5'", arg=ROWS)
    assert column(lab, 5) == ["5"] * 4 + ["3"] * 4

    lists = board.locator("select")
    lists.nth(1).select_option(label=_shown("train#4 rate=0.01 depth=5"))
    lists.nth(2).select_option(label=_shown("train#3 rate=0.01 depth=3"))
    board.get_by_role("rowheader", name="depth parameter").wait_for()
    assert "↓ 2 (-40.0 %)" in board.locator(".dagbook-pair").inner_text()
    for theme in ("Light", "Dark"):
        for width in (1000, 1600):
            lab.picture(f"compare-{'plotly' if plotly else 'plain'}", width, theme, height=1500)


def test_dragging_along_an_axis_of_the_figure_leaves_some_lines(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    store = server.folder / "search-brush"
    record(store)
    lab.open(notebook("brush.ipynb", LOAD, f"%pipeline_compare latest --by accuracy --store {store}"))
    lab.run(0, 1)
    axis = lab.page.locator(".js-plotly-plot .parcoords .axis-brush").last
    axis.wait_for()
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box is not None
    across = box["x"] + box["width"] / 2
    lab.page.mouse.move(across, box["y"] + box["height"] * 0.2)
    lab.page.mouse.down()
    lab.page.mouse.move(across, box["y"] + box["height"] * 0.5, steps=8)
    lab.page.mouse.up()
    lab.page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot').data[0].dimensions.at(-1).constraintrange !== undefined"
    )


def test_row_67_two_runs_differ_in_code_parameters_and_inputs(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    """Row 67: two runs held to each other in one cell."""
    store = server.folder / "search-two"
    first, second = record(store)
    lab.open(notebook("two.ipynb", LOAD, f"%pipeline_compare {first} {second} --store {store}"))
    lab.run(0, 1)
    board = lab.page.locator(".dagbook-board").last
    lists = board.locator("select")
    lists.nth(1).select_option(label=_shown(f"{first} train#1 rate=0.1 depth=3 seed=0"))
    lists.nth(2).select_option(label=_shown(f"{second} train#1 rate=0.1 depth=3 seed=7"))
    board.get_by_text("code of train").wait_for()
    told = board.inner_text()
    assert "+# longer" in told
    assert "Inputs that differ" in told
    lab.picture("compare-two", 1000, "Light", height=1900)


def test_a_click_in_the_grid_opens_a_run_and_two_marks_compare(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    store = server.folder / "search-runs"
    first, second = record(store)
    for seed in range(2, 20):
        record_search(store, seed=seed)
    lab.open(notebook("runs.ipynb", LOAD, f"%pipeline_runs --store {store}"))
    lab.run(0, 1)
    board = lab.page.locator(".dagbook-runs-board")
    openers = board.locator(".dagbook-runs-heads").first.get_by_role("button")
    assert openers.count() == 20
    for theme in ("Light", "Dark"):
        for width in (1000, 1600):
            lab.picture("runs", width, theme, height=900)
    openers.nth(1).click()
    board.get_by_text(f"Run {second} below").wait_for()
    lab.page.wait_for_function("() => [...document.querySelectorAll('.custom-widget')].some(one => one._cyreg)")
    lab.picture("runs-opened", 1600, "Light", height=1600)
    square = board.locator(".dagbook-squares .dagbook-openers").nth(1).get_by_role("button").nth(3)
    square.focus()
    lab.page.keyboard.press("Enter")
    board.get_by_text("train of run").wait_for()
    inspected = board.locator(".dagbook-side")
    inspected.get_by_text("accuracy").first.wait_for()
    inspected.page.get_by_role("tab", name="List", exact=True).click()
    row = board.locator(".dagbook-row-buttons").get_by_role("button")
    row.nth(5).wait_for()
    tops = lab.page.evaluate(
        """() => ['.dagbook-row-buttons button', '.dagbook-lines tbody tr'].map(
            of => [...document.querySelectorAll(of)].map(one => one.getBoundingClientRect()))
            .map(all => all.map(box => Math.round(box.y + box.height / 2)))"""
    )
    assert len(tops[0]) > 5
    assert all(abs(one - other) <= 2 for one, other in zip(*tops, strict=True)), "each button stands beside its row"
    row.nth(5).click()
    board.locator(".dagbook-side .dagbook-choice button").get_by_text("Fold").wait_for(state="hidden")
    inspected.get_by_text("rate", exact=True).first.wait_for()
    lab.picture("runs-square", 1000, "Light", height=1700)
    markers = board.locator(".dagbook-runs-heads").last.get_by_role("button")
    markers.nth(1).click()
    markers.nth(0).click()
    board.get_by_text(f"Runs {first} and {second} below").wait_for()
    board.locator(".dagbook-compare").wait_for()
    assert board.locator(".custom-widget").count() == 0
    lab.picture("runs-compared", 1000, "Dark", height=1900)


def test_a_saved_comparison_and_a_saved_list_reopen_without_a_kernel(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    store = server.folder / "search-saved"
    record(store)
    name = notebook("saved.ipynb", LOAD, f"%pipeline_compare --store {store}", f"%pipeline_runs --store {store}")
    lab.open(name)
    lab.run(0, 1, 2)
    lab.page.locator(".dagbook-runs-board").wait_for()
    twins = lab.page.locator(".dagbook-twin")
    assert [twins.nth(number).is_visible() for number in range(2)] == [False, False]
    lab.save()
    assert "dagbook-parallel" in json.dumps(json.loads((server.folder / name).read_text()))

    server.shut_all_down()
    lab.open(name, kernel=False)
    assert not lab.has_kernel()
    lab.page.locator(".dagbook-twin svg").first.wait_for()
    lab.page.locator(".dagbook-twin .dagbook-runs").wait_for()
    assert lab.page.get_by_text("Error displaying widget").locator("visible=true").count() == 0
    lab.picture("compare-reopened", 1000, "Light", height=1400)


def test_60_payloads_in_parameters_tags_and_titles_run_nothing(
    lab: Lab, server: Server, notebook: Callable[..., str]
) -> None:
    """Row T5."""
    store = server.folder / "search-hostile"
    for number, payload in enumerate(PAYLOADS):
        record_search(store, seed=number, note=payload, depths=(3,), source=f"# {payload}\n{TRAIN}")
    runs = [row.split()[0] for row in _runs_of(store)]
    cells = (LOAD, f"%pipeline_compare {' '.join(runs)} --by note --store {store}", f"%pipeline_runs --store {store}")
    lab.open(notebook("hostile.ipynb", *cells))
    lab.run(*range(len(cells)))
    lab.page.locator(".dagbook-runs-board").wait_for()
    lists = lab.page.locator(".dagbook-compare").last.locator("select")
    lists.nth(1).select_option(index=1)
    lists.nth(2).select_option(index=2 + 4)
    lab.page.locator(".dagbook-pair").wait_for()
    lab.page.locator(".js-plotly-plot .parcoords").wait_for()
    assert lab.page.evaluate("() => window.__pwned") is None


def _runs_of(store: Path) -> list[str]:
    from dagbook.runner.records.store import Store

    return [row.id for row in Store(store, create=False).runs(most=100)]
