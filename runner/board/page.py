"""A whole run without a script: the picture that stays in a notebook, and a page of its own.

Both hold all that they need, and run nothing: what comes from users, nodes and files is escaped or stands in frames
without rights. A notebook's picture must do with the styles of whoever shows it: JupyterLab and nbconvert show it as
it is; where a page takes drawings and styles away, the list of node runs still says everything.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime

from .. import cell_view
from ..asking import questions
from ..core.lifecycle import ENDED, RunState
from ..core.masking import masked
from ..core.values import from_json
from ..executors.hiding import Hiding
from ..records.follow import Follower, Watched
from ..view import age, failed_first, label, state_word, tally, up_to_date
from .graph_svg import graph_svg
from .header import ended_at, header, header_html
from .inspector import inspect_run
from .inspector_facts import failure_of, recorded_pipeline
from .inspector_html import body_html
from .inspector_parts import (
    INK,
    block,
    boxed,
    code,
    facts_table,
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
from .palette import palette, theme_style
from .pictured import run_scene
from .timeline import timeline
from .timeline_svg import timeline_html

MOST_FAILURES = 5  # tracebacks that are shown
LONGEST_TRACEBACK = 20_000  # characters of one: its end tells what happened
MOST_LINES = 200  # node runs that the plain text lists
MOST_INSPECTED = 1_000  # node runs that a page tells everything of
SMALLEST = 0.6  # how far a wide drawing may shrink before it scrolls

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'"


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
        _reason(follower),
        _drawing(follower, now),
        asked_html(follower),
        _failures(follower),
        folded("Timeline", timeline_html(timeline(follower, now)), opened=True),
        folded("All node runs as a table", listing_html(follower, now), count=len(follower.watched)),
    ]
    return f'<div class="dagbook-run" style="{look}">{"".join(parts)}</div>'


def _reason(follower: Follower) -> str:
    """Why the run ended so, where no node run tells it."""
    alone = not follower.watched or follower.so_far.state in (RunState.CANCELLED, RunState.REJECTED)
    return line(follower.so_far.reason) if alone else ""


def _drawing(follower: Follower, now: float) -> str:
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


def static_page(follower: Follower, now: float, hiding: Hiding | None = None) -> str:
    """A whole HTML document of a run as it is at `now`: the picture, and all that is known of each node run.

    It opens from a file, loads nothing and runs nothing; with `hiding` dots stand in it for secrets.
    """
    row = follower.row
    title = html.escape(f"{row.pipeline}, run {row.id}: {state_word(follower.so_far.state)}")
    whole = sendable(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{_page_style()}</style></head>'
        f"<body><main>{_picture(follower, now)}{_about(follower)}{_inspected(follower, now)}</main></body></html>\n"
    )
    return hiding.text(whole) if hiding else whole


def _page_style() -> str:
    """The variables that a notebook's theme would give, for light and dark, and how it is printed."""
    dark = re.sub(r"^[^{]*", ":root", theme_style())
    return (
        ":root{--jp-ui-font-color1:#1c2733;--jp-layout-color0:#fff;--jp-layout-color1:#fff;"
        "--jp-layout-color2:#f1f4f7;--jp-border-color2:#d7dde3;"
        "--jp-ui-font-family:system-ui,sans-serif;--jp-code-font-family:ui-monospace,monospace;--jp-code-font-size:12px}"
        "body{margin:0;background:var(--jp-layout-color0)}main{max-width:1500px;margin:0 auto;padding:16px 20px;"
        "color:var(--jp-ui-font-color1);font:13px/1.45 system-ui,sans-serif}"
        "details.dagbook-node-run{border-top:1px solid var(--jp-border-color2);padding:6px 0}"
        "details.dagbook-node-run>summary{cursor:pointer}details.dagbook-node-run>div{padding:2px 0 10px 18px}"
        "pre{margin:4px 0}h2{font:600 15px system-ui,sans-serif;margin:22px 0 6px}"
        "@media (prefers-color-scheme:dark){:root{--jp-ui-font-color1:#e9eef3;--jp-layout-color0:#14181d;"
        f"--jp-layout-color1:#1a2027;--jp-layout-color2:#1f262e;--jp-border-color2:#3a4653}}{dark}}}"
        "@media print{main{max-width:none;padding:0}pre,svg,tr{break-inside:avoid}"
        "pre{max-height:none!important;white-space:pre-wrap!important}}"
    )


def _about(follower: Follower) -> str:
    """What the run keeps of its beginning: parameters, who started it, from which file and commit."""
    record = follower.row.record
    started = datetime.fromtimestamp(follower.row.started).strftime("%Y-%m-%d %H:%M:%S")
    rows = [("started", code(started), "")]
    who = [str(record[name]) for name in ("user", "started_by") if record.get(name)]
    rows += [("by", code(", ".join(who)), "")] if who else []
    rows += [("file", code(str(record["file"]), True), "")] if record.get("file") else []
    if git := record.get("git"):
        rows.append(("commit", code(str(git.get("commit")), True), "with changes" if git.get("dirty") else ""))
    rows += [("dagbook", code(str(record["dagbook"])), "")] if record.get("dagbook") else []
    for name, value in (record.get("parameters") or {}).items():
        rows.append((name, code(masked(name, from_json(value))), "parameter"))
    return folded("About this run", facts_table(rows))


def _inspected(follower: Follower, now: float) -> str:
    """A part for each node run, folded: what went wrong is told above already."""
    pipeline, watched = recorded_pipeline(follower), follower.listed()
    parts = []
    for one in watched[:MOST_INSPECTED]:
        inner = body_html(inspect_run(follower, one.run.id, now, pipeline))
        parts.append(f'<details class="dagbook-node-run"><summary>{_summary(one, now)}</summary>{inner}</details>')
    rest = more(len(watched) - MOST_INSPECTED, "node runs")
    return f"<h2>Each node run</h2>{block(parts)}{rest}" if parts else ""


def _summary(watched: Watched, now: float) -> str:
    run = watched.run
    seconds = watched.seconds(now)
    took = soft(age(max(seconds, 0))) if seconds is not None and run.state in ENDED else ""
    return f"{state_html(run.state)} <b>{shortened(label(run), 90)}</b> {took}"
