"""Routes: the consistent combinations of parents' runs for which a node runs.

A route is named by its coordinates: for each open axis in the node's ancestry, in definition order, the 1-based
position chosen on it. Two parents' runs are consistent when they agree on every axis that both carry; that is the
same as coming from the same run of every shared ancestor. So the routes of a node are the natural join of its
parents' routes, times its own axis. Rules: docs/semantics.md, "Routes".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .axes import is_axis, permutation_count
from .graph import Graph, children_of, graph_of, in_order
from .model import Pipeline

Axes = tuple[str, ...]  # titles of the nodes whose axis is carried, in definition order
Coordinates = tuple[int, ...]  # aligned with Axes


def axes_of(pipeline: Pipeline, graph: Graph) -> dict[str, Axes]:
    """For each node the open axes that its runs carry: its ancestors' and its own."""
    rank = {node.title: index for index, node in enumerate(pipeline.nodes)}
    own = {node.title: is_axis(node) for node in pipeline.nodes}
    carried: dict[str, Axes] = {}
    shared: dict[Axes, Axes] = {}  # one tuple for equal axes: 10,000 nodes carry few different ones
    for title in in_order(graph):
        found = {axis for parent in graph[title] for axis in carried[parent]}
        if own[title]:
            found.add(title)
        axes = tuple(sorted(found, key=rank.__getitem__))
        carried[title] = shared.setdefault(axes, axes)
    return carried


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a pipeline's nodes run: by node, in all, and along how many routes (node runs that no child's route
    carries on)."""

    by_node: Mapping[str, int]
    node_runs: int
    routes: int


def count(pipeline: Pipeline) -> Counts:
    """The node runs that are known before a run, without making them: N = X * Y, over the axes that a node carries."""
    graph = graph_of(pipeline)
    sizes = {node.title: permutation_count(node) for node in pipeline.nodes}
    known = {axes: math.prod(sizes[axis] for axis in axes) for axes in set(axes_of(pipeline, graph).values())}
    by_node = {title: known[axes] for title, axes in axes_of(pipeline, graph).items()}
    children = children_of(graph)
    ends = sum(runs for title, runs in by_node.items() if not children[title])
    return Counts(by_node, sum(by_node.values()), ends)


def name_of(slug: str, coordinates: Coordinates) -> str:
    """The id of a node run within its run: `report`, `train#2`, `evaluate#2.1`."""
    return f"{slug}#{'.'.join(map(str, coordinates))}" if coordinates else slug


class Join:
    """Finds, for one node, the consistent choices of parents' runs, as those are decided one after the other.

    `add` is given each decided run of a parent once and yields the choices that it completes; over time every
    consistent choice comes out exactly once.
    """

    def __init__(self, parents: Sequence[str], axes: Mapping[str, Axes]) -> None:
        self._axes = axes
        self._parents = tuple(parents)
        # parent -> the positions of its axes that a lookup compares -> those coordinates -> runs
        self._decided: dict[str, dict[tuple[int, ...], dict[Coordinates, list[tuple[str, Coordinates]]]]]
        self._decided = {parent: {} for parent in parents}
        self._steps = {parent: self._plan(parent) for parent in parents}

    def _plan(self, first: str) -> list[tuple[str, Axes, tuple[int, ...]]]:
        """The other parents in order, each with the axes shared with what was joined before."""
        joined = set(self._axes[first])
        steps = []
        for parent in self._parents:
            if parent == first:
                continue
            axes = self._axes[parent]
            common = tuple(axis for axis in axes if axis in joined)
            positions = tuple(axes.index(axis) for axis in common)
            self._decided[parent].setdefault(positions, defaultdict(list))
            steps.append((parent, common, positions))
            joined.update(axes)
        return steps

    def add(self, parent: str, run: str, coordinates: Coordinates) -> Iterator[dict[str, str]]:
        """Take in a decided run of `parent`; yields the choices (parent title -> run id) that it completes."""
        for positions, index in self._decided[parent].items():
            index[tuple(coordinates[i] for i in positions)].append((run, coordinates))
        place = dict(zip(self._axes[parent], coordinates, strict=True))
        yield from self._extend({parent: run}, place, self._steps[parent])

    def _extend(
        self, choice: dict[str, str], place: dict[str, int], steps: list[tuple[str, Axes, tuple[int, ...]]]
    ) -> Iterator[dict[str, str]]:
        if not steps:
            yield {parent: choice[parent] for parent in self._parents}
            return
        (parent, common, positions), rest = steps[0], steps[1:]
        key = tuple(place[axis] for axis in common)
        for run, coordinates in self._decided[parent][positions].get(key, ()):
            wider = {**place, **dict(zip(self._axes[parent], coordinates, strict=True))}
            yield from self._extend({**choice, parent: run}, wider, rest)
