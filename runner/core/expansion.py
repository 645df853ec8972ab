"""Expansion: which node runs come to be, as the runs before them are decided.

A node run is created as soon as the runs of its own parents are decided; it never waits for unrelated ones. A node is
settled when no more runs of it can come and all that came are decided. A node of which no run can come is told of once,
as skipped or as failed upstream. Rules: docs/semantics.md, "Routes" and "Conditions and approval".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .axes import hyper_parameters, permutations
from .binding import Binding
from .conditions import Gate, settled
from .errors import Problem
from .graph import children_of, graph_of
from .joins import ConditionalJoin, Join, SingleJoin
from .lifecycle import Created, NodeRun, RunSoFar, State
from .model import Node, Pipeline
from .routes import Choice, axes_of, closed_by, fixed_of, name_of, sizes_of
from .upstream import NoSuchTag, NotYetKnown, tag_of
from .values import Value

ABSENT = frozenset({State.SKIPPED, State.WAITING})  # a node whose only run is in one of these has none to go on from


@dataclass(frozen=True, slots=True)
class Birth:
    """A node run that comes to be; with a `state` it is decided at once, for that `reason`, with these `warnings`."""

    created: Created
    state: State | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()


class Expansion:
    """Finds the node runs of one run. Reads what was decided from `run`, which its caller keeps up to date.

    `max_runs` is the most node runs that may come to be, and one more of each node to tell of it: where a node's runs
    become too many one fails, and it gets no more. With `binds` each gets the digest of what it is to run on
    (`contents`: see `Binding`).
    """

    def __init__(
        self,
        pipeline: Pipeline,
        run: RunSoFar,
        max_runs: int | None = None,
        binds: bool = True,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        graph = graph_of(pipeline)
        self._pipeline = pipeline
        self._run = run
        self._binding = Binding(pipeline, run, contents) if binds else None
        self._max_runs = max_runs
        self._nodes = {node.title: node for node in pipeline.nodes}
        self._titles = tuple(self._nodes)
        self._parents = graph
        self._children = children_of(graph)
        self._axes = axes_of(pipeline)
        self._order = {title: number for number, title in enumerate(self._nodes)}
        self._gates = {node.title: self._gate(node) for node in pipeline.nodes if node.when}
        self._closed = {title: closed_by(pipeline, self._nodes[title], parents) for title, parents in graph.items()}
        self._joins = self._make_joins()
        self._unsettled = {title: len(parents) for title, parents in graph.items()}
        self._open = dict.fromkeys(graph, 0)  # node runs that are not decided
        self._seen: set[str] = set()  # nodes of which a run came to be
        self._settled: set[str] = set()
        self._undecided: dict[str, str] = {}  # while planning: nodes of which only the run decides
        self._absent: dict[str, NodeRun] = {}  # node -> a parent's run that is skipped
        self._empty: dict[str, str] = {}  # node -> why a choice gave no run
        self._full: set[str] = set()  # nodes that would have made too many runs, and get no more
        self._made = 0

    def _gate(self, node: Node) -> Gate:
        parents = self._parents[node.title]
        return Gate([settled(self._pipeline, node, one, parents) for one in node.when], self._order)

    def _make_joins(self) -> dict[str, Join | SingleJoin | ConditionalJoin]:
        graph, sizes, fixed = self._parents, sizes_of(self._pipeline), fixed_of(self._pipeline)
        joins: dict[str, Join | SingleJoin | ConditionalJoin] = {}
        for title, parents in graph.items():
            closed = [parent for parent in parents if parent in self._closed[title]]
            known = sizes if all(parent in fixed for parent in closed) else dict.fromkeys(sizes)
            if title in self._gates:
                joins[title] = ConditionalJoin(
                    parents, self._gates[title].tested, closed, self._axes, dict.fromkeys(sizes)
                )
            elif any(self._axes[parent] for parent in parents):
                joins[title] = Join(parents, closed, self._axes, known)
            elif parents:
                joins[title] = SingleJoin(parents, closed)
        return joins

    # what happens

    def roots(self) -> Iterator[Birth]:
        """The runs of the nodes that come after none."""
        for title, parents in self._parents.items():
            if not parents:
                yield from self._births(title, Choice({}, {}))

    def after(self, run: NodeRun) -> Iterator[Birth]:
        """What follows from a run that was decided; each run is given once."""
        self._open[run.node] -= 1
        for child in self._children[run.node]:
            yield from self._hand_on(child, run)
        ended = deque([run.node])
        while ended:  # a loop, since an end travels down long chains
            title = ended.popleft()
            if self._unsettled[title] or self._open[title] or title in self._settled:
                continue
            self._settled.add(title)
            for child in self._children[title]:
                self._unsettled[child] -= 1
                yield from self._hear_settled(child, title)
                ended.append(child)

    def forgotten(self) -> list[str]:
        """The nodes of which no run came to be: none, at the end of a run."""
        return [title for title in self._nodes if title not in self._seen]

    def _hand_on(self, child: str, run: NodeRun) -> Iterator[Birth]:
        gate = self._gates.get(child)
        tested = gate is not None and run.node in gate.tested
        if run.state is State.WAITING:
            self._undecided.setdefault(child, run.reason)
            return
        if run.state is State.SKIPPED and not tested:
            self._absent.setdefault(child, run)
            return
        passing = [run]
        if gate and tested:
            try:
                passing = gate.add(run)
            except NotYetKnown as unknown:
                self._undecided.setdefault(child, f"its condition: {unknown}")
                return
        yield from self._join(child, passing)

    def _join(self, child: str, passing: list[NodeRun]) -> Iterator[Birth]:
        for run in passing:
            yield from self._take(child, self._joins[child].add(run.node, run.id, run.created.coordinates))

    def _take(self, child: str, choices: Iterator[Choice]) -> Iterator[Birth]:
        """The runs for these choices; of a full node they are not even looked for, since they may be millions."""
        while child not in self._full and (choice := next(choices, None)):
            yield from self._births(child, choice)

    def _hear_settled(self, child: str, parent: str) -> Iterator[Birth]:
        """No more runs of `parent` will come: what waited for that goes on, or turns out to have nothing to go on."""
        gate, over = self._gates.get(child), [parent]
        undecided = child in self._undecided
        if gate and parent in gate.tested:
            passing, over = gate.settle(parent)
            yield from self._join(child, [] if undecided else passing)
        for one in () if undecided else over:
            yield from self._take(child, self._joins[child].settle(one))
        untold = child not in self._seen or child in self._undecided
        if not self._unsettled[child] and untold and self._nodes[child].slug not in self._run.node_runs:
            yield self._none(child)

    # births

    def _births(self, title: str, choice: Choice) -> Iterator[Birth]:
        """The runs of a node for one choice of its parents' runs: one per permutation of its own."""
        node = self._nodes[title]
        place, route = self._place(choice) if self._axes[title] else ({}, {})
        try:
            rows = self._rows(node, choice)
            born = [self._bound(node, choice, self._created(node, choice, place, route, *row)) for row in rows]
        except NotYetKnown as unknown:
            self._undecided.setdefault(title, str(unknown))
            return
        except NoSuchTag as fault:
            reason = str(self._too_many(title, 1) or fault)
            yield self._born(Birth(self._created(node, choice, place, route, {}, {}, 1), State.FAILED, reason))
            return
        if not born:
            names = ", ".join(hyper_parameters(self._pipeline, node))
            self._empty[title] = f"there is no value for {names}: the tag is empty"
        for created in born:
            yield self._born(Birth(created))

    def _rows(self, node: Node, choice: Choice) -> list[tuple[dict[str, Value], dict[str, Value], int]]:
        """The node's own permutations for this choice: all parameters, those that an axis chose, the number."""
        rows = []
        found = permutations(
            self._pipeline, node, self._titles, lambda asked: tag_of(self._run.node_runs, choice, asked)
        )
        for number, (params, chosen) in enumerate(found, 1):
            rows.append((params, chosen, number))
            if full := self._too_many(node.title, number):
                raise full
        return rows

    def _bound(self, node: Node, choice: Choice, created: Created) -> Created:
        return replace(created, plan=self._binding.digest(node, choice, created)) if self._binding else created

    def _too_many(self, title: str, more: int) -> NoSuchTag | None:
        """What is wrong with so many more runs of this node, which is full then; None when there is room."""
        if self._max_runs is None or self._made + more <= self._max_runs:
            return None
        self._full.add(title)
        what = f'more than {self._max_runs:,} node runs would come of it, so "{title}" gets no more'
        return NoSuchTag(Problem("E-GRID-SIZE", what, "Allow more with --max-runs."))

    def _place(self, choice: Choice) -> tuple[dict[str, int], dict[str, Mapping[str, Value]]]:
        place: dict[str, int] = {}
        route: dict[str, Mapping[str, Value]] = {}
        for parent in choice.parents.values():
            created = self._run.node_runs[parent].created
            for axis, position in zip(self._axes[created.node], created.coordinates, strict=True):
                place |= {axis: position} if position else {}
            route.update(created.route)
        return place, route

    def _created(
        self,
        node: Node,
        choice: Choice,
        place: Mapping[str, int],
        route: Mapping[str, Mapping[str, Value]],
        params: Mapping[str, Value],
        chosen: Mapping[str, Value],
        number: int,
    ) -> Created:
        title = node.title
        if title in self._axes[title]:
            place, route = {**place, title: number}, {**route, title: chosen}
        axes = self._axes[title]
        coordinates = tuple(place.get(axis, 0) for axis in axes)
        along = {axis: route[axis] for axis in axes if axis in route}
        gathered, waited = (choice.gathered, {}) if not node.single else ({}, choice.gathered)
        gate = self._gates.get(title)
        because = gate.because if gate else ""
        id = name_of(node.slug, coordinates)
        return Created(id, title, coordinates, params, along, choice.parents, gathered, waited, because=because)

    def _born(self, birth: Birth) -> Birth:
        self._seen.add(birth.created.node)
        self._open[birth.created.node] += 1
        self._made += 1
        return birth

    def _none(self, title: str) -> Birth:
        """The one entry of a node of which no run came to be."""
        state, reason = self._why_none(title)
        zeros = (0,) * len(self._axes[title])
        created = Created(self._nodes[title].slug, title, zeros, {}, {}, {})
        gate = self._gates.get(title)
        unlogged = gate.unlogged() if gate and state is State.SKIPPED and title not in self._absent else ""
        warnings = (f"it did not run, because {unlogged}",) if unlogged else ()
        return self._born(Birth(replace(created, because=reason), state, reason, warnings))

    def _why_none(self, title: str) -> tuple[State, str]:
        if title in self._undecided:
            return State.WAITING, self._undecided[title]
        if title in self._absent:
            return State.SKIPPED, f'"{self._absent[title].node}" was skipped'
        if title in self._empty:
            return State.SKIPPED, self._empty[title]
        if title in self._gates:
            return self._gates[title].conclusion()
        return State.SKIPPED, "no runs of its parents belong to one route"
