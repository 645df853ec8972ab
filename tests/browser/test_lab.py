"""A pipeline in a real JupyterLab: run, watched, stopped, saved, opened again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Lab
    from .servers import Server

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]

DRAWING = '''%%pipeline_shared --nodes-only
import struct
import zlib
from IPython.display import HTML, Image, display


def figure(width, height):
    """A PNG picture, without any library."""
    def chunk(kind, data):
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    rows = b"".join(b"\\0" + bytes([30, 120, 200] * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return Image(b"\\x89PNG\\r\\n\\x1a\\n" + body)
'''
SLOW = """%%pipeline_node slow
import time
for step in range(14):
    print("step", step, flush=True)
    time.sleep(0.5)
"""
DRAW = """%%pipeline_node draw --after slow --grid size=20,40
display(figure(size, size))
print("drawn", size)
"""
TABLE = """%%pipeline_node table --gather draw
display(HTML("<table class='mine'><tr><td>cell of the table</td></tr></table>"))
"""
ENDLESS = """%%pipeline_node endless
import time
print("begun", flush=True)
time.sleep(600)
"""
LOAD = "%load_ext dagbook"


def saved_outputs(server: Server, name: str) -> list[list[dict[str, Any]]]:
    """The outputs of each cell as they are in the file."""
    return [cell["outputs"] for cell in json.loads((server.folder / name).read_text())["cells"]]


@pytest.mark.parametrize("executor", [pytest.param("docker", marks=pytest.mark.container), "process"])
def test_a_run_shows_live_leaves_the_kernel_free_and_stays_in_the_saved_notebook(
    lab: Lab, server: Server, notebook: Callable[..., str], executor: str
) -> None:
    run = f"%pipeline_run --executor {executor}"
    name = notebook(f"live-{executor}.ipynb", LOAD, DRAWING, SLOW, DRAW, TABLE, run, "6 * 7")
    lab.open(name)
    lab.run(0, 1, 2, 3, 4, 5)  # the last one is %pipeline_run, which comes back

    lab.wait_for(2, "▶ slow · running", "step 1")
    assert lab.text(3) == "○ draw · waiting"
    lab.run(6)
    assert lab.text(6) == "42"
    assert "▶ slow · running" in lab.text(5)

    lab.wait_for(5, "succeeded", "4 succeeded")
    lab.wait_for(4, "✓ table · succeeded", "cell of the table")
    lab.wait_for(3, "✓ draw [size=20] · succeeded", "✓ draw [size=40] · succeeded")
    assert lab.outputs(3)[0]["data"]["text/html"].count("data:image/png;base64,") == 2
    assert "step 5" in lab.text(2)
    lab.save()
    kept = [json.dumps(outputs, ensure_ascii=False) for outputs in saved_outputs(server, name)]
    assert "step 5" in kept[2]
    assert kept[3].count("data:image/png;base64,") == 2

    server.shut_all_down()
    lab.open(name, kernel=False)
    assert not lab.has_kernel()
    assert server.ask("sessions") == []
    cells = lab.page.locator(".jp-Notebook .jp-CodeCell")
    lab.page.wait_for_function("() => document.querySelectorAll('.jp-CodeCell .dagbook-cell img').length === 2")
    widths = cells.locator(".dagbook-cell img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert widths == [20, 40]
    for shown in (
        cells.nth(2).get_by_text("step 5"),
        cells.nth(4).frame_locator("iframe").get_by_role("cell", name="cell of the table"),
        cells.nth(5).get_by_text("4 succeeded"),
    ):
        shown.wait_for()  # cells are drawn one after the other
        assert shown.is_visible()


def test_pipeline_stop_ends_the_run_of_this_notebook(lab: Lab, notebook: Callable[..., str]) -> None:
    lab.open(notebook("stop.ipynb", LOAD, ENDLESS, "%pipeline_run --executor process", "%pipeline_stop"))
    lab.run(0, 1, 2)
    lab.wait_for(1, "▶ endless · running", "begun")
    lab.run(3)
    assert "cancelled" in lab.text(3)
    lab.wait_for(1, "■ endless · cancelled")
    lab.wait_for(2, "cancelled", "%pipeline_stop")


def test_interrupting_a_cell_that_waits_cancels_its_run(lab: Lab, server: Server, notebook: Callable[..., str]) -> None:
    run = "%pipeline_run --wait --executor process"
    lab.open(notebook("interrupt.ipynb", LOAD, ENDLESS, run, "%pipeline_runs"))
    lab.run(0, 1)
    lab.begin(2)
    lab.wait_for(1, "▶ endless · running", "begun")
    lab.interrupt()
    lab.wait_for(2, "KeyboardInterrupt")
    lab.wait_for(1, "■ endless · cancelled")
    assert "/runner/" not in json.dumps(lab.outputs(2))
    lab.run(3)
    assert "cancelled by" in lab.text(3)
    assert "Ctrl-C" in lab.text(3)


def test_tab_offers_options_and_titles(lab: Lab, notebook: Callable[..., str]) -> None:
    first = '%%pipeline_node "Make data"\nprint(1)'
    lab.open(notebook("complete.ipynb", LOAD, first, "%%pipeline_node fit --af"))
    lab.run(0, 1)
    assert lab.complete("%%pipeline_node fit --af") == ["--after"]
    assert lab.complete("%%pipeline_node fit --after Ma") == ['"Make data"']
    assert {"--after", "--grid", "--param"} <= set(lab.complete("%%pipeline_node fit --"))

    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(2).locator(".cm-content").click()
    lab.page.keyboard.press("Control+End")
    lab.page.keyboard.press("Tab")
    lab.page.locator(".jp-Completer-item").get_by_text("--after").wait_for()
    lab.page.keyboard.press("Enter")
    lab.page.get_by_text("%%pipeline_node fit --after", exact=True).wait_for()


def test_a_question_mark_after_a_magic_shows_its_help(lab: Lab, notebook: Callable[..., str]) -> None:
    lab.open(notebook("help.ipynb", LOAD, "%%pipeline_node?"))
    lab.run(0, 1)
    lab.wait_for(1, "Make this cell a node of the pipeline", "--after TITLE", "Example:")


def test_a_mistake_in_a_magic_is_told_in_words_without_our_traceback(lab: Lab, notebook: Callable[..., str]) -> None:
    lab.open(notebook("mistake.ipynb", LOAD, "%%pipeline_node fit --aftr data\nprint(1)"))
    lab.run(0, 1)
    (output,) = lab.outputs(1)
    assert "--aftr" in json.dumps(output)
    assert "--after" in json.dumps(output)
    assert "Traceback" not in json.dumps(output)
    assert "magics.py" not in json.dumps(output)


def test_pictures_of_the_quickstart_and_of_a_failure(lab: Lab, server: Server, notebook: Callable[..., str]) -> None:
    shutil.copy(ROOT / "example_notebooks" / "quickstart.ipynb", server.folder / "quickstart.ipynb")
    source = json.loads((server.folder / "quickstart.ipynb").read_text())["cells"]
    code = [number for number, cell in enumerate(source) if cell["cell_type"] == "code"]
    lab.open("quickstart.ipynb")
    lab.run(*code)
    lab.wait_for(code[-1], "6 succeeded")
    lab.wait_for(code[-3], "✓ report")
    for theme in ("Light", "Dark"):
        for width in (1000, 1600):
            lab.picture("quickstart", width, theme, height=3400)

    bad = "%%pipeline_node fit --after slow --grid size=2,0\nprint('dividing', 1, 'by', size)\n1 / size"
    after = "%%pipeline_node report --after fit\nprint(missing_name)"
    mistake = "%%pipeline_node again --aftr fit\nprint(1)"
    run = "%pipeline_run --executor process"
    cells = (LOAD, SLOW, bad, after, "%pipeline_show", "%pipeline_plan", mistake, "%%pipeline_node?", run)
    lab.open(notebook("failing.ipynb", *cells))
    lab.run(*range(len(cells)))
    lab.wait_for(1, "▶ slow · running", "step 1")
    lab.picture("running", 1600, "Dark")
    lab.wait_for(8, "· failed ·")
    lab.wait_for(2, "ZeroDivisionError")
    lab.picture("failing", 1600, "Dark")
    lab.picture("failing", 1000, "Light")
