"""Pictures for display handles: one HTML and plain text bundle for a node's cell, one for a whole run.

They are drawn anew at each change and stay in the notebook when it is saved, so all style is inline, and colours that
are not a state's own come from the notebook's theme. Everything that is not a node's own rich output is escaped.
"""

from __future__ import annotations

import html
import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..runner import cell_view, view
from ..runner.asking import questions
from ..runner.core.lifecycle import RunState, State
from ..runner.records.follow import Follower, Watched

MOST_ROWS = 200  # node runs that the board lists
LONGEST_LABEL = 44  # characters of a name that is kept in one line
MOST_SHOWN = 24  # node runs of one node that its cell shows whole; the others get a line

_IMAGES = ("image/png", "image/jpeg", "image/gif")
# A terminal's eight colours as JupyterLab shows them, to be read on light and on dark; black and white: the theme's.
_TERMINAL = ("", "#E75C58", "#00A250", "#B8860B", "#208FFB", "#D160C4", "#2AA1A3", "")


def bundle(title: str, watched: Sequence[Watched], run: str) -> dict[str, str]:
    """A mime bundle (text/html, text/plain) that shows the runs of one node in the run `run` as they are now."""
    now = time.time()
    if not watched:
        return {
            "text/html": cell_view.page([cell_view.status_line("○", "#6B7683", title, "waiting", "")]),
            "text/plain": f"○ {title} · waiting",
        }
    parts, lines = [], []
    for one in watched[:MOST_SHOWN]:
        parts.append(cell_view.status_html(one, now))
        lines.append(cell_view.status_text(one, now))
        parts += [_output_html(output) for output in cell_view.own_outputs(one)]
        lines += [text for text in map(cell_view.output_text, cell_view.own_outputs(one)) if text]
        parts.append(_failure_html(one))
    if len(watched) > MOST_SHOWN:
        rest = view.tally(one.run.state for one in watched[MOST_SHOWN:])
        parts.append(f"<div>… {len(watched) - MOST_SHOWN} more: {html.escape(rest)}</div>")
        lines.append(f"… {len(watched) - MOST_SHOWN} more: {rest}")
    for asked in questions(one.run for one in watched):
        parts.append(cell_view.question_html(asked, run))
        lines.append(cell_view.question_text(asked, run))
    return {"text/html": cell_view.page(parts), "text/plain": "\n".join(lines)}


def board(follower: Follower) -> dict[str, str]:
    """A mime bundle that shows a whole run as it is now: how it stands, and a line per node run."""
    now = time.time()
    row, watched = follower.row, follower.listed()
    ended = max((one.ended or 0 for one in watched), default=0) if follower.over else 0
    took = view.age(max((ended or now) - row.started, 0))
    states = view.up_to_date(follower.so_far) or view.tally(one.run.state for one in watched)
    word = view.state_word(follower.so_far.state)
    head = f"{row.pipeline} · run {row.id} · {word} · {took} · {states}"
    rows = "".join(_board_row(one, now) for one in watched[:MOST_ROWS])
    more = f"<div>… {len(watched) - MOST_ROWS} more</div>" if len(watched) > MOST_ROWS else ""
    reason = follower.so_far.reason
    alone = not watched or follower.so_far.state in (RunState.CANCELLED, RunState.REJECTED)  # no node run tells it
    why = f'<div style="padding:2px 0">{html.escape(reason)}</div>' if reason and alone else ""
    title = f"<b>{html.escape(row.pipeline)}</b> · run <code>{row.id}</code> · <b>{html.escape(word)}</b> · "
    body = f"<div>{title}{took} · {html.escape(states)}</div><table>{rows}</table>{more}{why}"
    lines = [head, *(cell_view.status_text(one, now) for one in watched[:MOST_ROWS])]
    asked, typed = _asked(follower)
    body += asked
    lines += typed
    return {"text/html": cell_view.page([body]), "text/plain": "\n".join(lines)}


def _asked(follower: Follower) -> tuple[str, list[str]]:
    """What is asked of people, as HTML and as lines of text; and how to go on, where nobody runs the run meanwhile."""
    run = follower.row.id
    asked = questions(one.run for one in follower.listed())
    parts = [cell_view.question_html(one, run) for one in asked]
    lines = [cell_view.question_text(one, run) for one in asked]
    if asked and follower.suspended:
        go_on = f"%pipeline_resume {run}"
        parts.append(f"<div>Nobody runs it while it waits. Then go on: <code>{go_on}</code></div>")
        lines.append(f"  then:   {go_on}")
    return "".join(parts), lines


def _board_row(watched: Watched, now: float) -> str:
    run = watched.run
    colour = view.COLOURS[run.state]
    told = [text for text in (view.note(watched, now), view.because(run)) if text]
    label, text = view.label(run), "text-align:left"
    name = f"{text};white-space:nowrap" if len(label) <= LONGEST_LABEL else text
    cells = [
        f'<td style="color:{colour};font-weight:600">{view.GLYPHS[run.state]}</td>',
        f'<td style="{name}" title="{html.escape(run.id)}">{html.escape(label)}</td>',
        f'<td style="{text};white-space:nowrap;color:{colour}">{html.escape(view.state_word(run.state))}</td>',
        f'<td style="{text};overflow-wrap:anywhere">{html.escape(" · ".join(told))}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _failure_html(watched: Watched) -> str:
    """Where to look, under a failed node run."""
    notebook = watched.run.detail.get("notebook")
    if watched.run.state not in (State.FAILED, State.TIMED_OUT, State.LOST) or not notebook:
        return ""
    return f'<div style="padding:2px 14px">notebook: <code>{html.escape(str(notebook))}</code></div>'


def _output_html(output: Mapping[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        red = output["name"] == "stderr"
        return _pre(_ansi_html(output["text"]), "background:rgba(213,94,0,.10)" if red else "")
    if kind == "error":
        return _pre(_ansi_html("\n".join(output["traceback"])), "background:rgba(213,94,0,.10)")
    data = output.get("data", {})
    for mime in _IMAGES:
        if mime in data:
            alt = html.escape(cell_view.text_of(data.get("text/plain", "figure")))
            source = f"data:{mime};base64,{html.escape(cell_view.text_of(data[mime]).strip())}"
            return f'<img alt="{alt}"{_size(output, mime)} style="max-width:100%;height:auto" src="{source}">'
    if "image/svg+xml" in data:
        return f"<div>{cell_view.text_of(data['image/svg+xml'])}</div>"
    if "text/html" in data:
        return f"<div>{cell_view.text_of(data['text/html'])}</div>"
    text = cell_view.text_of(data.get("text/markdown") or data.get("text/plain") or "")
    return _pre(html.escape(text), "") if text else ""


def _size(output: Mapping[str, Any], mime: str) -> str:
    """The width that a picture asks for; one with twice the pixels is not shown twice as large."""
    about = output.get("metadata", {}).get(mime)
    width = about.get("width") if isinstance(about, Mapping) else None
    return f' width="{width:.0f}"' if isinstance(width, int | float) else ""


def _pre(inner: str, style: str) -> str:
    font = "font-size:var(--jp-code-font-size,13px);line-height:var(--jp-code-line-height,1.3)"
    box = "margin:2px 0;padding:2px 14px;white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<pre style="{box};{font};{style}">{inner}</pre>' if inner else ""


def _ansi_html(text: str) -> str:
    """Escaped text, terminal colours as inline styles."""
    if "\x1b[" not in text:
        return html.escape(text)
    from rich.console import Console
    from rich.text import Text

    # force_jupyter: in a notebook's kernel rich would display what it prints, in whichever cell runs
    console = Console(file=io.StringIO(), color_system="truecolor", force_jupyter=False)
    return "".join(_coloured(segment.text, segment.style) for segment in Text.from_ansi(text).render(console))


def _coloured(text: str, style: Any) -> str:
    """Escaped text in one style. What a terminal shows in its own colours has none here, so that it suits any theme."""
    rules = []
    if style and style.bgcolor and not style.bgcolor.is_default:
        rules += [f"background:{_css_colour(style.bgcolor)}", "color:#000"]
    elif style and style.color and (colour := _css_colour(style.color)):
        rules.append(f"color:{colour}")
    rules += ["font-weight:600"] if style and style.bold else []
    rules += ["font-style:italic"] if style and style.italic else []
    return f'<span style="{";".join(rules)}">{html.escape(text)}</span>' if rules else html.escape(text)


def _css_colour(colour: Any) -> str:
    if colour.is_default:
        return ""
    if colour.number is not None and colour.number < 16:
        return _TERMINAL[colour.number % 8]
    return str(colour.get_truecolor().hex)
