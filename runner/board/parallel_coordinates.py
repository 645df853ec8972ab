"""Parallel coordinates as one SVG without a script: it stays in the saved notebook. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..comparison import Comparison
from .lettering import escaped, shortened, width_of
from .palette import palette, theme_style
from .parallel_axes import Axis, Line, Parallel, Scale, parallel

_APART, _CLOSE = 132, 112  # pixels between two axes, and where there are many
_MANY = 6  # axes
_NARROWEST = 640
_LEFT, _RIGHT = 62, 96  # room for a name over the first axis, for the marks beside the last
_TOP, _PLOT, _GAP, _BOTTOM = 74, 250, 30, 16  # above the plot, the plot, down to what is missing, below
_MOST_LETTERS = 3  # at one place
_MOST_DOTTED = 60  # lines whose places are marked by dots

_COLOURS = palette("auto")
_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif)"
# From the least good to the best: told apart by everybody, and to be seen on light and on dark.
_SHADES = ("#D55E00", "#C27A4E", "#8A8F98", "#4A8FBE", "#0A7CC0")
_STEPS = 16
_PLAIN = "#8A8F98"

_STYLE = (
    ".dagbook-lines g{cursor:default}"
    ".dagbook-lines:hover g{opacity:.25}"
    ".dagbook-lines g:hover{opacity:1}"
    ".dagbook-lines g:hover .dagbook-line{stroke-width:4}"
)


def parallel_svg(comparison: Comparison, marked: Mapping[int, str] | None = None) -> str:
    """The rows of a comparison as lines through an axis for each value; empty where there is nothing to compare.

    Lines take their colour from what `--by` names, or else from the first metric; the best are thick, those that did
    not end well broken. `marked` gives rows by their numbers a letter at the line's end.
    """
    picture = parallel(comparison)
    if len(picture.lines) < 2 or not picture.axes:
        return ""
    apart = _CLOSE if len(picture.axes) > _MANY else _APART
    width = max(_NARROWEST, _LEFT + apart * (len(picture.axes) - 1) + _RIGHT)
    height = _TOP + _PLOT + _GAP + _BOTTOM
    drawn = _Drawing(picture, width, marked or {})
    told = _told(picture)
    look = f"display:block;width:100%;min-width:{round(width * 0.82)}px;max-width:{round(width * 1.15)}px;height:auto"
    return (
        f'<div class="dagbook-parallel" style="overflow-x:auto;margin:6px 0">'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escaped(told)}" style="{look};{_FONT};font-size:11px"><style>{theme_style()}{_STYLE}</style>'
        f"{''.join(drawn.parts())}</svg>{_left_out(picture)}</div>"
    )


def shade_colour(shade: float | None) -> str:
    """The colour (`#rrggbb`) of a line that is so far from the least good to the best; grey for None."""
    if shade is None:
        return _PLAIN
    at = min(max(shade, 0.0), 1.0) * (len(_SHADES) - 1)
    low = min(int(at), len(_SHADES) - 2)
    one, other = _channels(_SHADES[low]), _channels(_SHADES[low + 1])
    mixed = [round(a + (b - a) * (at - low)) for a, b in zip(one, other, strict=True)]
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _told(picture: Parallel) -> str:
    """The picture in words, for those who cannot see it; the table beside it tells all values."""
    names = ", ".join(axis.name for axis in picture.axes)
    best = ", ".join(line.label for line in picture.lines if line.best)
    return f"Parallel coordinates of {len(picture.lines)} rows over {names}." + (f" Best: {best}." if best else "")


def _left_out(picture: Parallel) -> str:
    parts = []
    if picture.more_lines:
        parts.append(f"{picture.more_lines} more rows")
    if picture.more_axes:
        parts.append(f"{picture.more_axes} more values")
    words = f"… {' and '.join(parts)} not drawn" if parts else ""
    return f'<div style="color:{_COLOURS.mute};{_FONT};font-size:12px">{words}</div>' if words else ""


class _Drawing:
    """Where things are, and what is drawn there."""

    def __init__(self, picture: Parallel, width: float, marked: Mapping[int, str]) -> None:
        self.picture = picture
        self.width = width
        self.marked = marked
        gaps = max(len(picture.axes) - 1, 1)
        self.apart = (width - _LEFT - _RIGHT) / gaps

    def parts(self) -> Iterator[str]:
        """The picture, from its ground to what stands in front."""
        yield from self._legend()
        for number, axis in enumerate(self.picture.axes):
            yield self._axis(number, axis)
        # The best in front of all others, and those that are marked in front of these.
        order = sorted(self.picture.lines, key=lambda line: (line.row in self.marked, line.best, not line.failed))
        yield '<g class="dagbook-lines">'
        for line in order:
            yield self._line(line)
        yield "</g>"
        for number, axis in enumerate(self.picture.axes):
            yield self._marks(number, axis)
        yield from self._letters()

    def _x(self, number: int) -> float:
        return round(_LEFT + number * self.apart, 1)

    def _y(self, place: float | None) -> float:
        return _TOP + _PLOT + _GAP if place is None else round(_TOP + (1 - place) * _PLOT, 1)

    def _axis(self, number: int, axis: Axis) -> str:
        x, chosen = self._x(number), axis is self.picture.objective
        stroke = f'stroke="{_COLOURS.ink if chosen else _COLOURS.edge}" stroke-width="{2 if chosen else 1}"'
        name = shortened(axis.name, self.apart - 10, 12, bold=True)
        kind = f"{axis.column.kind}{', log' if axis.scale is Scale.LOG else ''}"
        weight = 700 if chosen else 600
        missing = ""
        if axis.missing:
            y = self._y(None)
            missing = f'<circle cx="{x}" cy="{y}" r="4" fill="none" stroke="{_COLOURS.edge}"/>'
            missing += _text(x + 8, y + 4, "none", _COLOURS.mute, halo=True)
        return (
            f"<g><title>{escaped(f'{axis.name} ({kind})')}</title>"
            f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_TOP + _PLOT}" {stroke}/>'
            f'<text x="{x}" y="{_TOP - 30}" text-anchor="middle" font-size="12" font-weight="{weight}" '
            f'fill="{_COLOURS.ink}">{escaped(name)}</text>'
            f'<text x="{x}" y="{_TOP - 16}" text-anchor="middle" font-size="10" fill="{_COLOURS.mute}">{kind}</text>'
            f"{missing}</g>"
        )

    def _marks(self, number: int, axis: Axis) -> str:
        """The values beside an axis, in front of the lines, so that these do not strike them through."""
        x = self._x(number)
        last = number == len(self.picture.axes) - 1
        room = _RIGHT - 30 if last else self.apart - 16
        parts = []
        for place, words in axis.ticks():
            y = self._y(place)
            parts.append(f'<line x1="{x - 3}" x2="{x + 3}" y1="{y}" y2="{y}" stroke="{_COLOURS.ink}"/>')
            parts.append(_text(x + 7, y + 4, shortened(words, room, 11), _COLOURS.ink, halo=True))
        return f'<g pointer-events="none">{"".join(parts)}</g>'

    def _line(self, line: Line) -> str:
        points = [(self._x(number), self._y(place)) for number, place in enumerate(line.places)]
        if len(points) == 1:
            points = [(points[0][0] - 12, points[0][1]), (points[0][0] + 12, points[0][1])]
        colour = shade_colour(line.shade)
        strong = line.best or line.row in self.marked
        wide = 3.6 if strong else 1.7 if len(self.picture.lines) <= _MOST_DOTTED else 1.1
        opacity = 1 if strong else 0.85 if len(self.picture.lines) <= _MOST_DOTTED else 0.5
        dash = ' stroke-dasharray="6 4"' if line.failed else ""
        told = " ".join(f"{x:g},{y:g}" for x, y in points)
        shape = f'points="{told}" fill="none" stroke-linejoin="round"'
        dots = ""
        if strong or len(self.picture.lines) <= _MOST_DOTTED:
            dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="{3.4 if strong else 2.4}"/>' for x, y in points)
        return (
            f'<g stroke="{colour}" fill="{colour}"><title>{escaped(self._words(line))}</title>'
            f'<polyline {shape} stroke="transparent" stroke-width="10"/>'  # easier to meet with the mouse
            f'<polyline class="dagbook-line" {shape} stroke-width="{wide}" stroke-opacity="{opacity}"{dash}/>'
            f'<g stroke="none">{dots}</g></g>'
        )

    def _words(self, line: Line) -> str:
        values = [f"{axis.name}: {axis.column.words(line.row) or 'none'}" for axis in self.picture.axes]
        star = "★ " if line.best else ""
        return "\n".join([f"{star}{line.label}{' (did not end well)' if line.failed else ''}", *values])

    def _letters(self) -> Iterator[str]:
        """The letters of the marked lines before the first axis; a star for the best."""
        found: dict[float, list[str]] = {}
        for line in self.picture.lines:
            if line.best or line.row in self.marked:
                letter = self.marked.get(line.row, "") + ("★" if line.best else "")
                found.setdefault(self._y(line.places[0]), []).append(letter)
        for y, letters in found.items():
            words = " ".join(letters) if len(letters) <= _MOST_LETTERS else f"{len(letters)} ×"
            yield (
                f'<text x="{self._x(0) - 10}" y="{y + 4}" text-anchor="end" font-size="13" font-weight="700" '
                f'fill="{_COLOURS.ink}">{escaped(words)}</text>'
            )

    def _legend(self) -> Iterator[str]:
        """What the colours say: a bar from the least good to the best, and what is broken or thick."""
        objective = self.picture.objective
        x, y = _LEFT - 40, 14
        words = []
        if objective is not None and objective.scale is not Scale.WORDS:
            name = shortened(objective.name, 180, 11, bold=True)
            yield f'<text x="{x}" y="{y}" font-weight="600" fill="{_COLOURS.ink}">{escaped(name)}</text>'
            x += 14 + round(width_of(name, 11, bold=True))
            least, most = ("highest", "lowest") if self.picture.lowest else ("lowest", "highest")
            yield _text(x, y, least, _COLOURS.mute)
            x += round(width_of(least, 11)) + 8
            for step in range(_STEPS):
                colour = shade_colour(step / (_STEPS - 1))
                yield f'<rect x="{x + step * 7}" y="{y - 9}" width="7.5" height="10" fill="{colour}"/>'
            x += _STEPS * 7 + 6
            most += " (best)" if self.picture.ranked else ""
            yield _text(x, y, most, _COLOURS.mute)
            x += round(width_of(most, 11)) + 22
        if self.picture.ranked and any(line.best for line in self.picture.lines):
            words.append("★ thick: the best")
        if any(line.failed for line in self.picture.lines):
            words.append("broken: did not end well")
        if any(self._missing(line) for line in self.picture.lines):
            words.append("none: no value")
        yield _text(x, y, " · ".join(words), _COLOURS.mute)

    @staticmethod
    def _missing(line: Line) -> bool:
        return None in line.places


def _text(x: float, y: float, words: str, colour: str, halo: bool = False) -> str:
    around = (
        f' stroke="{_COLOURS.paper}" stroke-width="3.5" paint-order="stroke" stroke-linejoin="round"' if halo else ""
    )
    return f'<text x="{x}" y="{y}" fill="{colour}"{around}>{escaped(words)}</text>'
