"""A comparison for a notebook: HTML in the colours of its theme, and plain text beside it. All text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterator

from .board.parallel_coordinates import parallel_svg
from .cell_view import page
from .compared import Compared
from .comparison_sheet import BEST, Column, Sheet, sheet
from .comparison_text import EMPTY, Line, Tone, heading, lines, text
from .differences import Differences
from .view import COLOURS

MOST_ROWS = 200

_BORDER = "var(--jp-border-color2,#bdbdbd)"
_SOFT = "color:var(--jp-ui-font-color2,#666)"
_CODE = "font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,13px)"
# Tints that leave the theme's own text colour to be read, on light and on dark.
_TONES = {
    Tone.HEAD: "font-weight:600",
    Tone.ADDED: "background:rgba(0,158,115,.18)",
    Tone.REMOVED: "background:rgba(213,94,0,.18)",
    Tone.PLACE: _SOFT,
}


def bundle(compared: Compared, everything: bool = False) -> dict[str, str]:
    """A mime bundle (text/html, text/plain) of a comparison."""
    made = sheet(compared.comparison, everything, MOST_ROWS)
    parts = [heading_html(compared), _shared(made), parallel_svg(compared.comparison), _table(made)]
    if made.left_out:
        parts.append(f"<div>… {made.left_out} more</div>")
    if compared.differs is not None:
        parts.append(differences_html(compared.differs))
    return {"text/html": page(parts), "text/plain": text(compared, everything, MOST_ROWS)}


def heading_html(compared: Compared) -> str:
    """What is compared: a line per run."""
    told = "\n".join(map(html.escape, heading(compared.comparison, compared.now)))
    return f'<pre style="margin:2px 0;background:none;white-space:pre-wrap;{_CODE}">{told}</pre>'


def _shared(made: Sheet) -> str:
    return f'<div style="{_SOFT};padding:2px 0;overflow-wrap:anywhere">{html.escape(made.shared)}</div>'


def _table(made: Sheet) -> str:
    """The table, in a frame of its own that scrolls when it is wider than the cell."""
    if not made.rows:
        return f"<div>{EMPTY}</div>"
    columns = _paired(made)
    head = "".join(_head(column) for column, _ in columns)
    rows = "".join(
        f"<tr>{''.join(_td(column, minor, number) for column, minor in columns)}</tr>" for number in range(made.rows)
    )
    return (
        f'<div style="overflow-x:auto"><table style="margin:6px 0;border-collapse:collapse">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _paired(made: Sheet) -> list[tuple[Column, Column | None]]:
    """Each column with the minor one after it, which shares its cells."""
    following: list[Column | None] = [*made.columns[1:], None]
    return [
        (column, after if after and after.minor else None)
        for column, after in zip(made.columns, following, strict=True)
        if not column.minor
    ]


def _head(column: Column) -> str:
    style = f"{_side(column)};border-bottom:1px solid {_BORDER};vertical-align:bottom"
    return f'<th style="{style}">{html.escape(column.head)}</th>'


def _td(column: Column, minor: Column | None, number: int) -> str:
    cell = column.cells[number]
    colour = f";color:{COLOURS[cell.state]}" if cell.state else ""
    inner = html.escape(cell.text)
    if cell.best:
        inner = f"<b>{BEST} {inner}</b>"
    if minor and minor.cells[number].text:
        inner += f'<br><small style="{_SOFT}">{html.escape(minor.cells[number].text)}</small>'
    return f'<td style="{_side(column)}{colour}">{inner}</td>'


def _side(column: Column) -> str:
    wraps = "white-space:normal;overflow-wrap:break-word" if column.words else "white-space:nowrap"
    return f"text-align:{'right' if column.right else 'left'};{wraps};padding:2px 8px"


def differences_html(differs: Differences) -> str:
    """What differs between runs: parameters, nodes, code, images, files."""
    inner = "".join(_differing(list(lines(differs))))
    box = f"margin:4px 0;padding:0;background:none;white-space:pre-wrap;overflow-wrap:anywhere;{_CODE}"
    return f'<pre style="{box}">{inner}</pre>'


def _differing(told: list[Line]) -> Iterator[str]:
    for line in told:
        style = _TONES.get(line.tone)
        inner = html.escape(line.text)
        yield f'<span style="{style}">{inner}</span>\n' if style else f"{inner}\n"
