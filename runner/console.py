"""A run on the terminal: a live table where somebody looks on, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from . import view
from .asking import Question, questions
from .core.lifecycle import ENDED, Changed, Kept, State
from .printer import Printer
from .records.follow import Follower, Watched
from .run_end import tell_end
from .terminal_text import inert

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_ROWS = 30
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


def show(stream: TextIO, follower: Follower) -> None:
    """A run as it is now: a line per node run, then how it ended."""
    row = follower.row
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.started))
    around = view.around_words(row)
    print(inert(f"Run {row.id} of {row.pipeline}{f' ({around})' if around else ''}, started {started}"), file=stream)
    _list(stream, follower)
    if follower.over:
        tell_end(stream, follower)
