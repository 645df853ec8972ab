"""The magic that compares: %pipeline_compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from ..runner.formats.parsers import help_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..runner.formats.magic_lines import Line


@magics_class
class CompareMagics(Magics):
    """Compares routes of a run, or runs, in the notebook."""

    shell: InteractiveShell

    @no_var_expand
    @line_magic
    def pipeline_compare(self, line: str) -> None:
        from IPython.display import display

        from ..runner.compared import compare_in
        from ..runner.comparison_html import bundle
        from ..runner.formats.settings import find_store
        from ..runner.records.store import Store

        read, wanted = _read(line)
        store = Store(find_store(read.values["store"]), create=False)
        compared = compare_in(store, wanted, read.values["node"], read.values["by"])
        display(bundle(compared, read.values["all"]), raw=True)  # type: ignore[no-untyped-call]


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
