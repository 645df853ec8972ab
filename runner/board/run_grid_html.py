"""The grid of runs as an accessible table: squares in the colours of states, a glyph in each, a bar for the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ..view import GLYPHS, age, state_word
from .header import LOOKS
from .lettering import escaped, shortened
from .palette import palette
from .run_grid import GridRow, GridRun, RunGrid, Square

MOST_ROWS = 200
_BAR = 44  # pixels of the longest run's bar
_NAME = 200  # pixels of a node's name
_COLOURS = palette("auto")
_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:12px;line-height:1.4"
_CELL = "padding:1px 2px;border:0;text-align:center;background:none"


def run_grid_html(grid: RunGrid, squares: bool = True) -> str:
    """The grid; what each square and bar means shows when the mouse rests on it, and is read out.

    Without `squares` only its head: the bars of the runs.
    """
    if not grid.runs:
        return f'<div style="{_FONT};color:{_COLOURS.mute}">No run yet.</div>'
    longest = max((run.seconds or 0.0 for run in grid.runs), default=0.0)
    head = "".join(_head(run, longest) for run in grid.runs)
    rows = "".join(_rows(grid)) if squares else ""
    left_out = len(grid.rows) - MOST_ROWS if squares else 0
    more = f'<div style="color:{_COLOURS.mute};padding:4px">… and {left_out} more nodes</div>' if left_out > 0 else ""
    table = f"{_FONT};border-collapse:separate;border-spacing:0;border:0;margin:0;width:auto;color:{_COLOURS.ink}"
    corner = (
        f'<th scope="col" style="{_CELL};text-align:left;vertical-align:bottom;font-weight:400">{_summary(grid)}</th>'
    )
    return (
        f'<div class="dagbook-runs" style="{_FONT};overflow-x:auto;min-width:0"><table style="{table}">'
        f'<thead><tr style="background:none">{corner}{head}</tr></thead><tbody>{rows}</tbody></table>{more}</div>'
    )


def _summary(grid: RunGrid) -> str:
    count = len(grid.runs)
    words = "1 run" if count == 1 else f"{count} runs, the newest on the right"
    return f'<span style="color:{_COLOURS.mute};padding-right:10px">{words}</span>'


def run_words(run: GridRun) -> str:
    """A run in a line: id, pipeline, state, when, how long, why."""
    when = datetime.fromtimestamp(run.started).strftime("%Y-%m-%d %H:%M:%S")
    took = age(run.seconds) if run.seconds is not None else ""
    why = " ".join(run.reason.split())[:200]
    words = (run.id, run.pipeline, run.around, state_word(run.state), when, took, why)
    return " · ".join(part for part in words if part)


def _head(run: GridRun, longest: float) -> str:
    """The bar of a run and its id below; a run that goes on has a broken border instead of a height."""
    mark = _COLOURS.mark(LOOKS[run.state])
    share = (run.seconds or 0.0) / longest if longest > 0 else 0.0
    high, look = max(round(share * _BAR), 3), f"background:{mark.colour}"
    if run.seconds is None:
        high, look = _BAR, f"border:1px dashed {mark.colour};border-bottom:0"
    box = f"box-sizing:border-box;width:16px;height:{high}px;margin:0 auto;border-radius:2px 2px 0 0;{look}"
    glyph = f'<div style="color:{mark.text};font-weight:600">{mark.glyph}</div>'
    words = escaped(run_words(run))
    place = f"{_CELL};vertical-align:bottom"
    return (
        f'<th scope="col" title="{words}" aria-label="{words}" style="{place}"><div style="{box}"></div>{glyph}'
        f'<div style="{_CODE};color:{_COLOURS.mute}">{escaped(run.id[:4])}</div></th>'
    )


_CODE = "font-size:10px;font-weight:400;font-family:var(--jp-code-font-family,monospace)"


def _rows(grid: RunGrid) -> Iterator[str]:
    several = len(grid.pipelines) > 1
    before = ""
    for row in grid.rows[:MOST_ROWS]:
        if several and row.pipeline != before:
            before = row.pipeline
            name = escaped(shortened(before, 400, 12, bold=True))
            look = f"{_CELL};text-align:left;font-weight:600;padding-top:8px"
            span = len(grid.runs) + 1
            yield f'<tr style="background:none"><th scope="rowgroup" colspan="{span}" style="{look}">{name}</th></tr>'
        yield _row(row, grid)


def _row(row: GridRow, grid: RunGrid) -> str:
    name = escaped(shortened(row.node, _NAME, 12))
    look = f"{_CELL};text-align:left;font-weight:400;white-space:nowrap;padding-right:10px"
    cells = "".join(_square(run, square) for run, square in zip(grid.runs, row.squares, strict=True))
    head = f'<th scope="row" title="{escaped(row.node)}" style="{look}">{name}</th>'
    return f'<tr style="background:none">{head}{cells}</tr>'


def _square(run: GridRun, square: Square | None) -> str:
    if square is None:
        return f'<td style="{_CELL}"><span style="color:{_COLOURS.mute}" aria-label="not part of it">·</span></td>'
    mark = _COLOURS.mark(square.state)
    words = escaped(f"{run.id}: {square.words}")
    fill = (
        f"color:{mark.text};border:1px dashed {mark.colour}"
        if mark.dash
        else f"color:{mark.on};background:{mark.colour}"
    )
    box = "display:block;box-sizing:border-box;width:20px;height:20px;line-height:20px;border-radius:4px;margin:0 auto"
    size = "line-height:18px" if mark.dash else ""
    return (
        f'<td style="{_CELL}"><span role="img" title="{words}" aria-label="{words}" '
        f'style="{box};{size};{fill};font-size:11px;font-weight:600">{GLYPHS[square.state]}</span></td>'
    )
