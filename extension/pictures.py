"""Pictures for display handles: one HTML and plain text bundle for a node's cell, one for a whole run.

They are drawn anew at each change and stay in the notebook when it is saved, so all style is inline, and colours that
are not a state's own come from the notebook's theme. What nodes displayed is shut in; everything else is escaped.
"""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..runner import cell_view, view
from ..runner.asking import questions
from ..runner.board.header import ended_at
from ..runner.board.output_html import Room
from ..runner.board.page import asked_html, run_text
from ..runner.core.lifecycle import ENDED, RunState, State
from ..runner.records.folding import EARLIER
from ..runner.records.follow import Follower, Watched

MOST_ROWS = 200  # node runs that the board lists
LONGEST_LABEL = 44  # characters of a name that is kept in one line
MOST_SHOWN = 24  # node runs of one node that its cell shows whole; the others get a line
# What goes to the browser again and again while a node runs, and with it into its kernel's memory:
MOST_LIVE = 50  # outputs of a node run, the last ones
LONGEST_LIVE = 20_000  # characters of a text in them, the last ones
LARGEST_LIVE = 2_000_000  # characters of all of them
LARGEST_KEPT = 5_000_000  # characters that stay in the notebook of a node when its runs are over


def bundle(title: str, watched: Sequence[Watched], run: str) -> dict[str, str]:
    """A mime bundle (text/html, text/plain) that shows the runs of one node in the run `run` as they are now."""
    now = time.time()
    if not watched:
        state = State.WAITING
        return {
            "text/html": cell_view.page([cell_view.status_line(state, title, "")]),
            "text/plain": f"{view.GLYPHS[state]} {title} · {view.state_word(state)}",
        }
    live = any(one.run.state not in ENDED for one in watched)
    parts, lines, room = [], [], Room(most=LARGEST_LIVE if live else LARGEST_KEPT)
    for one in watched[:MOST_SHOWN]:
        parts.append(cell_view.status_html(one, now))
        lines.append(cell_view.status_text(one, now))
        room.notebook = str(one.run.detail.get("notebook") or "")
        own: Sequence[Mapping[str, Any]] = cell_view.own_outputs(one)
        outputs = _last(own) if live else own
        drawn = [room.html_of(output) for output in reversed(outputs)]  # where not all have room, the last ones do
        parts += reversed(drawn)
        lines += _texts(outputs, LARGEST_LIVE)
        parts.append(_failure_html(one))
    if len(watched) > MOST_SHOWN:
        rest = view.tally(one.run.state for one in watched[MOST_SHOWN:])
        parts.append(f"<div>… {len(watched) - MOST_SHOWN} more: {html.escape(rest)}</div>")
        lines.append(f"… {len(watched) - MOST_SHOWN} more: {rest}")
    for asked in questions(one.run for one in watched):
        parts.append(cell_view.question_html(asked, run))
        lines.append(cell_view.question_text(asked, run))
    return {"text/html": cell_view.page(parts), "text/plain": "\n".join(lines)}


def _last(outputs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The end of what a node run that goes on has shown up to now."""
    shown = [_short(output) for output in outputs[-MOST_LIVE:]]
    earlier = {"output_type": "stream", "name": "stdout", "text": f"[… {len(outputs) - len(shown)} earlier outputs]\n"}
    return [earlier, *shown] if len(outputs) > len(shown) else shown


def _short(output: Mapping[str, Any]) -> Mapping[str, Any]:
    if output["output_type"] != "stream" or len(output["text"]) <= LONGEST_LIVE:
        return output
    text = output["text"][-LONGEST_LIVE:]
    return {**output, "text": f"{EARLIER}\n{text[text.find(chr(10), 0, LONGEST_LIVE // 2) + 1 :]}"}


def _texts(outputs: Sequence[Mapping[str, Any]], most: int) -> list[str]:
    """Outputs as plain texts, the last ones that make up `most` characters."""
    found: list[str] = []
    for output in reversed(outputs):
        text = cell_view.short_text(output)
        most -= len(text)
        if most < 0:
            found.append(EARLIER)
            break
        if text:
            found.append(text)
    return found[::-1]


def board(follower: Follower) -> dict[str, str]:
    """A mime bundle that shows a whole run as it is now: how it stands, and a line per node run."""
    now = time.time()
    row, watched = follower.row, follower.listed()
    took = view.age(max((ended_at(follower) or now) - row.started, 0))
    states = view.up_to_date(follower.so_far) or view.tally(one.run.state for one in watched)
    word = view.state_word(follower.so_far.state)
    rows = "".join(_board_row(one, now) for one in watched[:MOST_ROWS])
    more = f"<div>… {len(watched) - MOST_ROWS} more</div>" if len(watched) > MOST_ROWS else ""
    reason = follower.so_far.reason
    alone = not watched or follower.so_far.state in (RunState.CANCELLED, RunState.REJECTED)  # no node run tells it
    why = f'<div style="padding:2px 0">{html.escape(reason)}</div>' if reason and alone else ""
    title = f"<b>{html.escape(row.pipeline)}</b> · run <code>{html.escape(row.id)}</code>"
    head = f"<div>{title} · <b>{html.escape(word)}</b> · {took} · {html.escape(states)}</div>"
    body = f"{head}<table>{rows}</table>{more}{why}"
    return {"text/html": cell_view.page([body + asked_html(follower)]), "text/plain": run_text(follower, now)}


def as_of(run: str, now: float) -> str:
    """What stands below the picture of a run that goes on: it is saved with the notebook, and the run does not stop."""
    when = datetime.fromtimestamp(now).strftime("%Y-%m-%d %H:%M:%S")
    how = f"<code>%load_ext dagbook</code>, then <code>%pipeline_show {html.escape(run)}</code>"
    return cell_view.page([f"<div>As it was at {when}; how it is now: {how}</div>"])


def line(words: str) -> dict[str, str]:
    """A mime bundle of one line."""
    return {"text/html": cell_view.page([f"<div>{html.escape(words)}</div>"]), "text/plain": words}


def _board_row(watched: Watched, now: float) -> str:
    run = watched.run
    colour = view.word_colour(run.state)
    told = [text for text in (view.note(watched, now), view.because(run)) if text]
    label, text = view.label(run), "text-align:left"
    name = f"{text};white-space:nowrap" if len(label) <= LONGEST_LABEL else text
    cells = [
        f'<td style="{colour};font-weight:600">{view.GLYPHS[run.state]}</td>',
        f'<td style="{name}" title="{html.escape(run.id)}">{html.escape(label)}</td>',
        f'<td style="{text};white-space:nowrap;{colour}">{html.escape(view.state_word(run.state))}</td>',
        f'<td style="{text};overflow-wrap:anywhere">{html.escape(" · ".join(told))}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _failure_html(watched: Watched) -> str:
    """Where to look, under a failed node run."""
    notebook = watched.run.detail.get("notebook")
    if watched.run.state not in (State.FAILED, State.TIMED_OUT, State.LOST) or not notebook:
        return ""
    return f'<div style="padding:2px 14px">notebook: <code>{html.escape(str(notebook))}</code></div>'
