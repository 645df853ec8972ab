"""What a picture of a pipeline or of a run is made of: cards, edges and where they stand. Values only.

The board in the notebook, the static picture that stays in it, and `dagbook graph --format svg` draw the same scene.
Lengths are in pixels at zoom 1; x grows to the right, y down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..core.lifecycle import State


class Form(StrEnum):
    """How a card is drawn."""

    NODE = "node"  # a node that runs once, or one node run of an opened group
    FOLDED = "folded"  # all node runs of a node, in one card
    OPENED = "opened"  # the frame around the node runs of a node
    SUMMARY = "summary"  # a chain or a layer of many nodes, in a picture that would not hold them


class Flow(StrEnum):
    """What an edge does at the moment."""

    IDLE = "idle"  # its source has not passed yet, or there is no run
    FLOWING = "flowing"  # its source has passed and its target is at work
    PASSED = "passed"  # its target has had what came over it
    BROKEN = "broken"  # nothing came over it: its source failed, or its target was skipped


@dataclass(frozen=True, slots=True)
class Card:
    """A node, a node run, or a group of them.

    `key` is unique in the scene and stays the same from scene to scene: a node's slug, or a node run's id. `state` is
    None where there is no run. `line` is the one grey line; `time` a duration in words; `pill` the best metric.
    `progress` is between 0 and 1. `states` are those of a folded card's node runs, in order of their routes, of which
    `planned` are to come in all, as far as that is known; `best` is the position in them of the one that a later
    condition chose. `inside` is the key of the frame it stands in. `wrong` is the first mistake in its definition.
    """

    key: str
    node: str  # the title of the node that it shows; of a summary, its first
    title: str
    form: Form = Form.NODE
    kind: str = "notebook"
    state: State | None = None
    line: str = ""
    time: str = ""
    pill: str = ""
    count: str = ""
    progress: float | None = None
    states: tuple[State, ...] = ()
    best: int | None = None
    inside: str = ""
    asks: bool = False  # it has an approval
    planned: int = 0
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge between two cards. `label` names its kind where it is not plainly `after`; `skips` ranks it passes.

    `bends` are the points (x, y) that it goes through, so that it does not run through cards.
    """

    source: str
    target: str
    label: str = ""
    flow: Flow = Flow.IDLE
    skips: int = 0
    bends: tuple[tuple[float, float], ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scene."""
        return f"{self.source}->{self.target}"


@dataclass(frozen=True, slots=True)
class Box:
    """Where a card stands: its centre and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture; `boxes` by the keys of the cards, frames before what stands in them.

    `direction` is where the edges lead, `right` or `down`; `title` is the name of the pipeline.
    """

    cards: tuple[Card, ...]
    arrows: tuple[Arrow, ...]
    boxes: Mapping[str, Box] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    direction: str = "right"
    title: str = ""
