"""A run opened on a board from a list of runs: live as long as it goes on."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from ..runner.records.follow import Follower
from ..runner.records.store import Store
from .run_board import run_board

PAUSE_SECONDS = 0.25  # between two paintings: more would flood the browser


class OpenedRun:
    """The board of the run with this id, and a thread that follows the run. Raises PipelineError (E-RUN-UNKNOWN)."""

    def __init__(self, store: Store, run: str, theme: str = "auto") -> None:
        self._follower = Follower(Store(store.folder, create=False), store.run(run).id)
        self._follower.update()
        self._left = threading.Event()
        self._thread: threading.Thread | None = None
        self.board = run_board(self._follower, theme, lambda _launched: self._begin())
        self._begin()

    @property
    def widget(self) -> Any:
        """What is put into a page."""
        return self.board.widget

    def close(self) -> None:
        """Take the board away; the run goes on."""
        self._left.set()
        self.board.close()

    def _begin(self) -> None:
        """Follow in the background, also again when an ended run goes on."""
        before = self._thread
        name = f"dagbook-opened-{self._follower.row.id}"
        self._thread = threading.Thread(target=self._follow_quietly, args=(before,), name=name, daemon=True)
        self._thread.start()

    def _follow_quietly(self, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()  # it still shows the end of what was
        with contextlib.suppress(BrokenPipeError, ValueError):  # the kernel shuts down
            self._follow()

    def _follow(self) -> None:
        over = False
        while not over:
            with self.board.lock:
                if self._left.is_set():
                    break
                self._follower.update()
                over = self._follower.over
                self.board.paint(whole=over)
            if not over:
                self._follower.wait()
                self._left.wait(PAUSE_SECONDS)
        self._follower.close()
