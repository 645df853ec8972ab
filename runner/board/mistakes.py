"""A pipeline with mistakes: as much of it as can be drawn, and which mistake is whose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.edge import Edge
from ..core.errors import Problem, problem
from ..core.graph import graph_of, in_order, one_cycle
from ..core.model import Node, Pipeline
from ..core.names import slug_of
from .lettering import escaped
from .palette import palette

MOST_TOLD = 50  # mistakes in a list


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong with a pipeline.

    `drawable` is the pipeline without the edges that lead nowhere or around in a circle; those of circles are in
    `circling`, by slugs. `by_node` has the mistakes by the slug of the node that they are about; `others` are about
    none.
    """

    drawable: Pipeline
    by_node: Mapping[str, tuple[Problem, ...]]
    others: tuple[Problem, ...]
    circling: tuple[tuple[str, str], ...] = ()

    @property
    def lines(self) -> dict[str, str]:
        """The first mistake of each node in a line, by its slug."""
        return {slug: found[0].message for slug, found in self.by_node.items()}

    @property
    def all(self) -> tuple[Problem, ...]:
        """All mistakes, each once, in the order of the nodes."""
        found = dict.fromkeys(self.others)
        for problems in self.by_node.values():
            found |= dict.fromkeys(problems)
        return tuple(found)


def mistakes_of(pipeline: Pipeline, problems: Iterable[Problem]) -> Mistakes:
    """What the errors among `problems`, which `check` found in the pipeline, mean for its picture."""
    errors = [one for one in problems if one.is_error]
    if not errors:
        return Mistakes(pipeline, {}, ())
    drawable, paths = _without_circles(_without_loose_ends(pipeline))
    if paths and not any(one.code == "E-CYCLE" for one in errors):  # told only when nothing else is wrong
        errors += [problem("E-CYCLE", drawable.node(path[0]).place, path=" -> ".join(path)) for path in paths]
    in_circles = {slug_of(title) for path in paths for title in path}
    known = [node.slug for node in drawable.nodes]
    by_node = {
        slug: found for slug in known if (found := tuple(one for one in errors if slug in _nodes_of(one, in_circles)))
    }
    told = {one for found in by_node.values() for one in found}
    others = tuple(one for one in errors if one not in told)
    circling = tuple((slug_of(path[-2]), slug_of(path[-1])) for path in paths)
    return Mistakes(drawable, by_node, others, circling)


def _nodes_of(found: Problem, in_circles: set[str]) -> set[str]:
    if found.code == "E-CYCLE":
        return in_circles
    return {slug_of(found.place.node)} if found.place.node else set()


def _without_loose_ends(pipeline: Pipeline) -> Pipeline:
    """Each name once, and only edges from one node to another."""
    nodes = {node.slug: node for node in reversed(pipeline.nodes)}

    def leads(source: str, target: str) -> bool:
        one, other = slug_of(source), slug_of(target)
        return one in nodes and other in nodes and one != other

    def kept(node: Node) -> Node:
        after = tuple(title for title in node.after if leads(title, node.title))
        slugs = {slug_of(title) for title in after}
        gather = tuple(title for title in node.gather if slug_of(title) in slugs)
        return node.model_copy(update={"after": after, "gather": gather, "edges": _sound(node.edges)})

    def _sound(edges: Iterable[Edge]) -> tuple[Edge, ...]:
        return tuple(edge for edge in edges if leads(edge.source, edge.target))

    found = tuple(kept(node) for node in pipeline.nodes if nodes[node.slug] is node)
    return pipeline.model_copy(update={"nodes": found, "edges": _sound(pipeline.edges)})


def _without_circles(pipeline: Pipeline) -> tuple[Pipeline, list[list[str]]]:
    """The pipeline without the last edge of each circle, and the titles along the circles."""
    paths = []
    while len(in_order(graph := graph_of(pipeline))) < len(graph):
        path = one_cycle(graph)
        paths.append(path)
        pipeline = _cut(pipeline, path[-2], path[-1])
    return pipeline, paths


def _cut(pipeline: Pipeline, source: str, target: str) -> Pipeline:
    from_, to = slug_of(source), slug_of(target)

    def others(edges: Iterable[Edge]) -> tuple[Edge, ...]:
        return tuple(edge for edge in edges if (slug_of(edge.source), slug_of(edge.target)) != (from_, to))

    def kept(node: Node) -> Node:
        changed: dict[str, Any] = {"edges": others(node.edges)}
        if node.slug == to:
            for name in ("after", "gather"):
                changed[name] = tuple(title for title in getattr(node, name) if slug_of(title) != from_)
        return node.model_copy(update=changed)

    return pipeline.model_copy(update={"nodes": tuple(map(kept, pipeline.nodes)), "edges": others(pipeline.edges)})


def mistakes_html(found: Iterable[Problem]) -> str:
    """Mistakes in words, with what to do about each."""
    told = list(found)
    bar = palette("auto").mistake.colour
    look = f"border-left:4px solid {bar};padding:0 0 0 8px;margin:2px 0 8px;overflow-wrap:anywhere"
    parts = [f'<div style="{look}">{_told(one)}</div>' for one in told[:MOST_TOLD]]
    if len(told) > MOST_TOLD:
        parts.append(f"<div>… and {len(told) - MOST_TOLD} more</div>")
    return "".join(parts)


def _told(one: Problem) -> str:
    place = f"{escaped(str(one.place))}<br>" if str(one.place) else ""
    hint = f"<br>{escaped(one.hint)}" if one.hint else ""
    return f"{place}<b>{escaped(one.message)}</b> <code>{escaped(one.code)}</code>{hint}"
