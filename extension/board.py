"""The board in the notebook: header, graph, inspector, pages; for a pipeline that is written and for a run."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..runner.board.scene import Card, Form, Scene
from ..runner.core.lifecycle import State
from .board_parts import HeaderBox, InspectorBox, Pages, RowButtons
from .board_style import board_style
from .board_subjects import Listed, Subject
from .flush import Flusher, pause_after
from .graph_widget import GraphWidget
from .theme import theme_of

if TYPE_CHECKING:
    import ipywidgets

PAGE_SECONDS = 1.0  # between two drawings of the page below, and of the inspector while its node is at work
_HINT = '<span class="dagbook-hint">Click a card to see all about it.</span>'
ButtonsOf = Callable[[Card | None], Any]  # the widgets that act on a card, or without one on the whole


class Board:
    """A subject on an ipywidgets board.

    `paint` and all that a user clicks on take `lock`; whoever changes what the subject tells holds it meanwhile.
    Clicks arrive on any thread, so nothing here waits for anything.
    """

    def __init__(self, subject: Subject, theme: str = "auto", tabs: Mapping[str, Any] | None = None) -> None:
        import ipywidgets

        self.subject = subject
        self.lock = threading.RLock()
        self.selected = ""
        drawn_in = theme_of(theme)
        self._opened: frozenset[str] = frozenset()
        self._scene = Scene((), ())
        self._cards: dict[str, Card] = {}
        self._buttons_of: ButtonsOf | None = None
        self._on_inspect: list[Callable[[Card], None]] = []
        self._on_close: list[Callable[[], None]] = []
        self._closed = False
        self._draws_again = 0.0  # when the page and the inspector are drawn the next time
        self._graph = GraphWidget(drawn_in)
        self._graph.on_click(self.inspect)
        self._header = HeaderBox(self._filter)
        self._inspector = InspectorBox(self.inspect, self._open_or_close)
        self._pages = Pages(subject.pages(), tabs or {}, RowButtons(subject.listed, self._show_row))
        self._pages.on_turn(self._turned)
        fit = ipywidgets.Button(description="Fit", tooltip="Show the whole graph", icon="arrows-alt")
        fit.add_class("dagbook-small")
        fit.on_click(lambda _button: self._graph.fit())
        self._tools = ipywidgets.HBox([fit])
        self._tools.add_class("dagbook-tools")
        room = ipywidgets.Layout(flex="999 1 560px", min_width="0", overflow="hidden", justify_content="center")
        left = ipywidgets.VBox([self._tools, self._graph.widget], layout=room)
        left.add_class("dagbook-left")
        main = ipywidgets.HBox([left, self._inspector.widget], layout=ipywidgets.Layout(flex_flow="row wrap"))
        main.add_class("dagbook-main")
        style = ipywidgets.HTML(board_style(), layout=ipywidgets.Layout(display="none"))
        self.widget: ipywidgets.VBox = ipywidgets.VBox([style, self._header.widget, main, self._pages.widget])
        self.widget.add_class("dagbook-board")
        self.widget.add_class(f"dagbook-{drawn_in}")
        self.paint()

    def act_with(self, buttons_of: ButtonsOf) -> None:
        """Show the widgets that `buttons_of` gives for a card above its facts."""
        with self.lock:
            self._buttons_of = buttons_of
            self._show_facts()

    def on_inspect(self, callback: Callable[[Card], None]) -> None:
        """Have `callback` called with the card that somebody wants to see all about."""
        self._on_inspect.append(callback)

    def where(self, title: str) -> tuple[int, int]:
        """Left and top, in pixels of the picture, of the card of the node `title`; its corner where it has none."""
        with self.lock:
            card = next((one for one in self._scene.cards if one.node == title and not one.inside), None)
            box = self._scene.boxes[card.key] if card else None
            return (round(box.x - box.width / 2), round(box.y - box.height / 2)) if box else (0, 0)

    def paint(self, whole: bool = True) -> None:
        """Show how it stands now; unless `whole`, what changes all the time only once a second."""
        with self.lock:
            if self._closed:
                return
            self._scene = self.subject.scene(self._opened)
            self._cards = {card.key: card for card in self._scene.cards}
            self._graph.update(self._scene)
            self._header.show(self.subject.header(), self.subject.chips())
            self._inspector.offer([(_offered(card), card.key) for card in self._scene.cards])
            now = time.monotonic()
            if whole or now >= self._draws_again:
                self._pages.show(self._header.states())
                self._draws_again = now + max(PAGE_SECONDS, pause_after(self._show_facts()))

    def inspect(self, key: str) -> None:
        """Tell all about the card `key`."""
        with self.lock:
            if key not in self._cards:
                return
            self.selected = key
            self._graph.select(key)
            self._inspector.pick(key)
            self._show_facts()
            for callback in self._on_inspect:
                callback(self._cards[key])

    def _show_row(self, row: Listed) -> None:
        """Tell all about a node run that somebody chose in the list; for one of several its node's card is opened."""
        with self.lock:
            card = self._cards.get(row.card)
            if card is not None and card.form is Form.FOLDED and card.states:
                self.open(row.card)
            self.inspect(row.node_run if row.node_run in self._cards else row.card)

    def open(self, key: str) -> None:
        """Show the node runs of the folded card `key` one by one."""
        self._redraw(self._opened | {key})

    def fold(self, key: str) -> None:
        """Show the node runs of `key` as one card again."""
        self._redraw(self._opened - {key})

    def drain(self, seconds: float = 60.0) -> bool:
        """Wait until the graph shows all that it was told; False when that took longer than `seconds`."""
        return self._graph.drain(seconds)

    @property
    def flusher(self) -> Flusher:
        """What sends the graph's changes: what else comes in numbers goes through it too, so that all is few enough."""
        return self._graph.flusher

    def say(self, trouble: str) -> None:
        """Tell in the header, in place of how it stands, why that is not known."""
        with self.lock:
            self._header.show(f'<span role="alert">{html.escape(trouble)}</span>', ())

    def on_close(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when the board is taken away."""
        self._on_close.append(callback)

    def close(self) -> None:
        """Take the board out of the page; it cannot be shown again."""
        with self.lock:
            self._closed = True
            self._graph.close(self.widget)
            while self._on_close:
                self._on_close.pop()()

    def _redraw(self, opened: frozenset[str]) -> None:
        with self.lock:
            self._opened = opened
            self.paint()
            self._graph.select(self.selected)

    def _open_or_close(self) -> None:
        with self.lock:
            card = self._cards.get(self.selected)
            if card is not None:
                self.fold(card.key) if card.key in self._opened else self.open(card.key)

    def _filter(self, states: frozenset[State]) -> None:
        with self.lock:
            self._graph.show_only(states)
            self._pages.show(states)

    def _turned(self) -> None:
        with self.lock:
            self._pages.show(self._header.states())

    def _show_facts(self) -> int:
        """Gives how many characters were sent for it."""
        card = self._cards.get(self.selected)
        facts, opens = (self.subject.inspected(card), _opens(card)) if card else ([_HINT], "")
        sent = self._inspector.show(facts, opens)
        if self._buttons_of:
            self._inspector.act_with(self._buttons_of(card))
        return sent


def _opens(card: Card) -> str:
    """What the button of a group says."""
    if card.form is Form.OPENED:
        return "Fold"
    folds = card.form is Form.FOLDED and card.states  # before a run there is nothing in it to show
    return "Open" if folds or card.form is Form.SUMMARY else ""


def _offered(card: Card) -> str:
    """A card in the list of all."""
    return f"{card.title} {card.count}".strip()[:80]
