"""A run opened on a board from a list of runs: live as long as it goes on."""

from __future__ import annotations

from typing import Any

from ..runner.core.names import slug_of
from ..runner.records.follow import Follower
from ..runner.records.store import Store
from .following import Following, paint_board
from .run_board import run_board


class OpenedRun:
    """The board of the run with this id, and a thread that follows the run; `node` is looked at from the beginning.

    Raises PipelineError (E-RUN-UNKNOWN).
    """

    def __init__(self, store: Store, run: str, theme: str = "auto", node: str = "") -> None:
        self._follower = Follower(Store(store.folder, create=False), store.run(run).id)
        self._follower.update()
        self.board = run_board(self._follower, theme, lambda _launched: self._following.start())
        if node:
            self.board.inspect(slug_of(node))
        self._following = Following(self._follower, self.board.lock, self._paint)
        self._following.start()

    @property
    def widget(self) -> Any:
        """What is put into a page."""
        return self.board.widget

    def close(self) -> None:
        """Take the board away; the run goes on."""
        self._following.close()
        self.board.close()

    def _paint(self, trouble: str) -> None:
        paint_board(self.board, self._follower.over, trouble)
