"""The cards of a pipeline before it runs, and of a run: one for each node, however often it runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..core.lifecycle import BROKEN, ENDED, PASSED, NodeRun, State
from ..core.model import Kind, Node
from ..records.follow import Watched
from ..view import age, route_words
from .card_words import cell_words, first_line, pill, planned_line, run_line
from .outline import Outline
from .scene import Card, Form

MOST_INSIDE = 60  # node runs that an opened card shows

# The state that stands for many: what asks for a person or for an eye first, then what goes on, then what is done.
_TELLING = (
    State.FAILED,
    State.TIMED_OUT,
    State.LOST,
    State.REJECTED,
    State.PENDING_APPROVAL,
    State.RUNNING,
    State.STARTING,
    State.QUEUED,
    State.WAITING,
    State.CANCELLED,
    State.UPSTREAM_FAILED,
    State.SUCCEEDED,
    State.CACHED,
    State.SKIPPED,
)


def aggregate(states: Iterable[State]) -> State | None:
    """The state that stands for several: a failure is never hidden, and what runs beats what is queued."""
    found = set(states)
    return next((state for state in _TELLING if state in found), None)


def planned_cards(outline: Outline, wrong: Mapping[str, str] | None = None) -> list[Card]:
    """A card for each node of a pipeline that has not run, in order of definition. Nothing can be opened yet.

    `wrong` has a line for each node with a mistake, by its slug.
    """
    return [_planned(outline, node, (wrong or {}).get(node.slug, "")) for node in outline.pipeline.nodes]


def _planned(outline: Outline, node: Node, wrong: str) -> Card:
    runs = outline.runs(node.title)
    return Card(
        key=node.slug,
        node=node.title,
        title=node.title,
        form=Form.FOLDED if runs is not None and runs > 1 else Form.NODE,
        kind=str(node.kind),
        line=wrong or planned_line(outline, node),
        count="×?" if runs is None else f"×{runs}" if runs > 1 else "",
        asks=bool(node.approve),
        planned=runs or 0,
        wrong=wrong,
    )


def run_cards(
    outline: Outline, listed: Sequence[Watched], opened: Collection[str], now: float, over: bool = False
) -> list[Card]:
    """The cards of a run: one for each node; of an opened one a frame, followed by those of its node runs.

    `listed` are the run's node runs (`Follower.listed`), `now` is in seconds since the epoch, `over` tells that no
    more will come.
    """
    by_node: dict[str, list[Watched]] = {}
    for one in listed:
        by_node.setdefault(one.run.node, []).append(one)
    runs = {one.run.id: one.run for one in listed}
    chosen = _chosen(outline, runs)
    return [
        card
        for node in outline.pipeline.nodes
        for card in _cards_of(outline, node, by_node.get(node.title, []), runs, chosen, opened, now, over)
    ]


def _cards_of(
    outline: Outline,
    node: Node,
    watched: list[Watched],
    runs: Mapping[str, NodeRun],
    chosen: Mapping[str, str],
    opened: Collection[str],
    now: float,
    over: bool,
) -> Iterator[Card]:
    planned = outline.runs(node.title) or 1
    if len(watched) < 2 and planned < 2:
        yield _single(outline, node, watched[0], runs, now) if watched else _unborn(outline, node, over)
        return
    winner = chosen.get(node.title)
    best = next((at for at, one in enumerate(watched) if one.run.id == winner), None) if len(watched) > 1 else None
    if not (watched and node.slug in opened):
        yield _folded(outline, node, watched, best, now, over)
        return
    yield _folded(outline, node, watched, best, now, over, Form.OPENED)
    for at, one in enumerate(watched[:MOST_INSIDE]):
        yield _inside(outline, node, one, runs, now, at == best)
    if len(watched) > MOST_INSIDE:
        yield _more(node, watched[MOST_INSIDE:])


def _unborn(outline: Outline, node: Node, over: bool) -> Card:
    """A node that no node run came to be of."""
    asks = bool(node.approve)
    state, line = (None, "did not come to be") if over else (State.WAITING, _waits(outline, node))
    return Card(node.slug, node.title, node.title, kind=str(node.kind), state=state, line=line, asks=asks)


def _waits(outline: Outline, node: Node) -> str:
    parents = len(outline.graph.get(node.title, ()))
    return f"waits for {parents}" if parents else "waits"


def _single(outline: Outline, node: Node, one: Watched, runs: Mapping[str, NodeRun], now: float) -> Card:
    before = [runs[id] for id in one.run.created.before() if id in runs]
    return Card(
        key=node.slug,
        node=node.title,
        title=node.title,
        kind=str(node.kind),
        state=one.run.state,
        line=run_line(one, node, before),
        time=took([one], now),
        pill="" if node.kind is Kind.DATA else pill(outline, node.title, [one.run], None),
        progress=progress_of(one),
        asks=bool(node.approve),
    )


def _inside(outline: Outline, node: Node, one: Watched, runs: Mapping[str, NodeRun], now: float, best: bool) -> Card:
    """The card of one node run in its node's frame: named by its route."""
    before = [runs[id] for id in one.run.created.before() if id in runs]
    words = route_words(one.run.created.route)
    line = run_line(one, node, before)
    return Card(
        key=one.run.id if one.run.id != node.slug else f"{node.slug}#0",
        node=node.title,
        title=words or node.title,
        kind=str(node.kind),
        state=one.run.state,
        line="" if line == words else line,
        time=took([one], now),
        pill=pill(outline, node.title, [one.run], None),
        progress=progress_of(one),
        best=0 if best else None,
        inside=node.slug,
        asks=bool(node.approve),
    )


def _more(node: Node, left: Sequence[Watched]) -> Card:
    states = tuple(one.run.state for one in left)
    title = f"… and {len(left)} more"
    return Card(f"{node.slug}#more", node.title, title, Form.FOLDED, "more", aggregate(states), states=states,
                inside=node.slug)  # fmt: skip


def _folded(
    outline: Outline,
    node: Node,
    watched: Sequence[Watched],
    best: int | None,
    now: float,
    over: bool,
    form: Form = Form.FOLDED,
) -> Card:
    states = tuple(one.run.state for one in watched)
    return Card(
        key=node.slug,
        node=node.title,
        title=node.title,
        form=form,
        kind=str(node.kind),
        state=aggregate(states) or (None if over else State.WAITING),
        line=_folded_line(outline, node, watched),
        time=took(watched, now),
        pill=pill(outline, node.title, [one.run for one in watched], best),
        count=_count(states, outline.runs(node.title)),
        progress=_share(states, outline.runs(node.title)),
        states=states,
        best=best,
        asks=bool(node.approve),
        planned=max(len(states), outline.runs(node.title) or 0),
    )


def _folded_line(outline: Outline, node: Node, watched: Sequence[Watched]) -> str:
    broken = [one.run for one in watched if one.run.state in BROKEN]
    if broken:
        return ": ".join([f"{len(broken)} failed", *filter(None, [first_line(broken[0].reason)])])
    asked = sum(one.run.state is State.PENDING_APPROVAL for one in watched)
    if asked:
        return f"{asked} to approve"
    running = [one for one in watched if one.run.state is State.RUNNING]
    if len(running) == 1:
        return f"{route_words(running[0].run.created.route)} · {cell_words(running[0])}"
    return f"{len(running)} at once" if running else planned_line(outline, node)


def _count(states: Sequence[State], planned: int | None) -> str:
    total = max(len(states), planned or 0)
    passed = sum(state in PASSED for state in states)
    return f"×{total}" if passed == total or not states else f"{passed}/{total}"


def _share(states: Sequence[State], planned: int | None) -> float | None:
    total = max(len(states), planned or 0)
    ended = sum(state in ENDED for state in states)
    return ended / total if states and ended < total else None


def progress_of(one: Watched) -> float | None:
    """How much of its cells a running kernel has done; None where that says nothing."""
    return one.cell / one.cells if one.run.state is State.RUNNING and one.cells > 1 else None


def took(watched: Sequence[Watched], now: float) -> str:
    """From the first start to the last end, or to `now`; empty before any start."""
    begun = [(one.began, one.seconds(now) or 0.0) for one in watched if one.began is not None]
    if not begun:
        return ""
    ended = max(began + seconds for began, seconds in begun)
    return age(max(0.0, ended - min(began for began, _ in begun)))


def _chosen(outline: Outline, runs: Mapping[str, NodeRun]) -> dict[str, str]:
    """By title, the id of the one run that a later condition (max, min) let go on."""
    found: dict[str, set[str]] = {}
    comparing = {
        title: {task for one in conditions if one.target is None for task in one.tasks}
        for title, conditions in outline.conditions.items()
    }
    for run in runs.values():
        tested = comparing.get(run.node)
        for title in tested or ():
            if run.state is not State.SKIPPED and title in run.created.parents:
                found.setdefault(title, set()).add(run.created.parents[title])
    return {title: next(iter(ids)) for title, ids in found.items() if len(ids) == 1}
