"""The last lines of a run on the terminal: how it ended, what failed and why, whom it waits for, what to do next."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TextIO

from . import view
from .asking import questions
from .core.lifecycle import NodeRun, RunState, State
from .failing_code import Origins
from .formats.commands import as_seen, command, going_on
from .records.follow import Follower
from .terminal_text import harmless, obeyed_by_nobody

MOST_FAILURES = 5
MOST_ALIKE = 6  # node runs that are named of those that failed alike


def _say(stream: TextIO, text: str) -> None:
    """Print what may hold a node's own words: they can colour a terminal, and do nothing else to it or to a CI job."""
    print(obeyed_by_nobody(harmless(text)), file=stream)


def tell_end(stream: TextIO, follower: Follower) -> None:
    """The last lines: how the run ended, and for each failure where to look and what to do."""
    so_far = follower.so_far
    failures = _alike(view.failed_first(so_far))
    for alike in failures[:MOST_FAILURES]:
        _tell_failure(stream, follower, alike)
    if more := sum(map(len, failures[MOST_FAILURES:])):
        _say(stream, f"\n… and {more} more: dagbook show {follower.row.id}")
    for run in so_far.node_runs.values():
        for warning in run.detail.get("warnings", []):
            _say(stream, f"warning: {view.label(run)}: {warning}")
    _tell_questions(stream, follower)
    if failures and so_far.state is RunState.FAILED:
        _say(stream, "\nMend it and run it again: what is done is not done a second time.")
        again = going_on(follower.store.folder, follower.row.outermost)
        _say(stream, f"Or as it was, where it may pass by itself: {again}")
    states = view.up_to_date(so_far) or view.tally(run.state for run in view.listed(so_far))
    row = follower.store.run(follower.row.id)
    took = view.age((row.ended or time.time()) - row.last_began)
    _say(stream, f"Run {follower.row.id} {view.state_word(so_far.state)} after {took}: {states}.")


def _tell_questions(stream: TextIO, follower: Follower) -> None:
    """Whom the run waits for, the commands that decide, and the one that goes on afterwards."""
    store, run = follower.store.folder, follower.row.id
    asked = questions(follower.so_far.node_runs.values())
    for one in asked:
        _say(stream, f"\n{view.GLYPHS[State.PENDING_APPROVAL]} {one.words}.")
        _say(stream, f"  approve: {one.command(store, run)}")
        _say(stream, f"  reject:  {one.command(store, run, 'reject')}")
        if one.ids:
            _say(stream, f"  one of them alone: {one.ids} in place of the title")
    if asked:
        _say(stream, f"\nThen go on: {going_on(store, follower.row.outermost)}")


def _alike(failures: Iterable[NodeRun]) -> list[list[NodeRun]]:
    """The failures, those runs of a node together that failed for one reason."""
    found: dict[tuple[str, State, str], list[NodeRun]] = {}
    for run in failures:
        found.setdefault((run.node, run.state, run.reason), []).append(run)
    return list(found.values())


def _tell_failure(stream: TextIO, follower: Follower, alike: list[NodeRun]) -> None:
    """One failure: the node and where its code stands, the user's own traceback, the notebook that shows it, and the
    other runs of the node that failed alike."""
    run, *others = alike
    where = Origins(follower).of(run).words()
    _say(stream, f"\n✕ {view.label(run)}{f' ({where})' if where else ''}: {view.plain(run.reason)}")
    error = run.detail.get("error")
    if error and error["traceback"]:
        text = "\n".join(error["traceback"])
        _say(stream, text if stream.isatty() else view.plain(text))
    if advice := run.detail.get("advice"):
        _say(stream, f"  hint:     {advice}")
    if notebook := run.detail.get("notebook"):
        _say(stream, f"  notebook: {as_seen(notebook)}")
    _say(stream, f"  log:      {command(follower.store.folder, 'logs', follower.row.id, run.id)}")
    if others:
        more = f" and {len(others) - MOST_ALIKE} more" if len(others) > MOST_ALIKE else ""
        _say(stream, f"  likewise: {', '.join(map(view.label, others[:MOST_ALIKE]))}{more}")
