"""A run shown while it runs: each node's cell and the run's own follow the store through display handles.

A display handle survives saving and works under papermill, unlike widgets. So the run's cell has a static picture
always, and where somebody looks on a board besides (`boards`). The store is the truth all the same, and
`%pipeline_show RUN` shows a run again after a page was reloaded.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..extension import pictures
from ..runner.core.lifecycle import State
from ..runner.records.follow import Follower, Watched

if TYPE_CHECKING:
    from ..extension.board import Board

PAUSE_SECONDS = 0.25  # between two pictures of the same cell: more would flood the browser
TWIN_SECONDS = 1.0  # between two static pictures without news, which nobody sees while there is a board
SHARE = 0.25  # of the time that may be spent on painting


class Live:
    """Follows one run.

    `cells` holds the display id of each node's defining cell, by title; `shown` that of the run's static picture.
    `board` shows the run where somebody looks on.
    """

    def __init__(self, follower: Follower, cells: Mapping[str, str], shown: str, board: Board | None = None) -> None:
        self._follower = follower
        self._cells = cells
        self._id = shown
        self._board = board
        self._lock = board.lock if board else threading.RLock()
        self._shown: dict[str, int] = {}
        self._shown_at = float("-inf")  # when the static picture was the last time
        self._states: list[State] = []  # of the node runs, in that picture
        self._left = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def run(self) -> str:
        """The id of the run that is followed."""
        return self._follower.row.id

    def start(self) -> None:
        """Follow in the background, so that the notebook stays free; also again, when an ended run goes on."""
        before = self._thread
        self._thread = threading.Thread(
            target=self._follow_quietly, args=(before,), name=f"dagbook-{self.run}", daemon=True
        )
        self._thread.start()

    def leave(self) -> None:
        """Stop showing; the run goes on."""
        self._left.set()

    def follow(self) -> None:
        """Show the run until it is over."""
        over = False
        while not (over or self._left.is_set()):  # a later run shows itself in the same cells
            with self._lock:
                self._follower.update()
                over = self._follower.over
                began = time.monotonic()
                self.paint()
                took = time.monotonic() - began
            if not over:
                self._follower.wait()
                self._left.wait(max(PAUSE_SECONDS, took / SHARE))
        self._follower.close()

    def _follow_quietly(self, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()  # it still shows the end of what was
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
        if self._board:
            self._board.paint(whole=self._follower.over)
        self._paint_static()

    def _paint_static(self) -> None:
        now, states = time.monotonic(), [one.run.state for one in self._follower.listed()]
        news = states != self._states or self._follower.over
        if self._board and not news and now - self._shown_at < TWIN_SECONDS:
            return
        self._shown_at, self._states = now, states
        bundle = run_picture(self._follower, with_board=self._board is not None)
        _update(bundle, self._id, {"dagbook": {"run": self.run}})


def run_picture(follower: Follower, with_board: bool) -> dict[str, str]:
    """The static picture of a run as it is now; the whole one when the run is over, and is not drawn all the time."""
    bundle = pictures.board(follower)
    if with_board:
        from ..extension.board_style import twin

        bundle["text/html"] = twin(_whole(follower) if follower.over else bundle["text/html"])
    return bundle


def _whole(follower: Follower) -> str:
    from ..runner.board.page import run_bundle

    return run_bundle(follower, time.time())["text/html"]


def _update(bundle: Mapping[str, Any], display_id: str, about: Mapping[str, Any]) -> None:
    from IPython.display import update_display

    about = dict(about)
    update_display(dict(bundle), display_id=display_id, raw=True, metadata=about)  # type: ignore[no-untyped-call]
