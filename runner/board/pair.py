"""Two rows of a comparison held to each other: which values differ and by how much, and what went into them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..comparison import Comparison, Row, Told, same
from ..core.lifecycle import NodeRun
from ..view import age
from .compared_columns import Column, Kind, columns, labels_of
from .curves_svg import number_words
from .parallel_axes import as_number

_NONE = "–"
_DIGEST = 12  # characters of a digest that people compare
_MOST = 6  # digests of one node that are told


@dataclass(frozen=True, slots=True)
class Change:
    """A value that differs, in words; `delta` from the first to the second where both are numbers."""

    name: str
    kind: Kind
    one: str
    other: str
    delta: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows: their labels, what differs in their values and in the artifacts that they took in.

    `same_values` and `same_inputs` count what does not differ.
    """

    labels: tuple[str, str]
    rows: tuple[Row, Row]
    values: tuple[Change, ...]
    inputs: tuple[Change, ...]
    same_values: int
    same_inputs: int


def pair_of(comparison: Comparison, one: int, other: int, told: Mapping[str, Told]) -> Pair:
    """The rows with these numbers; `told` holds their runs by id."""
    rows = comparison.rows[one], comparison.rows[other]
    both = replace(comparison, rows=rows)
    found = columns(both)
    values = [change for column in found if (change := _change(column))]
    one_took, other_took = (_taken(told[row.run], row.id) for row in rows)
    nodes = list(dict.fromkeys([*one_took, *other_took]))
    differing = [name for name in nodes if one_took.get(name) != other_took.get(name)]
    same_values = len(found) - len(values) + len(both.common())
    labels = labels_of(both)
    return Pair(
        labels=(labels[0], labels[1]),
        rows=rows,
        values=tuple(values),
        inputs=tuple(
            Change(name, Kind.KEY, _digests(one_took.get(name)), _digests(other_took.get(name))) for name in differing
        ),
        same_values=same_values,
        same_inputs=len(nodes) - len(differing),
    )


def _change(column: Column) -> Change | None:
    one, other = column.values
    if same(one, other):
        return None
    words = column.words(0) or _NONE, column.words(1) or _NONE
    return Change(column.name, column.kind, *words, _delta(column))


def _delta(column: Column) -> str:
    """`↑ 0.02 (+2.3 %)`; empty where one of them is no number."""
    if not column.numbers:
        return ""
    one, other = (as_number(value) for value in column.values)
    if one is None or other is None:
        return ""
    by = other - one
    arrow = "↑" if by > 0 else "↓" if by < 0 else "="
    words = age(abs(by)) if column.kind is Kind.DURATION else number_words(abs(by))
    share = f" ({by / abs(one):+.1%})".replace("%", " %") if one and abs(by / one) < 100 else ""
    return f"{arrow} {words}{share}"


def _taken(told: Told, id: str | None) -> dict[str, tuple[str, ...]]:
    """The artifacts that a node run took in, by the titles of the nodes that left them; empty for one without."""
    runs = told.so_far.node_runs
    if id is None or id not in runs:
        return {}
    created = runs[id].created
    every = {title: (parent,) for title, parent in created.parents.items()} | dict(created.gathered)
    return {title: tuple(_artifact(runs.get(id)) for id in ids) for title, ids in every.items()}


def _artifact(run: NodeRun | None) -> str:
    return str(run.detail.get("artifact") or "") if run else ""


def _digests(artifacts: tuple[str, ...] | None) -> str:
    """The beginnings of digests, which are the same for the same files; of many only the first ones."""
    words = [digest[:_DIGEST] or _NONE for digest in artifacts or ("",)]
    more = f" … {len(words) - _MOST} more" if len(words) > _MOST else ""
    return " ".join(words[:_MOST]) + more
