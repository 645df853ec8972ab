"""What the inspector's HTML is made of: sections, tables of facts, words in a state's colour. All text is escaped here.

Style is inline, so that it stays with the text wherever that is put; colours follow the page's theme.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from ..core.lifecycle import State
from ..view import state_word
from .palette import palette

INK = palette("auto").ink
MUTE = palette("auto").mute
LINE = palette("auto").line
LONGEST_NAME = 60  # characters of a name in a heading

_CELL = "padding:2px 12px 2px 0;text-align:left;vertical-align:top;border:0;background:none;overflow-wrap:break-word"
_CODE = "font-family:var(--jp-code-font-family,monospace);font-size:12px"
_TABLE = "border-collapse:collapse;margin:0;border:0;font-size:12px;width:auto"


def shortened(text: str, most: int = LONGEST_NAME) -> str:
    """Escaped text of at most `most` characters; where it is longer, the whole shows when the mouse rests on it."""
    if len(text) <= most:
        return html.escape(text)
    return f'<span title="{html.escape(text)}">{html.escape(text[: most - 1])}…</span>'


def sendable(text: str) -> str:
    """`text` without halves of letters, which names of files may hold, and which no message and no file takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def block(parts: Iterable[str]) -> str:
    """The whole of an inspector."""
    look = f"color:{INK};font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.45"
    return f'<div class="dagbook-inspector" style="{look};overflow-wrap:anywhere;min-width:0">{"".join(parts)}</div>'


def heading(title: str) -> str:
    """The whole name of what is told about, in as many lines as it takes and in the direction of its letters."""
    return f'<div dir="auto" style="font-weight:600;font-size:15px;text-align:left">{html.escape(title)}</div>'


def section(title: str, *parts: str, count: int = 0) -> str:
    """A part under a heading; empty when there is nothing to show."""
    body = "".join(parts)
    if not body:
        return ""
    return f'<div style="margin:10px 0 0">{_heading(title, count)}{body}</div>'


def folded(title: str, *parts: str, count: int = 0, opened: bool = False) -> str:
    """A part that a click on its heading opens; empty when there is nothing to show."""
    body = "".join(parts)
    if not body:
        return ""
    told = f' <span style="color:{MUTE};font-weight:400">{count}</span>' if count else ""
    summary = f'<summary style="cursor:pointer;font-weight:600;font-size:12px">{html.escape(title)}{told}</summary>'
    return f'<details style="margin:8px 0 0"{" open" if opened else ""}>{summary}{body}</details>'


def _heading(title: str, count: int) -> str:
    told = f' <span style="color:{MUTE};font-weight:400">{count}</span>' if count else ""
    return f'<div style="font-weight:600;font-size:12px;margin:0 0 2px">{html.escape(title)}{told}</div>'


def facts_table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Rows of a name, its value (HTML already) and a grey note; empty without rows."""
    named = [(f'<span style="color:{MUTE}">{shortened(n, 40)}</span>', v, soft(note)) for n, v, note in rows]
    return table(named)


def table(rows: Sequence[Sequence[str]], heads: Sequence[str] = (), wraps: bool = True) -> str:
    """A table of HTML cells, in a frame of its own that scrolls when it is wider than its place; empty without rows.

    Without `wraps` each cell is one line.
    """
    if not rows:
        return ""
    look = f"{_CELL};color:{MUTE};font-weight:400;white-space:nowrap"
    top = "".join(f'<th scope="col" style="{look}">{shortened(head, 24)}</th>' for head in heads)
    head = f"<thead><tr>{top}</tr></thead>" if heads else ""
    line = f"{_CELL};border-top:1px solid {LINE}" if heads else _CELL
    line += "" if wraps else ";white-space:nowrap"
    body = "".join(_row(row, line) for row in rows)
    return f'<div style="overflow-x:auto"><table style="{_TABLE}">{head}<tbody>{body}</tbody></table></div>'


def _row(cells: Sequence[str], look: str) -> str:
    inner = "".join(f'<td style="{look}">{cell}</td>' for cell in cells)
    return f'<tr style="background:none">{inner}</tr>'


def code(text: str, whole: bool = False) -> str:
    """Text as code; with `whole` one click marks all of it, to be copied."""
    marks = ";user-select:all;cursor:copy" if whole else ""
    look = f"{_CODE};background:none;padding:0;color:{INK}{marks};overflow-wrap:anywhere"
    return f'<code style="{look}">{html.escape(text)}</code>'


def listing(text: str) -> str:
    """Source text in a box that scrolls when it is long."""
    box = "margin:4px 0;padding:6px 8px;max-height:300px;overflow:auto;white-space:pre;border-radius:4px"
    ground = "background:var(--jp-layout-color2,rgba(128,128,128,.1))"
    return f'<pre style="{box};{ground};{_CODE};color:{INK}">{html.escape(text)}</pre>'


def soft(text: str) -> str:
    """Grey text; empty for none."""
    return f'<span style="color:{MUTE};font-size:12px">{html.escape(text)}</span>' if text else ""


def line(text: str, colour: str = "") -> str:
    """A line of text; empty for none."""
    look = f";color:{colour}" if colour else ""
    return f'<div style="margin:2px 0;white-space:pre-wrap{look}">{html.escape(text)}</div>' if text else ""


def more(count: int, what: str) -> str:
    """`… and 40 more files`; empty for none."""
    return f"<div>{soft(f'… and {count} more {what}')}</div>" if count > 0 else ""


def state_html(state: State) -> str:
    """A state with its glyph, in its colour."""
    mark = palette("auto").mark(state)
    word = html.escape(state_word(state))
    return f'<span style="color:{mark.text};font-weight:600;white-space:nowrap">{mark.glyph} {word}</span>'


def tinted(text: str, state: State) -> str:
    """Words in the colour of a state."""
    return f'<span style="color:{palette("auto").mark(state).text};font-weight:600">{html.escape(text)}</span>'


def boxed(state: State, *parts: str) -> str:
    """Parts with a bar in a state's colour on their left."""
    bar = f"border-left:4px solid {palette('auto').mark(state).colour};padding:2px 0 2px 10px;margin:8px 0 0"
    return f'<div style="{bar}">{"".join(parts)}</div>'
