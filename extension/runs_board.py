"""The latest runs on a board: a grid of runs and nodes; a click opens a run, and two clicks compare two runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..runner.board.lettering import escaped
from ..runner.board.run_grid import GridRun, RunGrid, run_grid
from ..runner.board.run_grid_html import run_grid_html, run_words
from ..runner.compared import compare_in
from ..runner.core.errors import PipelineError
from ..runner.records.settling import settle_all
from ..runner.records.store import Store
from .board_style import board_style, twin
from .closing import close_all
from .compare_board import CompareBoard
from .run_squares import COLUMN, NAMES, RunSquares, squares_style
from .theme import theme_of

MOST_RUNS = 20
_HINT = "Open a run by its button, a node in it by its square. Mark two runs to compare them."


class Opened(Protocol):
    """What a click on a run brings: something with a widget."""

    @property
    def widget(self) -> Any:
        """What is put into the page."""
        ...

    def close(self) -> None:
        """Take it away."""
        ...


OpenRun = Callable[[str, str], Opened]  # a run's id, and the node to show in it, or empty -> what shows it


def static_runs(store: Store, text: str, beside_board: bool = False) -> dict[str, str]:
    """A mime bundle that stays in the notebook: the grid, and `text` beside it; hidden beside a living board."""
    found = f'<div class="dagbook-cell">{run_grid_html(run_grid(store, MOST_RUNS))}</div>'
    return {"text/html": twin(found) if beside_board else found, "text/plain": text}


class RunsBoard:
    """The grid with buttons. Clicks come on any thread; each of them is answered under one lock.

    `open_run` makes what shows a run; without it, the board of that run.
    """

    def __init__(self, store: Store, theme: str = "auto", open_run: OpenRun | None = None) -> None:
        import ipywidgets

        self.lock = threading.RLock()
        self._store = store
        self._theme = theme_of(theme)
        self._open_run = open_run or self._board_of
        self._marked: list[str] = []  # at most two runs, in the order in which they were marked
        self._settling = False
        self.opened: Opened | None = None
        self.grid = RunGrid((), ())
        self._openers = _button_row("dagbook-runs-heads")
        self._markers = _button_row("dagbook-runs-heads")
        self._table = ipywidgets.HTML()
        self._table.add_class("dagbook-runs-live")
        self._squares = RunSquares(self.open)
        self._told = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 auto"))
        refresh = ipywidgets.Button(description="Refresh", tooltip="Read the store again")
        refresh.on_click(lambda _button: self.refresh())
        self._leave = ipywidgets.Button(description="Close", tooltip="Close what is opened below")
        self._leave.on_click(lambda _button: self.show_none())
        for button in (refresh, self._leave):
            button.add_class("dagbook-small")
        tools = ipywidgets.HBox([self._told, refresh, self._leave], layout=ipywidgets.Layout(align_items="center"))
        scroll = ipywidgets.VBox([self._openers, self._table, self._squares.widget, self._markers])
        scroll.add_class("dagbook-scroll")
        self._below = ipywidgets.VBox(layout=ipywidgets.Layout(overflow="visible"))
        style = ipywidgets.HTML(board_style() + _style(), layout=ipywidgets.Layout(display="none"))
        inner = ipywidgets.VBox([tools, scroll, self._below], layout=ipywidgets.Layout(overflow="hidden"))
        inner.add_class("dagbook-runs-board")
        self.widget: Any = ipywidgets.VBox([style, inner])
        self.widget.add_class("dagbook-board")
        self.widget.add_class(f"dagbook-{self._theme}")
        self.refresh()
        self.show_none()

    def refresh(self) -> None:
        """Read the store, and show how the runs stand now."""
        with self.lock:
            settle_all(self._store)
            before = [run.id for run in self.grid.runs]
            self.grid = run_grid(self._store, MOST_RUNS)
            self._table.value = run_grid_html(self.grid, squares=False)
            self._squares.show(self.grid)
            if [run.id for run in self.grid.runs] != before or not self._openers.children:
                self._show_buttons(self.grid.runs)

    def open(self, run: str, node: str = "") -> None:
        """Show the run with this id below the grid, and in it all about `node`."""
        with self.lock:
            title = f"{node} of run {run}" if node else f"Run {run}"
            self._show(title, lambda: self._open_run(run, node))
            self._squares.mark_only(node)

    def mark(self, run: str, marked: bool = True) -> None:
        """Mark a run to be compared; with the second one both are, and a third takes the place of the first."""
        with self.lock:
            self._marked = [one for one in self._marked if one != run] + ([run] if marked else [])
            self._marked = self._marked[-2:]
            self._settle()
            if len(self._marked) == 2:
                pair = sorted(self._marked, key=[one.id for one in self.grid.runs].index)
                self._show(" and ".join(["Runs " + pair[0], pair[1]]), lambda: self._comparison_of(pair))
                self._squares.mark_only("")

    def show_none(self) -> None:
        """Take away what is shown below the grid."""
        with self.lock:
            self._put(None)
            self._squares.mark_only("")
            self._told.value = f'<span class="dagbook-hint">{_HINT}</span>'

    def close(self) -> None:
        """Take the board out of the page; it cannot be shown again."""
        with self.lock:
            self._put(None)
            close_all(self.widget)

    def _board_of(self, run: str, node: str) -> Opened:
        from .opened_run import OpenedRun

        return OpenedRun(self._store, run, self._theme, node)

    def _comparison_of(self, runs: Sequence[str]) -> Opened:
        return CompareBoard(self._store, compare_in(self._store, runs), self._theme)

    def _show(self, title: str, make: Callable[[], Opened]) -> None:
        """Put what `make` makes below the grid; what goes wrong is told in words."""
        try:
            made = make()
        except PipelineError as error:
            self._put(None)
            self._told.value = f'<span class="dagbook-hint">{escaped(str(error))}</span>'
            return
        self._put(made)
        self._told.value = f"<b>{escaped(title)}</b> below"

    def _put(self, made: Opened | None) -> None:
        before, self.opened = self.opened, made
        self._below.children = (made.widget,) if made else ()
        self._leave.layout.display = "" if made else "none"
        if before is not None:
            before.close()

    def _show_buttons(self, runs: Sequence[GridRun]) -> None:
        self._marked = [run for run in self._marked if run in {one.id for one in runs}]
        self._openers.children = (_caption("open"), *(self._opener(run) for run in runs))
        self._markers.children = (_caption("compare"), *(self._marker(run) for run in runs))
        widths = f"{NAMES}px repeat({len(runs)}, {COLUMN}px)"
        for row in (self._openers, self._markers):
            row.layout.grid_template_columns = widths
            row.layout.display = "grid" if runs else "none"
        whole = f"{NAMES + COLUMN * len(runs)}px" if runs else "auto"
        self._openers.layout.width = self._markers.layout.width = self._table.layout.width = whole

    def _opener(self, run: GridRun) -> Any:
        import ipywidgets

        button = ipywidgets.Button(description=run.id[:4], tooltip=f"Open {run_words(run)}")
        button.on_click(lambda _button: self.open(run.id))
        return button

    def _marker(self, run: GridRun) -> Any:
        import ipywidgets

        button = ipywidgets.ToggleButton(value=run.id in self._marked, description="○")
        button.tooltip = f"Compare {run_words(run)}"

        def changed(change: Any) -> None:
            if not self._settling:
                self.mark(run.id, bool(change["new"]))

        button.observe(changed, "value")
        return button

    def _settle(self) -> None:
        """Have the buttons say which runs are marked."""
        self._settling = True
        try:
            for run, button in zip(self.grid.runs, self._markers.children[1:], strict=True):
                button.value = run.id in self._marked
                button.description = "●" if button.value else "○"
        finally:
            self._settling = False


def _style() -> str:
    return f"""<style>{squares_style()}
.dagbook-runs-board{{padding:8px 12px}}
.dagbook-runs-board .dagbook-scroll{{overflow-x:auto;overflow-y:hidden}}
.dagbook-runs-board .dagbook-scroll>*{{flex:0 0 auto}}
.dagbook-runs-live .dagbook-runs{{overflow:visible!important}}
.dagbook-runs-live table{{table-layout:fixed;width:100%!important}}
.dagbook-runs-live thead th:first-child{{width:{NAMES}px}}
.dagbook-runs-live thead th{{width:{COLUMN}px;padding:1px 0!important}}
.dagbook-runs-live tbody th[scope=row]{{overflow:hidden;text-overflow:ellipsis}}
.dagbook-runs-live thead th>div:last-child{{display:none}}
.dagbook-runs-heads{{align-items:center;overflow:visible}}
.dagbook-runs-heads .jupyter-button{{width:{COLUMN - 2}px;height:24px;line-height:22px;margin:0 1px;padding:0;
font-size:10px;font-family:var(--jp-code-font-family,monospace);overflow:hidden;text-overflow:clip}}
.dagbook-runs-heads .jupyter-button.mod-active{{outline:2px solid currentColor;outline-offset:-2px;font-weight:700}}
.dagbook-runs-heads .jupyter-button:focus-visible{{outline:2px solid currentColor;outline-offset:1px}}
</style>"""


def _button_row(name: str) -> Any:
    import ipywidgets

    row = ipywidgets.GridBox()
    row.add_class(name)
    return row


def _caption(words: str) -> Any:
    import ipywidgets

    return ipywidgets.HTML(f'<span class="dagbook-hint">{words}</span>')
