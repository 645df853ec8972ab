"""The order of cards within their ranks: sweeps put each between its neighbours as long as crossings get fewer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 12  # at most; a large picture gets fewer
_WORK = 120_000  # keys and edges that all sweeps together may touch, about


@dataclass(frozen=True, slots=True)
class Layered:
    """Cards and bends by rank, with their neighbours in the ranks before (`above`) and after (`below`).

    `bends` are the keys of an edge's bends, in order.
    """

    rows: Sequence[Sequence[str]]
    above: Mapping[str, Sequence[str]]
    below: Mapping[str, Sequence[str]]
    bends: Mapping[tuple[str, str], tuple[str, ...]]


def ordered(layered: Layered, keys: Sequence[str]) -> list[list[str]]:
    """The rows, each in an order with few crossings; `keys` is the order in which equals are told apart."""
    rows = _first(layered, keys)
    best, fewest = rows, crossings(rows, layered)
    work = sum(map(len, rows)) + sum(map(len, layered.below.values()))
    for sweep in range(max(2, min(SWEEPS, _WORK // max(1, work)))):
        if not fewest:
            break
        rows = _swept(rows, layered.above if sweep % 2 == 0 else layered.below, sweep % 2 == 0)
        crossed = crossings(rows, layered)
        if crossed < fewest:
            best, fewest = rows, crossed
    return best


def _first(layered: Layered, keys: Sequence[str]) -> list[list[str]]:
    """Each row in the order in which a walk in depth comes by: what hangs together stands together."""
    rank = {key: number for number, row in enumerate(layered.rows) for key in row}
    rows: list[list[str]] = [[] for _ in layered.rows]
    place = {key: number for number, key in enumerate(keys)}
    seen: set[str] = set()
    roots = sorted((key for key in keys if not layered.above[key]), key=lambda key: (rank[key], place[key]))
    far = len(keys)
    to_do = list(reversed(roots))
    while to_do:
        key = to_do.pop()
        if key in seen:
            continue
        seen.add(key)
        rows[rank[key]].append(key)
        to_do += sorted(layered.below[key], key=lambda child: (-place.get(child, far), child))
    for number, row in enumerate(layered.rows):
        rows[number] += [key for key in row if key not in seen]
    return rows


def _swept(rows: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]], forward: bool) -> list[list[str]]:
    """Each row by the mean place of its neighbours in the row that was ordered before it."""
    found = [list(row) for row in rows]
    numbers = range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1)
    for number in numbers:
        before = found[number - 1 if forward else number + 1]
        place = {key: at for at, key in enumerate(before)}
        mean: dict[str, float] = {}
        for at, key in enumerate(found[number]):
            # an edge without bends may come from further away
            places = [place[other] for other in neighbours[key] if other in place]
            mean[key] = sum(places) / len(places) if places else float(at)
        found[number].sort(key=mean.__getitem__)  # stable: equals stay as they were
    return found


def crossings(rows: Sequence[Sequence[str]], layered: Layered) -> int:
    """How many pairs of edges between neighbouring rows cross."""
    total = 0
    for row, after in itertools.pairwise(rows):
        place = {key: at for at, key in enumerate(after)}
        ends = [at for key in row for at in sorted(place[other] for other in layered.below[key] if other in place)]
        total += _inversions(ends, len(after))
    return total


def _inversions(ends: Sequence[int], size: int) -> int:
    """How many pairs of numbers below `size` stand in the wrong order, counted with a tree of sums."""
    sums = [0] * (size + 1)
    found = 0
    for seen, end in enumerate(ends):
        at, not_after = end + 1, 0
        while at:
            not_after += sums[at]
            at &= at - 1
        found += seen - not_after
        at = end + 1
        while at <= size:
            sums[at] += 1
            at += at & -at
    return found
