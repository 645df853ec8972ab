"""A real JupyterLab, and a browser in it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from dagbook.runner.launch import cancel
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store

from .servers import ROOT, Server

PICTURES = ROOT / "tests" / "pictures"
TAKES_PICTURES = bool(os.environ.get("TEST_PICTURES"))  # some ninety, for people to look at
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PATIENCE = 30_000  # milliseconds that anything in the browser may take
# What a page may complain about; everything else fails the test.
ALLOWED = (
    "the server responded with a status of 404",  # a notebook without checkpoints, workspaces that are not there yet
    "Failed to load resource: net::ERR_",  # a kernel's channel that goes away with its kernel
    "Cannot read properties of null (reading 'kernel')",  # jupyterlab_widgets, in a notebook that has no kernel
    "Canceled future for ",  # a question that JupyterLab asked its kernel before that was restarted
    "Cannot read properties of undefined (reading 'schema')",  # Notebook 7, with and without us
    ".woff2)",  # a font of Notebook 7, which its server does not always give
    "(about:srcdoc)",  # a frame with a node's HTML, in which no script runs and nothing is loaded
    "directive: \"default-src 'none'\"",  # the same frame, which holds no other
    "frame is sandboxed and the 'allow-",
    "widget model not found",  # in a notebook without a kernel: the static picture is seen then, and the board is not
)

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

_OPEN = """
async ([path, start]) => {
    const app = window.jupyterapp;
    await app.started;
    const panel = await app.commands.execute('docmanager:open',
        {path, factory: 'Notebook', kernelPreference: start ? {} : {shouldStart: false, canStart: false}});
    await panel.context.ready;
    app.shell.activateById(panel.id);
    app.shell.collapseLeft();
    if (!start) return;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
}
"""
_RUN = """
async index => {
    const app = window.jupyterapp;
    app.shell.currentWidget.content.activeCellIndex = index;
    await app.commands.execute('notebook:run-cell');
}
"""
_OUTPUTS = "index => window.jupyterapp.shell.currentWidget.content.model.cells.get(index).outputs.toJSON()"
_SHOWS = """
([index, words]) => {
    const outputs = window.jupyterapp.shell.currentWidget.content.model.cells.get(index).outputs.toJSON();
    const text = JSON.stringify(outputs);
    return words.every(word => text.includes(JSON.stringify(word).slice(1, -1)));
}
"""


@dataclass
class Lab:
    """A page that shows JupyterLab with one notebook."""

    page: Page
    server: Server
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("request", lambda request: self._stays_here(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(f"{message.text} ({message.location['url'].partition('?')[0]})")

    def _stays_here(self, url: str) -> None:
        """Row T24: all that a page needs comes from its own server, also where there is no network."""
        if not url.startswith((self.server.url, "data:", "blob:", "about:")):
            self._complain(f"another server was asked for {url}")

    def _complain(self, text: str) -> None:
        if not any(known in text for known in ALLOWED):
            self.complaints.append(text)

    def open(self, path: str, kernel: bool = True) -> None:
        """Show the notebook `path`; without `kernel`, in a page that knows nothing, and none is started for it."""
        if not kernel or self.page.url == "about:blank":
            self.page.goto(f"{self.server.url}/lab?token={self.server.token}&reset")
            self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.page.evaluate(_OPEN, [path, kernel])

    def run(self, *cells: int) -> None:
        """Run cells, one after the other, each to its end."""
        for cell in cells:
            self.page.evaluate(_RUN, cell)

    def begin(self, cell: int) -> None:
        """Run a cell without waiting for its end: `ended` does."""
        self.page.evaluate(f"index => {{ window.begun = ({_RUN})(index); }}", cell)

    def ended(self) -> None:
        """Wait until the cell that was begun last has ended: until then an error of it ends what is run after it."""
        self.page.evaluate("() => window.begun")

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs that a cell's model holds."""
        found: list[dict[str, Any]] = self.page.evaluate(_OUTPUTS, cell)
        return found

    def text(self, cell: int) -> str:
        """What a cell shows, as plain text."""
        parts = []
        for output in self.outputs(cell):
            shown = output.get("text") or output.get("data", {}).get("text/plain") or output.get("traceback") or ""
            parts.append("".join(shown))
        return "\n".join(parts)

    def wait_for(self, cell: int, *words: str) -> None:
        """Wait until a cell's outputs hold all `words`."""
        try:
            self.page.wait_for_function(_SHOWS, arg=[cell, list(words)])
        except Exception as error:
            raise AssertionError(f"cell {cell} never showed {words}, but:\n{self.text(cell)}") from error

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")

    def interrupt(self) -> None:
        """Press the stop button, and wait until the cell that was begun has stopped."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
        self.ended()

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of `code`."""
        asked = """async code => (await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestComplete({code, cursor_pos: code.length})).content.matches"""
        found: list[str] = self.page.evaluate(asked, code)
        return found

    def has_kernel(self) -> bool:
        """Whether the notebook has a session with a kernel."""
        return bool(self.page.evaluate("() => !!window.jupyterapp.shell.currentWidget.sessionContext.session"))

    def show_as(self, width: int, theme: str, height: int = 2400) -> None:
        """Give the page a size and a theme, and wait until it is drawn so."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", f"JupyterLab {theme}"
        )
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=f"JupyterLab {theme}")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        self.page.evaluate("() => document.fonts.ready.then(() => new Promise(requestAnimationFrame))")

    def picture(self, scene: str, width: int, theme: str, height: int = 2400) -> None:
        """Take a picture for people to judge, where they ask for pictures: `TEST_PICTURES=1`."""
        if not TAKES_PICTURES:
            return
        self.show_as(width, theme, height)
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{scene}-{width}-{theme.lower()}.png")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One JupyterLab for all tests."""
    with running(Server(tmp_path_factory.mktemp("lab"))) as made:
        yield made
        made.shut_all_down()


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Started; stopped in the end, and with it the runs that it has left."""
    try:
        server.start()
        yield server
    finally:
        server.stop()
        _end_runs(server.folder / ".dagbook")


def _end_runs(store: Path) -> None:
    """End the runs that wait for an approval: their processes outlive JupyterLab, as they should, but not the tests."""
    if not store.is_dir():
        return
    with contextlib.closing(Store(store, create=False)) as opened:
        for row in opened.live_runs():
            cancel(opened, row.id, "the tests are over")
            for _ in Follower(opened, row.id).follow():
                pass


def _put_away(store: Path) -> None:
    """Leave no result for the next test: it would stand for what is run there."""
    _end_runs(store)
    if store.is_dir():
        store.rename(store.parents[1] / f"store-{secrets.token_hex(4)}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not for the whole session: while it is driven, no other test could use asyncio."""
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no chromium (scripts/machine --browser)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    """What pages share: above all JupyterLab's scripts, which are loaded and compiled but once."""
    return browser.new_context(viewport={"width": 1280, "height": 1600})


@pytest.fixture
def lab(server: Server, context: BrowserContext) -> Iterator[Lab]:
    """A fresh page; the test fails when the page complains of anything that is not known to be harmless."""
    page = context.new_page()
    made = Lab(page, server)
    yield made
    page.close()
    server.shut_all_down()
    _put_away(server.folder / ".dagbook")
    assert made.complaints == []


@pytest.fixture
def notebook(server: Server) -> Callable[..., str]:
    """Writes a notebook of these cells into the folder that JupyterLab shows."""
    return partial(write_notebook, server.folder)


def write_notebook(folder: Path, name: str, *cells: str) -> str:
    """Write a notebook of these cells; gives its name."""
    empty: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    made = [{**empty, "id": f"c{number}", "source": cell} for number, cell in enumerate(cells, 1)]
    whole = {"cells": made, "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 5}
    (folder / name).write_text(json.dumps(whole), encoding="utf-8")
    return name
