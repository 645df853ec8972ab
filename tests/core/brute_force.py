"""A slow oracle: every node run that a pipeline must have, found by trying all tuples of parents' runs.

Written from the rules alone (docs/semantics.md, "Routes", "Conditions and approval", "States"), with runs as objects
that know the runs they descend from: no axes, no coordinates, no joins.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import State
from dagbook.runner.core.model import Node, OnError, Pipeline
from dagbook.runner.core.values import Value
from tests.core.world import NONE, key_of, outcome_of

TOO_MANY = 20_000  # tuples to try for one node
GOOD = {State.SUCCEEDED}
BROKEN = {State.FAILED, State.TIMED_OUT, State.LOST, State.UPSTREAM_FAILED}


class TooLarge(Exception):
    """The pipeline is too large to be tried by brute force."""


class Faulty(Exception):
    """A reference cannot be filled."""


@dataclass(eq=False)
class Run:
    """A node run that must be."""

    title: str
    key: str
    state: State
    tags: Mapping[str, Value] = field(default_factory=dict)
    own: Mapping[str, Value] = field(default_factory=dict)
    number: int = 0  # among the permutations of its choice, from 1; 0 when it has no axis of its own
    parents: Sequence[Run] = ()
    others: Sequence[Run] = ()  # gathered and waited for
    lacks: frozenset[str] = frozenset()  # tested parents of which it has no run

    def ancestry(self) -> dict[str, Run]:
        """Itself and all that it descends from on its route, by title."""
        found = {self.title: self}
        for parent in self.parents:
            found |= parent.ancestry()
        return found

    def all_before(self) -> set[Run]:
        """All that it comes after, on its route or not."""
        found: set[Run] = set()
        for one in (*self.parents, *self.others):
            found |= {one} | one.all_before()
        return found


def agree(runs: Iterable[Run]) -> bool:
    """True when these come from the same run of every ancestor that any two of them share."""
    ancestries = [run.ancestry() for run in runs]
    return all(
        one[title] is other[title]
        for one, other in itertools.combinations(ancestries, 2)
        for title in one.keys() & other.keys()
    )


class BruteForce:
    """All node runs of a pipeline whose node runs come to what `outcome_of` says, by title in `runs`."""

    def __init__(self, pipeline: Pipeline, seed: int, failing: float = 0.15) -> None:
        self._seed = seed
        self._failing = failing
        self._pipeline = pipeline
        self._rank = {node.title: number for number, node in enumerate(pipeline.nodes)}
        self.runs: dict[str, list[Run]] = {}
        left = list(pipeline.nodes)
        while left:
            node = next(node for node in left if all(title in self.runs for title in node.after))
            left.remove(node)
            self.runs[node.title] = self._runs_of(node) or [Run(node.title, f"{node.title}:{NONE}", self._none(node))]

    def states(self) -> dict[str, State]:
        """How each must end, by key."""
        return {run.key: run.state for runs in self.runs.values() for run in runs}

    # conditions

    def tested(self, node: Node) -> set[str]:
        """The parents whose runs are tested."""
        return {title for one in node.when for title in one.tasks or node.after}

    def _passing(self, node: Node) -> dict[str, list[Run]]:
        """Of each tested parent the runs that pass: thresholds first, then the comparisons among what is left."""
        tested = self.tested(node)
        left = [run for title in tested for run in self.runs[title] if run.state in GOOD]
        for one in node.when:
            left = [run for run in left if run.title not in (one.tasks or node.after) or meets(one, run)]
        winners = set(left)
        for one in node.when:
            if one.objective in (Objective.MAX, Objective.MIN):
                among = sorted((run for run in left if run.title in (one.tasks or node.after)), key=self._earliness)
                sign = 1 if one.objective is Objective.MAX else -1
                best = among[:1]
                for run in among[1:]:
                    if sign * number(run.tags[one.tag]) > sign * number(best[0].tags[one.tag]):
                        best = [run]
                winners -= set(among) - set(best)
        return {title: [run for run in self.runs[title] if run in winners] for title in tested}

    def _earliness(self, run: Run) -> tuple[int, list[int]]:
        ancestry = run.ancestry()
        order = sorted(self._rank, key=self._rank.__getitem__)
        return self._rank[run.title], [ancestry[title].number if title in ancestry else 0 for title in order]

    # choices

    def _runs_of(self, node: Node) -> list[Run]:
        tested, passing = self.tested(node), self._passing(node)
        there = {
            title: passing[title] if title in tested else [run for run in self.runs[title] if run.state != "skipped"]
            for title in node.after
        }
        if any(not there[title] for title in node.after if title not in tested):
            return []
        closed = set(node.after) if node.single else set(node.gather)
        plain = [title for title in node.after if title not in closed]
        offers = [[*there[title], *([None] if title in tested else [])] for title in plain]
        if math.prod(map(len, offers)) > TOO_MANY:
            raise TooLarge
        found: list[Run] = []
        for tuple_ in itertools.product(*offers):
            chosen = [run for run in tuple_ if run]
            if not agree(chosen):
                continue
            lacks = [title for title, run in zip(plain, tuple_, strict=True) if run is None]
            if any(agree([*chosen, run]) for title in lacks for run in there[title]):
                continue  # not maximal
            handed = {title: [run for run in there[title] if agree([*chosen, run])] for title in node.after}
            handed = {title: runs for title, runs in handed.items() if title in closed}
            if any(not runs for title, runs in handed.items() if title not in tested):
                continue
            if tested and not any(run.title in tested for run in (*chosen, *itertools.chain(*handed.values()))):
                continue
            found += self._permutations(node, chosen, handed, frozenset(lacks))
        return found

    def _permutations(
        self, node: Node, chosen: list[Run], handed: dict[str, list[Run]], lacks: frozenset[str]
    ) -> Iterator[Run]:
        fate = self._fate([*chosen, *itertools.chain(*handed.values())])
        several = {title: [run.key for run in runs] for title, runs in handed.items()}
        many = ({}, several) if node.single else (several, {})

        def run_of(own: dict[str, Value], number: int, params: dict[str, Value], faulty: bool) -> Run:
            key = key_of(node.title, own, {run.title: run.key for run in chosen}, *many)
            state, tags = self._end(node, key) if not (fate or faulty) else (fate or State.FAILED, {})
            others = list(itertools.chain(*handed.values()))
            return Run(node.title, key, state, {**params, **tags}, own, number, chosen, others, lacks)

        try:
            rows = list(self._rows(node, [*chosen], [*itertools.chain(*handed.values())]))
        except Faulty:
            yield run_of({}, int(self._has_axis(node)), {}, True)
            return
        for number_, (params, own) in enumerate(rows, 1):
            yield run_of(own, number_ if self._has_axis(node) else 0, {**params, **own}, False)

    @staticmethod
    def _has_axis(node: Node) -> bool:
        return bool(node.grid) or any("hyper" in str(value) for value in node.params.values())

    def _rows(
        self, node: Node, chosen: list[Run], others: list[Run]
    ) -> Iterator[tuple[dict[str, Value], dict[str, Value]]]:
        params: dict[str, Value] = {}
        axes: dict[str, list[Value]] = {}
        for name, text in node.params.items():
            title, _, tag = text.removesuffix(" | hyper }}").strip("{ }").partition(".")
            value = self._tag(title, tag, chosen, others)
            if "hyper" in text:
                axes[name] = pieces(value)
            else:
                params[name] = value
        axes |= node.grid
        for row in itertools.product(*axes.values()):
            yield params, dict(zip(axes, row, strict=True))

    def _tag(self, title: str, tag: str, chosen: list[Run], others: list[Run]) -> Value:
        """The tag of the run on this route; of the only run that is handed over, where the route has none."""
        on_route = {run.ancestry()[title] for run in chosen if title in run.ancestry()}
        behind = {one for run in (*chosen, *others) for one in ({run} | run.all_before()) if one.title == title}
        runs = on_route or behind
        if len(runs) != 1:
            raise Faulty
        (run,) = runs
        if run.state not in GOOD or tag not in run.tags:
            raise Faulty
        return run.tags[tag]

    # ends

    def _fate(self, before: list[Run]) -> State | None:
        for run in before:
            rule = self._pipeline.node(run.title).on_error
            if run.state in GOOD or (run.state in BROKEN and rule is OnError.CONTINUE):
                continue
            return State.UPSTREAM_FAILED
        return None

    def _end(self, node: Node, key: str) -> tuple[State, Mapping[str, Value]]:
        outcome = outcome_of(key, self._seed, self._failing)
        if outcome.failures <= (node.retries or 0):
            return State.SUCCEEDED, outcome.tags
        return outcome.broken, outcome.tags if outcome.logs_when_broken else {}

    def _none(self, node: Node) -> State:
        tested = self.tested(node)
        skipped = any(run.state is State.SKIPPED for title in set(node.after) - tested for run in self.runs[title])
        judged = [run.state in BROKEN for title in tested for run in self.runs[title]]
        return State.UPSTREAM_FAILED if tested and all(judged) and not skipped else State.SKIPPED


def number(value: Value) -> int | float:
    assert isinstance(value, int | float)
    return value


def is_number(value: Value) -> bool:
    """True for what can be compared as a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or (value == value and value not in (float("inf"), float("-inf")))


def meets(condition: Condition, run: Run) -> bool:
    """True when this run alone meets a threshold; for max and min, when it has a number."""
    if condition.tag not in run.tags:
        return False
    value, target = run.tags[condition.tag], condition.target
    if condition.objective in (Objective.MAX, Objective.MIN):
        return is_number(value)
    if isinstance(target, str):
        same = (value if isinstance(value, str) else repr(value)) == target
        return same if condition.objective is Objective.EQ else not same
    if not is_number(value):
        return False
    holds = {
        Objective.GT: number(value) > target,
        Objective.LT: number(value) < target,
        Objective.GE: number(value) >= target,
        Objective.LE: number(value) <= target,
        Objective.EQ: value == target,
        Objective.NE: value != target,
    }
    return bool(holds[condition.objective])


def pieces(value: Value) -> list[Value]:
    """What `| hyper` makes of the lists in `world.LISTS`."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return [] if value is None else [value]
    found = [piece.strip() for piece in value.split(",") if piece.strip()]
    return [int(piece) if piece.isdigit() else piece for piece in found]
