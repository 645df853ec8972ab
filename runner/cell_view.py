"""What a node's defining cell shows of its node runs: a status line each, then what they printed and drew.

`bundle` is one HTML (and plain text) picture for a live display handle in the notebook; `outputs` are real cell
outputs for a written notebook. Everything that is not a node's own rich output is escaped.
"""

from __future__ import annotations

import html
import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import view
from .core.lifecycle import RunState, State
from .core.values import shown
from .records.follow import Follower, Watched

MOST_ROWS = 200  # node runs that the board lists
MOST_SHOWN = 24  # node runs of one node that its cell shows whole; the others get a line

_IMAGES = ("image/png", "image/jpeg", "image/gif")
# A terminal's eight colours as JupyterLab shows them, to be read on light and on dark; black and white: the theme's.
_TERMINAL = ("", "#E75C58", "#00A250", "#B8860B", "#208FFB", "#D160C4", "#2AA1A3", "")


def bundle(title: str, watched: Sequence[Watched]) -> dict[str, str]:
    """A mime bundle (text/html, text/plain) that shows the runs of one node as they are now."""
    now = time.time()
    if not watched:
        return {"text/html": _page([_line("○", "#8A94A0", title, "waiting", "")]), "text/plain": f"○ {title} · waiting"}
    parts, lines = [], []
    for one in watched[:MOST_SHOWN]:
        parts.append(_status_html(one, now))
        lines.append(status_text(one, now))
        parts += [_output_html(output) for output in own_outputs(one)]
        lines += [text for text in map(output_text, own_outputs(one)) if text]
        parts.append(_failure_html(one))
    if len(watched) > MOST_SHOWN:
        rest = view.tally(one.run.state for one in watched[MOST_SHOWN:])
        parts.append(f"<div>… {len(watched) - MOST_SHOWN} more: {html.escape(rest)}</div>")
        lines.append(f"… {len(watched) - MOST_SHOWN} more: {rest}")
    return {"text/html": _page(parts), "text/plain": "\n".join(lines)}


def board(follower: Follower) -> dict[str, str]:
    """A mime bundle that shows a whole run as it is now: how it stands, and a line per node run."""
    now = time.time()
    row, watched = follower.row, follower.listed()
    ended = max((one.ended or 0 for one in watched), default=0) if follower.over else 0
    took = view.age(max((ended or now) - row.started, 0))
    states = view.tally(one.run.state for one in watched)
    word = view.state_word(follower.so_far.state)
    head = f"{row.pipeline} · run {row.id} · {word} · {took} · {states}"
    rows = "".join(_board_row(one, now) for one in watched[:MOST_ROWS])
    more = f"<div>… {len(watched) - MOST_ROWS} more</div>" if len(watched) > MOST_ROWS else ""
    reason = follower.so_far.reason
    alone = not watched or follower.so_far.state in (RunState.CANCELLED, RunState.REJECTED)  # no node run tells it
    why = f'<div style="padding:2px 0">{html.escape(reason)}</div>' if reason and alone else ""
    title = f"<b>{html.escape(row.pipeline)}</b> · run <code>{row.id}</code> · <b>{html.escape(word)}</b> · "
    body = f"<div>{title}{took} · {html.escape(states)}</div><table>{rows}</table>{more}{why}"
    lines = [head, *(status_text(one, now) for one in watched[:MOST_ROWS])]
    return {"text/html": _page([body]), "text/plain": "\n".join(lines)}


def _board_row(watched: Watched, now: float) -> str:
    run = watched.run
    colour = view.COLOURS[run.state]
    cells = [
        f'<td style="color:{colour};font-weight:600">{view.GLYPHS[run.state]}</td>',
        f'<td style="text-align:left">{html.escape(view.label(run))}</td>',
        f'<td style="text-align:left;color:{colour}">{html.escape(view.state_word(run.state))}</td>',
        f'<td style="text-align:left">{html.escape(view.note(watched, now))}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def outputs(watched: Sequence[Watched]) -> list[dict[str, Any]]:
    """The runs of one node as outputs of its cell in nbformat's shape: status lines and the node's own outputs."""
    now = time.time()
    found: list[dict[str, Any]] = []
    for one in watched:
        data = {"text/html": _page([_status_html(one, now)]), "text/plain": status_text(one, now)}
        about = {"dagbook": {"node": one.run.node, "node_run": one.run.id, "state": str(one.run.state)}}
        found.append({"output_type": "display_data", "data": data, "metadata": about})
        kept = own_outputs(one)
        found += [{key: value for key, value in output.items() if key != "transient"} for output in kept]
    return found


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
    return " · ".join(part for part in parts if part)


def _status_html(watched: Watched, now: float) -> str:
    run = watched.run
    colour, glyph = view.COLOURS[run.state], view.GLYPHS[run.state]
    details = _tags_html(watched) if run.state is State.SUCCEEDED else ""
    return _line(glyph, colour, view.label(run), view.state_word(run.state), view.note(watched, now)) + details


def _line(glyph: str, colour: str, label: str, state: str, note: str) -> str:
    grey = "color:var(--jp-ui-font-color2,#666)"
    rest = f' <span style="{grey}">· {html.escape(note)}</span>' if note else ""
    return (
        f'<div style="border-left:4px solid {colour};padding:2px 10px;margin:4px 0 2px">'
        f'<span style="color:{colour};font-weight:600">{glyph}</span> <b>{html.escape(label)}</b>'
        f' <span style="color:{colour}">{html.escape(state)}</span>{rest}</div>'
    )


def _tags_html(watched: Watched) -> str:
    """A folded table of all tags when there are more than the line holds."""
    run = watched.run
    logged = {name: value for name, value in run.tags.items() if name not in run.created.params}
    if len(logged) <= 4:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(shown(value))}</td></tr>" for name, value in logged.items()
    )
    return f"<details><summary>{len(logged)} tags</summary><table>{rows}</table></details>"


def _failure_html(watched: Watched) -> str:
    """Where to look, under a failed node run."""
    notebook = watched.run.detail.get("notebook")
    if watched.run.state not in (State.FAILED, State.TIMED_OUT, State.LOST) or not notebook:
        return ""
    return f'<div style="padding:2px 14px">notebook: <code>{html.escape(str(notebook))}</code></div>'


def _page(parts: Sequence[str]) -> str:
    return f'<div class="dagbook-cell">{"".join(parts)}</div>'


def _text_of(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


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
            alt = html.escape(_text_of(data.get("text/plain", "figure")))
            source = f"data:{mime};base64,{html.escape(_text_of(data[mime]).strip())}"
            return f'<img alt="{alt}"{_size(output, mime)} style="max-width:100%;height:auto" src="{source}">'
    if "image/svg+xml" in data:
        return f"<div>{_text_of(data['image/svg+xml'])}</div>"
    if "text/html" in data:
        return f"<div>{_text_of(data['text/html'])}</div>"
    text = _text_of(data.get("text/markdown") or data.get("text/plain") or "")
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


def output_text(output: Mapping[str, Any]) -> str:
    """An output as plain text."""
    kind = output["output_type"]
    if kind == "stream":
        return str(output["text"]).rstrip("\n")
    if kind == "error":
        return view.plain("\n".join(output["traceback"]))
    return _text_of(output.get("data", {}).get("text/plain", ""))
