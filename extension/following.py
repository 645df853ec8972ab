"""Following a run in the background: the one loop behind everything that shows a run while it goes on."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..runner.core.errors import MachineError, PipelineError
from ..runner.records.follow import Follower
from ..runner.view import state_word

if TYPE_CHECKING:
    from .board import Board

PAUSE_SECONDS = 0.25  # between two pictures of the same: more would flood the browser
SHARE = 0.25  # of the time that may be spent on painting
MOST_FAILURES = 3  # in a row after which an ended run is not read again
Paint = Callable[[str], object]  # why it is not known how the run stands, in a line; empty where it is known
_NO_STORE = (MachineError, PipelineError, sqlite3.Error)


class KernelEnds(Exception):
    """Nothing can be shown any more: the kernel shuts down."""


class Following:
    """Has `paint` called with news of a run, under `lock`, until the run is over or its store is gone.

    What goes wrong meanwhile is handed to `paint` as a line, and the run is followed on: only the kernel's own end
    ends it in silence.
    """

    def __init__(self, follower: Follower, lock: threading.RLock, paint: Paint) -> None:
        self._follower = follower
        self._lock = lock
        self._paint = paint
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Follow in the background, so that the notebook stays free; also again, when an ended run goes on."""
        with self._starting:
            if self._closed.is_set():
                return
            before, name = self._thread, f"dagbook-{self._follower.row.id}"
            self._thread = threading.Thread(target=self._follow_after, args=(before,), name=name, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Show no more, and give back what following takes; the run goes on."""
        with self._starting:
            self._closed.set()
            if self._thread is None or not self._thread.is_alive():
                self._give_back()

    def follow(self) -> None:
        """Show the run until it is over."""
        over, failures, wrong = False, 0, None
        while not over and not self._closed.is_set():
            with self._lock:
                if self._closed.is_set():
                    break
                wrong = failure(self._follower.update) or wrong
                failures = failures + 1 if wrong else 0
                over = self._is_over(wrong, failures)
                began = time.monotonic()
                told = self._in_words(wrong) if wrong else ""
                failure(lambda told=told: self._paint(told))  # type: ignore[misc]
                took = time.monotonic() - began
            if not over:
                wrong = failure(self._follower.wait)
                self._closed.wait(max(PAUSE_SECONDS, took / SHARE))
        self._follower.close()

    def _follow_after(self, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()  # it still shows the end of what was
        try:
            with contextlib.suppress(KernelEnds):
                self.follow()
        finally:
            if self._closed.is_set():
                self._give_back()

    def _give_back(self) -> None:
        self._follower.close()
        self._follower.store.close()

    def _is_over(self, wrong: Exception | None, failures: int) -> bool:
        """Whether nothing more is to be learnt. What was recorded may be unreadable, and the run over all the same."""
        if wrong is None:
            return self._follower.over
        if isinstance(wrong, _NO_STORE) or not self._follower.store.folder.is_dir():
            return True
        return failures >= MOST_FAILURES and self._state() != ""

    def _state(self) -> str:
        """How the run ended, as its row in the store says; empty while it goes on."""
        try:
            row = self._follower.store.run(self._follower.row.id)
        except Exception:
            return "not known"
        return "" if row.ended is None else state_word(row.state)

    def _in_words(self, wrong: Exception) -> str:
        if isinstance(wrong, _NO_STORE) or not self._follower.store.folder.is_dir():
            return f"no longer followed: {in_a_line(wrong)}"
        return f"{self._state() or 'going on'}, cannot be read: {in_a_line(wrong)}"


def failure(call: Callable[[], object]) -> Exception | None:
    """What `call` raised. Raises KernelEnds when it was the kernel's end."""
    try:
        call()
    except Exception as error:
        if _kernel_ends(error):
            raise KernelEnds from error
        return error
    return None


def paint_board(board: Board, whole: bool, trouble: str) -> None:
    """Show on a board how its run stands, or in a line why that is not known."""
    if not trouble and (wrong := failure(lambda: board.paint(whole=whole))):
        trouble = f"cannot be drawn: {in_a_line(wrong)}"
    if trouble:
        board.say(trouble)


def in_a_line(error: Exception) -> str:
    """An error as one line."""
    problems = getattr(error, "problems", ())
    told = problems[0].message if problems else f"{type(error).__name__}: {error}"
    return " ".join(told.split())[:300]


def _kernel_ends(error: Exception) -> bool:
    """Whether nobody is there any more to be told something: Python ends, or the kernel's sockets are closed."""
    if isinstance(error, KernelEnds) or sys.is_finalizing() or not threading.main_thread().is_alive():
        return True
    zmq = sys.modules.get("zmq")
    return zmq is not None and isinstance(error, zmq.ZMQError) and error.errno in (zmq.ENOTSOCK, zmq.ETERM)
