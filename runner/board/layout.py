"""Where cards stand: a layered picture, from left to right or from top to bottom. Pure and deterministic.

Ranks are longest paths. An edge that passes ranks gets a bend in each of them, so that it goes around the cards there.
Within a rank, an order with few crossings is looked for; then cards go as close to their neighbours as they can
without overlapping.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .ordering import Layered, ordered
from .scene import Box
from .spacing import across

Direction = Literal["right", "down"]
Size = tuple[float, float]
Edge = tuple[str, str]
Point = tuple[float, float]

GAP_ALONG = 54.0  # pixels between ranks, where no label asks for more
GAP_ACROSS = 26.0  # between cards of a rank
GAP_BEND = 18.0  # between a card and an edge that passes it
MOST_BENDS = 20_000  # in a whole picture; the longest edges go without


@dataclass(frozen=True, slots=True)
class Placed:
    """A layout: boxes by key, the bends of edges that pass ranks, the rank of each card, the size of the whole."""

    boxes: Mapping[str, Box]
    bends: Mapping[Edge, tuple[Point, ...]]
    ranks: Mapping[str, int]
    width: float
    height: float


def placed(
    sizes: Mapping[str, Size],
    edges: Iterable[Edge],
    fixed: Mapping[str, tuple[float, float]] | None = None,
    *,
    order: Sequence[str] = (),
    direction: Direction = "right",
    labels: Mapping[Edge, float] | None = None,
) -> Placed:
    """Place cards of these sizes (width, height), all edges leading on; cards in `fixed` have (left, top) already.

    `order` settles what nothing else does: the order of definition; without it the keys' own. `labels` are the lengths
    in pixels of what stands on edges. Edges must be acyclic; those whose ends are not in `sizes` are left out.
    """
    keys = _keys(sizes, order)
    known = sorted({edge for edge in edges if edge[0] in sizes and edge[1] in sizes and edge[0] != edge[1]})
    ranks = ranks_of(keys, known)
    layered = _layered(keys, known, ranks)
    rows = ordered(layered, keys)
    flat = direction == "right"
    breadth = {key: sizes[key][1] if flat else sizes[key][0] for key in keys}
    offset = across(rows, layered, breadth, GAP_ACROSS, GAP_BEND)
    starts = _along(rows, sizes, flat, ranks, labels or {})
    boxes, bends = _drawn(rows, layered, sizes, offset, starts, flat)
    for key, moved in _moved(boxes, sizes, fixed or {}, keys).items():
        boxes[key] = moved
        bends = {edge: points for edge, points in bends.items() if key not in edge}
    width = max((box.x + box.width / 2 for box in boxes.values()), default=0.0)
    height = max((box.y + box.height / 2 for box in boxes.values()), default=0.0)
    for points in bends.values():
        width, height = max(width, *(x for x, _ in points)), max(height, *(y for _, y in points))
    return Placed(boxes, bends, ranks, width, height)


def _keys(sizes: Mapping[str, Size], order: Sequence[str]) -> list[str]:
    given = [key for key in dict.fromkeys(order) if key in sizes]
    seen = set(given)
    return [*given, *sorted((key for key in sizes if key not in seen), key=_natural)]


def _natural(key: str) -> tuple[list[tuple[int, str]], str]:
    """So that `train#10` comes after `train#2`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split("([0-9]{1,9})", key)], key


def ranks_of(keys: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The rank of each card: one more than the highest before it; what nothing comes before stands close to its first.

    Raises ValueError when the edges have a cycle.
    """
    children: dict[str, list[str]] = {key: [] for key in keys}
    left = dict.fromkeys(keys, 0)
    for source, target in edges:
        children[source].append(target)
        left[target] += 1
    ranks = {key: 0 for key in keys if not left[key]}
    ready = list(ranks)
    sources = [key for key in ready if children[key]]
    for key in ready:  # grows while it is walked
        for child in children[key]:
            ranks[child] = max(ranks.get(child, 0), ranks[key] + 1)
            left[child] -= 1
            if not left[child]:
                ready.append(child)
    if len(ready) < len(keys):
        raise ValueError("the edges have a cycle")
    for key in sources:
        ranks[key] = min(ranks[child] for child in children[key]) - 1
    return ranks


def _layered(keys: Sequence[str], edges: Sequence[Edge], ranks: Mapping[str, int]) -> Layered:
    """The ranks with a bend for each rank that an edge passes; the shortest edges first, as long as there is room."""
    rows: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for key in keys:
        rows[ranks[key]].append(key)
    above: dict[str, list[str]] = {key: [] for key in keys}
    below: dict[str, list[str]] = {key: [] for key in keys}
    bends: dict[Edge, tuple[str, ...]] = {}
    made = 0
    for edge in sorted(edges, key=lambda edge: (ranks[edge[1]] - ranks[edge[0]], edge)):
        source, target = edge
        passed = range(ranks[source] + 1, ranks[target])
        if made + len(passed) > MOST_BENDS:
            continue
        path = [source]
        for rank in passed:
            bend = f"\x00{made}"  # no key begins like that
            made += 1
            rows[rank].append(bend)
            above[bend], below[bend] = [], []
            path.append(bend)
        path.append(target)
        for one, other in itertools.pairwise(path):
            below[one].append(other)
            above[other].append(one)
        if passed:
            bends[edge] = tuple(path[1:-1])
    return Layered(rows, above, below, bends)


def _along(
    rows: Sequence[Sequence[str]],
    sizes: Mapping[str, Size],
    flat: bool,
    ranks: Mapping[str, int],
    labels: Mapping[Edge, float],
) -> list[tuple[float, float]]:
    """Where each rank begins and how deep it is, with room for the labels of the edges that end in it."""
    wanted = [GAP_ALONG] * len(rows)
    for (_, target), length in labels.items():
        if target in ranks:
            wanted[ranks[target]] = max(wanted[ranks[target]], length + 52 if flat else GAP_ALONG)
    found = []
    at = 0.0
    for rank, row in enumerate(rows):
        at += wanted[rank] if rank else 0.0
        depth = max((sizes[key][0 if flat else 1] for key in row if key in sizes), default=0.0)
        found.append((at, depth))
        at += depth
    return found


def _drawn(
    rows: Sequence[Sequence[str]],
    layered: Layered,
    sizes: Mapping[str, Size],
    offset: Mapping[str, float],
    starts: Sequence[tuple[float, float]],
    flat: bool,
) -> tuple[dict[str, Box], dict[Edge, tuple[Point, ...]]]:
    centre: dict[str, Point] = {}
    for rank, row in enumerate(rows):
        start, depth = starts[rank]
        for key in row:
            along = start + depth / 2
            centre[key] = (along, offset[key]) if flat else (offset[key], along)
    boxes = {key: Box(*centre[key], *size) for key, size in sizes.items()}
    depths = {key: starts[rank] for rank, row in enumerate(rows) for key in row if key not in sizes}
    bends = {}
    for edge, dummies in layered.bends.items():
        points: list[Point] = []
        for dummy in dummies:  # straight past the rank: in at its one side, out at the other
            start, depth = depths[dummy]
            across_ = offset[dummy]
            ends = ((start, across_), (start + depth, across_))
            points += ends if flat else ((across_, start), (across_, start + depth))
        bends[edge] = tuple(points)
    return boxes, bends


def _moved(
    boxes: Mapping[str, Box],
    sizes: Mapping[str, Size],
    fixed: Mapping[str, tuple[float, float]],
    keys: Sequence[str],
) -> dict[str, Box]:
    """The cards that stand elsewhere than the layers say: those placed by hand, and those that make room for them."""
    found = {}
    for key, (left, top) in fixed.items():
        if key in sizes:
            width, height = sizes[key]
            found[key] = Box(max(0.0, left) + width / 2, max(0.0, top) + height / 2, width, height)
    if not found:
        return found
    taken = list(found.values())
    for key in keys:
        if key in found:
            continue
        box = boxes[key]
        while (other := next((one for one in taken if _overlap(box, one)), None)) is not None:
            below = other.y + other.height / 2 + GAP_ACROSS + box.height / 2
            box = Box(box.x, below, box.width, box.height)
        taken.append(box)
        if box is not boxes[key]:
            found[key] = box
    return found


def _overlap(one: Box, other: Box) -> bool:
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 and abs(one.y - other.y) < (one.height + other.height) / 2
    )
