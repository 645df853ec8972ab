"""A pipeline, or a run of it, as a scene: its cards, its arrows, and where they stand."""

from __future__ import annotations

import math
import time
import weakref
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ..core.lifecycle import BROKEN, ENDED, PASSED, NodeRun, State
from ..core.model import Pipeline
from ..records.follow import Follower
from .cards import planned_cards, run_cards
from .folding import summarised
from .layout import Direction, Edge, Placed, placed, ranks_of
from .lettering import shortened, width_of
from .mistakes import Mistakes
from .outline import Outline, edge_label, outline_of
from .scene import Arrow, Box, Card, Flow, Form, Scene

NODE_SIZE = (164.0, 64.0)
FOLDED_SIZE = (204.0, 82.0)
LABEL_SIZE = 10.0  # of the font on edges
LONGEST_LABEL = 132.0  # pixels
WIDEST = 2_200.0  # a picture that would be wider goes from top to bottom, where that is narrower
_STEP = 220.0  # from rank to rank to the right, about
_PADDING, _HEAD, _BETWEEN = 14.0, 34.0, 12.0  # of the frame around node runs

_outlines: weakref.WeakKeyDictionary[Follower, tuple[Mapping[str, object], Outline]] = weakref.WeakKeyDictionary()


def planned_scene(
    pipeline: Pipeline,
    opened: Collection[str] = frozenset(),
    *,
    whole: bool = False,
    direction: Direction | None = None,
    mistakes: Mistakes | None = None,
) -> Scene:
    """The picture of a pipeline before it runs; of one with `mistakes` what can be drawn, and they are marked.

    Above 300 nodes, chains and ranks of them are one card each, unless it is `whole`, or `opened` has the card's key.
    Without a `direction` it goes to the right, and down where that would be too wide.
    """
    outline = outline_of(mistakes.drawable if mistakes else pipeline)
    cards = planned_cards(outline, mistakes.lines if mistakes else {})
    scene = _scene(outline, cards, opened, whole, direction)
    return _circling(scene, mistakes.circling) if mistakes else scene


def _circling(scene: Scene, edges: Collection[Edge]) -> Scene:
    """The scene with the edges that its layout could not have, as they lead back."""
    back = [Arrow(*edge, label="circle", flow=Flow.BROKEN) for edge in edges if {*edge} <= scene.boxes.keys()]
    return replace(scene, arrows=(*scene.arrows, *back))


def run_scene(
    follower: Follower,
    opened: Collection[str] = frozenset(),
    now: float | None = None,
    *,
    whole: bool = False,
    direction: Direction | None = None,
) -> Scene:
    """The picture of a run as the follower knows it; `now` in seconds since the epoch, `opened` the keys of cards whose
    node runs are shown one by one. The rest as for `planned_scene`."""
    outline = outline_of_run(follower)
    cards = run_cards(
        outline,
        follower.listed(),
        opened,
        time.time() if now is None else now,
        follower.over and not follower.suspended,
    )
    return _scene(outline, cards, opened, whole, direction, _lost(outline, follower))


def outline_of_run(follower: Follower) -> Outline:
    """The outline of the pipeline that a run runs; kept as long as the follower."""
    record = follower.row.record["pipeline"]
    known = _outlines.get(follower)
    if known is None or known[0] is not record:
        known = _outlines[follower] = (record, outline_of(Pipeline.model_validate(record)))
    return known[1]


def _lost(outline: Outline, follower: Follower) -> frozenset[Edge]:
    """The edges over which nothing came, as conditions chose runs of other parents; by slugs."""
    slugs = {node.title: node.slug for node in outline.pipeline.nodes}
    runs: dict[str, list[NodeRun]] = {}
    for one in follower.watched.values():
        runs.setdefault(one.run.node, []).append(one.run)
    found = set()
    for title, conditions in outline.conditions.items():
        taken = {id for run in runs.get(title, ()) for id in run.created.before()}
        for parent in {task for one in conditions for task in one.tasks} if taken else ():
            before = runs.get(parent, [])
            if before and all(run.state in ENDED and run.id not in taken for run in before):
                found.add((slugs[parent], slugs[title]))
    return frozenset(found)


def _scene(
    outline: Outline,
    cards: list[Card],
    opened: Collection[str],
    whole: bool,
    direction: Direction | None,
    lost: Collection[Edge] = frozenset(),
) -> Scene:
    slugs = {node.title: node.slug for node in outline.pipeline.nodes}
    all_edges = {
        (slugs[parent], slugs[title]): (parent, title) for title, parents in outline.graph.items() for parent in parents
    }
    edges = list(all_edges)
    if not whole:
        cards, edges = summarised(cards, edges, opened)
    labels = {edge: edge_label(outline, *all_edges[edge]) for edge in edges if edge in all_edges}
    fixed = {
        node.slug: (float(node.left), float(node.top))
        for node in outline.pipeline.nodes
        if node.left is not None and node.top is not None
    }
    sizes = sizes_of(cards)
    layout = _laid_out(
        tuple((card.key, sizes[card.key]) for card in cards if not card.inside),
        tuple(edges),
        tuple((edge, label_width(label)) for edge, label in labels.items() if label),
        tuple(fixed.items()),
        direction,
    )
    by_key = {card.key: card for card in cards}
    arrows = tuple(_arrow(by_key, layout[0], edge, labels.get(edge, ""), edge in lost) for edge in edges)
    boxes = {**layout[0].boxes, **_boxes_inside(cards, layout[0].boxes)}
    return Scene(tuple(cards), arrows, boxes, layout[0].width, layout[0].height, layout[1], outline.pipeline.name)


def label_width(label: str) -> float:
    """How many pixels wide a label on an edge is drawn."""
    return width_of(shortened(label, LONGEST_LABEL, LABEL_SIZE), LABEL_SIZE) if label else 0.0


@lru_cache(maxsize=16)
def _laid_out(
    sizes: tuple[tuple[str, tuple[float, float]], ...],
    edges: tuple[Edge, ...],
    labels: tuple[tuple[Edge, float], ...],
    fixed: tuple[tuple[str, tuple[float, float]], ...],
    direction: Direction | None,
) -> tuple[Placed, Direction]:
    """The layout, kept: a live board asks for the same again with every piece of news."""
    order = [key for key, _ in sizes]
    way = direction or ("right" if fixed else _way(order, edges))
    return placed(dict(sizes), edges, dict(fixed), order=order, direction=way, labels=dict(labels)), way


def _way(keys: Sequence[str], edges: Sequence[Edge]) -> Direction:
    """To the right as long as that is not too wide, or no wider than to go down."""
    ranks = ranks_of(keys, edges)
    deep = max(ranks.values(), default=0) + 1
    broad = max(Counter(ranks.values()).values(), default=0)
    return "right" if deep * _STEP <= WIDEST or deep <= broad else "down"


def sizes_of(cards: Sequence[Card]) -> dict[str, tuple[float, float]]:
    """Width and height of each card; a frame's follow from what stands in it."""
    sizes = {}
    for card in cards:
        if card.form is Form.OPENED:
            inside = [one for one in cards if one.inside == card.key]
            columns, rows = _columns(len(inside))
            width = columns * FOLDED_SIZE[0] + (columns - 1) * _BETWEEN + 2 * _PADDING
            height = rows * NODE_SIZE[1] + (rows - 1) * _BETWEEN + _PADDING + _HEAD
            sizes[card.key] = (width, height)
        elif card.inside:
            sizes[card.key] = (FOLDED_SIZE[0], NODE_SIZE[1])
        else:
            sizes[card.key] = NODE_SIZE if card.form is Form.NODE else FOLDED_SIZE
    return sizes


def _columns(cards: int) -> tuple[int, int]:
    """Columns and rows of a frame: about as high as it is wide, four in one column at most."""
    columns = max(1, min(6, round(math.sqrt(cards / 2.5)))) if cards > 4 else 1
    return columns, -(-cards // columns)


def _boxes_inside(cards: Sequence[Card], boxes: Mapping[str, Box]) -> dict[str, Box]:
    found: dict[str, Box] = {}
    inside: dict[str, list[Card]] = {}
    for card in cards:
        if card.inside:
            inside.setdefault(card.inside, []).append(card)
    width, height = FOLDED_SIZE[0], NODE_SIZE[1]
    for key, members in inside.items():
        frame = boxes[key]
        columns, _ = _columns(len(members))
        left, top = frame.x - frame.width / 2 + _PADDING, frame.y - frame.height / 2 + _HEAD
        for number, card in enumerate(members):
            row, column = divmod(number, columns)
            x, y = left + column * (width + _BETWEEN), top + row * (height + _BETWEEN)
            found[card.key] = Box(x + width / 2, y + height / 2, width, height)
    return found


def _arrow(cards: Mapping[str, Card], layout: Placed, edge: Edge, label: str, lost: bool) -> Arrow:
    source, target = edge
    skips = max(0, layout.ranks[target] - layout.ranks[source] - 1)
    flow = Flow.BROKEN if lost else flow_of(cards[source], cards[target])
    return Arrow(source, target, label, flow, skips, layout.bends.get(edge, ()))


_AT_WORK = frozenset({State.STARTING, State.RUNNING})
_NOTHING_COMES = BROKEN | {State.UPSTREAM_FAILED, State.REJECTED, State.CANCELLED, State.SKIPPED}


def flow_of(source: Card, target: Card) -> Flow:
    """What goes along the edge between two cards, by their states."""
    before, after = _states(source), _states(target)
    if before & PASSED and after & _AT_WORK:
        return Flow.FLOWING
    if before & PASSED and after & (PASSED | BROKEN):
        return Flow.PASSED
    if before and before <= _NOTHING_COMES:
        return Flow.BROKEN
    if after and after <= {State.SKIPPED, State.UPSTREAM_FAILED, State.REJECTED}:
        return Flow.BROKEN
    return Flow.IDLE


def _states(card: Card) -> frozenset[State]:
    return frozenset(card.states) or frozenset({card.state} if card.state else ())
