"""papermill's bookkeeping of a node's notebook. Importing this module imports papermill."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.engines import NotebookExecutionManager  # type: ignore[import-untyped]

from .record import save

SAVE_SECONDS = 5.0


class RecordKeeper(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's bookkeeping of one notebook, with a copy on disk that is never older than some seconds."""

    def __init__(self, nb: NotebookNode, record: Path) -> None:
        super().__init__(nb, progress_bar=False)
        self.record = record
        self.failed: tuple[int, CellExecutionError] | None = None
        self.settle: Callable[[], None] = lambda: None  # gives the cells the texts that go on, as they are by now
        self._due = time.monotonic() + SAVE_SECONDS

    def save(self, **kwargs: Any) -> None:
        """Save when the last time is long enough ago; papermill calls this twice per cell."""
        if time.monotonic() >= self._due:
            before = time.monotonic()
            self.settle()
            save(self.nb, self.record)
            # A notebook that takes long to write is written less often.
            self._due = time.monotonic() + max(SAVE_SECONDS, 20 * (time.monotonic() - before))

    def empty(self) -> None:
        """Part with all that is large; see `NodeClient.let_go`. The frames of an exception make circles, too."""
        for part in (*self.nb.cells, self.nb):
            part.clear()
        if self.failed:
            self.failed[1].args, self.failed[1].traceback = (), ""

    def autosave_cell(self, **kwargs: Any) -> None:
        """Called for each message."""
        self.save()

    def cell_exception(self, cell: NotebookNode, cell_index: int | None = None, **kwargs: Any) -> None:
        """Called for the exception that ends the notebook."""
        self.failed = (cell_index or 0, kwargs["exception"])
        super().cell_exception(cell, cell_index=cell_index, **kwargs)
