"""Routes of a run, or runs, side by side: from what the store says of them to rows of named values. Pure.

A row is a node run, or a whole run where each node ran once. What the rows differ in apart from these values (code,
images, files) stands in `differences`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .core.errors import PipelineError, nearest, problem
from .core.lifecycle import ENDED, NodeRun, RunSoFar, State
from .core.names import slug_of
from .core.values import Value, from_json, to_json
from .records.store import RunRow
from .view import listed

DURATION = "duration"  # what --by takes besides tags and parameters

T = TypeVar("T")
Placed = tuple[str, str]  # a node's title ("" for the pipeline) and a name in it


@dataclass(frozen=True, slots=True)
class Told:
    """A run to compare: what the store says of it and of its node runs."""

    row: RunRow
    so_far: RunSoFar


@dataclass(frozen=True, slots=True)
class Series:
    """A metric of one row, as it was logged: (step, value), in order."""

    points: tuple[tuple[float, Value], ...]

    @property
    def last(self) -> Value:
        """The value that was logged last; it is a tag, too."""
        return self.points[-1][1]

    def span(self) -> tuple[Value, Value] | None:
        """The least and the greatest finite number of it; None when there is none, or only one point."""
        found = [value for _, value in self.points if is_number(value)]
        return (min(found), max(found)) if found and len(self.points) > 1 else None  # type: ignore[type-var]


@dataclass(frozen=True, slots=True)
class Row:
    """What is compared: a node run, or a whole run (`id` and `node` are then None).

    `tags` are all tags; `logged` those that are neither a parameter nor a metric. `duration` in seconds.
    """

    run: str
    id: str | None
    node: str | None
    state: State
    params: Mapping[str, Value]
    tags: Mapping[str, Value]
    logged: Mapping[str, Value]
    metrics: Mapping[str, Series]
    duration: float | None

    def value(self, name: str) -> Value:
        """The tag or parameter `name`, or the duration; None where there is none."""
        found = self.tags.get(name, self.params.get(name))
        return self.duration if name == DURATION and name not in self.tags else found


@dataclass(frozen=True, slots=True)
class By:
    """What rows are sorted by: a tag, a parameter or `duration`; the highest first, or the lowest."""

    name: str
    lowest: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows side by side. `by` says what they are sorted by, and `chosen` which nodes were asked for by name."""

    runs: tuple[RunRow, ...]
    rows: tuple[Row, ...]
    by: By | None = None
    chosen: frozenset[str] = field(default_factory=frozenset)

    @property
    def whole_runs(self) -> bool:
        """True when each row is a whole run."""
        return bool(self.rows) and self.rows[0].id is None

    def common(self) -> dict[str, Value]:
        """The parameters that are the same in every row."""
        first = self.rows[0].params if self.rows else {}
        return {
            name: value
            for name, value in first.items()
            if all(name in row.params and same(row.params[name], value) for row in self.rows)
        }

    def best(self) -> Value:
        """The value that no other row's surpasses, of what `by` names, in whatever order rows stand; None without."""
        if self.by is None:
            return None
        found: list[Any] = [value for row in self.rows if is_number(value := row.value(self.by.name))]
        return (min if self.by.lowest else max)(found) if found else None


def compare(told: Sequence[Told], now: float, nodes: Sequence[str] = (), by: str | None = None) -> Comparison:
    """The comparison of one run's routes, or of several runs. `nodes` are titles, slugs or ids of node runs.

    Without `nodes`, the nodes that ran several times; when there is none, each run is one row, or each node run of a
    run that stands alone. `by` is sorted by, the highest first; with `-` in front, the lowest.
    Raises PipelineError: E-NODE-UNKNOWN, E-USAGE for a `by` that no row has.
    """
    runs = [[run for run in listed(one.so_far) if _is_chosen(run, nodes)] for one in told]
    _check_known(told, nodes, [run for found in runs for run in found])
    if not nodes:
        often = {run.node for found in runs for run in _of_several(found)}
        if often:
            runs = [[run for run in found if run.node in often] for found in runs]
        elif len(told) > 1:
            return _sorted(_shown(told, (), [_whole(one, now) for one in told]), by)
    made = [_of_node_run(one, run) for one, found in zip(told, runs, strict=True) for run in found]
    return _sorted(_shown(told, nodes, made), by)


def _is_chosen(run: NodeRun, nodes: Sequence[str]) -> bool:
    return not nodes or any(named in (run.id, run.node) or slug_of(named) == slug_of(run.node) for named in nodes)


def _check_known(told: Sequence[Told], nodes: Sequence[str], runs: Sequence[NodeRun]) -> None:
    titles = [node["title"] for one in told for node in one.row.record["pipeline"]["nodes"]]
    for named in nodes:
        known = any(slug_of(named) == slug_of(title) for title in titles)  # one that has not come to run yet
        if not known and not any(_is_chosen(run, [named]) for run in runs):
            ids = [id for one in told for id in one.so_far.node_runs]
            raise PipelineError(problem("E-NODE-UNKNOWN", node=named, nearest=nearest(named, [*titles, *ids])))


def _of_several(runs: Sequence[NodeRun]) -> list[NodeRun]:
    often = Counter(run.node for run in runs)
    return [run for run in runs if often[run.node] > 1]


# from what was recorded to rows


@dataclass(frozen=True, slots=True)
class _Raw:
    """A row whose names still carry the node that gave them."""

    row: Row
    params: Mapping[Placed, Value]
    tags: Mapping[Placed, Value]
    logged: Mapping[Placed, Value]
    metrics: Mapping[Placed, Series]


def _of_node_run(told: Told, run: NodeRun) -> _Raw:
    """A node run with the values chosen along its route."""
    route = {(title, name): value for title, chosen in run.created.route.items() for name, value in chosen.items()}
    duration = run.detail.get("duration_s") if run.state in ENDED else None
    row = Row(told.row.id, run.id, run.node, run.state, {}, {}, {}, {}, duration)
    tags, logged, metrics = _tags_of(run)
    return _Raw(row, {**route, **_at(run.node, run.created.params)}, tags, logged, metrics)


def _whole(told: Told, now: float) -> _Raw:
    """A run in one row: the pipeline's parameters, and what all its nodes were given and logged."""
    given = told.row.record["pipeline"].get("parameters", {})
    params: dict[Placed, Value] = {("", name): from_json(value) for name, value in given.items()}
    tags: dict[Placed, Value] = {}
    logged: dict[Placed, Value] = {}
    metrics: dict[Placed, Series] = {}
    for run in listed(told.so_far):
        params |= _at(run.node, run.created.params)
        its_tags, its_logged, its_metrics = _tags_of(run)
        tags |= its_tags
        logged |= its_logged
        metrics |= its_metrics
    duration = round(told.row.seconds(now), 3)
    row = Row(told.row.id, None, None, State(str(told.so_far.state)), {}, {}, {}, {}, duration)
    return _Raw(row, params, tags, logged, metrics)


def _tags_of(run: NodeRun) -> tuple[dict[Placed, Value], dict[Placed, Value], dict[Placed, Series]]:
    """All tags of a node run, those that are neither a parameter nor a metric, and its metrics."""
    params = run.created.params
    logged = {
        name: value
        for name, value in run.tags.items()
        if name not in run.metrics and not (name in params and same(params[name], value))
    }
    metrics = {name: Series(tuple(points)) for name, points in run.metrics.items()}
    return _at(run.node, run.tags), _at(run.node, logged), _at(run.node, metrics)


def _at(title: str, named: Mapping[str, T]) -> dict[Placed, T]:
    return {(title, name): value for name, value in named.items()}


def _shown(told: Sequence[Told], nodes: Sequence[str], raw: Sequence[_Raw]) -> Comparison:
    """The comparison of these rows, their names as people read them."""
    columns = zip(
        (one.row for one in raw),
        _plainly([one.params for one in raw]),
        _plainly([one.tags for one in raw]),
        _plainly([one.logged for one in raw]),
        _plainly([one.metrics for one in raw]),
        strict=True,
    )
    rows = tuple(
        Row(row.run, row.id, row.node, row.state, params, tags, logged, metrics, row.duration)
        for row, params, tags, logged, metrics in columns
    )
    return Comparison(tuple(one.row for one in told), rows, None, frozenset(map(slug_of, nodes)))


def _plainly(rows: Sequence[Mapping[Placed, T]]) -> list[dict[str, T]]:
    """The same without the nodes, but for a name to which two nodes of one row give different values: `train.lr`."""
    ambiguous: set[str] = set()
    for row in rows:
        seen: dict[str, T] = {}
        for (_, name), value in row.items():
            if not same(seen.setdefault(name, value), value):
                ambiguous.add(name)
    return [
        {(f"{slug_of(t)}.{name}" if t and name in ambiguous else name): value for (t, name), value in row.items()}
        for row in rows
    ]


# order


def _sorted(comparison: Comparison, by: str | None) -> Comparison:
    """The same with its rows sorted by the tag that `by` names. Raises PipelineError (E-USAGE)."""
    if by is None:
        return comparison
    order = By(by.removeprefix("-"), lowest=by.startswith("-"))
    known = {name for row in comparison.rows for name in (*row.tags, *row.params, DURATION)}
    if order.name not in known:
        what = f"--by {by}: nothing that is compared here has a tag or parameter of that name"
        raise PipelineError(problem("E-USAGE", what=what, hint=nearest(order.name, known)))
    numbers: list[Row] = []
    texts: list[Row] = []
    rest: list[Row] = []  # NaN, infinite, a list, missing: no order has a place for them, so they come last either way
    for row in comparison.rows:
        value = row.value(order.name)
        (numbers if is_number(value) else texts if isinstance(value, str) else rest).append(row)

    def rank(row: Row) -> Any:
        return row.value(order.name)

    for ranked in (numbers, texts):  # sort() keeps the order of equal ones, also in reverse
        ranked.sort(key=rank, reverse=not order.lowest)
    return Comparison(comparison.runs, (*numbers, *texts, *rest), order, comparison.chosen)


def is_number(value: Value) -> bool:
    """True for a finite number; a whole number of any size is one."""
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def same(one: object, other: object) -> bool:
    """Whether two values are one and the same, also NaN; 1, 1.0 and True are three."""
    return one is other or _identity(one) == _identity(other)


def _identity(value: object) -> Hashable:
    if isinstance(value, Series):
        return tuple((step, _identity(point)) for step, point in value.points)
    return json.dumps(to_json(value))  # type: ignore[arg-type]
