"""A run as a web page of one file: for those who were not there, in a browser and on paper.

It opens from a file, loads nothing and runs nothing. What comes from users, nodes and files is escaped or stands in
frames without rights. A page of a large run stays one that a browser opens: what does not fit is named.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ..asking import questions
from ..cell_view import output_text, own_outputs
from ..core.lifecycle import ENDED, NodeRun
from ..core.masking import masked
from ..core.values import from_json
from ..executors.hiding import Hiding
from ..failing_code import Origins, failing_line
from ..formats.commands import going_on
from ..records.follow import Follower, Watched
from ..view import age, failed_first, label, state_word
from .code_html import CODE_STYLE, code_html
from .header import header, header_html
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
from .inspector_values import Failure
from .listing import listing_html
from .notebook_html import Executed, executed, notebook_html
from .output_html import log_html, traceback_html
from .page import LONGEST_TRACEBACK, drawing_html, reason_html
from .palette import theme_style
from .timeline import timeline
from .timeline_svg import timeline_html

MOST_FAILURES = 30  # that are told above all else
MOST_OPEN = 5  # nodes of them of which the first has its code and traceback open
MOST_ROWS_OPEN = 40  # node runs with which the table stands open
MOST_INSPECTED = 1_000  # node runs that are told everything of
LARGEST_NOTEBOOKS = 12_000_000  # characters of all notebooks; a browser opens such a page within seconds
LAST_LINES = 40  # of its log, that a command shows where others show a traceback

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'"


def static_page(follower: Follower, now: float, hiding: Hiding | None = None) -> str:
    """A whole HTML document of a run as it is at `now`, seconds since the epoch; with `hiding` secrets are dots."""
    row = follower.row
    title = html.escape(f"{row.pipeline}, run {row.id}: {state_word(follower.so_far.state)}")
    notebooks = _Notebooks(follower)
    parts = [
        header_html(header(follower, now)),
        reason_html(follower),
        drawing_html(follower, now),
        _asked(follower),
        _failures(follower, notebooks),
        folded("Timeline", timeline_html(timeline(follower, now)), opened=True),
        _table(follower, now),
        _about(follower),
        _inspected(follower, now, notebooks),
    ]
    whole = sendable(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{_style()}</style></head>'
        f'<body><main class="dagbook-run">{"".join(parts)}</main></body></html>\n'
    )
    return hiding.text(whole) if hiding else whole


def _style() -> str:
    """The variables that a notebook's theme would give, for light and dark, and how it is printed."""
    dark = re.sub(r"^[^{]*", ":root", theme_style())
    return (
        ":root{--jp-ui-font-color1:#1c2733;--jp-layout-color0:#fff;--jp-layout-color1:#fff;"
        "--jp-layout-color2:#f1f4f7;--jp-border-color2:#d7dde3;"
        "--jp-ui-font-family:system-ui,sans-serif;--jp-code-font-family:ui-monospace,monospace;--jp-code-font-size:12px}"
        "body{margin:0;background:var(--jp-layout-color0)}main{max-width:1500px;margin:0 auto;padding:16px 20px 40px;"
        f"color:{INK};font:13px/1.45 system-ui,sans-serif}}"
        "details.dagbook-node-run{border-top:1px solid var(--jp-border-color2);padding:6px 0}"
        "details.dagbook-node-run>summary{cursor:pointer}details.dagbook-node-run>div{padding:2px 0 10px 18px}"
        "pre{margin:4px 0}h2{font:600 15px system-ui,sans-serif;margin:22px 0 6px}"
        ".dagbook-code+pre,.dagbook-code+div{margin-top:6px}iframe{box-sizing:border-box}"
        "@media (prefers-color-scheme:dark){:root{--jp-ui-font-color1:#e9eef3;--jp-layout-color0:#14181d;"
        f"--jp-layout-color1:#1a2027;--jp-layout-color2:#1f262e;--jp-border-color2:#3a4653}}{dark}}}"
        "@media print{main{max-width:none;padding:0}pre,svg,tr{break-inside:avoid}"
        "pre{max-height:none!important;white-space:pre-wrap!important}}"
        f"{CODE_STYLE}"
    )


class _Notebooks:
    """The executed notebooks of a run as HTML, as long as there is room for them; those of failures are asked first."""

    def __init__(self, follower: Follower) -> None:
        self._store = follower.store.folder
        self._left = LARGEST_NOTEBOOKS
        self._failed: dict[str, str] = {}
        for run in failed_first(follower.so_far):
            self._failed[run.id] = self._drawn(run)

    def of(self, run: NodeRun) -> str:
        """The notebook of a node run; empty when it has none, or none that is shown."""
        return self._failed[run.id] if run.id in self._failed else self._drawn(run)

    def left_out(self, run: NodeRun, drawn: str) -> str:
        """A line that names the notebook when there was no room for it."""
        path = run.detail.get("notebook")
        if drawn or not path or self._left > 0:
            return ""
        return f"<div>{soft('The notebook would make this page too large:')} {code(str(path), whole=True)}</div>"

    def read(self, run: NodeRun) -> Executed | None:
        """The notebook itself."""
        path = run.detail.get("notebook")
        return executed(str(path), self._store) if path else None

    def _drawn(self, run: NodeRun) -> str:
        notebook = self.read(run) if self._left > 0 else None
        if notebook is None:
            return ""
        failure = failure_of(run, self._store) if run.detail.get("error") else None
        failing = notebook.place_of(failure.cell) if failure else None
        drawn = notebook_html(notebook, failing, failing_line(run))
        self._left -= len(drawn)
        return drawn if self._left > 0 else ""


def _asked(follower: Follower) -> str:
    """What is asked of people, as it is typed in a terminal."""
    folder, run = follower.store.folder, follower.row.id
    parts = []
    asked = questions(one.run for one in follower.listed())
    for one in asked:
        typed = code(one.command(folder, run), whole=True)
        told = f"{soft('decide:')} {typed} {soft('or reject in place of approve')}"
        parts.append(boxed(one.runs[0].state, line(f"{one.words}."), f"<div>{told}</div>"))
    if asked and follower.suspended:
        parts.append(f"<div>{soft('then go on:')} {code(going_on(folder, follower.row.outermost), whole=True)}</div>")
    return "".join(parts)


def _failures(follower: Follower, notebooks: _Notebooks) -> str:
    """What failed, the first first: where, the code there, the traceback."""
    failed = failed_first(follower.so_far)
    origins = Origins(follower)
    parts, opened = [], set[str]()
    for run in failed[:MOST_FAILURES]:
        failure = failure_of(run, follower.store.folder)
        head = f"{state_html(run.state)} <b>{shortened(label(run), 90)}</b>"
        reason = line(run.reason) + (line(failure.hint) if failure and failure.hint else "")
        place = f"<div>{soft(origins.of(run).words())}</div>" if failure else ""
        told = _failing_cell(run, failure, notebooks) + _what_it_said(follower.watched[run.id], failure)
        if run.node in opened or len(opened) >= MOST_OPEN:
            told = folded("Where and how", told)
        opened.add(run.node)
        parts.append(boxed(run.state, head, reason, place, told))
    heading = "<h2>What failed</h2>" if parts else ""
    return heading + "".join(parts) + more(len(failed) - MOST_FAILURES, "that failed")


def _failing_cell(run: NodeRun, failure: Failure | None, notebooks: _Notebooks) -> str:
    """The code of the cell that failed, its line marked."""
    notebook = notebooks.read(run) if failure else None
    place = notebook.place_of(failure.cell) if notebook and failure else None
    if notebook is None or place is None:
        return ""
    source = notebook.cells[place].get("source", "")
    text = "".join(source) if isinstance(source, list) else str(source)
    return code_html(text, notebook.language, failing_line(run))


def _what_it_said(watched: Watched, failure: Failure | None) -> str:
    """The traceback; of what has none, as a command, the last that it printed."""
    if failure and len(failure.traceback) > 1:
        lines = "\n".join(failure.traceback)[-LONGEST_TRACEBACK:].splitlines()
        return traceback_html(lines)
    texts = (output_text(output) for output in own_outputs(watched) if output["output_type"] == "stream")
    last = "\n".join("\n".join(texts).splitlines()[-LAST_LINES:])
    return log_html(last)


def _table(follower: Follower, now: float) -> str:
    count = len(follower.watched)
    return folded("All node runs as a table", listing_html(follower, now), count=count, opened=count <= MOST_ROWS_OPEN)


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
    return folded("About this run", facts_table(rows), opened=True)


def _inspected(follower: Follower, now: float, notebooks: _Notebooks) -> str:
    """A part for each node run, folded: what went wrong is told above already."""
    parts = list(_node_runs(follower, now, notebooks))
    rest = more(len(follower.watched) - MOST_INSPECTED, "node runs; dagbook show --json tells them all")
    return f"<h2>Each node run</h2>{block(parts)}{rest}" if parts else ""


def _node_runs(follower: Follower, now: float, notebooks: _Notebooks) -> Iterator[str]:
    pipeline = recorded_pipeline(follower)
    for one in follower.listed()[:MOST_INSPECTED]:
        told, drawn = inspect_run(follower, one.run.id, now, pipeline), notebooks.of(one.run)
        if told.failure and drawn:
            told = replace(told, failure=replace(told.failure, traceback=()))  # it stands below the cell
        inner = body_html(told, drawn) + notebooks.left_out(one.run, drawn)
        yield f'<details class="dagbook-node-run"><summary>{_summary(one, now)}</summary>{inner}</details>'


def _summary(watched: Watched, now: float) -> str:
    run = watched.run
    seconds = watched.seconds(now)
    took = soft(age(max(seconds, 0))) if seconds is not None and run.state in ENDED else ""
    return f"{state_html(run.state)} <b>{shortened(label(run), 90)}</b> {took}"
