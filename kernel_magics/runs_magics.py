"""The magic that lists runs: %pipeline_runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from ..runner.formats.parsers import help_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..extension.runs_board import RunsBoard
    from ..runner.records.store import Store


@magics_class
class RunsMagics(Magics):
    """Shows the latest runs of the store, on a board where somebody looks on."""

    shell: InteractiveShell

    @no_var_expand
    @line_magic
    def pipeline_runs(self, line: str) -> None:
        from ..extension.runs_board import static_runs
        from ..runner import view
        from ..runner.formats.magic_lines import read_line
        from ..runner.formats.settings import find_store
        from ..runner.records.settling import settle_all
        from ..runner.records.store import Store
        from .boards import show

        read = read_line("pipeline_runs", line)
        store = Store(find_store(read.values.get("store")), create=False)
        settle_all(store)
        board = self._board(store)
        text = view.runs_text(store.latest(), time.time())
        show(static_runs(store, text, board is not None), board)

    def _board(self, store: Store) -> RunsBoard | None:
        """A board for the cell that runs."""
        from .boards import kept_of
        from .hooks import origin_of, somebody_looks_on

        if not somebody_looks_on(self.shell, "ipywidgets", "ipycytoscape"):
            return None
        from ..extension.runs_board import RunsBoard

        return kept_of(self.shell).keep(origin_of(self.shell), RunsBoard(store))


RunsMagics.pipeline_runs.__doc__ = help_text("pipeline_runs")
