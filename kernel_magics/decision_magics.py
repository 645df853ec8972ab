"""The magic that decides: %pipeline_approve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from ..runner.formats.parsers import help_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@magics_class
class DecisionMagics(Magics):
    """Lets people decide on pending node runs in the notebook."""

    shell: InteractiveShell

    @no_var_expand
    @line_magic
    def pipeline_approve(self, line: str) -> None:
        from IPython.display import display

        from ..runner.deciding import decide, waiting_run
        from ..runner.formats.magic_lines import read_line
        from ..runner.formats.settings import find_store
        from ..runner.records.store import Store

        read = read_line("pipeline_approve", line)
        store = Store(find_store(read.values.get("store")), create=False)
        node = read.title or ""
        run = read.values.get("run") or waiting_run(store, node)
        approved = not read.values["reject"]
        decided = decide(store, run, node, approved, read.values.get("by"), "%pipeline_approve")
        display({"text/plain": "\n".join(decided.lines())}, raw=True)  # type: ignore[no-untyped-call]


DecisionMagics.pipeline_approve.__doc__ = help_text("pipeline_approve")
