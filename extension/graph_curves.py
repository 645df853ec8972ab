"""The way of an arrow between two cards, in the words of cytoscape's curves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..runner.board.scene import Box

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """The control points of a curve, as shares of the line between the two centres and distances from it.

    `way` is where it leaves and arrives: `right` at the sides, `down` at the lower and the upper edge, empty anywhere.
    """

    way: str = ""
    along: tuple[float, ...] = ()
    aside: tuple[float, ...] = ()

    @property
    def bent(self) -> bool:
        """Whether it is a curve at all."""
        return any(abs(distance) > 0.5 for distance in self.aside)


def curve(source: Box, target: Box, bends: tuple[Point, ...] = ()) -> Curve:
    """The curve from one card to another through `bends`; straight where neither stands clearly after the other."""
    right = target.x - target.width / 2 - (source.x + source.width / 2)
    down = target.y - target.height / 2 - (source.y + source.height / 2)
    if right < 0 and down < 0:
        return Curve()
    way = "right" if right >= 0 and (right >= down or down < 0) else "down"
    points = _around(source, target, way, bends) if bends else _middle(source, target, way)
    along, aside = zip(*(_seen(source, target, point) for point in points), strict=True)
    return Curve(way, along, aside)


def _middle(source: Box, target: Box, way: str) -> tuple[Point, Point]:
    """The two points that let a curve leave and arrive in its direction."""
    if way == "right":
        middle = (source.x + source.width / 2 + target.x - target.width / 2) / 2
        return (middle, source.y), (middle, target.y)
    middle = (source.y + source.height / 2 + target.y - target.height / 2) / 2
    return (source.x, middle), (target.x, middle)


def _around(source: Box, target: Box, way: str, bends: tuple[Point, ...]) -> tuple[Point, ...]:
    """The bends, and a point before and after them, so that the curve leaves and arrives in its direction."""
    if way == "right":
        leaves = (source.x + source.width / 2 + bends[0][0]) / 2
        arrives = (bends[-1][0] + target.x - target.width / 2) / 2
        return (leaves, source.y), *bends, (arrives, target.y)
    leaves = (source.y + source.height / 2 + bends[0][1]) / 2
    arrives = (bends[-1][1] + target.y - target.height / 2) / 2
    return (source.x, leaves), *bends, (target.x, arrives)


def _seen(source: Box, target: Box, point: Point) -> tuple[float, float]:
    """A point as its share of the line between the centres, and its distance to the right of it (down is positive)."""
    dx, dy = target.x - source.x, target.y - source.y
    length = math.hypot(dx, dy) or 1.0
    px, py = point[0] - source.x, point[1] - source.y
    return round((px * dx + py * dy) / length**2, 4), round((py * dx - px * dy) / length, 2)
