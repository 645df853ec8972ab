"""The graph of a pipeline: who comes after whom, and parts of it.

Rules: docs/semantics.md, "Edges" and "Names and places".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .errors import PipelineError, nearest, problem
from .model import Pipeline
from .names import slug_of
from .once import once

if TYPE_CHECKING:
    from networkx import DiGraph

Graph = dict[str, tuple[str, ...]]  # title -> titles of its parents, in the order written; keys in definition order


@once
def graph_of(pipeline: Pipeline) -> Graph:
    """Parents by title, each once, for a pipeline that `check` found sound: those named in --after, then by edges."""
    titles = {node.slug: node.title for node in pipeline.nodes}
    return {
        node.title: tuple(
            dict.fromkeys(
                titles[slug_of(title)]
                for title in (*node.after, *(edge.source for edge in pipeline.edges_into(node.title)))
            )
        )
        for node in pipeline.nodes
    }


def children_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Children by title, in definition order."""
    children: dict[str, list[str]] = {title: [] for title in graph}
    for title, parents in graph.items():
        for parent in parents:
            children[parent].append(title)
    return {title: tuple(found) for title, found in children.items()}


def in_order(graph: Graph) -> list[str]:
    """All titles, parents first; among equals in definition order. For an acyclic graph."""
    left = {title: len(parents) for title, parents in graph.items()}
    children = children_of(graph)
    ready = [title for title in graph if not left[title]]
    for title in ready:  # grows while it is walked
        for child in children[title]:
            left[child] -= 1
            if not left[child]:
                ready.append(child)
    return ready


def one_cycle(graph: Graph) -> list[str]:
    """The titles along one cycle, the first one again at the end, in the direction in which data would flow."""
    import networkx

    edges = networkx.find_cycle(to_networkx(graph))
    start = min(range(len(edges)), key=lambda i: list(graph).index(edges[i][0]))
    turned = [*edges[start:], *edges[:start]]
    return [edge[0] for edge in turned] + [turned[0][0]]


def to_networkx(graph: Graph) -> DiGraph[str]:
    """The graph for networkx, edges from parent to child."""
    import networkx

    picture: DiGraph[str] = networkx.DiGraph()
    picture.add_nodes_from(graph)
    picture.add_edges_from((parent, title) for title, parents in graph.items() for parent in parents)
    return picture


def _reach(steps: Graph | dict[str, tuple[str, ...]], starts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    to_do = list(starts)
    while to_do:
        title = to_do.pop()
        if title not in found:
            found.add(title)
            to_do.extend(steps[title])
    return found


def select(
    pipeline: Pipeline,
    nodes: Sequence[str] = (),
    start: Sequence[str] = (),
    until: Sequence[str] = (),
) -> tuple[Pipeline, frozenset[str]]:
    """The part of a pipeline that `--node`, `--from` and `--until` choose.

    Returns the smaller pipeline, and in it the titles that are not to run: their latest artifacts are used.
    `--from N` is N and all after it, `--until N` is N and all before it, `--node N` is N alone; given together,
    `--from` and `--until` mean what lies between. Raises PipelineError (E-NODE-UNKNOWN).
    """
    graph, children = graph_of(pipeline), children_of(graph_of(pipeline))
    chosen = set(graph)
    if start:
        chosen &= _reach(children, titles_of(pipeline, start))
    if until:
        chosen &= _reach(graph, titles_of(pipeline, until))
    if nodes:
        named = set(titles_of(pipeline, nodes))
        chosen = chosen | named if (start or until) else named
    if not chosen:
        raise PipelineError(
            problem(
                "E-USAGE",
                what="no node lies between --from and --until",
                hint="Swap the two, or leave one out.",
            )
        )
    needed = _reach(graph, chosen)
    kept = tuple(node for node in pipeline.nodes if node.title in needed)
    return pipeline.model_copy(update={"nodes": kept}), frozenset(needed - chosen)


def titles_of(pipeline: Pipeline, wanted: Sequence[str]) -> list[str]:
    """The titles meant by these names. Raises PipelineError (E-NODE-UNKNOWN)."""
    found = []
    for name in wanted:
        try:
            found.append(pipeline.node(name).title)
        except KeyError:
            hint = nearest(name, (node.title for node in pipeline.nodes))
            raise PipelineError(problem("E-NODE-UNKNOWN", node=name, nearest=hint)) from None
    return found
