"""The magics that define: %pipeline, %%pipeline_shared, the kinds of nodes, %pipeline_edge.

They parse, delegate and display; what is parsed is in `runner.formats`, what is kept is in `draft`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

from ..runner.core.errors import Place, Problem, raise_errors
from ..runner.formats.magic_table import MAGICS
from ..runner.formats.parsers import help_text
from .draft import Draft
from .hooks import origin_of
from .spares import keep_a_spare

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..runner.core.model import Node

_GREY = "#6B7683"
_SOFT = "color:var(--jp-ui-font-color2,#666)"


@magics_class
class DefinitionMagics(Magics):
    """The defining magics of one shell."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell, draft: Draft) -> None:
        super().__init__(shell)
        self.draft = draft

    @no_var_expand
    @line_magic
    def pipeline(self, line: str) -> None:
        from ..runner.formats.cells import parse_pipeline, read_line

        asked = read_line("pipeline", line)
        if asked.values["reset"]:
            self.draft.reset()
        if asked.values["forget"]:
            self.draft.forget(asked.values["forget"])
        if asked.title is not None or set(asked.given) - {"reset", "forget"}:
            self.draft.configure(*parse_pipeline(line))
        count = len(self.draft.titles())
        parts = [f"{count} node{'' if count == 1 else 's'}"] if count else []
        parts += [*(_defaults_in_words(self.draft))]
        _show(self.draft.name or "pipeline", parts)

    @no_var_expand
    @cell_magic
    def pipeline_shared(self, line: str, cell: str) -> None:
        from ..runner.formats.cells import parse_shared
        from ..runner.formats.checks import check_shared
        from ..runner.formats.sources import check_body_magics

        __tracebackhide__ = True  # a fault of the user's code is shown from the user's line on
        nodes_only = parse_shared(line)
        check_body_magics("%%pipeline_shared", cell)
        raise_errors(check_shared(cell, Place(line=1)))
        if not nodes_only:
            self._run_here(cell)
        note = self.draft.share(_as_in_a_file(cell), origin_of(self.shell))
        where = "in the nodes only" if nodes_only else "here and in every node"
        _show("shared", [where, note], glyph="●")

    def _run_here(self, body: str) -> None:
        """Run the body in the notebook; line numbers are those of the cell."""
        from ..runner.formats.python_code import read_code

        __tracebackhide__ = True
        text = read_code(body).text
        name = self.shell.compile.cache(text, self.shell.execution_count, raw_code=text)
        exec(compile(text, name, "exec", dont_inherit=True), self.shell.user_ns)

    @no_var_expand
    @cell_magic
    def pipeline_node(self, line: str, cell: str) -> None:
        self._define("pipeline_node", line, cell)

    @no_var_expand
    @cell_magic
    def pipeline_command(self, line: str, cell: str) -> None:
        self._define("pipeline_command", line, cell)

    @no_var_expand
    @line_magic
    def pipeline_notebook(self, line: str) -> None:
        self._define("pipeline_notebook", line, "")

    @no_var_expand
    @line_magic
    def pipeline_data(self, line: str) -> None:
        self._define("pipeline_data", line, "")

    @no_var_expand
    @line_magic
    def pipeline_edge(self, line: str) -> None:
        from ..runner.formats.cells import parse_edge

        edge = parse_edge(line)
        self.draft.connect(edge, origin_of(self.shell))
        _show(str(edge), ["edge", "optional" if edge.optional else ""])

    @no_var_expand
    @cell_magic
    def pipeline_yaml(self, line: str, cell: str) -> None:
        self._take("pipeline_yaml", line, cell)

    @no_var_expand
    @line_magic
    def pipeline_import(self, line: str) -> None:
        self._take("pipeline_import", line, "")
        self.shell.run_line_magic("pipeline_show", "--plan")

    def _take(self, magic: str, line: str, body: str) -> None:
        """Read a whole pipeline, keep it, show its nodes; an error leaves the draft as it was."""
        from ..runner.formats.whole_pipeline import read_whole

        origin = origin_of(self.shell)
        pipeline, warnings = read_whole(magic, line, body, Path(), None, origin.cell)
        note = self.draft.take(pipeline, origin)
        keep_a_spare(self.shell)
        count = len(pipeline.nodes)
        _show(pipeline.name, [f"{count} node{'' if count == 1 else 's'}", note], warnings=warnings)
        for node in pipeline.nodes:
            _show_node(node, self.draft.handle_of(node.title), "", ())

    def _define(self, magic: str, line: str, body: str) -> None:
        """Parse, check, keep, show; an error leaves the draft as it was."""
        from ..runner.formats.attachments import check_node_files
        from ..runner.formats.cells import parse_node
        from ..runner.formats.sources import check_body_magics

        origin = origin_of(self.shell)
        node = parse_node(magic, line, _as_in_a_file(body), None, origin.cell)
        check_body_magics(MAGICS[magic].spelled, body, python=magic == "pipeline_node")
        found = [*_body_findings(self.draft, node), *check_node_files(node, Path())]
        warnings = raise_errors(found)
        note = self.draft.define(node, origin)
        keep_a_spare(self.shell)
        _show_node(node, self.draft.handle_of(node.title), note, warnings)


def _as_in_a_file(body: str) -> str:
    """The body of a cell without the line end that IPython puts behind it.

    The node is then the same as that of the notebook's file, and each way of running it finds the other's results.
    """
    return body.removesuffix("\n")


# `%%pipeline_node?` shows the docstring; it is made of the same table as the parser.
for _magic in MAGICS.values():
    if _magic.defines:
        getattr(DefinitionMagics, _magic.name).__doc__ = help_text(_magic.name)


def _body_findings(draft: Draft, node: Node) -> list[Problem]:
    from ..runner.core.model import Defaults
    from ..runner.formats.checks import check_node, shared_names
    from ..runner.formats.nested import check_nested, is_nested
    from ..runner.formats.node_notebook import check_notebook_node

    if node.kind == "notebook":
        return check_nested(node, Path()) if is_nested(node, Path()) else check_notebook_node(node, Path())
    return check_node(node, shared_names(draft.shared()), draft.defaults or Defaults(), Path())


def _defaults_in_words(draft: Draft) -> list[str]:
    if draft.defaults is None:
        return []
    given = draft.defaults.model_dump(exclude_unset=True, mode="json", exclude={"secrets"})
    secrets = ", ".join(map(str, draft.defaults.secrets))
    words = [f"{name.replace('_', '-')} {_word(value)}" for name, value in given.items()]
    return [*words, *([f"secret {secrets}"] if secrets else [])]


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(value)  # names only: a value may be private
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def facts_of(node: Node) -> list[str]:
    """What a defining cell tells of its node besides the title: what comes before it, how often it will run."""
    if node.kind == "data":
        return _facts_of_data(node)
    facts = ["defined"]
    if node.after:
        facts.append("after " + ", ".join(node.after))
    facts += [f"{edge.target_key} from {edge.source}/{edge.source_key}" for edge in node.edges]
    if node.single:
        facts.append("single")
    if node.grid:
        sizes = [len(values) for values in node.grid.values()]
        count = 1
        for size in sizes:
            count *= size
        product = f" ({' × '.join(map(str, sizes))})" if len(sizes) > 1 else ""
        facts.append(f"{' × '.join(node.grid)}: {count:,} runs{product}")
    return [*facts, *_conditions_in_words(node)]


def _facts_of_data(node: Node) -> list[str]:
    left = ", ".join(node.artifacts)
    places = {"path": node.path, "url": node.url, "dataset": node.dataset, "artifacts": left}
    where = next((f"{kind} {place}" for kind, place in places.items() if place), "nowhere")
    return ["data", where, f"pinned to {node.pin[:12]}…" if node.pin else ""]


def _conditions_in_words(node: Node) -> list[str]:
    """`when max accuracy`, `asks leah or yochay`."""
    from ..runner.formats.flow_words import condition_in_words

    facts = ["when " + " and ".join(map(condition_in_words, node.when))] if node.when else []
    *others, last = node.approve or ("",)
    return [*facts, *([f"asks {', '.join(others)} or {last}" if others else f"asks {last}"] if last else [])]


def first_look(title: str, facts: Sequence[str], glyph: str = "○", warnings: Sequence[Problem] = ()) -> dict[str, str]:
    """The bundle (text/html, text/plain) of a status line and the warnings below it; everything escaped."""
    told = [fact for fact in facts if fact]
    rows = [f"{found.code}: {found.message}\n{found.hint}".strip() for found in warnings]
    plain = "\n".join([" · ".join([f"{glyph} {title}", *told]), *(row.replace("\n", "\n  ") for row in rows)])
    rest = "".join(f' <span style="{_SOFT}">· {html.escape(fact)}</span>' for fact in told)
    line = (
        f'<div style="border-left:4px solid {_GREY};padding:2px 10px;margin:4px 0 2px">'
        f'<span style="color:{_GREY};font-weight:600">{glyph}</span> <b>{html.escape(title)}</b>{rest}</div>'
    )
    style = "padding:2px 14px;white-space:pre-wrap;color:var(--jp-warn-color0,#8a5a00)"
    below = "".join(f'<div style="{style}">{html.escape(row)}</div>' for row in rows)
    return {"text/html": f'<div class="dagbook-cell">{line}{below}</div>', "text/plain": plain}


def _show_node(node: Node, handle: str | None, note: str, warnings: Sequence[Problem]) -> None:
    """Show the node's first look under its own display id, so that a run can be shown in its place."""
    from IPython.display import display

    bundle = first_look(node.title, [*facts_of(node), note], warnings=warnings)
    about = {"dagbook": {"node": node.title}}
    display(bundle, raw=True, display_id=handle, metadata=about)  # type: ignore[no-untyped-call]


def _show(title: str, facts: Sequence[str], glyph: str = "●", warnings: Sequence[Problem] = ()) -> None:
    from IPython.display import display

    display(first_look(title, facts, glyph, warnings), raw=True)  # type: ignore[no-untyped-call]
