"""The run that a node is, opened below the board of the run around it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets

from ..runner.core.lifecycle import NodeRun
from ..runner.records.store import Store

if TYPE_CHECKING:
    from .opened_run import OpenedRun


class RunWithin:
    """A button for node runs that are runs, and the place below the board where such a run is opened."""

    def __init__(self, store: Store, theme: str) -> None:
        self._store = store
        self._theme = theme
        self._lock = threading.RLock()
        self._meant = ""  # the run of the node run that is looked at
        self.opened: OpenedRun | None = None
        self._shown = ""
        self.button: Any = ipywidgets.Button(icon="sitemap", layout=ipywidgets.Layout(width="auto", display="none"))
        self.button.on_click(lambda _button: self.turn())
        self.place: Any = ipywidgets.VBox(layout=ipywidgets.Layout(overflow="visible", margin="8px 0 0 16px"))

    def show(self, run: NodeRun | None) -> None:
        """Offer the run that this node run is, if it is one."""
        with self._lock:
            self._meant = str((run.detail.get("nested") or {}).get("run", "")) if run else ""
            self._paint()

    def turn(self) -> None:
        """Open the run that is offered, or close it where it is open."""
        from .opened_run import OpenedRun

        with self._lock:
            meant = self._meant
            closes = not meant or meant == self._shown
            before, self.opened, self._shown = self.opened, None, ""
            if not closes:
                self.opened, self._shown = OpenedRun(self._store, meant, self._theme), meant
            self.place.children = (self.opened.widget,) if self.opened else ()
            if before is not None:
                before.close()
            self._paint()

    def close(self) -> None:
        """Take away what is open."""
        with self._lock:
            if self.opened is not None:
                self.opened.close()
            self.opened, self._shown, self.place.children = None, "", ()

    def _paint(self) -> None:
        open_now = bool(self._meant) and self._meant == self._shown
        self.button.layout.display = "" if self._meant else "none"
        self.button.description = f"Close run {self._meant}" if open_now else f"Open run {self._meant}"
        self.button.tooltip = "The run that this node is, below"
