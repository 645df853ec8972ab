"""Nodes that print and show without measure, in a real JupyterLab: little goes to the page, and it answers.

LONG_FAULTS=1 makes it a gibibyte and 100,000 displays. What was measured is told then.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import WebSocket

    from .conftest import Lab
    from .servers import Server

pytestmark = [pytest.mark.browser, pytest.mark.fault]

LONG = bool(os.environ.get("LONG_FAULTS"))
SIZE = 2**30 if LONG else 20_000_000
MANY = 100_000 if LONG else 3_000
PATIENCE = 1200 if LONG else 120  # seconds

LOAD = "%load_ext dagbook"
RUN = "%pipeline_run --executor process"
PROCESS = "import os; print(os.getpid())"
DISPLAY = "from IPython.display import display\n"
CASES = {
    "lines": f"for n in range({SIZE // 100}): print(f'{{n:099d}}')\n",
    "a bar": f"for n in range({SIZE // 100}): print(f'\\r\\x1b[31m{{n:90d}}\\x1b[0m', end='')\nprint()\n",
    "displays": f"{DISPLAY}for n in range({MANY}): display({{'text/plain': f'shown {{n}}'}}, raw=True)\n",
    "updates": f"{DISPLAY}shown = display(0, display_id=True)\nfor n in range({MANY}): shown.update(n)\n",
    "large": f"{DISPLAY}for n in range({MANY // 50}): display({{'text/html': 'h' * 900_000}}, raw=True)\n",
}
_OVER = """() => [1, 3].every(cell => JSON.stringify(
    window.jupyterapp.shell.currentWidget.content.model.cells.get(cell).outputs.toJSON()).includes('succeeded'))"""


@dataclass
class Traffic:
    """The sizes of the messages that the server has sent to the page."""

    sizes: list[int] = field(default_factory=list)

    def listen(self, socket: WebSocket) -> None:
        """Hear all that comes through it."""
        socket.on("framereceived", lambda message: self.sizes.append(len(message)))


def most_memory(process: int) -> int:
    """How many bytes a process had at most."""
    return int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


def slowest_answer(lab: Lab) -> float:
    """Run the last cell but one, and ask the page something until all is shown: how long it took to answer (s)."""
    slowest, end = 0.0, time.monotonic() + PATIENCE
    lab.begin(3)
    while not lab.page.evaluate(_OVER):
        assert time.monotonic() < end
        asked = time.monotonic()
        lab.page.evaluate("() => new Promise(requestAnimationFrame)")
        slowest = max(slowest, time.monotonic() - asked)
    return slowest


@pytest.mark.parametrize("case", CASES if LONG else ("lines", "displays", "large"))
def test_P26_a_noisy_node_leaves_page_kernel_and_notebook_small_and_shows_its_end(
    lab: Lab, server: Server, notebook: Callable[..., str], case: str
) -> None:
    traffic = Traffic()
    lab.page.on("websocket", traffic.listen)
    name = notebook("noise.ipynb", LOAD, f"%%pipeline_node noisy\n{CASES[case]}print('the end')", PROCESS, RUN, "6 * 7")
    lab.open(name)
    lab.run(0, 1, 2)
    kernel = int(lab.text(2))
    traffic.sizes.clear()
    before, began = most_memory(kernel), time.monotonic()
    slowest = slowest_answer(lab)
    took = time.monotonic() - began
    assert lab.text(1).endswith("the end")
    lab.run(4)
    assert lab.text(4) == "42"
    more = most_memory(kernel) - before
    lab.save()
    kept = (server.folder / name).stat().st_size
    began = time.monotonic()
    lab.open(name, kernel=False)
    lab.page.locator(".jp-Notebook .jp-CodeCell").nth(1).get_by_text("succeeded").wait_for()
    opened = time.monotonic() - began
    if LONG:
        words = f"{len(traffic.sizes)} messages, {sum(traffic.sizes) / 1e6:.1f} MB, the largest {max(traffic.sizes):,}"
        words += f"; kernel {more >> 20} MiB more; notebook {kept / 1e6:.2f} MB, opened in {opened:.1f} s"
        sys.stderr.write(f"\n{case}: {took:.0f} s, page answers in {slowest:.2f} s; {words}\n")
    assert len(traffic.sizes) < 300 + 30 * took
    at_once, a_second = (10_000_000, 2_000_000) if case == "large" else (3_000_000, 300_000)
    assert sum(traffic.sizes) < at_once + a_second * took
    assert max(traffic.sizes) < 6_000_000
    assert more < 250 * 2**20
    assert kept < 6_000_000
