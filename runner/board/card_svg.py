"""A card as SVG: strip and border in the colour of its state, a sign, its name, one line, its time and its value."""

from __future__ import annotations

from collections import Counter

from ..view import state_word
from .cells_svg import MOST_CELLS, cells, shares
from .glyphs_svg import hand, kind_sign, mistake_sign, star, state_sign
from .lettering import FONT, escaped, fitting, shortened, width_of
from .palette import Mark, Palette
from .scene import Box, Card, Form

_NAMES, _LINE, _SMALL = (13.0, 12.0, 11.2), 10.5, 10.0  # sizes of fonts; a long name gets a smaller one
_LEFT, _RIGHT = 40.0, 11.0  # where text begins, and how far from the right it ends
_STRIP = 8.0
_INSET = 1.8  # of the border, so that the thickest is whole
_FOLDED_PILL = 84.0  # the most that a value may take from the cells beside it


def card_svg(card: Card, box: Box, palette: Palette, scale: float = 2.0) -> str:
    """The card as an SVG document of its own, `scale` times as large as its box, so that it stays sharp when zoomed."""
    size = f'width="{box.width * scale:g}" height="{box.height * scale:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {box.width:g} {box.height:g}">'
        f"{card_body(card, box, palette)}</svg>"
    )


def card_body(card: Card, box: Box, palette: Palette) -> str:
    """What is drawn of a card, with its left upper corner at (0, 0); its facts in words as its title."""
    draw = _frame if card.form is Form.OPENED else _card
    name = f"<title>{escaped(card_words(card))}</title>"
    return f'<g font-family="{escaped(FONT)}">{name}{draw(card, box, palette)}</g>'


def card_words(card: Card) -> str:
    """A card in words, for whoever does not see it: `Train, failed, 3 of 12 …`."""
    states = Counter(card.states)
    parts = [card.title if not card.inside or card.kind == "more" else f"{card.node} {card.title}"]
    if len(card.states) > 1:
        parts.append(", ".join(f"{number} {state_word(state)}" for state, number in states.items()))
    elif card.state:
        parts.append(state_word(card.state))
    parts += [
        "mistake" if card.wrong else "",
        card.count,
        card.line,
        card.pill,
        card.time,
        "the best" if card.best == 0 and card.inside else "",
    ]
    return " · ".join(part for part in parts if part)


def text(x: float, y: float, words: str, size: float, colour: str, weight: int = 400, anchor: str = "start") -> str:
    """A line of text, escaped."""
    more = f' font-weight="{weight}"' if weight != 400 else ""
    more += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}"{more}>{escaped(words)}</text>'


def _card(card: Card, box: Box, palette: Palette) -> str:
    mark = palette.mistake if card.wrong else palette.mark(card.state)
    parts = [_border(card, box, palette, mark), _sign(card, palette, mark)]
    room = box.width - _LEFT - _RIGHT
    corner = card.time if card.form is Form.NODE else card.count
    beside = width_of(corner, _LINE) + 8 if corner else 0.0
    fits = width_of(card.title, _NAMES[-1], True) <= room - beside or card.form is not Form.NODE
    title, size = fitting(card.title, room - (beside if fits else 0), _NAMES, True)
    faint = mark.faint and not card.states
    parts.append(text(_LEFT, 24, title, size, palette.mute if faint else palette.ink, 650))
    if corner and fits:
        parts.append(text(box.width - _RIGHT, 24, corner, _LINE, palette.mute, 500, "end"))
    low = _bottom(card, box)
    if card.form is Form.NODE:
        parts += _node_rows(card, box, palette, mark, "" if fits else card.time)
    else:
        parts += _folded_rows(card, box, palette, mark, low)
    if card.progress is not None:
        parts.append(_bar(card.progress, _STRIP + 6, low - 4.6, box.width - _STRIP - 17, palette, mark))
    return "".join(parts)


def _node_rows(card: Card, box: Box, palette: Palette, mark: Mark, time: str) -> list[str]:
    """The grey line; below it what the node is made of, the time where the name took its place, and the value."""
    best = card.best is not None
    room = box.width - _LEFT - _RIGHT - (16 if best else 0)
    parts = [text(_LEFT, 39, shortened(card.line, room, _LINE), _LINE, palette.mute)] if card.line else []
    if best:
        parts.append(star(box.width - 17, 37, palette.accent, 6.5))
    low = box.height - 13
    at = _LEFT
    if card.state is not None:
        parts.append(kind_sign(card.kind, 24, low, palette.mute))
    if card.asks:
        parts.append(hand(at + 5, low, palette.mute))
        at += 16
    if words := time or ("" if card.state else card.count):
        parts.append(text(at, low + 3.5, words, _SMALL, palette.mute, 500))
        at += width_of(words, _SMALL) + 6
    if card.pill:
        parts.append(_pill(card.pill, box.width - 9, low, box.width - at - 9, palette, mark))
    return parts


def _folded_rows(card: Card, box: Box, palette: Palette, mark: Mark, low: float) -> list[str]:
    """The grey line with the time; below it a cell for each node run, or the shares of their states, and the value."""
    beside = width_of(card.time, _LINE) + 8 if card.time else 0.0
    width = box.width - _LEFT - _RIGHT
    parts = []
    if card.line:
        parts.append(text(_LEFT, 39, shortened(card.line, width - beside, _LINE), _LINE, palette.mute))
    if card.time:
        parts.append(text(box.width - _RIGHT, 39, card.time, _LINE, palette.mute, 500, "end"))
    if card.state is not None:
        parts.append(kind_sign(card.kind, 24, low - 13, palette.mute))
    if card.asks:
        parts.append(hand(24, low - (29 if card.state is not None else 13), palette.mute))
    if card.pill:
        told = _told_pill(card.pill, _FOLDED_PILL)
        parts.append(_pill(told, box.width - 9, low - 16, _FOLDED_PILL, palette, mark))
        width -= _pill_width(told, _FOLDED_PILL) + 4
    top = low - 27
    if 0 < max(card.planned, len(card.states)) <= MOST_CELLS:
        parts.append(cells(card, _LEFT, top, width, palette))
    elif card.states:
        parts.append(shares(card, _LEFT, top + 6, width, palette))
    return parts


def _bottom(card: Card, box: Box) -> float:
    """Where the card itself ends; below it show those that a folded one stands for."""
    return box.height - _INSET - (6.4 if card.form is not Form.NODE else 0.0)


def _border(card: Card, box: Box, palette: Palette, mark: Mark) -> str:
    """The card's ground, its border, and the strip at its left; below a folded one the edges of another two."""
    width, bottom, left = box.width - 2 * _INSET, _bottom(card, box), _INSET
    parts = [
        f'<rect x="{left + 5 * step:g}" y="{bottom - 20:g}" width="{width - 10 * step:g}" '
        f'height="{20 + 3.2 * step:g}" rx="8" fill="{palette.group}" stroke="{mark.colour}" stroke-opacity=".55"/>'
        for step in ((2, 1) if card.form is not Form.NODE else ())
    ]
    dash = f' stroke-dasharray="{mark.dash}"' if mark.dash else ""
    parts.append(
        f'<rect x="{left}" y="{_INSET}" width="{width:g}" height="{bottom - _INSET:g}" rx="9" '
        f'fill="{palette.card}" stroke="{mark.colour}" stroke-width="{mark.thick:g}"{dash}/>'
    )
    if card.state is not None:
        strip = (
            f"M{left + _STRIP:g} {_INSET}V{bottom:g}A8 8 0 0 1 {left:g} {bottom - 8:g}V{_INSET + 8:g}"
            f"A8 8 0 0 1 {left + _STRIP:g} {_INSET}Z"
        )
        parts.append(f'<path d="{strip}" fill="{mark.colour}"/>')
    return "".join(parts)


def _sign(card: Card, palette: Palette, mark: Mark) -> str:
    """A disc with the sign of a mistake or of the state; without either, of what the node is made of."""
    if card.wrong:
        return f'<circle cx="22" cy="20" r="10" fill="{mark.colour}"/>' + mistake_sign(22, 20, mark.on)
    if card.state is None:
        ring = f'<circle cx="22" cy="20" r="10" fill="{palette.group}" stroke="{palette.line}"/>'
        return ring + kind_sign(card.kind, 22, 20, palette.mute)
    return f'<circle cx="24" cy="20" r="9" fill="{mark.colour}"/>' + state_sign(card.state, 24, 20, mark.on)


def _pill_width(words: str, room: float) -> float:
    return min(room, width_of(words, _SMALL, True) + 14)


def _told_pill(words: str, room: float) -> str:
    """`accuracy 0.93` in the room that there is: rather its name is cut than its value."""
    name, _, value = words.rpartition(" ")
    room -= 14
    if width_of(words, _SMALL, True) <= room:
        return words
    left = room - width_of(f" {value}", _SMALL, True)
    cut = shortened(name, left, _SMALL, True)
    return f"{cut} {value}" if len(cut) > 3 else shortened(value, room, _SMALL, True)


def _pill(words: str, right: float, middle: float, room: float, palette: Palette, mark: Mark) -> str:
    """A value in a rounded box that ends at `right`."""
    told = _told_pill(words, room)
    width = _pill_width(told, room)
    ground = (
        f'<rect x="{right - width:g}" y="{middle - 8:g}" width="{width:g}" height="16" rx="8" fill="{mark.colour}" '
        f'fill-opacity=".13"/>'
    )
    return ground + text(right - width / 2, middle + 3.6, told, _SMALL, palette.ink, 600, "middle")


def _bar(share: float, x: float, y: float, width: float, palette: Palette, mark: Mark) -> str:
    done = max(0.0, min(1.0, share)) * width
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="3" rx="1.5" fill="{palette.line}"/>'
        f'<rect x="{x:g}" y="{y:g}" width="{done:.1f}" height="3" rx="1.5" fill="{mark.colour}"/>'
    )


def _frame(card: Card, box: Box, palette: Palette) -> str:
    """The frame around the node runs of an opened card, with its name, count, value and time at its top."""
    mark = palette.mark(card.state)
    ground = (
        f'<rect x="1" y="1" width="{box.width - 2:g}" height="{box.height - 2:g}" rx="12" fill="{palette.group}" '
        f'stroke="{mark.colour}" stroke-width="1.4" stroke-dasharray="4 3"/>'
    )
    sign = ""
    if card.state is not None:
        disc = f'<circle cx="20" cy="18" r="8" fill="{mark.colour}"/>'
        sign = disc + state_sign(card.state, 20, 18, mark.on)
    room = box.width - 36 - 14
    facts = [part for part in (card.count, card.pill, card.time) if part]
    needed = min(width_of(card.title, _NAMES[-1], True), room / 2) + 10
    while len(facts) > 1 and width_of(" · ".join(facts), _LINE) > room - needed:
        facts.pop()
    told = shortened(" · ".join(facts), room - needed, _LINE)
    name, name_size = fitting(card.title, room - width_of(told, _LINE) - 10, _NAMES, True)
    return (
        ground
        + sign
        + text(36, 22.5, name, name_size, palette.ink, 650)
        + text(box.width - 14, 22.5, told, _LINE, palette.mute, 500, "end")
    )
