"""What rows of a comparison are compared by: one column per parameter, tag, metric, and the duration. Pure.

The picture, the sortable table and the difference of two rows all take their values from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..comparison import DURATION, Comparison, Row, Series, is_number, same
from ..comparison_sheet import NOTHING, one_line, short
from ..core.lifecycle import State
from ..core.values import Value
from ..view import age


class Kind(StrEnum):
    """Where a column's values come from."""

    KEY = "key"  # what the row is: its run, its node run, its state
    PARAMETER = "parameter"
    TAG = "tag"
    METRIC = "metric"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Column:
    """A named value of each row, in the order of the rows; None where a row has none."""

    name: str
    kind: Kind
    values: tuple[Value, ...]

    @property
    def numbers(self) -> bool:
        """Whether every value that there is is a number; NaN and the infinities are, a truth value is none."""
        there = [value for value in self.values if value is not None]
        return bool(there) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in there)

    def words(self, row: int) -> str:
        """The value of a row as people read it."""
        value = self.values[row]
        if value is None:
            return NOTHING
        if self.kind is Kind.DURATION and isinstance(value, int | float):
            return age(value)
        return short(value, self.name)

    @property
    def differs(self) -> bool:
        """Whether two rows have different values."""
        return any(not same(self.values[0], value) for value in self.values[1:])


def columns(comparison: Comparison) -> list[Column]:
    """The parameters that differ somewhere, all tags, the last values of all metrics, and the duration."""
    rows = comparison.rows
    common = comparison.common()
    found = [_column(name, Kind.PARAMETER, [row.params for row in rows]) for name in _names(row.params for row in rows)]
    found = [column for column in found if column.name not in common]
    found += [_column(name, Kind.TAG, [row.logged for row in rows]) for name in _names(row.logged for row in rows)]
    last = [{name: _last(series) for name, series in row.metrics.items()} for row in rows]
    found += [_column(name, Kind.METRIC, last) for name in _names(last)]
    return [*found, Column(DURATION, Kind.DURATION, tuple(row.duration for row in rows))]


def key_columns(comparison: Comparison) -> list[Column]:
    """The columns that say what a row is: the run where there are several, the node run, the state."""
    rows = comparison.rows
    state = Column("state", Kind.KEY, tuple(str(row.state) for row in rows))
    run = Column("run", Kind.KEY, tuple(row.run for row in rows))
    if comparison.whole_runs:
        return [run, state]
    node_run = Column("node run", Kind.KEY, tuple(row.id for row in rows))
    return [run, node_run, state] if len(comparison.runs) > 1 else [node_run, state]


def labels_of(comparison: Comparison) -> list[str]:
    """Each row in a few words: `train#2`, or with its run where there are several; and what it was given."""
    several, common = len(comparison.runs) > 1, comparison.common()
    labels = []
    for row in comparison.rows:
        name = row.run if row.id is None else f"{row.run} {row.id}" if several else row.id
        given = [f"{one_line(key)}={short(value, key)}" for key, value in row.params.items() if key not in common]
        labels.append(" ".join([name, *given]))
    return labels


def sorted_by(comparison: Comparison, kind: Kind, name: str, descending: bool) -> Comparison:
    """The same with its rows in the order of a column: numbers, then texts; what is missing last either way."""
    column = find(comparison, kind, name)
    if column is None:
        return comparison
    numbers: list[tuple[Any, Row]] = []
    texts: list[tuple[Any, Row]] = []
    rest: list[tuple[Any, Row]] = []  # missing, NaN, an infinite number, a list: no order has a place for them
    for row, value in zip(comparison.rows, column.values, strict=True):
        place = numbers if is_number(value) else texts if isinstance(value, str) else rest
        place.append((value, row))

    def rank(pair: tuple[Any, Row]) -> Any:
        return pair[0]

    for ranked in (numbers, texts):  # sort() keeps the order of equal ones, also in reverse
        ranked.sort(key=rank, reverse=descending)
    return replace(comparison, rows=tuple(row for _, row in (*numbers, *texts, *rest)))


def find(comparison: Comparison, kind: Kind, name: str) -> Column | None:
    """The column of this kind and name."""
    known = [*key_columns(comparison), *columns(comparison)]
    return next((column for column in known if (column.kind, column.name) == (kind, name)), None)


def failed(row: Row) -> bool:
    """Whether a row did not come to a good end, or not to any yet."""
    return row.state not in (State.SUCCEEDED, State.CACHED)


def _column(name: str, kind: Kind, rows: Sequence[Mapping[str, Value]]) -> Column:
    return Column(name, kind, tuple(row.get(name) for row in rows))


def _last(series: Series) -> Value:
    return series.last


def _names(named: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for one in named for name in one))
