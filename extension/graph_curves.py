"""The way of an arrow between two cards, in the words of cytoscape's curves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..runner.board.arrows_svg import curves, labels_of
from ..runner.board.scene import Box, Scene

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """The control points of a curve, as shares of the line between the two centres and distances from it.

    `way` is where it leaves and arrives: `right` at the sides, `down` at the lower and the upper edge, empty anywhere;
    `leaves` and `arrives` are how far from the middle of those. Its label stands `label_at` before its end, and
    `label_lift` below it.
    """

    way: str = ""
    along: tuple[float, ...] = ()
    aside: tuple[float, ...] = ()
    leaves: float = 0.0
    arrives: float = 0.0
    label_at: float = 58.0
    label_lift: float = 0.0

    @property
    def bent(self) -> bool:
        """Whether it is a curve at all."""
        return any(abs(distance) > 0.5 for distance in self.aside)


def ways(scene: Scene) -> dict[str, Curve]:
    """The curves of all arrows by their keys, with ends and labels apart from each other as in the static picture."""
    drawn = curves(scene)
    labels = labels_of(scene, drawn)
    found = {}
    for one in drawn:
        source, target = scene.boxes[one.arrow.source], scene.boxes[one.arrow.target]
        (start_x, start_y), (end_x, end_y) = one.points[0], one.points[-1]
        ends = (start_x - source.x, end_x - target.x) if one.down else (start_y - source.y, end_y - target.y)
        way = curve(source, target, one.arrow.bends)
        if way.way == scene.direction:  # else it was placed by hand, and its ends are at other edges of the cards
            way = curve(source, target, one.arrow.bends, *ends)
        if label := labels.get(one.arrow.key):
            way = replace(way, label_at=round(label.before_end, 1), label_lift=label.lift)
        found[one.arrow.key] = way
    return found


def curve(source: Box, target: Box, bends: tuple[Point, ...] = (), leaves: float = 0.0, arrives: float = 0.0) -> Curve:
    """The curve from one card to another through `bends`; straight where neither stands clearly after the other."""
    right = target.x - target.width / 2 - (source.x + source.width / 2)
    down = target.y - target.height / 2 - (source.y + source.height / 2)
    if right < 0 and down < 0:
        return Curve()
    way = "right" if right >= 0 and (right >= down or down < 0) else "down"
    starts, ends = _shifted(source, way, leaves), _shifted(target, way, arrives)
    points = _around(starts, ends, way, bends) if bends else _middle(starts, ends, way)
    along, aside = zip(*(_seen(source, target, point) for point in points), strict=True)
    return Curve(way, along, aside, leaves, arrives)


def _shifted(box: Box, way: str, by: float) -> Box:
    return replace(box, y=box.y + by) if way == "right" else replace(box, x=box.x + by)


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
