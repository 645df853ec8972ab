"""The magic that compares: %pipeline_compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from ..runner.formats.parsers import help_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..extension.compare_board import CompareBoard
    from ..runner.compared import Compared
    from ..runner.formats.magic_lines import Line
    from ..runner.records.store import Store


@magics_class
class CompareMagics(Magics):
    """Compares routes of a run, or runs, in the notebook: on a board where somebody looks on."""

    shell: InteractiveShell

    @no_var_expand
    @line_magic
    def pipeline_compare(self, line: str) -> None:
        from ..extension.compare_board import static_comparison
        from ..runner.compared import compare_in
        from ..runner.formats.settings import find_store
        from ..runner.records.store import Store
        from .boards import show

        read, wanted = _read(line)
        store = Store(find_store(read.values["store"]), create=False)
        compared = compare_in(store, wanted, read.values["node"], read.values["by"])
        board = self._board(store, compared)
        show(static_comparison(compared, read.values["all"], board is not None), board)

    def _board(self, store: Store, compared: Compared) -> CompareBoard | None:
        """A board for the cell that runs."""
        from .boards import kept_of
        from .hooks import origin_of, somebody_looks_on

        if not somebody_looks_on(self.shell, "ipywidgets"):
            return None
        from ..extension.compare_board import CompareBoard

        return kept_of(self.shell).keep(origin_of(self.shell), CompareBoard(store, compared))


CompareMagics.pipeline_compare.__doc__ = help_text("pipeline_compare")


def _read(line: str) -> tuple[Line, list[str]]:
    """The line's options, and the runs that it names: magics take one word before their options, this one several."""
    from ..runner.formats.magic_lines import read_line, tokens_of

    words = []
    for token in tokens_of("pipeline_compare", line):
        if line.startswith("--", token.start):
            break
        words.append(token)
    options = line[words[-1].end :] if words else line
    return read_line("pipeline_compare", options), [word.text for word in words]
