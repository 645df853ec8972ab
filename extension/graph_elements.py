"""What a scene is to cytoscape: data, classes and places of its elements. Values only, no widget."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from ..runner.board.arrows_svg import all_arrows_svg
from ..runner.board.card_svg import card_svg
from ..runner.board.palette import Palette
from ..runner.board.scene import Arrow, Box, Card, Form, Scene
from ..runner.core.lifecycle import State
from .graph_curves import Curve

MOST_CARDS = 60  # drawn as cards; a scene with more has plain nodes, since a picture per card takes its time
ARROWS = "->"  # the key of the node that is the picture of all arrows; no card has one like it
ARROWS_PIXELS = 4000  # of that picture's longer side, as far as it is kept as pixels anywhere
LONGEST_LABEL = 200  # characters that are sent; the browser shortens what is too wide


def rich(scene: Scene) -> bool:
    """Whether the scene is small enough for a picture per card."""
    return len(scene.cards) <= MOST_CARDS


def shape(scene: Scene) -> tuple[object, ...]:
    """What cannot change while a graph is shown: which elements there are, where they stand and how large they are."""
    cards = tuple((card.key, card.form, card.inside, scene.boxes[card.key]) for card in scene.cards)
    return cards, tuple((arrow.key, arrow.label, arrow.bends) for arrow in scene.arrows)


def picture(card: Card, box: Box, palette: Palette) -> str:
    """The card as the address of a picture."""
    return "data:image/svg+xml;utf8," + quote(card_svg(card, box, palette))


def whole(scene: Scene) -> Box:
    """The area of the whole scene."""
    return Box(scene.width / 2, scene.height / 2, max(1.0, scene.width), max(1.0, scene.height))


def arrows_picture(scene: Scene, palette: Palette) -> str:
    """All arrows as the address of a picture."""
    return "data:image/svg+xml;utf8," + quote(all_arrows_svg(scene, palette, ARROWS_PIXELS), safe="/:=,;'")


def arrows_data(scene: Scene, image: str, before: str = "") -> dict[str, Any]:
    """The data of the node that is the picture of all arrows; `before` is the one that it takes the place of."""
    box = whole(scene)
    images = f"{before} {image}".strip()
    return {"id": ARROWS, "w": math.ceil(box.width), "h": math.ceil(box.height), "label": "", "card": images}


def node_data(card: Card, box: Box, image: str, before: str = "") -> dict[str, Any]:
    """The data of a card's node.

    `image` is its picture, empty for a plain node; `before` the one that it takes the place of. That one stays below
    while the browser reads the new one, or the card would be blank for a moment.
    """
    label = card.title if card.form is Form.OPENED or not image else ""
    images = f"{before or image} {image}" if image else ""
    return {
        "id": card.key,
        "w": round(box.width),
        "h": round(box.height),
        "label": _label(card, label),
        "card": images,
    }


def _label(card: Card, label: str) -> str:
    words = [word for word in (label, card.count) if word]
    return " ".join(words)[:LONGEST_LABEL] if label else ""


def node_classes(card: Card, is_rich: bool, selected: bool = False) -> str:
    """All classes of a card's node; they replace those that it had."""
    kind = "frame" if card.form is Form.OPENED else "card" if is_rich else "plain"
    words = [kind, f"s-{card.state}" if card.state else "s-none"]
    words += [holds(state) for state in sorted({*card.states, *([card.state] if card.state else [])})]
    words += [plain(State.FAILED if card.wrong else card.state)] if kind == "plain" else []
    words += [("sel-frame" if kind == "frame" else "sel")] if selected else []
    return " ".join(words)


def holds(state: State) -> str:
    """The class of a card that is in this state, or one of whose node runs is."""
    return f"has-{state}"


def plain(state: State | None) -> str:
    """The class of a node without a picture in this state: a selector of two classes is one with a dot to cytoscape."""
    return f"plain-{state}" if state else "plain-none"


def edge_data(arrow: Arrow, way: Curve) -> dict[str, Any]:
    """The data of an arrow's edge."""
    data: dict[str, Any] = {"id": arrow.key, "source": arrow.source, "target": arrow.target}
    if arrow.label:
        data["label"] = arrow.label[:LONGEST_LABEL]
        data["labelAt"], data["labelLift"] = way.label_at, way.label_lift
    if way.way == "right":
        data["leaves"], data["arrives"] = f"50% {way.leaves:g}px", f"-50% {way.arrives:g}px"
    elif way.way:
        data["leaves"], data["arrives"] = f"{way.leaves:g}px 50%", f"{way.arrives:g}px -50%"
    if way.bent:
        data["along"], data["aside"] = (" ".join(map(str, numbers)) for numbers in (way.along, way.aside))
    return data


def edge_classes(arrow: Arrow, way: Curve) -> str:
    """All classes of an arrow's edge. `directed` is the widget's own for one with a head."""
    words = ["directed", f"f-{arrow.flow}"]
    words += [way.way] if way.way else []
    words += ["bent"] if way.bent else []
    words += ["named"] if arrow.label else []
    return " ".join(words)
