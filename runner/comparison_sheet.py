"""A comparison as columns and cells of short text, for the terminal and the notebook. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .comparison import DURATION, Comparison, Row, Series, is_number
from .core.lifecycle import State
from .core.masking import MASK, looks_secret
from .core.values import Value, shown
from .view import GLYPHS, age, state_word

LONGEST = 40  # characters of a text in a cell
NOTHING = ""
BEST = "★"
_PLAIN_DIGITS = 10**15  # whole numbers from here on are shown with an exponent


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands at one place: its text, the state that colours it, whether it is the best of its column."""

    text: str = NOTHING
    state: State | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its cells from the first row to the last, whether it is aligned to the right.

    One that is `minor` may be left out where there is no room for it; one of `words` may be broken into lines.
    """

    head: str
    cells: tuple[Cell, ...]
    right: bool = False
    minor: bool = False
    words: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A comparison to be shown: what all rows share, as a line (empty: nothing), the columns, how many rows are left
    out at the end. The first `keys` columns say what a row is and its state; the last one is its duration."""

    shared: str
    columns: tuple[Column, ...]
    keys: int
    left_out: int = 0

    def major(self) -> Sheet:
        """The same without the columns that may be left out."""
        return replace(self, columns=tuple(column for column in self.columns if not column.minor))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].cells) if self.columns else 0


def short(value: Value, name: str = "") -> str:
    """A value in a cell: a number with 6 significant digits, a text in one line of at most 40 characters.

    What looks like a secret, by the value or by its `name`, is dots.
    """
    if looks_secret(name, value):
        return MASK
    if is_number(value) and not isinstance(value, bool):
        assert isinstance(value, int | float)
        if isinstance(value, float) or abs(value) >= _PLAIN_DIGITS:
            return _six_digits(value)
    return _clipped(shown(value))


def _six_digits(value: float) -> str:
    try:
        return f"{value:.6g}"
    except OverflowError:  # a whole number that no float can hold
        return _clipped(str(value))


def _clipped(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def one_line(text: str) -> str:
    """`text` in one line, without what would steer a terminal or turn the writing direction."""
    return "".join(c if c.isprintable() else " " for c in text)


def sheet(comparison: Comparison, everything: bool = False, most: int | None = None) -> Sheet:
    """The table of a comparison. Parameters that all rows share stand in a line of their own, unless `everything`;
    at most `most` rows are in it."""
    rows = comparison.rows[:most]
    common = {} if everything else comparison.common()
    keys = _keys(comparison, rows)
    params = [name for name in _names(row.params for row in rows) if name not in common]
    tags, metrics = _names(row.logged for row in rows), _names(row.metrics for row in rows)
    columns = [
        *keys,
        *(_values(comparison, name, [row.params.get(name) for row in rows]) for name in params),
        *(_values(comparison, name, [row.logged.get(name) for row in rows]) for name in tags),
        *(column for name in metrics for column in _metric(comparison, name, [row.metrics.get(name) for row in rows])),
        _durations(comparison, [row.duration for row in rows]),
    ]
    words = "  ".join(f"{one_line(name)}={short(value, name)}" for name, value in common.items())
    line = f"The same in all: {words}" if words else ""
    return Sheet(line, tuple(columns), len(keys), len(comparison.rows) - len(rows))


def _keys(comparison: Comparison, rows: Sequence[Row]) -> list[Column]:
    """The columns that say what a row is: the run where there are several, the node run, the state."""
    states = tuple(Cell(f"{GLYPHS[row.state]} {state_word(row.state)}", row.state) for row in rows)
    runs = Column("run", tuple(Cell(row.run) for row in rows))
    if comparison.whole_runs:
        return [runs, Column("state", states)]
    node_runs = Column("node run", tuple(Cell(row.id or NOTHING) for row in rows))
    several = [runs] if len(comparison.runs) > 1 else []
    return [*several, node_runs, Column("state", states)]


def _names(named: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for one in named for name in one))


def _values(comparison: Comparison, name: str, values: Sequence[Value]) -> Column:
    cells = tuple(Cell(NOTHING if v is None else short(v, name), best=_is_best(comparison, name, v)) for v in values)
    numbers = _are_numbers(values)
    return Column(_head(comparison, name), cells, right=numbers, words=not numbers)


def _metric(comparison: Comparison, name: str, series: Sequence[Series | None]) -> list[Column]:
    """A metric's last values and, where one has several points, between which values they lie."""
    last = _values(comparison, name, [one.last if one else None for one in series])
    spans = tuple(Cell(_span(one)) for one in series)
    return [last, Column("min … max", spans, right=True, minor=True)] if any(cell.text for cell in spans) else [last]


def _span(series: Series | None) -> str:
    span = series.span() if series else None
    return f"{short(span[0])} … {short(span[1])}" if span else NOTHING


def _durations(comparison: Comparison, seconds: Sequence[float | None]) -> Column:
    cells = tuple(Cell(NOTHING if s is None else age(s), best=_is_best(comparison, DURATION, s)) for s in seconds)
    return Column(_head(comparison, DURATION), cells, right=True)


def _head(comparison: Comparison, name: str) -> str:
    """A column's head; an arrow says that rows are sorted by it, and which way."""
    by = comparison.by
    arrow = (" ↑" if by.lowest else " ↓") if by and by.name == name else ""
    return _clipped(name) + arrow


def _is_best(comparison: Comparison, name: str, value: Value) -> bool:
    by = comparison.by
    return by is not None and by.name == name and is_number(value) and value == comparison.best()


def _are_numbers(values: Sequence[Value]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in there)
