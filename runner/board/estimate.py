"""How long a run will go on: the rest of it played on its slots, with the times that its nodes took in earlier runs."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from ..core.graph import children_of, graph_of, in_order
from ..core.lifecycle import ENDED, State
from ..core.model import Pipeline
from ..core.names import slug_of
from ..core.routes import count
from ..records.follow import Follower, Watched
from ..records.glance import latest_runs, past_node_runs
from ..records.store import Store
from ..view import age

MOST_EARLIER = 20  # runs that are asked

Span = tuple[float, float]
_UNDER_WAY = (State.STARTING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The end of a run, as far as it can be foreseen. `left` is in seconds from when it was made.

    `at_least`: some of what is left has never been seen to end, and counts nothing. `asks`: somebody must decide
    first, and how long that takes is not in it. `runs` tells from when to when node runs are expected to be under way,
    by id; `nodes` the same of node runs that are still to come to be, by the node's title (seconds since the epoch).
    """

    left: float
    at_least: bool = False
    asks: bool = False
    runs: Mapping[str, Span] = field(default_factory=dict)
    nodes: Mapping[str, Span] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """`about 40 s left`."""
        after = " after the approval" if self.asks else ""
        return f"{'at least' if self.at_least else 'about'} {age(max(self.left, 0.0))} left{after}"


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a run's nodes before it goes on: by slug the seconds that they took in earlier runs, and by
    title the node runs that there will be. `parents` is the pipeline's graph, `slots` how many run at a time."""

    seconds: Mapping[str, Sequence[float]]
    expected: Mapping[str, int]
    parents: Mapping[str, tuple[str, ...]]
    slots: int
    reused: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Item:
    """Node runs that are still to end: one that is there (`id`), or one that is still to come to be (no id)."""

    title: str
    id: str
    seconds: float
    began: bool = False


def history(store: Store, pipeline: str, follower: Follower) -> History:
    """What earlier runs of the same pipeline tell of the one that is followed; two queries."""
    record = follower.row.record
    drawn = Pipeline.model_validate(record["pipeline"])
    earlier = past_node_runs(store, latest_runs(store, pipeline, MOST_EARLIER, without=follower.row.id))
    seconds: dict[str, list[float]] = {}
    often: dict[tuple[str, str], set[str]] = {}
    for past in earlier:
        slug = past.id.partition("#")[0]
        if past.state is State.SUCCEEDED and past.seconds is not None:
            seconds.setdefault(slug, []).append(past.seconds)
        often.setdefault((slug, past.run), set())
        if past.state is not State.SKIPPED:
            often[slug, past.run].add(past.id)
    counts: dict[str, list[int]] = {}
    for (slug, _run), ids in often.items():
        counts.setdefault(slug, []).append(len(ids))
    expected = {
        title: known if known is not None else round(median(counts.get(slug_of(title), [1])))
        for title, known in count(drawn).by_node.items()
    }
    slots = int((record.get("settings") or {}).get("jobs") or 1)
    reused = frozenset(record.get("reused") or ())
    return History(seconds, expected, graph_of(drawn), max(slots, 1), reused)


def estimate(store: Store, pipeline: str, follower: Follower, now: float) -> Estimate | None:
    """How long the followed run will go on, from earlier runs of `pipeline`; None when nothing is known of the rest."""
    return None if follower.over else forecast(history(store, pipeline, follower), follower, now)


def forecast(known: History, follower: Follower, now: float) -> Estimate | None:
    """The same with what `history` read before: nothing is asked of the store."""
    if follower.over:
        return None
    items = [*_there(known, follower, now), *_to_come(known, follower)]
    unknown = [item for item in items if item.seconds < 0]
    if len(unknown) == len(items):
        return None
    spans = _play(known, items, now)
    runs = {item.id: span for item, span in zip(items, spans, strict=True) if item.id}
    nodes: dict[str, Span] = {}
    for item, (begins, ends) in zip(items, spans, strict=True):
        if not item.id:
            first, last = nodes.get(item.title, (begins, ends))
            nodes[item.title] = min(first, begins), max(last, ends)
    asks = any(one.run.state is State.PENDING_APPROVAL for one in follower.watched.values())
    left = max(end for _, end in spans) - now
    return Estimate(left, bool(unknown), asks, runs, nodes)


def _there(known: History, follower: Follower, now: float) -> Iterable[_Item]:
    """The node runs that are there and have not ended. What is not known takes -1 seconds."""
    for one in follower.watched.values():
        if one.run.state not in ENDED:
            yield _Item(one.run.node, one.run.id, _left(known, one, now), one.run.state in _UNDER_WAY)


def _left(known: History, one: Watched, now: float) -> float:
    """The seconds that a node run still takes: of those before that took longer than it has taken, the middle one."""
    gone = (one.seconds(now) or 0.0) if one.run.state in _UNDER_WAY else 0.0
    longer = [took for took in known.seconds.get(slug_of(one.run.node), ()) if took > gone]
    return median(longer) - gone if longer else -1.0


def _to_come(known: History, follower: Follower) -> Iterable[_Item]:
    """The node runs that do not exist yet. A node whose parents have all ended gets no more of them."""
    there: dict[str, int] = {}
    open_: set[str] = set()
    for one in follower.watched.values():
        there[one.run.node] = there.get(one.run.node, 0) + 1
        if one.run.state not in ENDED:
            open_.add(one.run.node)
    for title in in_order(dict(known.parents)):
        parents = known.parents[title]
        if not (open_.intersection(parents) if parents else not follower.watched):
            continue
        missing = max(known.expected[title] - there.get(title, 0), 0)
        if missing:
            open_.add(title)  # what comes after it comes later still
        took = known.seconds.get(slug_of(title))
        seconds = 0.0 if title in known.reused else median(took) if took else -1.0
        for _ in range(missing):
            yield _Item(title, "", seconds)


def _play(known: History, items: Sequence[_Item], now: float) -> list[Span]:
    """When each item begins and ends if it starts as soon as there is a slot and all node runs of its node's parents,
    so far as they are still to end, have ended. That is late for what follows a single route, and never too early.
    """
    spans: list[Span] = [(now, now)] * len(items)
    of_node: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        of_node.setdefault(item.title, []).append(number)
    left = {title: len(numbers) for title, numbers in of_node.items()}
    children = children_of(dict(known.parents))
    unmet = {title: sum(parent in left for parent in known.parents.get(title, ())) for title in left}
    ready = deque(number for number, item in enumerate(items) if item.began)
    ready += [number for number, item in enumerate(items) if item.id and not item.began]
    ready += [number for number, item in enumerate(items) if not item.id and not unmet[item.title]]
    free, time, ends = known.slots, now, list[tuple[float, int]]()
    while ready or ends:
        while ready and (free > 0 or items[ready[0]].began):
            number = ready.popleft()
            spans[number] = time, time + max(items[number].seconds, 0.0)
            heapq.heappush(ends, (spans[number][1], number))
            free -= 1
        time, ended = heapq.heappop(ends)
        free += 1
        title = items[ended].title
        left[title] -= 1
        for child in children.get(title, ()) if not left[title] else ():
            if child in unmet:
                unmet[child] -= 1
                ready += [number for number in of_node[child] if not unmet[child] and not items[number].id]
    return spans
