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
from .graph import Graph, graph_of, in_order
from .model import Node, Pipeline
from .names import slug_of

Axes = tuple[str, ...]  # titles of the nodes whose axis is carried, in definition order
Coordinates = tuple[int, ...]  # aligned with Axes


def axes_of(pipeline: Pipeline, graph: Graph) -> dict[str, Axes]:
    """For each node the open axes that its runs carry: those of the parents that it does not gather, and its own."""
    gathered = {node.title: gathered_by(node) for node in pipeline.nodes}
    rank = {node.title: index for index, node in enumerate(pipeline.nodes)}
    own = {node.title: is_axis(node) for node in pipeline.nodes}
    carried: dict[str, Axes] = {}
    shared: dict[Axes, Axes] = {}  # one tuple for equal axes: 10,000 nodes carry few different ones
    for title in in_order(graph):
        found = {axis for parent in graph[title] if slug_of(parent) not in gathered[title] for axis in carried[parent]}
        if own[title]:
            found.add(title)
        axes = tuple(sorted(found, key=rank.__getitem__))
        carried[title] = shared.setdefault(axes, axes)
    return carried


def gathered_by(node: Node) -> frozenset[str]:
    """The slugs of the parents whose runs this node takes all at once."""
    return frozenset(map(slug_of, node.gather))


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
    carried_on = {p for node in pipeline.nodes for p in graph[node.title] if slug_of(p) not in gathered_by(node)}
    ends = sum(runs for title, runs in by_node.items() if title not in carried_on)
    return Counts(by_node, sum(by_node.values()), ends)


def name_of(slug: str, coordinates: Coordinates) -> str:
    """The id of a node run within its run: `report`, `train#2`, `evaluate#2.1`."""
    return f"{slug}#{'.'.join(map(str, coordinates))}" if coordinates else slug


@dataclass(frozen=True, slots=True)
class Choice:
    """One consistent choice of parents' runs: `parents` (title -> run id), `gathered` (title -> all its run ids)."""

    parents: Mapping[str, str]
    gathered: Mapping[str, tuple[str, ...]]


class Join:
    """Finds, for one node, the consistent choices of parents' runs, as those are decided one after the other.

    `add` is given each decided run of a parent once and yields the choices that it completes; over time every
    consistent choice comes out exactly once. Of a gathered parent a choice holds all runs that are consistent with
    the rest, and waits for them; `sizes` tells how many values each axis has, and so how many those are.
    """

    def __init__(
        self, parents: Sequence[str], gathered: Sequence[str], axes: Mapping[str, Axes], sizes: Mapping[str, int]
    ) -> None:
        self._axes = axes
        self._singles = tuple(parent for parent in parents if parent not in gathered)
        # parent -> the positions of its axes that a lookup compares -> those coordinates -> runs
        self._decided: dict[str, dict[tuple[int, ...], dict[Coordinates, list[tuple[str, Coordinates]]]]]
        self._decided = {parent: {} for parent in self._singles}
        self._steps = {parent: self._plan(parent) for parent in self._singles}
        carried = {axis for parent in self._singles for axis in axes[parent]}
        self._groups = {p: _Group(axes[p], carried, sizes) for p in parents if p in gathered}
        # gathered parent, place -> choices that wait for the rest of that group
        self._parked: dict[tuple[str, Coordinates], list[tuple[dict[str, str], dict[str, int]]]] = defaultdict(list)
        if not self._singles:
            self._park({}, {})

    def _plan(self, first: str) -> list[tuple[str, Axes, tuple[int, ...]]]:
        """The other parents in order, each with the axes shared with what was joined before."""
        joined = set(self._axes[first])
        steps = []
        for parent in self._singles:
            if parent == first:
                continue
            axes = self._axes[parent]
            common = tuple(axis for axis in axes if axis in joined)
            positions = tuple(axes.index(axis) for axis in common)
            self._decided[parent].setdefault(positions, defaultdict(list))
            steps.append((parent, common, positions))
            joined.update(axes)
        return steps

    def add(self, parent: str, run: str, coordinates: Coordinates) -> Iterator[Choice]:
        """Take in a decided run of `parent`; yields the choices that it completes."""
        if parent in self._groups:
            key = self._groups[parent].add(run, coordinates)
            if self._groups[parent].is_whole(key):
                for choice, place in self._parked.pop((parent, key), ()):
                    yield from self._gather(choice, place)
            return
        for positions, index in self._decided[parent].items():
            index[tuple(coordinates[i] for i in positions)].append((run, coordinates))
        place = dict(zip(self._axes[parent], coordinates, strict=True))
        for choice, whole in self._extend({parent: run}, place, self._steps[parent]):
            yield from self._gather(choice, whole)

    def _extend(
        self, choice: dict[str, str], place: dict[str, int], steps: list[tuple[str, Axes, tuple[int, ...]]]
    ) -> Iterator[tuple[dict[str, str], dict[str, int]]]:
        if not steps:
            yield {parent: choice[parent] for parent in self._singles}, place
            return
        (parent, common, positions), rest = steps[0], steps[1:]
        key = tuple(place[axis] for axis in common)
        for run, coordinates in self._decided[parent][positions].get(key, ()):
            wider = {**place, **dict(zip(self._axes[parent], coordinates, strict=True))}
            yield from self._extend({**choice, parent: run}, wider, rest)

    def _gather(self, choice: dict[str, str], place: dict[str, int]) -> Iterator[Choice]:
        if not self._park(choice, place):
            gathered = {parent: group.runs(group.key_at(place)) for parent, group in self._groups.items()}
            yield Choice(choice, gathered)

    def _park(self, choice: dict[str, str], place: dict[str, int]) -> bool:
        """Let a choice wait for the first group that is not whole; False when all are."""
        for parent, group in self._groups.items():
            key = group.key_at(place)
            if not group.is_whole(key):
                self._parked[(parent, key)].append((choice, place))
                return True
        return False


class SingleJoin:
    """The join of parents that run once each: there is one choice, complete with the last of them.

    Most nodes of a large pipeline are such; planning 10,000 of them takes a third less than with `Join`.
    """

    def __init__(self, parents: Sequence[str], gathered: Sequence[str]) -> None:
        self._parents = tuple(parents)
        self._gathered = frozenset(gathered)
        self._runs: dict[str, str] = {}

    def add(self, parent: str, run: str, coordinates: Coordinates) -> Iterator[Choice]:
        """Take in the decided run of `parent`; yields the choice when it is the last one."""
        self._runs[parent] = run
        if len(self._runs) == len(self._parents):
            singles = {title: self._runs[title] for title in self._parents if title not in self._gathered}
            yield Choice(singles, {title: (self._runs[title],) for title in self._parents if title in self._gathered})


class _Group:
    """The runs of a gathered parent, by their place on the axes that the gathering node carries too."""

    def __init__(self, axes: Axes, carried: set[str], sizes: Mapping[str, int]) -> None:
        self._shared = tuple(axis for axis in axes if axis in carried)
        self._positions = tuple(axes.index(axis) for axis in self._shared)
        self._whole = math.prod(sizes[axis] for axis in axes if axis not in carried)
        self._runs: dict[Coordinates, list[tuple[Coordinates, str]]] = defaultdict(list)

    def add(self, run: str, coordinates: Coordinates) -> Coordinates:
        """Take in a decided run; returns its place on the shared axes."""
        key = tuple(coordinates[i] for i in self._positions)
        self._runs[key].append((coordinates, run))
        return key

    def key_at(self, place: Mapping[str, int]) -> Coordinates:
        return tuple(place[axis] for axis in self._shared)

    def is_whole(self, key: Coordinates) -> bool:
        return len(self._runs[key]) == self._whole

    def runs(self, key: Coordinates) -> tuple[str, ...]:
        """All runs at that place, in the order of their coordinates."""
        return tuple(run for _coordinates, run in sorted(self._runs[key]))
