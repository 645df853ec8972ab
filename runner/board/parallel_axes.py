"""Parallel coordinates as values: an axis for each parameter, tag and metric, a line for each row. Pure.

Places on an axis go from 0, its lowest value, to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from ..comparison import Comparison, is_number
from ..comparison_sheet import short
from ..core.values import Value
from ..view import age
from .compared_columns import Column, Kind, columns, failed, labels_of
from .curves_svg import number_words

MOST_AXES = 8
MOST_LINES = 300
MOST_WORDS = 24  # different texts of a tag that still make an axis
_DECADES = 1000  # the ratio of the ends from which on an axis is logarithmic
_TICKS = 5
_FEW = 8  # different numbers that are marks themselves
_APART = 0.09  # of an axis that two marks keep between them


class Scale(StrEnum):
    """How values stand on an axis."""

    LINEAR = "linear"
    LOG = "log"
    WORDS = "words"  # each different value has a place of its own


@dataclass(frozen=True, slots=True)
class Axis:
    """A column as an axis. `low` and `high` are its ends in numbers; `words` its values from the bottom up."""

    column: Column
    scale: Scale
    low: float = 0.0
    high: float = 0.0
    words: tuple[str, ...] = ()
    missing: bool = False  # some row has no value that has a place on it

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    def place(self, value: Value) -> float | None:
        """Where a value stands; None for one that has no place, as NaN or nothing."""
        if self.scale is Scale.WORDS:
            return None if value is None else _even(self.words.index(short(value, self.name)), len(self.words))
        number = as_number(value)
        return None if number is None else self._share(number)

    def _share(self, number: float) -> float:
        low, high = self.low, self.high
        if self.scale is Scale.LOG:
            low, high, number = math.log10(low), math.log10(high), math.log10(number)
        if low == high:
            return 0.5
        if not math.isfinite(high - low):  # the ends may be as far apart as floats go
            low, high, number = low / 2, high / 2, number / 2
        return (number - low) / (high - low)

    def _few(self) -> list[float]:
        """The values themselves, where they are few and apart from each other, as in a grid."""
        numbers = sorted({number for value in self.column.values if (number := as_number(value)) is not None})
        places = [self._share(number) for number in numbers]
        apart = all(after - before >= _APART for before, after in pairwise(places))
        return numbers if len(numbers) <= _FEW and apart else []

    def ticks(self) -> list[tuple[float, str]]:
        """Marks: place and words; the ends always."""
        if self.scale is Scale.WORDS:
            step = max(1, math.ceil(len(self.words) / 12))
            return [(_even(at, len(self.words)), self.words[at]) for at in range(0, len(self.words), step)]
        values = self._few() or (_log_marks if self.scale is Scale.LOG else _even_marks)(self.low, self.high)
        tell = _seconds if self.column.kind is Kind.DURATION else number_words
        return [(self._share(value), tell(value)) for value in values]


@dataclass(frozen=True, slots=True)
class Line:
    """A row as a line through the axes: its place on each, None where it has none.

    `shade` says how far it is from the least good row to the best, between 0 and 1; None where it cannot be told.
    """

    row: int
    label: str
    places: tuple[float | None, ...]
    shade: float | None
    best: bool
    failed: bool


@dataclass(frozen=True, slots=True)
class Parallel:
    """The whole picture. `objective` colours the lines; it is what `--by` named, when `ranked`.

    `lowest`: the lowest is the best. `more_axes` and `more_lines` say how many are left out.
    """

    axes: tuple[Axis, ...]
    lines: tuple[Line, ...]
    objective: Axis | None
    ranked: bool
    lowest: bool
    more_axes: int = 0
    more_lines: int = 0


def parallel(comparison: Comparison) -> Parallel:
    """The axes and lines of a comparison. What is the same in all rows has no axis, but for the objective."""
    shown = replace(comparison, rows=comparison.rows[:MOST_LINES])
    found = columns(shown)
    objective = _objective(shown, found)
    there = [column for column in found if column is not objective and _has_axis(column)]
    kept = sorted(there, key=_rank)[: MOST_AXES - 1]
    axes = [axis_of(column) for column in there if column in kept]
    last = axis_of(objective) if objective else None
    if last:
        axes.append(last)  # to the right, where the eye ends
    labels = labels_of(shown)
    lines = tuple(_line(shown, axes, last, number, label) for number, label in enumerate(labels))
    by = comparison.by
    more_axes, more_lines = len(there) - len(kept), len(comparison.rows) - len(lines)
    return Parallel(tuple(axes), lines, last, by is not None, bool(by and by.lowest), more_axes, more_lines)


def as_number(value: Value) -> float | None:
    """A finite number as a float; None for anything else, and for what no float can hold."""
    if isinstance(value, bool) or not is_number(value):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return None


def axis_of(column: Column) -> Axis:
    """The axis of a column: of numbers where all its values are, logarithmic where they span more than 3 decades."""
    if not column.numbers:
        there = [value for value in column.values if value is not None]
        words = tuple(sorted({short(value, column.name) for value in there}, key=_in_order))
        return Axis(column, Scale.WORDS, words=words, missing=len(there) < len(column.values))
    numbers = [number for value in column.values if (number := as_number(value)) is not None]
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 0.0)
    scale = Scale.LOG if low > 0 and high / low > _DECADES else Scale.LINEAR
    return Axis(column, scale, low, high, missing=len(numbers) < len(column.values))


def _in_order(word: str) -> tuple[float, str]:
    """Numbers among the words first, by size."""
    try:
        number = float(word)
    except ValueError:
        number = math.inf
    return (number if math.isfinite(number) else math.inf, word)


def _has_axis(column: Column) -> bool:
    """Whether it tells rows apart. A tag in which each row says something else is prose, and no axis."""
    if not column.differs:
        return False
    if column.numbers or column.kind is Kind.PARAMETER:
        return True
    there = [short(value) for value in column.values if value is not None]
    return len(set(there)) <= (_FEW if len(set(there)) == len(there) else MOST_WORDS)


def _rank(column: Column) -> int:
    """What is drawn first where there is no room for all: what was chosen, then what came of it."""
    if column.kind is Kind.TAG:
        return 2 if column.numbers else 4
    return {Kind.PARAMETER: 0, Kind.METRIC: 1}.get(column.kind, 3)


def _objective(comparison: Comparison, found: Sequence[Column]) -> Column | None:
    """What the lines are coloured by: what `--by` names, else the first metric, numeric tag, or the duration."""
    by = comparison.by
    # In the order in which a row looks a name up: what it logged, what it was given, how long it took.
    given = () if by is None else (Kind.PARAMETER,)
    order = (Kind.METRIC, Kind.TAG, *given, Kind.DURATION)
    for kind in order:
        for column in found:
            wanted = column.numbers if by is None else column.name == by.name
            if column.kind is kind and wanted:
                return column
    if by is None:
        return None
    # Every row may have the same value of it: then it has no column, and yet it was asked for.
    return Column(by.name, Kind.PARAMETER, tuple(row.value(by.name) for row in comparison.rows))


def _line(comparison: Comparison, axes: Sequence[Axis], objective: Axis | None, number: int, label: str) -> Line:
    row = comparison.rows[number]
    places = tuple(axis.place(axis.column.values[number]) for axis in axes)
    by, shade = comparison.by, None
    if objective and objective.scale is not Scale.WORDS and places[-1] is not None:
        shade = 1 - places[-1] if by and by.lowest else places[-1]
    value = row.value(by.name) if by else None
    best = by is not None and is_number(value) and value == comparison.best()
    return Line(number, label, places, shade, best, failed(row))


def _seconds(value: float) -> str:
    return age(value) if value >= 0.1 or value == 0 else f"{number_words(value)} s"


def _even(position: int, number: int) -> float:
    return position / (number - 1) if number > 1 else 0.5


def _even_marks(low: float, high: float) -> list[float]:
    if low == high:
        return [low]
    return [low * (1 - at / (_TICKS - 1)) + high * (at / (_TICKS - 1)) for at in range(_TICKS)]


def _log_marks(low: float, high: float) -> list[float]:
    """The ends, and the powers of ten between them that keep their distance from these."""
    first, last = math.log10(low), math.log10(high)
    room = (last - first) / 10
    powers = [power for power in range(math.ceil(first), math.floor(last) + 1) if first + room < power < last - room]
    step = max(1, math.ceil(len(powers) / (_TICKS - 1)))
    return [low, *(10.0**power for power in powers[::step]), high]
