"""The latest runs side by side: a column for each run, a row for each node; values only, from two queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..core.lifecycle import RunState, State
from ..core.names import slug_of
from ..records.glance import node_run_states
from ..records.settling import OVER
from ..records.store import RunRow, Store
from ..view import around_words, state_word, worst_of


@dataclass(frozen=True, slots=True)
class GridRun:
    """A column: a run as a whole. `seconds` is None while it goes on; `started` is in seconds since the epoch."""

    id: str
    pipeline: str
    state: RunState
    reason: str
    started: float
    seconds: float | None
    around: str = ""  # the node of which run it is, in words


@dataclass(frozen=True, slots=True)
class Square:
    """What the runs of one node came to in one run: the state that stands for all of them, and how many are in each."""

    state: State
    counts: Mapping[State, int]

    @property
    def words(self) -> str:
        """`12 succeeded, 1 failed`; of a single node run its state alone."""
        if sum(self.counts.values()) == 1:
            return state_word(self.state)
        return ", ".join(f"{count} {state_word(state)}" for state, count in self.counts.items())


@dataclass(frozen=True, slots=True)
class GridRow:
    """A node, and a square for each run in which it is; None where it came to no node run, or is not part of it."""

    pipeline: str
    node: str
    squares: tuple[Square | None, ...]


@dataclass(frozen=True, slots=True)
class RunGrid:
    """Columns from the oldest run to the newest, rows in the order of the pipelines' nodes."""

    runs: tuple[GridRun, ...]
    rows: tuple[GridRow, ...]

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The names of the pipelines in it, that of the newest run first."""
        return tuple(dict.fromkeys(run.pipeline for run in reversed(self.runs)))


def run_grid(store: Store, most: int = 20, pipeline: str | None = None) -> RunGrid:
    """The latest `most` runs of the store, or of one pipeline in it."""
    found = list(reversed(store.runs(most, pipeline)))
    states = node_run_states(store, [row.id for row in found])
    squares = {row.id: _squares(states.get(row.id, {})) for row in found}
    rows = []
    for name in dict.fromkeys(row.pipeline for row in reversed(found)):
        of_it = [row for row in found if row.pipeline == name]
        for title in _titles(of_it):
            slug = slug_of(title)
            line = tuple(squares[row.id].get(slug) if row.pipeline == name else None for row in found)
            rows.append(GridRow(name, title, line))
    return RunGrid(tuple(map(_column, found)), tuple(rows))


def _column(row: RunRow) -> GridRun:
    over = row.state in OVER and row.ended is not None
    seconds = row.seconds(row.ended) if over and row.ended is not None else None
    return GridRun(row.id, row.pipeline, row.state, row.reason, row.started, seconds, around_words(row))


def _squares(states: Mapping[str, State]) -> dict[str, Square]:
    """By slug what a run's node runs came to."""
    of_node: dict[str, list[State]] = {}
    for id, state in states.items():
        of_node.setdefault(id.partition("#")[0], []).append(state)
    return {slug: made for slug, found in of_node.items() if (made := _square(found))}


def _square(states: Iterable[State]) -> Square | None:
    counted = Counter(states)
    worst = worst_of(counted)
    return Square(worst, {state: counted[state] for state in State if counted[state]}) if worst else None


def _titles(found: list[RunRow]) -> list[str]:
    """The nodes of all these runs in the newest one's order; one that only older ones have comes after the node that
    it came after."""
    titles: list[str] = []
    for row in reversed(found):
        before = -1
        known = {title: at for at, title in enumerate(titles)}
        for node in row.record["pipeline"]["nodes"]:
            title = node["title"]
            if title in known:
                before = titles.index(title, known[title])  # it may stand further on by what was put in
                continue
            before += 1
            titles.insert(before, title)
    return titles
