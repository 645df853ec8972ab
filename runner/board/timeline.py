"""When a run did what: a row for each node run, or for each node of a large run; values only.

The critical path is the chain of node runs that decided when the run ended: from the one that ended last back, each
time, to the one that it waited for and that ended last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..core.lifecycle import ENDED, Created, State
from ..records.follow import Follower, Watched
from ..view import route_words, worst_of
from .estimate import Estimate
from .header import ended_at
from .outline import Outline
from .pictured import outline_of_run
from .spans import Bar, Doing, bars_of
from .timescale import Scale, scale

MOST_SINGLE = 40  # node runs that get a row each; of more, each node gets one
MOST_ROWS = 80
MOST_LANES = 8  # of a row, in which bars of the same time stand below each other
_HAIR = 0.004  # of the width: what is narrower is drawn together with its neighbour

Lane = tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the timeline. `ids` are the node runs in it, `state` the one that stands for all of them.

    `seconds` is how long its attempts took, all together; `lanes` hold the bars, those of one lane one after another.
    """

    node: str
    route: str
    ids: tuple[str, ...]
    state: State | None
    seconds: float
    lanes: tuple[Lane, ...]
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run in time. `now` is None when it is over; `ends` is when it is expected to end, where that is known.

    `critical` are the ids on the critical path, first to last; `without` counts node runs that took no time, and
    `left_out` rows for which there is no room.
    """

    rows: tuple[Row, ...]
    scale: Scale
    now: float | None
    ends: float | None
    critical: tuple[str, ...]
    path: tuple[str, ...]  # the titles along it
    seconds: float  # from its beginning to its end
    without: int = 0
    left_out: int = 0
    folded: bool = False


def timeline(follower: Follower, now: float, estimate: Estimate | None = None) -> Timeline:
    """The timeline of a run at `now`; `estimate` tells what is still to come."""
    ended = ended_at(follower)
    at = now if ended is None else ended
    foreseen = estimate if ended is None else None
    listed = follower.listed()
    bars = {one.run.id: bars_of(one, at) for one in listed}
    bars = {id: found for id, found in bars.items() if any(bar.doing is not Doing.WAITS or bar.open for bar in found)}
    drawn = [one for one in listed if one.run.id in bars]
    critical = critical_path(follower.watched, outline_of_run(follower), foreseen)
    _foresee(bars, foreseen, at)
    axis = _axis(follower, bars, foreseen, at)
    folded = len(drawn) > MOST_SINGLE
    rows = _folded(drawn, bars, critical, axis) if folded else _single(drawn, bars, critical)
    rows = _with_coming(rows, follower, foreseen)
    kept = _roomy(rows)
    titles = [follower.watched[id].run.node for id in critical]
    return Timeline(
        rows=tuple(kept),
        scale=axis,
        now=None if ended is not None else now,
        ends=now + foreseen.left if foreseen else None,
        critical=critical,
        path=tuple(titles),
        seconds=at - axis.begin,
        without=len(listed) - len(drawn),
        left_out=len(rows) - len(kept),
        folded=folded,
    )


def critical_path(watched: dict[str, Watched], outline: Outline, estimate: Estimate | None = None) -> tuple[str, ...]:
    """The ids of the node runs that decided the end, first to last; of a run that goes on, those up to what is
    expected to end last."""
    came = {id: _end(one, estimate) for id, one in watched.items()}
    known = {id: end for id, end in came.items() if end is not None}
    if not known:
        return ()
    chain = [max(known, key=lambda id: known[id])]
    ended: dict[str, list[tuple[float, str]]] = {}
    for id, one in watched.items():
        if one.run.state in ENDED and one.ended and id in known:
            ended.setdefault(one.run.node, []).append((one.ended, id))
    while before := [id for id in _waited_for(watched[chain[-1]], outline, ended) if id in known]:
        chain.append(max(before, key=lambda id: known[id]))
    return tuple(reversed(chain))


def _waited_for(one: Watched, outline: Outline, ended: Mapping[str, Sequence[tuple[float, str]]]) -> Iterator[str]:
    """The ids of its parents, and of all that its conditions or its gathering had seen end when it came to be: it
    also waited for those that lost or failed. `ended` are the ends of each node's runs, with their ids."""
    created = one.run.created
    yield from created.before()
    born = max((at for at, fact in one.story if isinstance(fact, Created)), default=0.0)
    tested = (title for condition in outline.conditions.get(one.run.node, ()) for title in condition.tasks)
    for title in {*tested, *created.gathered}:
        yield from (id for end, id in ended.get(title, ()) if end <= born)


def _end(one: Watched, estimate: Estimate | None) -> tuple[int, float] | None:
    """When it ended or will, to be compared; None for what never began."""
    if one.run.state in ENDED:
        return (0, one.ended) if one.ended and (one.began or one.run.state is State.CACHED) else None
    if estimate and one.run.id in estimate.runs:
        return 1, estimate.runs[one.run.id][1]
    return (1, -one.began) if one.began else None  # what goes on longest is taken for what ends last


def _foresee(bars: dict[str, list[Bar]], estimate: Estimate | None, now: float) -> None:
    for id, (begin, end) in (estimate.runs if estimate else {}).items():
        if id in bars and end > now:
            begin = max(begin, now)
            bars[id].append(Bar(id, Doing.COMES, begin, end, State.QUEUED, open=True))


def _axis(follower: Follower, bars: dict[str, list[Bar]], estimate: Estimate | None, at: float) -> Scale:
    busy = [(bar.begin, bar.end) for found in bars.values() for bar in found if bar.doing in (Doing.RUNS, Doing.COMES)]
    busy += estimate.nodes.values() if estimate else ()
    begin = min([follower.row.started, *(begin for begin, _ in busy)])
    asked = [bar.end for found in bars.values() for bar in found if bar.doing is Doing.ASKS]
    last = max((*(end for _, end in busy), *asked), default=at)
    return scale(begin, last if follower.over and busy else max(at, last), busy)


def _single(drawn: Sequence[Watched], bars: dict[str, list[Bar]], critical: Sequence[str]) -> list[Row]:
    return [
        Row(
            node=one.run.node,
            route=route_words(one.run.created.route),
            ids=(one.run.id,),
            state=one.run.state,
            seconds=_took(bars[one.run.id]),
            lanes=(tuple(bars[one.run.id]),),
            critical=one.run.id in critical,
        )
        for one in drawn
    ]


def _folded(drawn: Sequence[Watched], bars: dict[str, list[Bar]], critical: Sequence[str], axis: Scale) -> list[Row]:
    nodes: dict[str, list[Watched]] = {}
    for one in drawn:
        nodes.setdefault(one.run.node, []).append(one)
    rows = []
    for title, group in nodes.items():
        found = [bar for one in group for bar in bars[one.run.id]]
        ids = tuple(one.run.id for one in group)
        route = route_words(group[0].run.created.route) if len(group) == 1 else f"×{len(group)}"
        state = worst_of(one.run.state for one in group)
        lanes = _lanes(found, axis)
        rows.append(Row(title, route, ids, state, _took(found), lanes, not set(ids).isdisjoint(critical)))
    return rows


def _took(bars: Iterable[Bar]) -> float:
    return sum(bar.end - bar.begin for bar in bars if bar.doing is Doing.RUNS)


def _lanes(bars: Sequence[Bar], axis: Scale) -> tuple[Lane, ...]:
    """The attempts of many node runs in as few lanes as hold them, and what waits in the gaps of none of them."""
    runs = sorted((bar for bar in bars if bar.doing in (Doing.RUNS, Doing.COMES)), key=lambda bar: bar.begin)
    asked = sorted((bar for bar in bars if bar.doing is Doing.ASKS), key=lambda bar: bar.begin)
    lanes: list[list[Bar]] = []
    for bar in (*runs, *asked):
        free = [lane for lane in lanes if lane[-1].end <= bar.begin]
        if free:
            _add(max(free, key=lambda lane: lane[-1].end), bar, axis)
        elif len(lanes) < MOST_LANES:
            lanes.append([bar])
        else:
            _add(min(lanes, key=lambda lane: lane[-1].end), bar, axis)
    return tuple(tuple(lane) for lane in lanes)


def _add(lane: list[Bar], bar: Bar, axis: Scale) -> None:
    """Put a bar at the end of a lane; one with the last where they are alike and too narrow to be told apart.

    What is only expected is one bar in any case: nobody can tell when one of them will end and the next begin.
    """
    last = lane[-1]
    alike = (last.doing, last.state, last.open) == (bar.doing, bar.state, bar.open)
    if alike and (bar.doing is Doing.COMES or axis(bar.end) - axis(last.end) < _HAIR):
        lane[-1] = Bar(last.id, last.doing, last.begin, max(bar.end, last.end), last.state, last.attempt, last.open)
    else:
        lane.append(bar)


def _with_coming(rows: list[Row], follower: Follower, estimate: Estimate | None) -> list[Row]:
    """The rows, and those of nodes of which node runs are still to come to be, in the pipeline's order."""
    coming = dict(estimate.nodes) if estimate else {}
    if not coming:
        return rows
    order = {node["title"]: number for number, node in enumerate(follower.row.record["pipeline"]["nodes"])}
    for title, (begin, end) in coming.items():
        bar = Bar("", Doing.COMES, begin, end, State.QUEUED, open=True)
        rows.append(Row(title, "", (), None, 0.0, ((bar,),)))
    return sorted(rows, key=lambda row: order.get(row.node, len(order)))


def _roomy(rows: list[Row]) -> list[Row]:
    """The rows for which there is room: what goes on, what is critical, what took longest; in their order."""
    if len(rows) <= MOST_ROWS:
        return rows
    ranked = sorted(range(len(rows)), key=lambda at: (not _busy(rows[at]), not rows[at].critical, -rows[at].seconds))
    return [rows[at] for at in sorted(ranked[:MOST_ROWS])]


def _busy(row: Row) -> bool:
    return row.state is not None and row.state not in ENDED
