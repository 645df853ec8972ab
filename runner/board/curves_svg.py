"""The curves of a metric as one SVG: axes with ticks, the last value, gaps where it was no number."""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ..core.values import Value
from .inspector_values import Points
from .palette import palette

MOST_DRAWN = 8  # curves over one another
MOST_POINTS = 600  # of one curve that are drawn; a bucket of more keeps its lowest and its highest

_WIDTH, _HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 22  # room around the plot
_LINES = (("blue", "#0072B2"), ("orange", "#D55E00"), ("green", "#00875F"), ("violet", "#B0508A"), ("brown", "#8A6D00"))
_DASHES = ("", "6 3", "2 3")
_LONGEST_LABEL = 52
_LARGEST = sys.float_info.max

_Dot = tuple[float, float | None]  # a step, and the value; None where it is no number that can be drawn
_Span = tuple[float, float]


def curve_svg(series: Points | Mapping[str, Points], name: str) -> str:
    """A metric's curve, or those of several runs by their labels over one another, as an SVG as wide as its place.

    Values that are no finite number leave a gap. Empty when there is no point at all.
    """
    named = series if isinstance(series, Mapping) else {"": series}
    curves = {label: dots for label, points in named.items() if (dots := _dots(points))}
    if not curves:
        return ""
    drawn = dict(list(curves.items())[:MOST_DRAWN])
    across = _span(step for dots in drawn.values() for step, _ in dots)
    up = _span(value for dots in drawn.values() for _, value in dots if value is not None)
    legend = _legend(list(drawn), len(curves) - len(drawn)) if len(curves) > 1 else []
    height = _HEIGHT + 16 * len(legend)
    told = _told(name, drawn)
    look = "display:block;width:100%;max-width:420px;height:auto;font:11px var(--jp-ui-font-family,sans-serif)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        f' aria-label="{html.escape(told)}" style="{look}"><title>{html.escape(told)}</title>'
        f"{_heading(name, drawn)}{_axes(across, up)}"
        f"{''.join(_curve(dots, number, across, up) for number, dots in enumerate(drawn.values()))}"
        f"{''.join(legend)}</svg>"
    )


def number_words(value: float) -> str:
    """A number as an axis tells it: 0.25, 1200, 3.1e-05."""
    if value == 0 or 0.001 <= abs(value) < 100_000:
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def _dots(points: Points) -> list[_Dot]:
    """The points by step, thinned out where there are more than can be seen."""
    dots = [(float(step), _drawable(value)) for step, value in points if math.isfinite(step)]
    dots.sort(key=lambda dot: dot[0])
    return _thinned(dots) if len(dots) > MOST_POINTS else dots


def _drawable(value: Value) -> float | None:
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _thinned(dots: Sequence[_Dot]) -> list[_Dot]:
    """The lowest and the highest of each bucket of points, first and last kept; a bucket without a number is a gap."""
    size = math.ceil(2 * len(dots) / MOST_POINTS)
    found = [dots[0]]
    for start in range(0, len(dots), size):
        there = [dot for dot in dots[start : start + size] if dot[1] is not None]
        if not there:
            found.append(dots[start])
            continue
        ends = {min(there, key=_height), max(there, key=_height)}
        found += sorted(ends)
    return [*found, dots[-1]]


def _height(dot: _Dot) -> float:
    assert dot[1] is not None
    return dot[1]


def _span(values: Iterator[float]) -> _Span:
    """The lowest and the highest, apart from each other; about 0 when there is none."""
    found = list(values) or [0.0]
    low, high = min(found), max(found)
    if low == high:
        room = abs(low) / 10 or 0.5
        return max(low - room, -_LARGEST), min(high + room, _LARGEST)
    return low, high


def _place(value: float, span: _Span, start: float, end: float) -> float:
    low, high = span
    width = high - low
    share = (value - low) / width if math.isfinite(width) else (value / 2 - low / 2) / (high / 2 - low / 2)
    return round(start + share * (end - start), 1)


def _x(step: float, across: _Span) -> float:
    return _place(step, across, _LEFT, _WIDTH - _RIGHT)


def _y(value: float, up: _Span) -> float:
    return _place(value, up, _HEIGHT - _BOTTOM, _TOP + 4)


def _stroke(number: int) -> str:
    name, light = _LINES[number % len(_LINES)]
    dash = _DASHES[number // len(_LINES) % len(_DASHES)]
    return f'stroke="var(--dagbook-{name},{light})"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _curve(dots: Sequence[_Dot], number: int, across: _Span, up: _Span) -> str:
    """A line for each stretch without a gap; a lone point as a dot, the last one always."""
    parts, last = [], None
    for gap, stretch in groupby(dots, key=lambda dot: dot[1] is None):
        if gap:
            continue
        places = [(_x(step, across), _y(value, up)) for step, value in stretch if value is not None]
        last = places[-1]
        if len(places) == 1:
            parts.append(_dot(*places[0], number))
        else:
            points = " ".join(f"{x:g},{y:g}" for x, y in places)
            line = f'fill="none" stroke-width="1.6" stroke-linejoin="round" {_stroke(number)}'
            parts.append(f'<polyline points="{points}" {line}/>')
    return "".join(parts) + (_dot(*last, number) if last else "")


def _dot(x: float, y: float, number: int) -> str:
    name, light = _LINES[number % len(_LINES)]
    return f'<circle cx="{x:g}" cy="{y:g}" r="2.6" fill="var(--dagbook-{name},{light})"/>'


def _axes(across: _Span, up: _Span) -> str:
    colours = palette("auto")
    parts = []
    for value in _ticks(up, 4):
        y = _y(value, up)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:g}" y2="{y:g}" stroke="{colours.line}"/>')
        parts.append(_text(_LEFT - 6, y + 3.5, number_words(value), "end"))
    for value in _ticks(across, 6):
        x = _x(value, across)
        parts.append(_text(min(max(x, _LEFT), _WIDTH - _RIGHT - 4), _HEIGHT - 6, number_words(value), "middle"))
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{palette("auto").mute}">{html.escape(words)}</text>'


def _ticks(span: _Span, most: int) -> list[float]:
    """Round values within the span, at most `most`; the ends alone where no round value is fine enough."""
    low, high = span
    if not math.isfinite(high - low):
        return [low, high]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else 0.0
    step = next((power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough), 0.0)
    if not step or step < abs(high) * 1e-12:
        return [low, high]
    first = math.ceil(low / step)
    round_ones = [number * step for number in range(first, first + most + 1)]
    return [float(f"{value:.12g}") for value in round_ones if math.isfinite(value) and value - high <= step * 1e-9]


def _last(dots: Sequence[_Dot]) -> float | None:
    return next((value for _, value in reversed(dots) if value is not None), None)


def _heading(name: str, drawn: Mapping[str, Sequence[_Dot]]) -> str:
    """The metric's name, and the last value where there is one curve."""
    ink = palette("auto").ink
    short = name if len(name) <= 34 else f"{name[:33]}…"
    parts = [f'<text x="4" y="13" font-weight="600" fill="{ink}">{html.escape(short)}</text>']
    if len(drawn) == 1:
        last = _last(next(iter(drawn.values())))
        words = "no number" if last is None else number_words(last)
        parts.append(f'<text x="{_WIDTH - _RIGHT}" y="13" text-anchor="end" fill="{ink}">{html.escape(words)}</text>')
    return "".join(parts)


def _legend(labels: Sequence[str], more: int) -> list[str]:
    """A row for each curve: a piece of its line and its label; and how many are not drawn."""
    rows = []
    for number, label in enumerate(labels):
        y = _HEIGHT + 16 * number + 6
        short = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
        line = f'<line x1="6" x2="30" y1="{y - 4}" y2="{y - 4}" stroke-width="2" {_stroke(number)}/>'
        rows.append(f"{line}{_text(38, y, short, 'start')}")
    if more > 0:
        rows.append(_text(38, _HEIGHT + 16 * len(labels) + 6, f"… and {more} more", "start"))
    return rows


def _told(name: str, drawn: Mapping[str, Sequence[_Dot]]) -> str:
    """The picture in words, for those who cannot see it."""
    if len(drawn) > 1:
        return f"{name}: {len(drawn)} curves"
    dots = next(iter(drawn.values()))
    values = [value for _, value in dots if value is not None]
    if not values:
        return f"{name}: no number"
    low, high = number_words(min(values)), number_words(max(values))
    return f"{name}: last {number_words(values[-1])}, lowest {low}, highest {high}, step {number_words(dots[-1][0])}"
