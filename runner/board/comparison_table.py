"""The rows of a comparison as a table whose columns have fixed widths, so that buttons can stand above them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..comparison import Comparison, Row
from ..comparison_sheet import BEST, one_line
from ..core.lifecycle import State
from ..view import GLYPHS, state_word
from .compared_columns import Column, Kind, columns, key_columns
from .lettering import escaped, shortened, width_of
from .palette import palette

MOST_ROWS = 200
_SIZE = 12.0  # of the letters, in pixels
_NARROWEST, _WIDEST = 64, 240
_PAD, _SIGN = 16, 16  # pixels around a text, for the arrow of the order
_SLACK = 1.1  # some fonts are wider than others
_MARK = 30  # the column of letters
_COLOURS = palette("auto")
_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:12px;line-height:1.5"
_HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
_STRIPE = "border-bottom:1px solid " + _COLOURS.line


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: what it is sorted by, its words and its width in pixels."""

    kind: Kind
    name: str
    words: str
    width: int
    right: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A comparison, and the heads of its columns in their order."""

    comparison: Comparison
    heads: tuple[Head, ...]
    columns: tuple[Column, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of all columns in pixels; the first one holds the letters of chosen rows."""
        return (_MARK, *(head.width for head in self.heads))


def table_of(comparison: Comparison) -> Table:
    """The columns of a comparison, each as wide as its longest value, within bounds."""
    found = [*key_columns(comparison), *columns(comparison)]
    return Table(comparison, tuple(_head(comparison, column) for column in found), tuple(found))


def table_html(table: Table, marked: Mapping[int, str] | None = None) -> str:
    """The body of the table; its heads are there for those who cannot see the buttons above. `marked` as letters."""
    widths = table.widths
    cols = "".join(f'<col style="width:{width}px">' for width in widths)
    heads = "".join(f'<th scope="col">{escaped(head.name)}</th>' for head in table.heads)
    shown = range(min(len(table.comparison.rows), MOST_ROWS))
    rows = "".join(_row(table, number, (marked or {}).get(number, "")) for number in shown)
    left_out = len(table.comparison.rows) - MOST_ROWS
    more = f'<div style="color:{_COLOURS.mute}">… and {left_out} more</div>' if left_out > 0 else ""
    look = f"table-layout:fixed;width:{sum(widths)}px;border-collapse:collapse;border:0;margin:0;{_FONT}"
    return (
        f'<table class="dagbook-compared" style="{look};color:{_COLOURS.ink}"><colgroup>{cols}</colgroup>'
        f'<thead style="{_HIDDEN}"><tr><th>chosen</th>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}'
    )


def _head(comparison: Comparison, column: Column) -> Head:
    rows = len(comparison.rows)
    longest = max(
        (width_of(_words(column, number), _SIZE, column.kind is Kind.KEY) for number in range(min(rows, MOST_ROWS))),
        default=0.0,
    )
    if comparison.by and comparison.by.name == column.name:
        longest += width_of(BEST, _SIZE) + _PAD
    needed = max(longest * _SLACK + _PAD, width_of(column.name, _SIZE, bold=True) + _PAD + _SIGN)
    width = math.ceil(min(max(needed, _NARROWEST), _WIDEST)) + 1  # what fits exactly is not to be shortened
    words = shortened(one_line(column.name), width - _PAD - _SIGN, _SIZE, bold=True)
    return Head(column.kind, column.name, words, width, column.numbers)


def _words(column: Column, number: int) -> str:
    if column.kind is Kind.KEY and column.name == "state":
        state = State(str(column.values[number]))
        return f"{GLYPHS[state]} {state_word(state)}"
    return column.words(number)


def _row(table: Table, number: int, letter: str) -> str:
    row = table.comparison.rows[number]
    cells = "".join(
        _cell(table.comparison, row, head, column, number)
        for head, column in zip(table.heads, table.columns, strict=True)
    )
    ground = "background:rgba(230,159,0,.16)" if letter else "background:none"
    mark = f'<td style="{_STRIPE};text-align:center;font-weight:700">{escaped(letter)}</td>'
    return f'<tr style="{ground}">{mark}{cells}</tr>'


def _cell(comparison: Comparison, row: Row, head: Head, column: Column, number: int) -> str:
    words = _words(column, number)
    shown = escaped(shortened(words, head.width - _PAD, _SIZE))
    title = f' title="{escaped(words)}"' if shown != escaped(words) else ""
    by = comparison.by
    if by and by.name == column.name and words and row.value(by.name) == comparison.best() is not None:
        shown = f"<b>{BEST} {shown}</b>"
    if column.kind is Kind.KEY and column.name == "state":
        shown = f'<span style="color:{_COLOURS.mark(row.state).text};font-weight:600">{shown}</span>'
    side = "right" if head.right else "left"
    look = f"{_STRIPE};padding:2px 8px;text-align:{side};white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
    return f'<td{title} style="{look}">{shown}</td>'
