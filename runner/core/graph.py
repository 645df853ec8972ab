"""The graph of a pipeline: who comes after whom, what is wrong with it, parts of it.

Rules: docs/semantics.md, "Edges" and "Names and places".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .environment import environment_problems
from .errors import PipelineError, Problem, nearest, problem
from .model import Node, Pipeline
from .names import slug_of

if TYPE_CHECKING:
    from networkx import DiGraph

Graph = dict[str, tuple[str, ...]]  # title -> titles of its parents, in the order written; keys in definition order


def graph_of(pipeline: Pipeline) -> Graph:
    """Parents by title, each once, for a pipeline that `check` found sound."""
    titles = {node.slug: node.title for node in pipeline.nodes}
    return {node.title: tuple(dict.fromkeys(titles[slug_of(t)] for t in node.after)) for node in pipeline.nodes}


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


def check(pipeline: Pipeline) -> list[Problem]:
    """Everything wrong with the pipeline as a whole: names, edges, cycles, parameters, environment."""
    if not pipeline.nodes:
        return [problem("E-PIPELINE-EMPTY")]
    found = [*_name_problems(pipeline.nodes), *_edge_problems(pipeline)]
    for node in pipeline.nodes:
        found += [*_gather_problems(node), *_parameter_problems(pipeline, node)]
    if not any(one.is_error for one in found):
        found += _cycle_problems(pipeline)
        found += environment_problems(pipeline)
    return found


def _name_problems(nodes: Sequence[Node]) -> Iterable[Problem]:
    seen: dict[str, Node] = {}
    for node in nodes:
        other = seen.setdefault(node.slug, node)
        if other is node:
            continue
        if other.title == node.title:
            where = f"cell {other.cell}" if other.cell else "earlier"
            yield problem("E-NODE-DUP", node.place, title=node.title, other=where)
        else:
            yield problem("E-NAME-COLLIDES", node.place, title=node.title, other=other.title, slug=node.slug)


def _edge_problems(pipeline: Pipeline) -> Iterable[Problem]:
    titles = {node.slug: node.title for node in pipeline.nodes}
    for node in pipeline.nodes:
        seen: set[str] = set()
        for wanted in node.after:
            parent = slug_of(wanted)
            if parent not in titles:
                hint = nearest(wanted, (t for t in titles.values() if t != node.title))
                yield problem("E-EDGE-UNKNOWN", node.place, node=node.title, missing=wanted, nearest=hint)
            elif parent == node.slug:
                yield problem("E-EDGE-SELF", node.place, node=node.title)
            elif parent in seen:
                yield problem("W-EDGE-DUP", node.place, node=node.title, parent=titles[parent])
            seen.add(parent)


def _gather_problems(node: Node) -> Iterable[Problem]:
    after = {slug_of(title) for title in node.after}
    for title in node.gather:
        if slug_of(title) not in after:
            yield problem("E-GATHER", node.place, node=node.title, missing=title, nearest=nearest(title, node.after))


def _parameter_problems(pipeline: Pipeline, node: Node) -> Iterable[Problem]:
    for name in node.uses:
        if name not in pipeline.parameters and name not in node.params:
            hint = nearest(name, pipeline.parameters)
            yield problem("E-PARAM-MISSING", node.place, name=name, nearest=hint)
    for name in {*node.params, *node.uses} & set(node.grid):
        yield problem("E-PARAM-TWICE", node.place, name=name, first="--param", second="--grid")


def _cycle_problems(pipeline: Pipeline) -> list[Problem]:
    graph = graph_of(pipeline)
    if len(in_order(graph)) == len(graph):
        return []
    path = _one_cycle(graph)
    node = pipeline.node(path[0])
    return [problem("E-CYCLE", node.place, path=" -> ".join(path))]


def _one_cycle(graph: Graph) -> list[str]:
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
        chosen &= _reach(children, _titles(pipeline, start))
    if until:
        chosen &= _reach(graph, _titles(pipeline, until))
    if nodes:
        named = set(_titles(pipeline, nodes))
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


def _titles(pipeline: Pipeline, wanted: Sequence[str]) -> list[str]:
    found = []
    for name in wanted:
        try:
            found.append(pipeline.node(name).title)
        except KeyError:
            hint = nearest(name, (node.title for node in pipeline.nodes))
            raise PipelineError(problem("E-NODE-UNKNOWN", node=name, nearest=hint)) from None
    return found
