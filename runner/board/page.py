"""A whole run without a script: the picture that stays in a notebook.

It holds all that it needs, and runs nothing: what comes from users, nodes and files is escaped or stands in frames
without rights. It must do with the styles of whoever shows it: JupyterLab and nbconvert show it as it is; where a page
takes drawings and styles away, the list of node runs still says everything. `document` is a page of its own.
"""

from __future__ import annotations

from dataclasses import replace

from .. import cell_view
from ..asking import questions
from ..core.lifecycle import RunState
from ..records.follow import Follower
from ..view import age, failed_first, label, state_word, tally, up_to_date
from .graph_svg import graph_svg
from .header import ended_at, header, header_html
from .inspector_facts import failure_of
from .inspector_parts import (
    INK,
    boxed,
    code,
    folded,
    line,
    more,
    sendable,
    shortened,
    soft,
    state_html,
)
from .listing import listing_html
from .output_html import traceback_html
from .palette import palette
from .pictured import run_scene
from .timeline import timeline
from .timeline_svg import timeline_html

MOST_FAILURES = 5  # tracebacks that are shown
LONGEST_TRACEBACK = 20_000  # characters of one: its end tells what happened
MOST_LINES = 200  # node runs that the plain text lists
SMALLEST = 0.6  # how far a wide drawing may shrink before it scrolls


def run_bundle(follower: Follower, now: float) -> dict[str, str]:
    """A mime bundle (text/html, text/plain) of a run as it is at `now`, for a display that stays in the notebook."""
    told = {"text/html": _picture(follower, now), "text/plain": run_text(follower, now)}
    return {mime: sendable(text) for mime, text in told.items()}


def run_text(follower: Follower, now: float) -> str:
    """A run in plain text: how it stands, a line per node run, what is asked of people."""
    row, watched = follower.row, follower.listed()
    states = up_to_date(follower.so_far) or tally(one.run.state for one in watched)
    took = age(max((ended_at(follower) or now) - row.started, 0))
    head = f"{row.pipeline} · run {row.id} · {state_word(follower.so_far.state)} · {took} · {states}"
    lines = [head, *(cell_view.status_text(one, now) for one in watched[:MOST_LINES])]
    lines += [f"… {len(watched) - MOST_LINES} more"] if len(watched) > MOST_LINES else []
    asked = questions(one.run for one in watched)
    lines += [cell_view.question_text(one, row.id) for one in asked]
    lines += [f"  then:   %pipeline_resume {row.id}"] if asked and follower.suspended else []
    return "\n".join(lines)


def _picture(follower: Follower, now: float) -> str:
    """The header, the drawing, what is asked, what went wrong, the timeline, the folded list."""
    look = f"color:{INK};font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px"
    parts = [
        header_html(header(follower, now)),
        reason_html(follower),
        drawing_html(follower, now),
        asked_html(follower),
        _failures(follower),
        folded("Timeline", timeline_html(timeline(follower, now)), opened=True),
        folded("All node runs as a table", listing_html(follower, now), count=len(follower.watched)),
    ]
    return f'<div class="dagbook-run" style="{look}">{"".join(parts)}</div>'


def reason_html(follower: Follower) -> str:
    """Why the run ended so, where no node run tells it."""
    alone = not follower.watched or follower.so_far.state in (RunState.CANCELLED, RunState.REJECTED)
    return line(follower.so_far.reason) if alone else ""


def drawing_html(follower: Follower, now: float) -> str:
    """The graph; what would be drawn too small to be read scrolls in its place."""
    scene = run_scene(follower, now=now)
    if not scene.cards:
        return ""
    least = f"min-width:{scene.width * SMALLEST:.0f}px"
    ground = replace(palette("auto"), paper="var(--jp-layout-color0,#ffffff)")  # a notebook's, or the page's
    return f'<div style="overflow-x:auto;margin:6px 0"><div style="{least}">{graph_svg(scene, ground)}</div></div>'


def asked_html(follower: Follower) -> str:
    """What is asked of people, and how to go on where nobody runs the run meanwhile."""
    run = follower.row.id
    asked = questions(one.run for one in follower.listed())
    parts = [cell_view.question_html(one, run) for one in asked]
    if asked and follower.suspended:
        parts.append(f"<div>Nobody runs it while it waits. Then go on: {code(f'%pipeline_resume {run}', True)}</div>")
    return "".join(parts)


def _failures(follower: Follower) -> str:
    """The tracebacks of what failed, the first ones first."""
    failed = failed_first(follower.so_far)
    parts = []
    for run in failed[:MOST_FAILURES]:
        failure = failure_of(run, follower.store.folder)
        cell = f" · cell {failure.cell} of" if failure and failure.cell else " ·"
        notebook = run.detail.get("notebook")
        place = f"<div>{soft(f'notebook{cell}')} {code(str(notebook), whole=True)}</div>" if notebook else ""
        lines = "\n".join(failure.traceback)[-LONGEST_TRACEBACK:].splitlines() if failure else []
        head = f"{state_html(run.state)} <b>{shortened(label(run), 80)}</b>"
        hint = line(failure.hint) if failure and failure.hint else ""
        parts.append(boxed(run.state, head, line(run.reason), hint, traceback_html(lines), place))
    return "".join(parts) + more(len(failed) - MOST_FAILURES, "that failed")
