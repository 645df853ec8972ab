"""The relations of a file: who comes after whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...core.graph import graph_of, in_order, one_cycle
from ...core.model import Pipeline
from .part import Part
from .schemas import Relation
from .titles import Titles


@dataclass(frozen=True, slots=True)
class Arrow:
    """A relation between two titles as they were written, and where it stands."""

    source: str
    target: str
    part: Part


def read_relations(part: Part, titles: Titles, data: frozenset[str]) -> list[Arrow]:
    """The relations at `part`, each once; `data` are the titles of datasets. Faults are taken down."""
    found: dict[tuple[str, str], Arrow] = {}
    for number in range(len(part.entry.value)):
        arrow = _arrow(part.inner(number, what=f"relation {number + 1}"), titles)
        if arrow is None or _is_faulty(arrow, data):
            continue
        first = found.setdefault((arrow.source, arrow.target), arrow)
        if first is not arrow:
            what = f'{arrow.part.what} leads from "{arrow.source}" to "{arrow.target}", as line {first.part.entry.line}'
            arrow.part.note("W-CHANGED", "taken once", what=f"{what} does", hint="Take one of the two away.")
    return list(found.values())


def _arrow(part: Part, titles: Titles) -> Arrow | None:
    told = part.read(Relation)
    if told is None:
        return None
    part.leave_out_unknown(Relation)
    source = titles.told(part, "from", told.from_, f"{part.what} comes from")
    target = titles.told(part, "to", told.to, f"{part.what} leads to")
    return Arrow(source, target, part) if source and target else None


def _is_faulty(arrow: Arrow, data: frozenset[str]) -> bool:
    if arrow.source == arrow.target:
        arrow.part.note("E-EDGE-SELF", "not read", node=arrow.target)
        return True
    if arrow.target in data:
        what = f'{arrow.part.what} leads to "{arrow.target}", which is a dataset: nothing comes before it'
        hint = "Exchange `from` and `to`, or take the relation away."
        arrow.part.note("E-CONFLICT", "not read", what=what, hint=hint)
        return True
    return False


def before(arrows: Sequence[Arrow]) -> Mapping[str, tuple[str, ...]]:
    """By title, the titles of the tasks right before it, in the order of the file."""
    found: dict[str, list[str]] = {}
    for arrow in arrows:
        found.setdefault(arrow.target, []).append(arrow.source)
    return {title: tuple(sources) for title, sources in found.items()}


def check_cycles(pipeline: Pipeline, arrows: Sequence[Arrow]) -> None:
    """Take down one cycle, where there is one, at the last relation that is part of it."""
    graph = graph_of(pipeline)
    if len(in_order(graph)) == len(graph):
        return
    path = one_cycle(graph)
    steps = set(pairwise(path))
    arrow = next(one for one in reversed(arrows) if (one.source, one.target) in steps)
    arrow.part.note("E-CYCLE", "not read", path=" -> ".join(path))
