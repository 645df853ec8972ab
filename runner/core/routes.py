"""Routes: the consistent combinations of parents' runs for which a node runs.

A route is named by its coordinates: for each open axis in the node's ancestry, in definition order, the 1-based
position chosen on it. Two parents' runs are consistent when they agree on every axis that both carry; that is the
same as coming from the same run of every shared ancestor. So the routes of a node are the natural join of its
parents' routes, times its own axis. Rules: docs/semantics.md, "Routes".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .axes import is_axis, permutation_count
from .graph import graph_of, in_order
from .model import Kind, Node, Pipeline
from .names import slug_of
from .once import once

Axes = tuple[str, ...]  # titles of the nodes whose axis is carried, in definition order
Coordinates = tuple[int, ...]  # aligned with Axes

_NONE: frozenset[str] = frozenset()


@once
def axes_of(pipeline: Pipeline) -> Mapping[str, Axes]:
    """For each node the open axes that its runs carry: those of the parents that it does not close, and its own."""
    graph = graph_of(pipeline)
    closed = {node.title: closed_by(pipeline, node, graph[node.title]) for node in pipeline.nodes}
    rank = {node.title: index for index, node in enumerate(pipeline.nodes)}
    own = {node.title: is_axis(pipeline, node) for node in pipeline.nodes}
    carried: dict[str, Axes] = {}
    shared: dict[Axes, Axes] = {}  # one tuple for equal axes: 10,000 nodes carry few different ones
    for title in in_order(graph):
        found = {axis for parent in graph[title] if parent not in closed[title] for axis in carried[parent]}
        if own[title]:
            found.add(title)
        axes = tuple(sorted(found, key=rank.__getitem__))
        carried[title] = shared.setdefault(axes, axes)
    return carried


def closed_by(pipeline: Pipeline, node: Node, parents: Sequence[str]) -> frozenset[str]:
    """The parents whose axes end at this node: those that it gathers; for a single node all but datasets."""
    if node.single:
        return frozenset(title for title in parents if pipeline.node(title).kind is not Kind.DATA)
    if not node.gather:
        return _NONE
    slugs = gathered_by(node)
    return frozenset(title for title in parents if slug_of(title) in slugs)


def gathered_by(node: Node) -> frozenset[str]:
    """The slugs of the parents whose runs this node takes all at once."""
    return frozenset(map(slug_of, node.gather))


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a pipeline's nodes run, as far as it is known before a run: by node (None: the run decides), in all,
    and along how many routes (node runs that no child's route carries on)."""

    by_node: Mapping[str, int | None]
    node_runs: int
    routes: int

    @property
    def unknown(self) -> list[str]:
        """The titles of the nodes whose number of runs only the run decides."""
        return [title for title, runs in self.by_node.items() if runs is None]


def count(pipeline: Pipeline) -> Counts:
    """The node runs that are known before a run, without making them: N = X * Y, over the axes that a node carries.

    Not known are nodes with conditions or with a `| hyper`, and those that come after them.
    """
    graph = graph_of(pipeline)
    sizes, carried, fixed = sizes_of(pipeline), axes_of(pipeline), fixed_of(pipeline)
    known = {axes: _product(sizes[axis] for axis in axes) for axes in set(carried.values())}
    by_node = {title: known[axes] if title in fixed else None for title, axes in carried.items()}
    closed = {node.title: closed_by(pipeline, node, graph[node.title]) for node in pipeline.nodes}
    carried_on = {parent for title, parents in graph.items() for parent in parents if parent not in closed[title]}
    ends = sum(runs or 0 for title, runs in by_node.items() if title not in carried_on)
    return Counts(by_node, sum(runs or 0 for runs in by_node.values()), ends)


def _product(sizes: Iterable[int | None]) -> int | None:
    found = list(sizes)
    return None if None in found else math.prod(size for size in found if size is not None)


@once
def sizes_of(pipeline: Pipeline) -> Mapping[str, int | None]:
    """How many values each node's own axis has; None where the run decides."""
    return {node.title: permutation_count(pipeline, node) for node in pipeline.nodes}


@once
def fixed_of(pipeline: Pipeline) -> frozenset[str]:
    """The titles of the nodes whose runs are known before a run: no condition and no `| hyper` up to them."""
    graph, sizes = graph_of(pipeline), sizes_of(pipeline)
    fixed: set[str] = set()
    for title in in_order(graph):
        node = pipeline.node(title)
        if not node.when and sizes[title] is not None and fixed.issuperset(graph[title]):
            fixed.add(title)
    return frozenset(fixed)


def name_of(slug: str, coordinates: Coordinates) -> str:
    """The id of a node run within its run: `report`, `train#2`, `evaluate#2.1`; 0 where its route has no such run."""
    return f"{slug}#{'.'.join(map(str, coordinates))}" if any(coordinates) else slug


@dataclass(frozen=True, slots=True)
class Choice:
    """One consistent choice of parents' runs: `parents` (title -> run id), `gathered` (title -> all its run ids)."""

    parents: Mapping[str, str]
    gathered: Mapping[str, tuple[str, ...]]
