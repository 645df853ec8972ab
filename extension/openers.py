"""Many small buttons as one widget: with a widget for each, a grid of squares would take seconds to be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

OnOpen = Callable[[int], None]


class Openers:
    """Buttons in a row or a column that call `on_open` with their number, by a click or from the keyboard.

    The one that was used the last stays marked. `settings` go to the widget, such as a layout that several share.
    """

    def __init__(self, on_open: OnOpen, **settings: Any) -> None:
        import ipywidgets

        self._on_open = on_open
        self._shown: tuple[tuple[str, str], ...] = ()
        self._settling = self._answered = False
        self.widget: Any = ipywidgets.ToggleButtons(options=[], **settings)
        self.widget.add_class("dagbook-openers")
        self.widget.observe(self._chosen, "index")
        self.widget.on_msg(self._clicked)

    def show(self, buttons: Sequence[tuple[str, str]]) -> None:
        """Have these buttons: what each says, and its words for those who rest on it or have it read out."""
        if tuple(buttons) == self._shown:
            return
        self._shown, self._settling = tuple(buttons), True
        try:
            with self.widget.hold_sync():
                self.widget.tooltips = [words for _, words in buttons]
                self.widget.options = [(label + _unlike(at), at) for at, (label, _) in enumerate(buttons)]
                self.widget.index = None
        finally:
            self._settling = False

    def unmark(self) -> None:
        """Mark none: what was opened is shown no more."""
        if self.widget.index is not None:
            self.widget.index = None

    def _chosen(self, change: Mapping[str, Any]) -> None:
        if not self._settling and change["new"] is not None:
            self._answered = True
            self._on_open(int(change["new"]))

    def _clicked(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """A click on the button that is marked already changes nothing, and is told only like this."""
        if content.get("event") != "click":
            return
        if not self._answered and self.widget.index is not None:
            self._on_open(int(self.widget.index))
        self._answered = False


def _unlike(number: int) -> str:
    """Characters without width: the front end marks buttons by what they say, so no two may say the same."""
    return "\u200b" + f"{number:b}".replace("0", "\u200b").replace("1", "\u200c")
