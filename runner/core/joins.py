"""Joins: the consistent choices of parents' runs for which a node runs, found as those runs are decided.

A run is known by its place: for each axis that it carries, the position on it; 0 where its route has no run of that
node (a tested parent that did not pass), which agrees with every position.
Rules: docs/semantics.md, "Routes" and "Conditions and approval".
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from .routes import Axes, Choice, Coordinates

Place = dict[str, int]
Positions = tuple[int, ...]  # of some coordinates among those of a run
Found = tuple[str, Coordinates]  # a run, and its own coordinates


class Join:
    """Finds, for one node, the consistent choices of its parents' runs.

    `add` is given each decided run of a parent once and yields the choices that it completes; over time every
    consistent choice comes out exactly once. Of a gathered parent a choice holds all runs that are consistent with
    the rest, and waits for them: until they are as many as `sizes` tells (None: not known before the parent is
    settled), or until `settle` says that no more will come. Where it has none there is no choice, unless the parent is
    in `may_lack`.
    """

    def __init__(
        self,
        parents: Sequence[str],
        gathered: Collection[str],
        axes: Mapping[str, Axes],
        sizes: Mapping[str, int | None],
        may_lack: Collection[str] = (),
    ) -> None:
        self._axes = axes
        self._may_lack = frozenset(may_lack)
        self._plain = tuple(parent for parent in parents if parent not in gathered)
        # parent -> the positions of its axes that a lookup compares -> those coordinates -> runs
        self._decided: dict[str, dict[Positions, _Index]] = {parent: {} for parent in self._plain}
        self._steps = {parent: self._plan(parent) for parent in self._plain}
        carried = {axis for parent in self._plain for axis in axes[parent]}
        self._groups = {p: _Group(axes[p], carried, sizes) for p in parents if p in gathered}
        # gathered parent, place -> choices that wait for the rest of that group
        self._parked: dict[tuple[str, Coordinates], list[tuple[dict[str, str], Place]]] = defaultdict(list)
        if not self._plain:
            self._park({}, {})

    def _plan(self, first: str) -> list[tuple[str, Axes, Positions]]:
        """The other parents in order, each with the axes shared with what was joined before."""
        joined = set(self._axes[first])
        steps = []
        for parent in self._plain:
            if parent == first:
                continue
            axes = self._axes[parent]
            common = tuple(axis for axis in axes if axis in joined)
            positions = tuple(axes.index(axis) for axis in common)
            self._decided[parent].setdefault(positions, _Index())
            steps.append((parent, common, positions))
            joined.update(axes)
        return steps

    def add(self, parent: str, run: str, coordinates: Coordinates) -> Iterator[Choice]:
        """Take in a decided run of `parent`; yields the choices that it completes."""
        if parent in self._groups:
            key = self._groups[parent].add(run, coordinates)
            yield from self._release(parent, key)
            return
        for positions, index in self._decided[parent].items():
            index.add(_part(coordinates, positions), run, coordinates)
        place = place_of(self._axes[parent], coordinates)
        for choice, whole in self._extend({parent: run}, place, self._steps[parent]):
            yield from self.gather(choice, whole)

    def settle(self, parent: str) -> Iterator[Choice]:
        """No more runs of `parent` will come; yields the choices that waited for that."""
        if parent not in self._groups:
            return
        self._groups[parent].settled = True
        for waiting, key in list(self._parked):
            if waiting == parent:
                yield from self._release(parent, key)

    def _release(self, parent: str, key: Coordinates) -> Iterator[Choice]:
        if self._groups[parent].is_whole(key):
            for choice, place in self._parked.pop((parent, key), ()):
                yield from self.gather(choice, place)

    def _extend(
        self, choice: dict[str, str], place: Place, steps: list[tuple[str, Axes, Positions]]
    ) -> Iterator[tuple[dict[str, str], Place]]:
        if not steps:
            yield {parent: choice[parent] for parent in self._plain}, place
            return
        (parent, common, positions), rest = steps[0], steps[1:]
        key = tuple(place.get(axis, 0) for axis in common)
        for run, coordinates in self._decided[parent][positions].matching(key):
            wider = {**place, **place_of(self._axes[parent], coordinates)}
            yield from self._extend({**choice, parent: run}, wider, rest)

    def gather(self, choice: dict[str, str], place: Place) -> Iterator[Choice]:
        """Add the gathered runs to a choice of the other parents' runs, now or when the last of them is decided."""
        if self._park(choice, place):
            return
        gathered = {parent: group.runs(group.key_at(place)) for parent, group in self._groups.items()}
        if all(runs or parent in self._may_lack for parent, runs in gathered.items()):
            yield Choice(choice, gathered)

    def _park(self, choice: dict[str, str], place: Place) -> bool:
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

    def __init__(self, parents: Sequence[str], gathered: Collection[str]) -> None:
        self._parents = tuple(parents)
        self._gathered = frozenset(gathered)
        self._runs: dict[str, str] = {}

    def add(self, parent: str, run: str, coordinates: Coordinates) -> Iterator[Choice]:
        """Take in the decided run of `parent`; yields the choice when it is the last one."""
        self._runs[parent] = run
        if len(self._runs) == len(self._parents):
            plain = {title: self._runs[title] for title in self._parents if title not in self._gathered}
            yield Choice(plain, {title: (self._runs[title],) for title in self._parents if title in self._gathered})

    def settle(self, parent: str) -> Iterator[Choice]:
        """Nothing waits for more runs here."""
        yield from ()


class ConditionalJoin:
    """The join of a node with conditions, given only the runs of tested parents that passed.

    A choice may lack tested parents, though not all of them, and only those of which no passing run is consistent
    with the rest. Choices that lack none come out at once; the others when all tested parents are settled.
    """

    def __init__(
        self,
        parents: Sequence[str],
        tested: Collection[str],
        gathered: Collection[str],
        axes: Mapping[str, Axes],
        sizes: Mapping[str, int | None],
    ) -> None:
        self._axes = axes
        self._parents = tuple(parents)
        self._tested = tuple(parent for parent in parents if parent in tested and parent not in gathered)
        self._gathered = frozenset(gathered)
        self._gathered_tested = frozenset(tested) & frozenset(gathered)
        self._whole = Join(parents, gathered, axes, sizes, may_lack=self._gathered_tested)
        rest = [parent for parent in parents if parent not in self._tested and parent not in gathered]
        self._rest = Join(rest, (), axes, sizes) if rest else None
        self._passing = {parent: _Index() for parent in self._tested}
        self._places: dict[str, Place] = {}
        self._left = set(self._tested)
        self._bases: list[Choice] = [] if rest else [Choice({}, {})]
        self._seen: set[tuple[tuple[str, str], ...]] = set()

    def add(self, parent: str, run: str, coordinates: Coordinates) -> Iterator[Choice]:
        """Take in a decided run, which passed if its parent is tested; yields the choices that it completes."""
        self._places[run] = place_of(self._axes[parent], coordinates)
        if parent in self._passing:
            self._passing[parent].add(coordinates, run, coordinates)
        yield from self._new(self._whole.add(parent, run, coordinates))
        if self._rest and parent not in self._passing and parent not in self._gathered:
            yield from self._widened(self._rest.add(parent, run, coordinates))

    def settle(self, parent: str) -> Iterator[Choice]:
        """No more runs of `parent` will come, or go on; yields the choices that waited for that."""
        yield from self._new(self._whole.settle(parent))
        if parent in self._left:
            self._left.discard(parent)
            if not self._left:
                yield from self._widened(iter(self._bases))

    def _new(self, choices: Iterator[Choice]) -> Iterator[Choice]:
        for choice in choices:
            key = tuple(choice.parents.items())
            passed = choice.parents.keys() & self._passing.keys() or any(
                choice.gathered.get(parent) for parent in self._gathered_tested
            )
            if passed and key not in self._seen:
                self._seen.add(key)
                yield choice

    def _widened(self, bases: Iterator[Choice]) -> Iterator[Choice]:
        """The choices that these, of untested parents alone, make with passing runs of tested ones."""
        for base in bases:
            if self._left or not self._tested:
                self._bases.append(base)
                continue
            place = self._place_of(base.parents.values())
            for chosen in self._maximal({}, place, self._tested):
                found = {**base.parents, **chosen}
                ordered = {parent: found[parent] for parent in self._parents if parent in found}
                whole = {**place, **self._place_of(chosen.values())}
                yield from self._new(self._whole.gather(ordered, whole))

    def _place_of(self, runs: Iterable[str]) -> Place:
        place: Place = {}
        for run in runs:
            place |= self._places[run]
        return place

    def _maximal(self, chosen: dict[str, str], place: Place, left: Sequence[str]) -> Iterator[dict[str, str]]:
        if not left:
            missing = [parent for parent in self._tested if parent not in chosen]
            if not any(next(self._fitting(parent, place), None) for parent in missing):
                yield chosen
            return
        parent, later = left[0], left[1:]
        open_axes = {axis for other in later for axis in self._axes[other]}
        surely = False  # a fitting run that no later choice can rule out: leaving this parent out is not maximal
        for run, coordinates in self._fitting(parent, place):
            own = place_of(self._axes[parent], coordinates)
            surely = surely or not ((own.keys() - place.keys()) & open_axes)
            yield from self._maximal({**chosen, parent: run}, {**place, **own}, later)
        if not surely:
            yield from self._maximal(chosen, place, later)

    def _fitting(self, parent: str, place: Place) -> Iterator[Found]:
        return self._passing[parent].matching(tuple(place.get(axis, 0) for axis in self._axes[parent]))


def place_of(axes: Axes, coordinates: Coordinates) -> Place:
    """The positions by axis, without those where there is none."""
    return {axis: position for axis, position in zip(axes, coordinates, strict=True) if position}


class _Index:
    """Runs by some of their coordinates; 0 agrees with everything, on either side.

    Only coordinates that are 0 neither in a run's key nor in the one looked up are compared. So the runs are kept by
    where their keys are not 0, and again by each part of that a lookup compared: no lookup goes through all of them.
    """

    def __init__(self) -> None:
        self._runs: dict[Positions, list[tuple[Coordinates, Found]]] = {}
        self._views: dict[Positions, dict[Positions, dict[Coordinates, list[Found]]]] = {}

    def add(self, key: Coordinates, run: str, coordinates: Coordinates) -> None:
        where, found = tuple(i for i, position in enumerate(key) if position), (run, coordinates)
        self._runs.setdefault(where, []).append((key, found))
        for compared, view in self._views.setdefault(where, {}).items():
            view.setdefault(_part(key, compared), []).append(found)

    def matching(self, key: Coordinates) -> Iterator[Found]:
        for where in self._runs:
            compared = tuple(i for i in where if key[i])
            yield from self._view(where, compared).get(_part(key, compared), ())

    def _view(self, where: Positions, compared: Positions) -> dict[Coordinates, list[Found]]:
        views = self._views[where]
        if compared not in views:
            view = views[compared] = {}
            for key, found in self._runs[where]:
                view.setdefault(_part(key, compared), []).append(found)
        return views[compared]


def _part(key: Coordinates, positions: Positions) -> Coordinates:
    return tuple(key[i] for i in positions)


class _Group:
    """The runs of a gathered parent, by their place on the axes that the gathering node carries too."""

    def __init__(self, axes: Axes, carried: set[str], sizes: Mapping[str, int | None]) -> None:
        self._shared = tuple(axis for axis in axes if axis in carried)
        self._positions = tuple(axes.index(axis) for axis in self._shared)
        known = [sizes[axis] for axis in axes if axis not in carried]
        self._whole = None if None in known else math.prod(size for size in known if size is not None)
        self._runs = _Index()
        self._counts: Counter[Coordinates] = Counter()
        self.settled = False

    def add(self, run: str, coordinates: Coordinates) -> Coordinates:
        """Take in a decided run; returns its place on the shared axes."""
        key = _part(coordinates, self._positions)
        self._runs.add(key, run, coordinates)
        self._counts[key] += 1
        return key

    def key_at(self, place: Mapping[str, int]) -> Coordinates:
        return tuple(place.get(axis, 0) for axis in self._shared)

    def is_whole(self, key: Coordinates) -> bool:
        return self.settled or (self._whole is not None and self._counts[key] == self._whole)

    def runs(self, key: Coordinates) -> tuple[str, ...]:
        """All runs at that place, in the order of their coordinates."""
        found = sorted((coordinates, run) for run, coordinates in self._runs.matching(key))
        return tuple(run for _coordinates, run in found)
