"""The one place that knows ipycytoscape: a scene as an interactive graph, changed element by element.

What the library cannot do, or does wrongly, is kept in here:
- An element of a shown graph is never taken away; a scene of another shape gets a new widget in the same box.
- `data` and `classes` are always set whole, else nothing is sent.
- Its tooltips put text into the page as HTML, so there are none.
- A server drops what comes too fast, so changes go through a `Flusher`.
- Each element takes its time, in the kernel and in the browser: the arrows of a large scene are one picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..runner.board.palette import palette
from ..runner.board.scene import Arrow, Card, Form, Scene
from ..runner.core.lifecycle import State
from . import graph_elements as elements
from .closing import close_all, models_in
from .flush import Flusher, Send
from .graph_curves import Curve, ways
from .graph_style import filtered, style_sheet
from .theme import Theme

if TYPE_CHECKING:
    import ipywidgets as widgets

LOWEST, HIGHEST = 170, 620  # pixels of the graph's height
USUAL_WIDTH = 1000  # pixels that the graph is likely to have; only the browser knows how many
MOST_WITH_EDGES = 300  # cards; of a scene with more, all arrows are one picture
SETTLED_SECONDS = (0.6, 2.0)  # after which the front end has found its widths and heights: soon, or at last
OnClick = Callable[[str], None]


class GraphWidget:
    """A scene in an ipywidgets box. Its methods may be called from any thread."""

    def __init__(self, theme: Theme = "light", flusher: Flusher | None = None) -> None:
        import ipywidgets

        self.widget: widgets.Box = ipywidgets.Box(layout=ipywidgets.Layout(width="100%", overflow="hidden"))
        self.widget.add_class("dagbook-graph")
        self._palette = palette(theme)
        self.flusher = self._flusher = flusher or Flusher()
        self._replaced: list[Any] = []  # models of graphs that were shown before, which the flusher closes
        self._lock = threading.RLock()
        self._on_click: list[OnClick] = []
        self._scene = Scene((), ())
        self._graph: Any = None
        self._nodes: dict[str, Any] = {}
        self._edges: dict[str, Any] = {}
        self._pictures: dict[str, str] = {}
        self._cards: dict[str, Card] = {}
        self._arrows: dict[str, Arrow] = {}
        self._ways: dict[str, Curve] = {}
        self._selected = ""
        self._taller = False
        self._only: frozenset[State] = frozenset()

    def on_click(self, callback: OnClick) -> None:
        """Have `callback` called with a card's key when it is clicked, in whichever thread the message arrives."""
        self._on_click.append(callback)

    def show(self, scene: Scene) -> None:
        """Draw `scene` from scratch, fitted into the box."""
        with self._lock:
            old = self._replaced = [*(one for one in self._replaced if one.comm is not None), *self._models()]
            self._build(scene)
            self.widget.children = (self._graph,)
            for model in old:
                self._flusher.put(("close", id(model)), model.close)
        for seconds in SETTLED_SECONDS:
            settled = threading.Timer(seconds, self.fit)
            settled.daemon = True
            settled.start()

    def update(self, scene: Scene) -> None:
        """Change what is different in `scene`; one of another shape is drawn from scratch."""
        with self._lock:
            if self._graph is None or elements.shape(scene) != elements.shape(self._scene):
                self.show(scene)
                return
            self._scene = scene
            for card in scene.cards:
                if card != self._cards[card.key]:
                    self._cards[card.key] = card
                    self._flusher.put((id(self), card.key), self._node_sender(card.key))
            changed = [arrow for arrow in scene.arrows if arrow != self._arrows[arrow.key]]
            self._arrows |= {arrow.key: arrow for arrow in changed}
            # Each once: what is put while the one before it is being sent is sent again.
            for key in dict.fromkeys(arrow.key if self._edges else elements.ARROWS for arrow in changed):
                self._flusher.put((id(self), key), self._edge_sender(key))

    def select(self, key: str) -> None:
        """Mark the card `key`, and no other; an unknown key marks none."""
        with self._lock:
            before, self._selected = self._selected, key
            for one in {before, key} & self._nodes.keys():
                self._flusher.put((id(self), one), self._node_sender(one))

    def show_only(self, states: frozenset[State]) -> None:
        """Let all cards step back that have none of `states`; without any, none. One message, however many they are."""
        with self._lock:
            if states != self._only:
                self._only = states
                self._flusher.put((id(self), "style"), self._restyle)

    def fit(self) -> None:
        """Show the whole graph in the room that there is now."""
        self._flusher.put((id(self), "fit"), self._fit)

    def _fit(self) -> None:
        with self._lock:
            if self._graph is not None:  # only a change of its height makes the browser measure its room anew
                self._taller = not self._taller
                self._graph.layout.height = f"{_height(self._scene) + self._taller}px"

    def drain(self, seconds: float = 60.0) -> bool:
        """Wait until the browser was told of all changes; False when that took longer than `seconds`."""
        return self._flusher.drain(seconds)

    def close(self, top: Any = None) -> None:
        """Take the widget `top` that the graph is in, else the graph, out of the page; nothing changes any more."""
        with self._lock:
            close_all(top or self.widget, self._flusher, [*self._models(), *self._replaced])

    def _build(self, scene: Scene) -> None:
        from .graph_model import CytoscapeWidget, Graph

        self._scene = scene
        self._cards = {card.key: card for card in scene.cards}
        self._arrows = {arrow.key: arrow for arrow in scene.arrows}
        pictured = len(scene.cards) > MOST_WITH_EDGES
        self._ways = {} if pictured else ways(scene)
        self._pictures = {}
        frames_first = sorted(scene.cards, key=lambda card: card.form is not Form.OPENED)
        self._nodes = {elements.ARROWS: self._arrows_node()} if pictured else {}
        self._nodes |= {card.key: self._node(card) for card in frames_first}
        self._edges = {} if pictured else {arrow.key: self._edge(arrow) for arrow in scene.arrows}
        self._graph = CytoscapeWidget(
            Graph(nodes=list(self._nodes.values()), edges=list(self._edges.values())),
            layout={"height": f"{_height(scene)}px", "width": "100%"},
            cytoscape_style=self._style(),
            cytoscape_layout={"name": "preset", "fit": True, "padding": 12, "animate": False},
            wheel_sensitivity=0.25,
            tooltip_source="",
            min_zoom=0.005,
            max_zoom=1.5,
        )
        self._graph.on("node", "click", self._clicked)

    def _node(self, card: Card) -> Any:
        from .graph_model import Node

        box = self._scene.boxes[card.key]
        data, classes = self._node_state(card.key)
        return Node(data=data, classes=classes, position={"x": box.x, "y": box.y})

    def _arrows_node(self) -> Any:
        from .graph_model import Node

        box = elements.whole(self._scene)
        return Node(data=self._arrows_data(), classes="arrows", position={"x": box.x, "y": box.y})

    def _arrows_data(self) -> dict[str, Any]:
        image = elements.arrows_picture(self._scene, self._palette)
        before, self._pictures[elements.ARROWS] = self._pictures.get(elements.ARROWS, ""), image
        return elements.arrows_data(self._scene, image, before)

    def _edge(self, arrow: Arrow) -> Any:
        from .graph_model import Edge

        way = self._way(arrow)
        return Edge(data=elements.edge_data(arrow, way), classes=elements.edge_classes(arrow, way))

    def _way(self, arrow: Arrow) -> Curve:
        return self._ways.get(arrow.key) or Curve()

    def _node_state(self, key: str) -> tuple[dict[str, Any], str]:
        card, box, rich = self._cards[key], self._scene.boxes[key], elements.rich(self._scene)
        image = elements.picture(card, box, self._palette) if rich and card.form is not Form.OPENED else ""
        before, self._pictures[key] = self._pictures.get(key, ""), image
        return elements.node_data(card, box, image, before), elements.node_classes(card, rich, key == self._selected)

    def _node_sender(self, key: str) -> Send:
        def send() -> None:
            with self._lock:
                if key not in self._nodes:
                    return
                node = self._nodes[key]
                data, classes = self._node_state(key)
                with node.hold_sync():
                    node.classes, node.data = classes, data
                if len(set(data["card"].split())) > 1:
                    self._flusher.put((id(self), key, "settled"), self._settler(key))

        return send

    def _settler(self, key: str) -> Send:
        """Takes the picture before away that lies below a card's: the browser has read the new one by now."""

        def send() -> None:
            with self._lock:
                if key in self._nodes and (image := self._pictures[key]):
                    card = image if key == elements.ARROWS else f"{image} {image}"
                    self._nodes[key].data = {**self._nodes[key].data, "card": card}

        return send

    def _edge_sender(self, key: str) -> Send:
        def send() -> None:
            with self._lock:
                if key in self._edges:
                    self._edges[key].classes = elements.edge_classes(self._arrows[key], self._way(self._arrows[key]))
                elif key == elements.ARROWS and key in self._nodes:
                    self._nodes[key].data = self._arrows_data()
                    self._flusher.put((id(self), key, "settled"), self._settler(key))

        return send

    def _style(self) -> list[dict[str, Any]]:
        return [*style_sheet(self._palette), *filtered(self._only)]

    def _restyle(self) -> None:
        with self._lock:
            self._graph.cytoscape_style = self._style()

    def _clicked(self, message: dict[str, Any]) -> None:
        key = str(message.get("data", {}).get("id", ""))
        if key in self._cards:
            for callback in self._on_click:
                callback(key)

    def _models(self) -> list[Any]:
        """All that the shown graph is made of in the browser."""
        if self._graph is None:
            return []
        return [*models_in(self._graph), *self._nodes.values(), *self._edges.values()]


def _height(scene: Scene) -> int:
    """Pixels that the graph should have: all of it at its natural size, or as wide as there is room."""
    zoom = min(1.0, USUAL_WIDTH / max(scene.width, 1.0))
    return int(min(max(scene.height * zoom + 40, LOWEST), HIGHEST))
