"""A run shown while it runs: each node's cell and the board's cell follow the store through display handles.

A display handle survives saving and works under papermill, unlike output widgets; the store is the truth all the
same, and `%pipeline_show RUN` shows a run again after a page was reloaded.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

from ..extension import pictures
from ..runner.records.follow import Follower, Watched

PAUSE_SECONDS = 0.25  # between two pictures of the same cell: more would flood the browser


class Live:
    """Follows one run. `cells` holds the display id of each node's defining cell, by title; `board` the run's own."""

    def __init__(self, follower: Follower, cells: Mapping[str, str], board: str) -> None:
        self._follower = follower
        self._cells = cells
        self._board = board
        self._shown: dict[str, int] = {}
        self._left = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def run(self) -> str:
        """The id of the run that is followed."""
        return self._follower.row.id

    def start(self) -> None:
        """Follow in the background, so that the notebook stays free."""
        self._thread = threading.Thread(target=self._follow_quietly, name=f"dagbook-{self.run}", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Stop showing; the run goes on."""
        self._left.set()

    def follow(self) -> None:
        """Show the run until it is over."""
        for _ in self._follower.follow(idle=True):
            if self._left.is_set():  # a later run shows itself in the same cells
                self._follower.close()
                return
            self.paint()
            if not self._follower.over:
                self._left.wait(PAUSE_SECONDS)

    def _follow_quietly(self) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):  # the kernel shuts down
            self.follow()

    def paint(self) -> None:
        """Show what has changed since the last picture."""
        nodes = self._follower.row.record["pipeline"]["nodes"]  # those without a node run yet are shown as waiting
        by_node: dict[str, list[Watched]] = {node["title"]: [] for node in nodes}
        for watched in self._follower.listed():
            by_node.setdefault(watched.run.node, []).append(watched)
        for title, runs in by_node.items():
            version = sum(watched.version for watched in runs) + len(runs)
            if title in self._cells and self._shown.get(title) != version:
                self._shown[title] = version
                about = {"dagbook": {"run": self.run, "node": title}}
                _update(pictures.bundle(title, runs, self.run), self._cells[title], about)
        _update(pictures.board(self._follower), self._board, {"dagbook": {"run": self.run}})


def _update(bundle: Mapping[str, Any], display_id: str, about: Mapping[str, Any]) -> None:
    from IPython.display import update_display

    about = dict(about)
    update_display(dict(bundle), display_id=display_id, raw=True, metadata=about)  # type: ignore[no-untyped-call]
