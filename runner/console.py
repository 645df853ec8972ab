"""A run on the terminal: a live table where somebody looks on, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from . import view
from .asking import Question, questions
from .core.errors import PipelineError, nearest, problem
from .core.lifecycle import ENDED, Changed, Kept, NodeRun, RunState, State
from .core.names import slug_of
from .failing_code import Origins
from .formats.commands import as_seen, command, going_on
from .records.folding import EARLIER
from .records.follow import Follower, Watched
from .terminal_text import harmless

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_ROWS = 30
MOST_FAILURES = 5
_REMEMBERED = 1_000  # characters by which a place in a text is found again
MOST_ALIKE = 6  # node runs that are named of those that failed alike
_STATE_WIDTH = max(map(len, State))
_SPOKEN = ENDED | {State.RUNNING, State.PENDING_APPROVAL}


def follow_on(stream: TextIO, follower: Follower, quiet: bool = False) -> None:
    """Show a run on `stream` until it is over: live when it is a terminal, else line by line."""
    if stream.isatty():
        _follow_live(stream, follower, quiet)
    else:
        _follow_plainly(stream, follower, quiet)


def _follow_plainly(stream: TextIO, follower: Follower, quiet: bool) -> None:
    printer = Printer(lambda line: print(line, file=stream, flush=True))
    printer.pass_over(follower.listed())
    for _ in follower.follow():
        for entry in follower.entries:
            if isinstance(entry.fact, Kept):
                kept = follower.watched[entry.fact.id]
                print(f"{view.GLYPHS[kept.run.state]} {view.label(kept.run)} kept", file=stream, flush=True)
            if isinstance(entry.fact, Changed) and entry.fact.state in _SPOKEN:
                watched = follower.watched[entry.fact.id]
                if not quiet and entry.fact.state not in (State.RUNNING, State.CACHED):  # before it runs is nothing
                    printer.print_new(watched, entry.fact.state in ENDED)
                stamp = time.strftime("%H:%M:%S", time.localtime(entry.at))
                words = f"{view.GLYPHS[entry.fact.state]} {view.label(watched.run)} {view.state_word(entry.fact.state)}"
                print(f"{stamp} {words}{_after(watched, entry.fact)}", file=stream, flush=True)
                if watched.run.state is entry.fact.state is State.PENDING_APPROVAL:
                    print(f"  decide: {_deciding(follower, Question((watched.run,)))}", file=stream, flush=True)
        if not quiet:
            for watched in follower.listed():
                if watched.run.state is State.CACHED:  # it was told when it ran; dagbook logs tells it again
                    continue
                printer.print_new(watched, watched.run.state in ENDED)


def _deciding(follower: Follower, asked: Question) -> str:
    return f"{asked.command(follower.store.folder, follower.row.id)}  # or: dagbook reject"


def _after(watched: Watched, fact: Changed) -> str:
    if fact.state is State.RUNNING:
        why = view.why_again(watched.run)
        return f" · {why}" if why else ""
    if fact.state is not watched.run.state:  # what is known now came later
        return ""
    texts = (view.note(watched, time.time()), view.because(watched.run))
    return "".join(f" · {text}" for text in texts if text)


class Printer:
    """Prints the lines that node runs print, each once; `prefixed` puts its name and route in front."""

    def __init__(self, line: Callable[[str], None], prefixed: bool = True) -> None:
        self._line = line
        self._prefixed = prefixed
        self._printed: dict[tuple[str, int, int], int] = {}  # by node run, attempt and cell: up to where
        self._ends: dict[tuple[str, int, int], str] = {}  # the same: what stood there

    @property
    def has_printed(self) -> bool:
        """Whether there was anything to print."""
        return bool(self._printed)

    def pass_over(self, watched: Iterable[Watched]) -> None:
        """Take what these have printed up to now as printed."""
        for one in watched:
            for cell, outputs in one.outputs.items():
                text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
                self._printed[(one.run.id, one.run.attempt, cell)] = len(text)

    def print_new(self, watched: Watched, all_of_it: bool) -> None:
        """Print what came since the last time; the unfinished last line only when it is the end."""
        for cell, outputs in watched.outputs.items():
            text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
            key = (watched.run.id, watched.run.attempt, cell)
            done = self._done(key, text)
            end = len(text) if all_of_it else text.rfind("\n") + 1
            if end > done:
                for row in text[done:end].splitlines():
                    told = harmless(row)
                    self._line(f"{view.label(watched.run)} | {told}" if self._prefixed else told)
                self._printed[key], self._ends[key] = end, text[max(0, end - _REMEMBERED) : end]

    def _done(self, key: tuple[str, int, int], text: str) -> int:
        """Up to where `text` has been printed; its beginning may have been dropped meanwhile."""
        done, tail = self._printed.get(key, 0), self._ends.get(key, "")
        if not text.startswith(EARLIER) or text.endswith(tail, 0, done):
            return done
        at = text.rfind(tail)
        return at + len(tail) if at >= 0 else 0


def _follow_live(stream: TextIO, follower: Follower, quiet: bool) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream)
    printer = Printer(lambda line: console.print(Text(line, style="dim"), soft_wrap=True))
    began = follower.row.started
    with (
        _without_echo_of_control_keys(),
        Live(console=console, refresh_per_second=8, transient=True, get_renderable=lambda: _table(follower, began)),
    ):
        for _ in follower.follow():
            if not quiet:
                for watched in follower.listed():
                    if watched.run.state is not State.CACHED:
                        printer.print_new(watched, watched.run.state in ENDED)
    _list(stream, follower)


@contextmanager
def _without_echo_of_control_keys() -> Iterator[None]:
    """Keep the terminal from writing ^C into the live table, which would then not be taken away whole."""
    import termios

    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, OSError, ValueError):  # standard input is no terminal, or closed
        yield
        return
    quiet = [*before]
    quiet[3] &= ~termios.ECHOCTL
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def _table(follower: Follower, began: float) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    now = time.time()
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, min_width=1)
    watched = follower.listed()
    shown = watched if len(watched) <= MOST_ROWS else _most_telling(watched)
    labels = [view.label(one.run) for one in shown]
    width = min(max(map(len, labels), default=1), 44)
    table.add_column(no_wrap=True, overflow="ellipsis", width=width)
    table.add_column(no_wrap=True, min_width=9)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for one, label in zip(shown, labels, strict=True):
        state = one.run.state
        mark, words = (Text(t, style=view.COLOURS[state]) for t in (view.GLYPHS[state], view.state_word(state)))
        table.add_row(mark, Text(label), words, Text(view.note(one, now), style="dim"))
    if len(shown) < len(watched):
        table.add_row("", Text(f"… {len(watched) - len(shown)} more", style="dim"), "", "")
    states = view.tally(one.run.state for one in watched)
    end = Text(f"{states} · {view.age(now - began)} · Ctrl-C cancels", style="dim italic")
    return Group(table, *_asking(follower), "", end)


def _asking(follower: Follower) -> list[RenderableType]:
    """What somebody types in another terminal to decide; it is not cut off, so that it can be copied."""
    from rich.text import Text

    colour = view.COLOURS[State.PENDING_APPROVAL]
    asked = questions(one.run for one in follower.listed())
    return [Text(f"  decide: {_deciding(follower, one)}", style=colour, overflow="fold") for one in asked]


def _list(stream: TextIO, follower: Follower) -> None:
    """A line per node run: glyph, name and route, state, note; below it what the node's conditions decided."""
    from rich.console import Console
    from rich.text import Text

    listed = follower.listed()
    labels = [view.label(one.run) for one in listed]
    width = max(map(len, labels), default=0)
    now = follower.row.ended or time.time()
    console = Console(file=stream)
    told: set[tuple[str, str]] = set()
    for one, label in zip(listed, labels, strict=True):
        state = one.run.state
        start = f"{view.GLYPHS[state]} {label:<{width}}  {view.state_word(state):<{_STATE_WIDTH}}"
        line = f"{start} {view.note(one, now)}".rstrip()
        if stream.isatty():
            console.print(Text(line, style=view.COLOURS[state]), no_wrap=True, overflow="ellipsis")
        else:
            print(line, file=stream)
        decided = view.because(one.run)
        if decided and (one.run.node, decided) not in told:  # the same for all runs of the node
            told.add((one.run.node, decided))
            console.print(Text(f"  {decided}", style="dim"), soft_wrap=not stream.isatty())


def _most_telling(watched: list[Watched]) -> list[Watched]:
    """What people look for in a long list: what failed, what runs, then the latest."""
    rank = {State.FAILED: 0, State.TIMED_OUT: 0, State.LOST: 0, State.PENDING_APPROVAL: 0}
    rank |= {State.REJECTED: 0, State.RUNNING: 1, State.STARTING: 2}
    return sorted(watched, key=lambda one: (rank.get(one.run.state, 3), -(one.ended or 0)))[:MOST_ROWS]


def _say(stream: TextIO, text: str) -> None:
    """Print what may hold a node's own words: they can colour a terminal, and do nothing else to it."""
    print(harmless(text), file=stream)


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
    _say(stream, f"\n✕ {view.label(run)}{f' ({where})' if where else ''}: {run.reason}")
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


def show(stream: TextIO, follower: Follower) -> None:
    """A run as it is now: a line per node run, then how it ended."""
    row = follower.row
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.started))
    around = view.around_words(row)
    print(f"Run {row.id} of {row.pipeline}{f' ({around})' if around else ''}, started {started}", file=stream)
    _list(stream, follower)
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
        hint = nearest(node, [*follower.watched, *(one.run.node for one in follower.listed())])
        raise PipelineError(problem("E-NODE-UNKNOWN", node=node, nearest=hint))
    return found
