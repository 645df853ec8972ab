"""The squares of the grid of runs: a row of buttons for each node, each of which opens the node in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..runner.board.lettering import escaped
from ..runner.board.palette import Mark, palette
from ..runner.board.run_grid import GridRow, GridRun, RunGrid, Square
from ..runner.board.run_grid_html import MOST_ROWS
from ..runner.core.lifecycle import State
from ..runner.view import GLYPHS, state_word
from .closing import close_all
from .openers import Openers

NAMES, COLUMN, ROW = 150, 31, 24  # pixels: the column of names, that of a run, a node's row
_SQUARE = 20
OnSquare = Callable[[str, str], None]  # the id of a run, the title of a node


class RunSquares:
    """Below one another the nodes, beside one another the runs; `on_open` is called with what a square stands for."""

    def __init__(self, on_open: OnSquare) -> None:
        import ipywidgets

        self._on_open = on_open
        self._lines: list[tuple[Any, Openers | None]] = []
        self._runs: Sequence[GridRun] = ()
        self._rows: list[GridRow | None] = []
        self.widget: Any = ipywidgets.VBox()
        self.widget.add_class("dagbook-squares")

    def show(self, grid: RunGrid) -> None:
        """Show this grid; where it has several pipelines, their names stand above their nodes."""
        told = _lines(grid)
        self._runs, self._rows = grid.runs, [row for _, row in told]
        if [openers is not None for _, openers in self._lines] != [row is not None for row in self._rows]:
            self._make()
        for (name, openers), (words, row) in zip(self._lines, told, strict=True):
            name.value = words
            if openers is not None and row is not None:
                openers.show([_button(run, square) for run, square in zip(grid.runs, row.squares, strict=True)])

    def mark_only(self, node: str) -> None:
        """Take the mark away from all squares but those of `node`: one thing is open at a time."""
        kept = self.opener(node)
        for _, openers in self._lines:
            if openers is not None and openers is not kept:
                openers.unmark()

    def opener(self, node: str) -> Openers | None:
        """The buttons of a node."""
        at = next((at for at, row in enumerate(self._rows) if row is not None and row.node == node), None)
        return self._lines[at][1] if at is not None else None

    def _make(self) -> None:
        """Lines without content. What they have in common is one model each: it is what takes long to make."""
        import ipywidgets

        before = self.widget.children
        layout, style = ipywidgets.Layout(), ipywidgets.ToggleButtons.style.klass()
        self._lines, boxes = [], []
        for at, row in enumerate(self._rows):
            name = ipywidgets.HTML(layout=layout)
            openers = Openers(self._opening(at), layout=layout, style=style) if row is not None else None
            self._lines.append((name, openers))
            boxes.append(ipywidgets.HBox([name, openers.widget] if openers else [name], layout=layout))
        self.widget.children = tuple(boxes)
        for box in before:
            close_all(box)

    def _opening(self, at: int) -> Callable[[int], None]:
        def open_it(column: int) -> None:
            row = self._rows[at]
            if row is not None and row.squares[column] is not None:
                self._on_open(self._runs[column].id, row.node)

        return open_it


def _lines(grid: RunGrid) -> list[tuple[str, GridRow | None]]:
    """What stands at the left of each line, as HTML, and whose squares follow."""
    several, before = len(grid.pipelines) > 1, ""
    found: list[tuple[str, GridRow | None]] = []
    for row in grid.rows[:MOST_ROWS]:
        if several and row.pipeline != before:
            before = row.pipeline
            found.append((f"<b>{escaped(before)}</b>", None))
        found.append((f'<span title="{escaped(row.node)}">{escaped(row.node)}</span>', row))
    if (left_out := len(grid.rows) - MOST_ROWS) > 0:
        found.append((f"… and {left_out} more nodes", None))
    return found


def _button(run: GridRun, square: Square | None) -> tuple[str, str]:
    """A square and its words: they begin with its state, by which it is coloured."""
    if square is None:
        return "·", f"not part of {run.id}"
    return GLYPHS[square.state], f"{state_word(square.state)} · {run.id}: {square.words}"


def squares_style() -> str:
    """The rules for the squares."""
    colours = palette("auto")
    states = "".join(_rule(state, colours.mark(state)) for state in State)
    side = (COLUMN - _SQUARE) / 2
    return f"""
.dagbook-squares,.dagbook-squares .widget-hbox{{overflow:visible;margin:0}}
.dagbook-squares .widget-hbox{{height:{ROW}px;flex:0 0 auto}}
.dagbook-squares .widget-html{{width:{NAMES}px;flex:0 0 auto;margin:0}}
.dagbook-squares .widget-hbox:has(>:only-child) .widget-html{{width:auto}}
.dagbook-squares .widget-html-content{{line-height:{ROW}px!important;font-size:12px;white-space:nowrap;
overflow:hidden!important;text-overflow:ellipsis;padding-right:8px}}
.dagbook-squares .dagbook-openers{{width:auto;margin:0;height:{ROW}px;overflow:visible}}
.dagbook-squares .dagbook-openers>div{{display:flex;flex-wrap:nowrap;margin:0}}
.dagbook-squares button{{flex:0 0 auto;box-sizing:border-box;width:{_SQUARE}px!important;height:{_SQUARE}px;min-width:0;
line-height:{_SQUARE - 2}px;margin:2px {side:g}px!important;padding:0;border-radius:4px;border:1px solid transparent;
font-size:11px;font-weight:600;background:none;color:{colours.mute};box-shadow:none!important;overflow:hidden}}
.dagbook-squares button.mod-active{{outline:2px solid {colours.accent};outline-offset:1px}}
.dagbook-squares button:focus-visible{{outline:2px solid currentColor;outline-offset:1px}}
.dagbook-squares button[title^="not part of"]{{pointer-events:none}}
{states}"""


def _rule(state: State, mark: Mark) -> str:
    look = (
        f"color:{mark.text};border:1px dashed {mark.colour};background:none"
        if mark.dash
        else f"color:{mark.on};background:{mark.colour}"
    )
    return f'.dagbook-squares button[title^="{state_word(state)} · "]{{{look}}}\n'
