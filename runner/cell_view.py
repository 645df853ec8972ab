"""What stands in a node's defining cell for its node runs: a status line each, then their own outputs.

Everything that is not a node's own rich output is escaped.
"""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import view
from .asking import Question, questions
from .core.lifecycle import PASSED, NodeRun, State
from .core.masking import masked
from .records.follow import Watched

LONGEST_TEXT = 200_000  # characters of one output in a cell's plain text
_GREY = "color:var(--jp-ui-font-color2,#666)"


def outputs(watched: Sequence[Watched], run: str) -> list[dict[str, Any]]:
    """The runs of one node as outputs of its cell in nbformat's shape: status lines and the node's own outputs.

    Where a person is to decide, what to type in the notebook for the run `run` comes last.
    """
    now = time.time()
    found: list[dict[str, Any]] = []
    for one in watched:
        data = {"text/html": page([status_html(one, now)]), "text/plain": status_text(one, now)}
        about = {"dagbook": {"node": one.run.node, "node_run": one.run.id, "state": str(one.run.state)}}
        found.append({"output_type": "display_data", "data": data, "metadata": about})
        kept = own_outputs(one)
        found += [{key: value for key, value in output.items() if key != "transient"} for output in kept]
    for asked in questions(one.run for one in watched):
        data = {"text/html": page([question_html(asked, run)]), "text/plain": question_text(asked, run)}
        found.append({"output_type": "display_data", "data": data, "metadata": {}})
    return found


def question_text(asked: Question, run: str) -> str:
    """What to type to decide, in plain text."""
    alone = f"\n  (one of them alone: {asked.ids} in place of the title)" if asked.ids else ""
    return f"  decide: {asked.magic(run)}   (or the same with --reject){alone}"


def question_html(asked: Question, run: str) -> str:
    """What to type to decide, to be copied into a cell."""
    code = f'<code style="user-select:all;overflow-wrap:anywhere">{html.escape(asked.magic(run))}</code>'
    reject = '<code style="white-space:nowrap">--reject</code>'
    alone = f"<br>One of them alone: {html.escape(asked.ids)} in place of the title." if asked.ids else ""
    colour = view.COLOURS[State.PENDING_APPROVAL]
    return (
        f'<div style="border-left:4px solid {colour};padding:2px 10px;margin:0 0 2px">'
        f"Decide in a new cell: {code} or the same with {reject}{alone}</div>"
    )


def own_outputs(watched: Watched) -> list[dict[str, Any]]:
    """What the node run's cells left, in order; without what was meant for dagbook alone."""
    found = []
    for _cell, cell_outputs in sorted(watched.outputs.items()):
        for output in cell_outputs:
            data = output.get("data", {})
            ours = bool(data) and all(mime.startswith("application/vnd.dagbook.") for mime in data)
            if output["output_type"] != "clear" and not ours:
                found.append(output)
    return found


def status_text(watched: Watched, now: float) -> str:
    """The status line in plain text: `✓ train [lr=0.1] · succeeded · 1.2 s · accuracy=0.93`."""
    run = watched.run
    parts = [f"{view.GLYPHS[run.state]} {view.label(run)}", view.state_word(run.state), view.note(watched, now)]
    line = " · ".join(part for part in parts if part)
    return "\n  ".join(text for text in (line, view.because(run), _hint(run)) if text)


def _hint(run: NodeRun) -> str:
    """What would help after a failure, where that is known."""
    return f"hint: {run.detail['advice']}" if run.detail.get("advice") else ""


def status_html(watched: Watched, now: float) -> str:
    """The status line in HTML, with a folded table of tags when the line cannot hold them all."""
    run = watched.run
    details = _tags_html(watched) if run.state in PASSED else ""
    told = status_line(run.state, view.label(run), view.note(watched, now), run.id)
    return told + _below(view.because(run)) + _below(_hint(run)) + details


def _below(text: str) -> str:
    """More about a node run, as a grey line below its status."""
    words = html.escape(text)
    return f'<div style="padding:0 14px 2px;{_GREY};overflow-wrap:anywhere">{words}</div>' if words else ""


def status_line(state: State, label: str, note: str, id: str = "") -> str:
    """A line with a coloured bar on its left: glyph, name, state, note. `id` shows when the mouse rests on the name."""
    name = f'<b title="{html.escape(id)}">{html.escape(label)}</b>'
    rest = f' <span style="{_GREY}">· {html.escape(note)}</span>' if note else ""
    return (
        f'<div style="border-left:4px solid {view.COLOURS[state]};padding:2px 10px;margin:4px 0 2px">'
        f'<span style="{view.word_colour(state)};font-weight:600">{view.GLYPHS[state]}</span> {name}'
        f' <span style="{view.word_colour(state)}">{html.escape(view.state_word(state))}</span>{rest}</div>'
    )


def _tags_html(watched: Watched) -> str:
    """A folded table of all tags when there are more than the line holds."""
    run = watched.run
    logged = {name: value for name, value in run.tags.items() if name not in run.created.params}
    if len(logged) <= 4:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(masked(name, value))}</td></tr>"
        for name, value in logged.items()
    )
    return f"<details><summary>{len(logged)} tags</summary><table>{rows}</table></details>"


def page(parts: Sequence[str]) -> str:
    """HTML parts as one block that can be told from the notebook's own."""
    return f'<div class="dagbook-cell">{"".join(parts)}</div>'


def text_of(value: Any) -> str:
    """The text of a mime value, which nbformat may keep as a list of lines."""
    return "".join(value) if isinstance(value, list) else str(value)


def short_text(output: Mapping[str, Any]) -> str:
    """An output as plain text, of a very long one the beginning: the notebook keeps it each time it is drawn."""
    text = output_text(output)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\n[… see the executed notebook]"


def output_text(output: Mapping[str, Any]) -> str:
    """An output as plain text."""
    kind = output["output_type"]
    if kind == "stream":
        return str(output["text"]).rstrip("\n")
    if kind == "error":
        return view.plain("\n".join(output["traceback"]))
    return text_of(output.get("data", {}).get("text/plain", ""))
