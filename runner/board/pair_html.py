"""The difference of two rows as HTML: a table of values, a table of inputs. All text is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from ..comparison import Row
from ..view import GLYPHS, state_word
from .compared_columns import Kind
from .lettering import escaped
from .pair import Change, Pair
from .palette import palette

_COLOURS = palette("auto")
_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.45"
_CELL = "padding:2px 14px 2px 0;text-align:left;vertical-align:top;border:0;background:none;max-width:340px"
_WORDS = "overflow-wrap:anywhere;white-space:normal"


def pair_html(pair: Pair) -> str:
    """What differs between two rows, A and B; the second is held to the first."""
    parts = [_heading(pair)]
    if pair.values:
        parts.append(_table("Values that differ", ("value", "A", "B", "from A to B"), pair.values))
    if pair.same_values:
        parts.append(_line(f"{_several(pair.same_values, 'value')} the same in both."))
    if pair.inputs:
        parts.append(_table("Inputs that differ", ("node before", "A took", "B took", ""), pair.inputs))
    elif pair.same_inputs:
        parts.append(_line(f"{_several(pair.same_inputs, 'input')} the same in both."))
    if pair.rows[0].run == pair.rows[1].run:
        parts.append(_line(_of_one_run(*pair.rows)))
    return f'<div class="dagbook-pair" style="{_FONT};color:{_COLOURS.ink};overflow-x:auto">{"".join(parts)}</div>'


def _of_one_run(one: Row, other: Row) -> str:
    if one.node == other.node:
        return f"Both are of run {one.run}: their code, image and project files are the same."
    return f"Both are of run {one.run}, and of two nodes: their code is not compared."


def _several(number: int, what: str) -> str:
    return f"{number} {what} is" if number == 1 else f"{number} {what}s are"


def _heading(pair: Pair) -> str:
    lines = []
    for letter, label, row in zip("AB", pair.labels, pair.rows, strict=True):
        mark = _COLOURS.mark(row.state)
        state = f'<span style="color:{mark.text}">{GLYPHS[row.state]} {state_word(row.state)}</span>'
        lines.append(f'<div style="{_WORDS}"><b>{letter}</b> {escaped(label)} {state}</div>')
    return "".join(lines)


def _table(caption: str, heads: Sequence[str], changes: Sequence[Change]) -> str:
    line = f"border-bottom:1px solid {_COLOURS.line}"
    head = "".join(f'<th scope="col" style="{_CELL};{line}">{escaped(name)}</th>' for name in heads if name)
    rows = "".join(_row(change, bool(heads[-1])) for change in changes)
    title = (
        f'<caption style="caption-side:top;text-align:left;font-weight:600;color:{_COLOURS.ink}">{caption}</caption>'
    )
    look = f"{_FONT};border-collapse:collapse;border:0;margin:8px 0 2px;color:{_COLOURS.ink}"
    return f'<table style="{look}">{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(change: Change, deltas: bool) -> str:
    named = change.kind not in (Kind.KEY, Kind.DURATION)
    kind = "" if not named else f' <span style="color:{_COLOURS.mute}">{change.kind}</span>'
    name = f'<th scope="row" style="{_CELL};{_WORDS};font-weight:600">{escaped(change.name)}{kind}</th>'
    values = "".join(f'<td style="{_CELL};{_WORDS}">{escaped(words)}</td>' for words in (change.one, change.other))
    delta = f'<td style="{_CELL};white-space:nowrap">{escaped(change.delta)}</td>' if deltas else ""
    return f'<tr style="background:none">{name}{values}{delta}</tr>'


def _line(words: str) -> str:
    return f'<div style="color:{_COLOURS.mute};padding:2px 0">{escaped(words)}</div>'
