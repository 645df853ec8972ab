"""The edges of a static picture: smooth curves past the cards, with heads and names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.lifecycle import State
from .lettering import escaped, shortened, width_of
from .palette import Palette
from .pictured import LABEL_SIZE, LONGEST_LABEL
from .scene import Arrow, Flow, Scene

Point = tuple[float, float]
Area = tuple[float, float, float, float]  # left, top, right, bottom

_HEAD = 7.0  # length of an arrow's head, in pixels
_MOST_AVOIDED = 80  # curves
_MOST_CARDS_AVOIDED = 150  # of a picture whose labels keep away from cards, lines and each other
_SPREAD = 9.0  # between edges that begin or end at one card


@dataclass(frozen=True, slots=True)
class Curve:
    """An arrow with the points that its curve goes through, from card to card."""

    arrow: Arrow
    points: tuple[Point, ...]
    down: bool


def curves(scene: Scene) -> list[Curve]:
    """The curves of a scene's arrows; those at one side of a card begin and end a little apart."""
    down = scene.direction == "down"
    leaving, arriving = _ports(scene, down, leaving=True), _ports(scene, down, leaving=False)
    return [
        Curve(arrow, (leaving[arrow.key], *arrow.bends, arriving[arrow.key]), down)
        for arrow in scene.arrows
        if arrow.source in scene.boxes and arrow.target in scene.boxes
    ]


def _ports(scene: Scene, down: bool, leaving: bool) -> dict[str, Point]:
    """Where each arrow leaves its source, or arrives at its target, by the arrow's key."""
    axis = 0 if down else 1
    at_card: dict[str, list[tuple[float, str]]] = {}
    for arrow in scene.arrows:
        key, other = (arrow.source, arrow.target) if leaving else (arrow.target, arrow.source)
        if key not in scene.boxes or other not in scene.boxes:
            continue
        box = scene.boxes[other]
        toward = arrow.bends[0 if leaving else -1] if arrow.bends else (box.x, box.y)
        at_card.setdefault(key, []).append((toward[axis], arrow.key))
    found = {}
    for key, ends in at_card.items():
        box = scene.boxes[key]
        room = (box.width if down else box.height) / 2 - 16
        step = min(_SPREAD, 2 * room / max(1, len(ends) - 1))
        side = 1 if leaving else -1
        for number, (_, arrow_key) in enumerate(sorted(ends)):
            off = (number - (len(ends) - 1) / 2) * step
            point = (
                (box.x + off, box.y + side * box.height / 2) if down else (box.x + side * box.width / 2, box.y + off)
            )
            found[arrow_key] = point
    return found


def _colour(flow: Flow, palette: Palette) -> tuple[str, str]:
    """An arrow's colour, and what more is said of its line."""
    if flow is Flow.FLOWING:
        return palette.marks[State.RUNNING].colour, ' stroke-width="2.4" stroke-dasharray="8 4"'
    if flow is Flow.PASSED:
        return palette.marks[State.SUCCEEDED].colour, ' stroke-width="2.2"'
    if flow is Flow.BROKEN:
        return palette.edge, ' stroke-width="1.4" stroke-dasharray="2 4"'
    return palette.edge, ' stroke-width="1.4"'


def arrow_line(curve: Curve, palette: Palette) -> str:
    """The curve with its head."""
    colour, more = _colour(curve.arrow.flow, palette)
    line, head = _paths(curve)
    return f'<path d="{line}" fill="none" stroke="{colour}"{more}/><path d="{head}" fill="{colour}"/>'


def all_arrows_svg(scene: Scene, palette: Palette, longest: float) -> str:
    """All arrows and their names as a picture of its own, `longest` pixels at its longer side.

    It is short for its thousands of arrows: those that do the same are one path, and it is read at whole pixels.
    """
    found = curves(scene)
    lines: dict[Flow, list[str]] = {}
    heads: dict[Flow, list[str]] = {}
    for curve in found:
        line, head = _paths(curve, ".0f")
        lines.setdefault(curve.arrow.flow, []).append(line)
        heads.setdefault(curve.arrow.flow, []).append(head)
    drawn = []
    for flow in sorted(lines):
        colour, more = _colour(flow, palette)
        line, head = ("".join(paths[flow]).replace(" ", ",") for paths in (lines, heads))
        drawn.append(f'<path d="{line}" fill="none" stroke="{colour}"{more}/><path d="{head}" fill="{colour}"/>')
    labels = labels_of(scene, found)
    drawn += [arrow_name(curve, labels[curve.arrow.key], palette) for curve in found if curve.arrow.label]
    wide, high = max(1, math.ceil(scene.width)), max(1, math.ceil(scene.height))
    scale = longest / max(wide, high)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide * scale:.0f}" '
        f'height="{high * scale:.0f}">{"".join(drawn)}</svg>'
    )


def _paths(curve: Curve, digits: str = ".1f") -> tuple[str, str]:
    """The ways of a curve's line and of its head."""
    *points, end = curve.points
    before_head = (end[0], end[1] - _HEAD + 1) if curve.down else (end[0] - _HEAD + 1, end[1])
    path = [f"M{points[0][0]:{digits}} {points[0][1]:{digits}}"]
    for one, other in zip(points, [*points[1:], before_head], strict=True):
        path.append(_bezier(one, other, curve.down, digits))
    x, y = end
    wide = _HEAD * 0.55
    head = (
        f"M{x:{digits}} {y:{digits}}l{-wide:.1f} {-_HEAD:.1f}h{2 * wide:.1f}Z"
        if curve.down
        else f"M{x:{digits}} {y:{digits}}l{-_HEAD:.1f} {-wide:.1f}v{2 * wide:.1f}Z"
    )
    return "".join(path), head


def _controls(one: Point, other: Point, down: bool) -> tuple[Point, Point]:
    reach = (other[1] - one[1] if down else other[0] - one[0]) / 2
    if reach < 0:  # placed by hand, against the direction
        reach = max(40.0, -reach / 2)
    return ((one[0], one[1] + reach), (other[0], other[1] - reach)) if down else (
        (one[0] + reach, one[1]),
        (other[0] - reach, other[1]),
    )  # fmt: skip


def _bezier(one: Point, other: Point, down: bool, digits: str) -> str:
    if (one[0] == other[0]) if down else (one[1] == other[1]):
        return f"L{other[0]:{digits}} {other[1]:{digits}}"
    points = (*_controls(one, other, down), other)
    return "C" + " ".join(f"{x:{digits}} {y:{digits}}" for x, y in points)


def _on(curve: Curve, share: float, piece: int = -1) -> Point:
    """A point on a piece of the curve, the last if not said otherwise."""
    one, other = curve.points[piece - 1], curve.points[piece]
    first, second = _controls(one, other, curve.down)
    weights = ((1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share), share**3)
    four = (one, first, second, other)
    return (
        sum(weight * point[0] for weight, point in zip(weights, four, strict=True)),
        sum(weight * point[1] for weight, point in zip(weights, four, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Label:
    """Where an arrow's label stands: `lift` below the point that is `before_end` pixels of the curve from its end."""

    words: str
    area: Area
    before_end: float
    lift: float


def labels_of(scene: Scene, found: Sequence[Curve]) -> dict[str, Label]:
    """The labels by their arrows' keys, kept away from cards, lines and each other where there are few of them."""
    taken = [
        (box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2)
        for box in scene.boxes.values()
    ]
    taken = taken + lines_of(found) if len(taken) <= _MOST_CARDS_AVOIDED else []  # to look around takes squares of them
    return {curve.arrow.key: _label(curve, taken) for curve in found if curve.arrow.label}


def _label(curve: Curve, taken: list[Area]) -> Label:
    """The arrow's label on its curve, where it covers the least of what is `taken`; its own place is added there."""
    words = shortened(curve.arrow.label, LONGEST_LABEL, LABEL_SIZE)
    width, height = width_of(words, LABEL_SIZE) + 8, LABEL_SIZE + 5
    best: tuple[float, float, float, Area] | None = None
    for share in (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74):
        x, y = _on(curve, share)
        for lift in (0.0, -9.0, 9.0):
            area = (x - width / 2, y + lift - height / 2, x + width / 2, y + lift + height / 2)
            covered = _covered(area, taken) + abs(lift) / 10
            if best is None or covered < best[0]:
                best = (covered, share, lift, area)
    assert best is not None
    _, share, lift, area = best
    taken.append(area)
    rest = [_on(curve, share + (1 - share) * step / 12) for step in range(13)]
    return Label(words, area, sum(map(math.dist, rest, rest[1:])), lift)


def arrow_name(curve: Curve, place: Label, palette: Palette) -> str:
    """The arrow's label where it stands."""
    left, top, right, bottom = place.area
    x, y = (left + right) / 2, (top + bottom) / 2
    ground = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="4" '
        f'fill="{palette.paper}" fill-opacity=".92"/>'
    )
    whole = f"<title>{escaped(curve.arrow.label)}</title>"
    label = (
        f'<text x="{x:.1f}" y="{y + LABEL_SIZE * 0.35:.1f}" font-size="{LABEL_SIZE:g}" fill="{palette.mute}" '
        f'text-anchor="middle">{escaped(place.words)}</text>'
    )
    return f"<g>{whole}{ground}{label}</g>"


def lines_of(found: Sequence[Curve]) -> list[Area]:
    """Small areas along the curves, for labels to keep away from; of few curves only, as it does not pay for many."""
    if len(found) > _MOST_AVOIDED:
        return []
    points = [
        _on(curve, step / 20, piece)
        for curve in found
        for piece in range(-1, -len(curve.points), -1)
        for step in range(1, 20)
    ]
    return [(x - 2, y - 2, x + 2, y + 2) for x, y in points]


def _covered(area: Area, taken: Sequence[Area]) -> float:
    """How many square pixels of `taken` lie below the area."""
    found = 0.0
    for left, top, right, bottom in taken:
        wide, high = min(area[2], right) - max(area[0], left), min(area[3], bottom) - max(area[1], top)
        if wide > 0 and high > 0:
            found += wide * high
    return found
