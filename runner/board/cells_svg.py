"""Many node runs in one card: a small box for each, or one bar of the shares of their states."""

from __future__ import annotations

from collections import Counter

from ..core.lifecycle import State
from .glyphs_svg import star, state_sign
from .palette import Palette
from .scene import Card

MOST_CELLS = 24  # node runs that are drawn one by one; more are a bar of their shares

# What has come to something is drawn whole, what is yet to be faintly; and what needs to be told apart has its sign.
_SOLID = frozenset(
    {
        State.SUCCEEDED,
        State.CACHED,
        State.FAILED,
        State.TIMED_OUT,
        State.LOST,
        State.REJECTED,
        State.RUNNING,
        State.PENDING_APPROVAL,
        State.CANCELLED,
    }
)
_TOLD = _SOLID | {State.SKIPPED, State.UPSTREAM_FAILED, State.STARTING}


def cells(card: Card, x: float, y: float, width: float, palette: Palette) -> str:
    """A small box for each node run in the colour of its state; a star on the best."""
    number = max(card.planned, len(card.states))
    rows = 1 if number <= 6 else 2
    columns = -(-number // rows)
    step = min(24.0, width / columns)
    high = 22.0 / rows - 2
    parts = []
    for at, state in enumerate(card.states):
        row, column = divmod(at, columns)
        parts.append(_cell(state, x + column * step, y + row * (high + 2), step - 2.5, high, palette, at == card.best))
    for at in range(len(card.states), number):
        row, column = divmod(at, columns)
        parts.append(_empty_cell(x + column * step, y + row * (high + 2), step - 2.5, high, palette))
    return "".join(parts)


def _empty_cell(x: float, y: float, width: float, height: float, palette: Palette) -> str:
    """The place of a node run that is yet to come."""
    return (
        f'<rect x="{x + 0.5:g}" y="{y + 0.5:g}" width="{width - 1:g}" height="{height - 1:g}" rx="3" '
        f'fill="none" stroke="{palette.edge}" stroke-dasharray="2 2"/>'
    )


def _cell(state: State, x: float, y: float, width: float, height: float, palette: Palette, best: bool) -> str:
    mark = palette.marks[state]
    whole = state in _SOLID
    ground = f'fill="{mark.colour}"' if whole else f'fill="{mark.colour}" fill-opacity=".15"'
    dash = f' stroke-dasharray="{mark.dash}"' if mark.dash else ""
    box = (
        f'<rect x="{x + 0.5:g}" y="{y + 0.5:g}" width="{width - 1:g}" height="{height - 1:g}" rx="3" {ground} '
        f'stroke="{palette.ink if best else mark.colour}" stroke-width="{2 if best else 1}"{dash}/>'
    )
    if best:
        return box + star(x + width / 2, y + height / 2, mark.on, min(4.6, height / 2))
    if state in _TOLD and width >= 9:
        sign = state_sign(state, 0, 0, mark.on if whole else mark.colour)
        return box + f'<g transform="translate({x + width / 2:g} {y + height / 2:g}) scale(.62)">{sign}</g>'
    return box


def shares(card: Card, x: float, y: float, width: float, palette: Palette) -> str:
    """How many of the node runs are in which state, as parts of one bar."""
    counted = Counter(card.states)
    parts = []
    at = x
    for state in State:
        if not counted[state]:
            continue
        wide = width * counted[state] / len(card.states)
        mark = palette.marks[state]
        opacity = "" if state in _SOLID else ' fill-opacity=".3"'
        parts.append(f'<rect x="{at:.2f}" y="{y:g}" width="{wide:.2f}" height="9" fill="{mark.colour}"{opacity}/>')
        if wide > 12:
            colour = mark.on if state in _SOLID else mark.colour
            sign = state_sign(state, 0, 0, colour)
            parts.append(f'<g transform="translate({at + wide / 2:.2f} {y + 4.5:g}) scale(.62)">{sign}</g>')
        at += wide
    frame = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="9" fill="none" stroke="{palette.line}"/>'
    return "".join(parts) + frame
