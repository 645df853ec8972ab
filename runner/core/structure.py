"""What is wrong with the structure of a pipeline: names, edges, parameters, cycles.

Rules: docs/semantics.md, "Names and places" and "Edges".
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from .edge import Edge, Port
from .errors import Place, Problem, nearest, problem
from .graph import graph_of, in_order, one_cycle
from .model import Node, Pipeline
from .names import slug_of


def structure_problems(pipeline: Pipeline) -> list[Problem]:
    """Faults of names, edges, gathers and parameters, and cycles when there is no other error."""
    found = [*_name_problems(pipeline.nodes), *_edge_problems(pipeline)]
    titles = {node.slug: node.title for node in pipeline.nodes}
    for node in pipeline.nodes:
        found += [*_gather_problems(node), *_datum_problems(node, titles), *_parameter_problems(pipeline, node)]
    if not any(one.is_error for one in found):
        found += _cycle_problems(pipeline)
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
    for edge in pipeline.all_edges:
        yield from _ported_edge_problems(pipeline, edge, titles)


def _ported_edge_problems(pipeline: Pipeline, edge: Edge, titles: Mapping[str, str]) -> Iterable[Problem]:
    place = pipeline.node(edge.target).place if slug_of(edge.target) in titles else Place(node=edge.target)
    for end in (edge.source, edge.target):
        if slug_of(end) not in titles:
            yield problem("E-EDGE-END", place, edge=edge, missing=end, nearest=nearest(end, titles.values()))
    if slug_of(edge.source) == slug_of(edge.target):
        if edge.target_port is Port.PARAMETER:
            yield problem("W-EDGE-SELF", place, edge=edge)
        else:
            what = f"the edge {edge} leads from a node into itself"
            yield problem("E-CONFLICT", place, what=what, hint="Take the files from another node.")


def _gather_problems(node: Node) -> Iterable[Problem]:
    after = {slug_of(title) for title in node.after}
    for title in node.gather:
        if slug_of(title) not in after:
            yield problem("E-GATHER", node.place, node=node.title, missing=title, nearest=nearest(title, node.after))


def _name_it(title: str, node: Node, titles: Mapping[str, str]) -> str:
    """What to do about an input that does not come before a node: name it, where there is one called so."""
    there = titles.get(slug_of(title))
    if there and there != node.title:
        return f"Add it: --after {shlex.quote(there)}"
    return nearest(title, node.after or (one for one in titles.values() if one != node.title))


def _datum_problems(node: Node, titles: Mapping[str, str]) -> Iterable[Problem]:
    """Each input that is cut into datums must come before the node, and not be gathered."""
    after, gathered = {slug_of(title) for title in node.after}, {slug_of(title) for title in node.gather}
    for title in node.datums.input.titles if node.datums else ():
        if slug_of(title) not in after:
            hint = _name_it(title, node, titles)
            yield problem("E-MAP", node.place, node=node.title, missing=title, nearest=hint)
        elif slug_of(title) in gathered:
            what = f'"{node.title}" gathers "{title}" and cuts it into datums'
            yield problem("E-CONFLICT", node.place, what=what, hint="Keep one of --gather and --map.")


def _parameter_problems(pipeline: Pipeline, node: Node) -> Iterable[Problem]:
    for name in node.uses:
        if name not in pipeline.parameters and name not in node.params:
            hint = nearest(name, pipeline.parameters)
            yield problem("E-PARAM-MISSING", node.place, name=name, nearest=hint)
    for name in sorted({*node.params, *node.uses} & set(node.grid)):
        yield problem("E-PARAM-TWICE", node.place, name=name, first="--param", second="--grid")
    filled: dict[str, Edge] = {}
    for edge in pipeline.edges_into(node.title):
        if edge.target_port is not Port.PARAMETER:
            continue
        other = filled.setdefault(edge.target_key, edge)
        if other is not edge or edge.target_key in node.grid:
            first = str(other) if other is not edge else "--grid"
            yield problem("E-PARAM-TWICE", node.place, name=edge.target_key, first=first, second=edge)


def _cycle_problems(pipeline: Pipeline) -> list[Problem]:
    graph = graph_of(pipeline)
    if len(in_order(graph)) == len(graph):
        return []
    path = one_cycle(graph)
    node = pipeline.node(path[0])
    return [problem("E-CYCLE", node.place, path=" -> ".join(path))]
