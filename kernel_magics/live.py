"""A run shown while it runs: each node's cell and the run's own follow the store through display handles.

A display handle survives saving and works under papermill, unlike widgets. So the run's cell has a static picture
always, and where somebody looks on a board besides (`boards`). The store is the truth all the same, and
`%pipeline_show RUN` shows a run again after a page was reloaded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..extension import pictures
from ..extension.flush import Flusher
from ..extension.following import Following, failure, in_a_line, paint_board
from ..runner import view
from ..runner.core.lifecycle import ENDED, State
from ..runner.records.follow import Follower, Watched

if TYPE_CHECKING:
    from ..extension.board import Board

TWIN_SECONDS = 1.0  # between two static pictures without news, which nobody sees while there is a board


class Live:
    """Shows one run while it goes on.

    `cells` holds the display id of each node's defining cell, by title; `shown` that of the run's static picture.
    `board` shows the run where somebody looks on.
    """

    def __init__(self, follower: Follower, cells: Mapping[str, str], shown: str, board: Board | None = None) -> None:
        self._follower = follower
        self._cells = dict(cells)
        self._id = shown
        self._board = board
        self._lock = board.lock if board else threading.RLock()
        self._flusher = board.flusher if board else Flusher()
        self._shown: dict[str, tuple[int, str]] = {}  # what of each node its cell shows
        self._shown_at = float("-inf")  # when the static picture was the last time
        self._states: list[State] = []  # of the node runs, in that picture
        self._trouble = ""  # in that picture
        self._following = Following(follower, self._lock, self.paint)
        self.start = self._following.start

    @property
    def run(self) -> str:
        """The id of the run that is followed."""
        return self._follower.row.id

    def follow(self) -> None:
        """Show the run until it is over; all is shown when this returns."""
        self._following.follow()
        self._flusher.drain()

    def leave_cells(self, ids: Iterable[str]) -> None:
        """Show no more in the cells with these display ids: a later run does. The board and picture stay its own."""
        with self._lock:
            self._cells = {title: id for title, id in self._cells.items() if id not in set(ids)}

    def close(self) -> None:
        """Show no more, and take the board away; the run goes on."""
        self._following.close()
        if self._board:
            self._board.close()
        else:
            self._flusher.close()

    def paint(self, trouble: str = "") -> None:
        """Show what has changed since the last picture; `trouble` tells why it is not known how the run stands."""
        nodes = self._follower.row.record["pipeline"]["nodes"]  # those without a node run yet are shown as waiting
        by_node: dict[str, list[Watched]] = {node["title"]: [] for node in nodes}
        for watched in self._follower.listed():
            by_node.setdefault(watched.run.node, []).append(watched)
        for title, runs in by_node.items():
            wrong = trouble if any(one.run.state not in ENDED for one in runs) else ""
            version = sum(watched.version for watched in runs) + len(runs), wrong
            if title in self._cells and self._shown.get(title) != version:
                self._shown[title] = version
                self._flusher.put(("cell", self._cells[title]), self._cell_sender(title, runs, wrong))
        if self._board:
            paint_board(self._board, self._follower.over, trouble)
        self._paint_static(trouble)

    def _cell_sender(self, title: str, runs: list[Watched], trouble: str) -> Callable[[], int]:
        def send() -> int:
            with self._lock:
                if title not in self._cells:  # a later run has taken it over
                    return 0
                about = {"dagbook": {"run": self.run, "node": title}}
                words = title if trouble else f"{title} · {view.tally(one.run.state for one in runs)}"
                return _show(lambda: pictures.bundle(title, runs, self.run), self._cells[title], about, words, trouble)

        return send

    def _paint_static(self, trouble: str) -> None:
        now, states = time.monotonic(), [one.run.state for one in self._follower.listed()]
        news = states != self._states or self._follower.over or trouble != self._trouble
        if self._board and not news and now - self._shown_at < TWIN_SECONDS:
            return
        self._shown_at, self._states, self._trouble = now, states, trouble
        # Where its state is not known, the last one that was is not told as if it still were.
        words = f"Run {self.run}" if trouble else f"Run {self.run} · {view.state_word(self._follower.so_far.state)}"
        about = {"dagbook": {"run": self.run}}
        _show(lambda: run_picture(self._follower, self._board is not None), self._id, about, words, trouble)


def run_picture(follower: Follower, with_board: bool) -> dict[str, str]:
    """The static picture of a run as it is now; the whole one when the run is over, and is not drawn all the time."""
    bundle = pictures.board(follower)
    if with_board:
        from ..extension.board_style import twin

        html = _whole(follower) if follower.over else bundle["text/html"] + pictures.as_of(follower.row.id, time.time())
        bundle["text/html"] = twin(html)
    return bundle


def _whole(follower: Follower) -> str:
    from ..runner.board.page import run_bundle

    return run_bundle(follower, time.time())["text/html"]


def _show(draw: Callable[[], Mapping[str, Any]], id: str, about: Mapping[str, Any], words: str, trouble: str) -> int:
    """Show what `draw` draws; where there is trouble, or it cannot be drawn or sent, a line that says so.

    Gives how many characters that were.
    """
    sent: list[int] = []
    if not trouble and (wrong := failure(lambda: sent.append(_update(draw(), id, about)))):
        trouble = f"cannot be drawn: {in_a_line(wrong)}"
    return _update(pictures.line(f"{words} · {trouble}"), id, about) if trouble else sum(sent)


def _update(bundle: Mapping[str, Any], display_id: str, about: Mapping[str, Any]) -> int:
    from IPython.display import update_display

    about = dict(about)
    update_display(dict(bundle), display_id=display_id, raw=True, metadata=about)  # type: ignore[no-untyped-call]
    return sum(len(one) for one in bundle.values() if isinstance(one, str))
