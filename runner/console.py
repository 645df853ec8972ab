"""A run on the terminal: a live table where somebody looks on, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from . import view
from .core.errors import PipelineError, nearest, problem
from .core.lifecycle import ENDED, Changed, NodeRun, RunState, State
from .core.names import slug_of
from .records.follow import Follower, Watched

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_ROWS = 30
_SPOKEN = ENDED | {State.RUNNING}


def follow_on(stream: TextIO, follower: Follower, quiet: bool = False) -> None:
    """Show a run on `stream` until it is over: live when it is a terminal, else line by line."""
    if stream.isatty():
        _follow_live(stream, follower, quiet)
    else:
        _follow_plainly(stream, follower, quiet)


def _follow_plainly(stream: TextIO, follower: Follower, quiet: bool) -> None:
    printer = Printer(lambda line: print(line, file=stream, flush=True))
    for _ in follower.follow():
        for entry in follower.entries:
            if isinstance(entry.fact, Changed) and entry.fact.state in _SPOKEN:
                watched = follower.watched[entry.fact.id]
                if not quiet:
                    printer.print_new(watched, entry.fact.state in ENDED)
                stamp = time.strftime("%H:%M:%S", time.localtime(entry.at))
                words = f"{view.GLYPHS[entry.fact.state]} {view.label(watched.run)} {view.state_word(entry.fact.state)}"
                print(f"{stamp} {words}{_after(watched, entry.fact)}", file=stream, flush=True)
        if not quiet:
            for watched in follower.watched.values():
                printer.print_new(watched, watched.run.state in ENDED)


def _after(watched: Watched, fact: Changed) -> str:
    if fact.state is State.RUNNING:
        return ""
    text = view.note(watched, time.time())
    return f" · {text}" if text else ""


class Printer:
    """Prints the lines that node runs print, each once; `prefixed` puts the node run's id in front."""

    def __init__(self, line: Callable[[str], None], prefixed: bool = True) -> None:
        self._line = line
        self._prefixed = prefixed
        self._printed: dict[tuple[str, int], int] = {}

    def print_new(self, watched: Watched, all_of_it: bool) -> None:
        """Print what came since the last time; the unfinished last line only when it is the end."""
        for cell, outputs in watched.outputs.items():
            text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
            done = self._printed.get((watched.run.id, cell), 0)
            end = len(text) if all_of_it else text.rfind("\n") + 1
            if end > done:
                for row in text[done:end].splitlines():
                    self._line(f"{watched.run.id} | {row}" if self._prefixed else row)
                self._printed[(watched.run.id, cell)] = end


def _follow_live(stream: TextIO, follower: Follower, quiet: bool) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream)
    printer = Printer(lambda line: console.print(Text(line, style="dim"), soft_wrap=True))
    began = follower.row.started
    with Live(console=console, refresh_per_second=8, transient=True, get_renderable=lambda: _table(follower, began)):
        for _ in follower.follow():
            if not quiet:
                for watched in follower.watched.values():
                    printer.print_new(watched, watched.run.state in ENDED)
    console.print(_table(follower, began, all_rows=True))


def _table(follower: Follower, began: float, all_rows: bool = False) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    now = time.time()
    table = Table(box=None, pad_edge=False, show_header=False, expand=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=60)
    table.add_column(no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True)
    watched = list(follower.watched.values())
    shown = watched if len(watched) <= MOST_ROWS else _most_telling(watched)
    for one in shown:
        state = one.run.state
        mark = Text(view.GLYPHS[state], style=view.COLOURS[state])
        words = Text(view.state_word(state), style=view.COLOURS[state])
        table.add_row(mark, Text(view.label(one.run)), words, Text(view.note(one, now), style="dim"))
    if len(shown) < len(watched):
        table.add_row("", Text(f"… {len(watched) - len(shown)} more", style="dim"), "", "")
    states = view.tally(one.run.state for one in watched)
    table.caption = None if all_rows else f"{states} · {view.age(now - began)} · Ctrl-C cancels"
    table.caption_justify = "left"
    return table


def _most_telling(watched: list[Watched]) -> list[Watched]:
    """What people look for in a long list: what failed, what runs, then the latest."""
    rank = {State.FAILED: 0, State.TIMED_OUT: 0, State.LOST: 0, State.RUNNING: 1, State.STARTING: 2}
    return sorted(watched, key=lambda one: (rank.get(one.run.state, 3), -(one.ended or 0)))[:MOST_ROWS]


def tell_end(stream: TextIO, follower: Follower) -> None:
    """The last lines: how the run ended, and for each failure where to look and what to do."""
    so_far = follower.so_far
    for run in view.failed_first(so_far)[:5]:
        tell_failure(stream, run)
    states = view.tally(run.state for run in view.listed(so_far))
    for run in so_far.node_runs.values():
        for warning in run.detail.get("warnings", []):
            print(f"warning: {view.label(run)}: {warning}", file=stream)
    took = view.age((follower.store.run(follower.row.id).ended or time.time()) - follower.row.started)
    print(f"Run {follower.row.id} {view.state_word(so_far.state)} after {took}: {states}.", file=stream)
    if so_far.state is RunState.FAILED and so_far.reason and not view.failed_first(so_far):
        print(f"  {so_far.reason}", file=stream)


def tell_failure(stream: TextIO, run: NodeRun) -> None:
    """One failure: the node, the user's own traceback, the notebook that shows it."""
    print(f"\n✕ {view.label(run)}: {run.reason}", file=stream)
    error = run.detail.get("error")
    if error and error["traceback"]:
        text = "\n".join(error["traceback"])
        print(text if stream.isatty() else view.plain(text), file=stream)
    if notebook := run.detail.get("notebook"):
        print(f"  notebook: {notebook}", file=stream)
    print(f"  log:      dagbook logs RUN {run.id}".replace("RUN", "latest"), file=stream)


def show(stream: TextIO, follower: Follower) -> None:
    """A run as it is now: a line per node run, then how it ended."""
    from rich.console import Console

    row = follower.row
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.started))
    print(f"Run {row.id} of {row.pipeline}, started {started}", file=stream)
    Console(file=stream).print(_table(follower, row.started, all_rows=True))
    if follower.over:
        tell_end(stream, follower)


def chosen_runs(follower: Follower, node: str | None) -> list[str]:
    """Ids of the node runs that `node` means: a title, a slug, one id; None for all. Raises PipelineError."""
    if node is None:
        return list(follower.watched)
    found = [
        id
        for id, one in follower.watched.items()
        if node in (id, one.run.node) or slug_of(node) == slug_of(one.run.node)
    ]
    if not found:
        hint = nearest(node, [*follower.watched, *(one.run.node for one in follower.watched.values())])
        raise PipelineError(problem("E-NODE-UNKNOWN", node=node, nearest=hint))
    return found
