"""Places across the ranks: each card as near to its neighbours as it can be, in the given order, without overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .ordering import Layered

ROUNDS = 5
_MANY = 4_000  # keys; more get fewer rounds
_BEND_WEIGHT = 6.0  # a long edge is kept straight before cards are centred
_STAYING = 0.3  # how much a card without neighbours on that side holds on to its place
_HALF_BEND = 1.0  # pixels

Apart = Callable[[str, str], float]


def across(
    rows: Sequence[Sequence[str]], layered: Layered, breadth: Mapping[str, float], gap: float, bend_gap: float
) -> dict[str, float]:
    """The centre of each card and bend across the ranks, in pixels, with the least edge of all at 0."""
    half = {key: breadth[key] / 2 if key in breadth else _HALF_BEND for row in rows for key in row}

    def apart(one: str, other: str) -> float:
        return half[one] + half[other] + (gap if one in breadth and other in breadth else bend_gap)

    at = _stacked(rows, apart)
    for _ in range(ROUNDS if len(at) < _MANY else 2):
        for row in reversed(rows):
            _settle(row, at, layered.below, breadth, apart)
        for row in rows:  # last forward: chains end up straight, what fans out is centred on where it comes from
            _settle(row, at, layered.above, breadth, apart)
    least = min((at[key] - half[key] for key in at), default=0.0)
    return {key: round(value - least, 2) for key, value in at.items()}


def _stacked(rows: Sequence[Sequence[str]], apart: Apart) -> dict[str, float]:
    """Each row as close as it may be, around one middle."""
    at: dict[str, float] = {}
    for row in rows:
        y = 0.0
        for number, key in enumerate(row):
            y += apart(row[number - 1], key) if number else 0.0
            at[key] = y
        for key in row:
            at[key] -= y / 2
    return at


def _settle(
    row: Sequence[str],
    at: dict[str, float],
    neighbours: Mapping[str, Sequence[str]],
    breadth: Mapping[str, float],
    apart: Apart,
) -> None:
    """Move the keys of a row to the means of their neighbours, as far as the distances between them allow.

    That is the row with the least squares: with each key's distance from the first taken away, what is asked is that
    the numbers do not fall, so neighbours that would fall are pooled at their weighted mean.
    """
    pools: list[tuple[float, float, int]] = []  # their mean, their weight, how many keys
    offsets: list[float] = []
    offset = 0.0
    for number, key in enumerate(row):
        offset += apart(row[number - 1], key) if number else 0.0
        offsets.append(offset)
        wish, weight = _wish(key, at, neighbours[key], breadth)
        mean, keys = wish - offset, 1
        while pools and pools[-1][0] >= mean:
            other, other_weight, more = pools.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight, keys = weight + other_weight, keys + more
        pools.append((mean, weight, keys))
    number = 0
    for mean, _, keys in pools:
        for _ in range(keys):
            at[row[number]] = mean + offsets[number]
            number += 1


def _wish(
    key: str, at: Mapping[str, float], neighbours: Sequence[str], breadth: Mapping[str, float]
) -> tuple[float, float]:
    """Where a key would like to be, and how much."""
    if not neighbours:
        return at[key], _STAYING
    if key in breadth:
        return sum(at[other] for other in neighbours) / len(neighbours), 1.0
    return at[neighbours[0]], _BEND_WEIGHT if neighbours[0] not in breadth else 1.0
