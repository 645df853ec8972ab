"""Being a run's process on a terminal: show it while it runs, then its end, reports and exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from .cli_options import print_json, tell_problems
from .terminal_text import inert

if TYPE_CHECKING:
    from .core.lifecycle import RunSoFar
    from .formats.notebook import Definition
    from .host import Hosted
    from .records.follow import Follower
    from .records.store import Store
    from .reports.wanted import Reports

NOT_WRITTEN = 5  # exit code of a run that succeeded, and one of its reports could not be written


def attend(
    hosted: Hosted,
    store: Store,
    definition: Callable[[], Definition],
    as_json: bool,
    quiet: bool,
    reports: Reports,
) -> int:
    """Run `hosted` to its end while a thread shows it, then write the reports; gives the exit code.

    The reports are written however the run ends, and whether or not anybody is left to be told of it.
    """
    from .records.follow import Follower
    from .reports.writing import undisturbed, write_reports
    from .run_end import tell_end

    shown = sys.stderr if as_json else sys.stdout
    with _told(shown):
        print(inert(f"Run {hosted.id} of {hosted.pipeline.name} ({hosted.executors})"), file=shown, flush=True)
    follower = Follower(store, hosted.id)
    follower.update()  # what was before it was resumed is not told again
    so_far: RunSoFar | None = None
    try:
        with _looked_on(follower, shown, quiet):
            so_far = hosted.run(on_signals=True)
    finally:  # also after a defect of ours
        with undisturbed():
            follower.update()  # all of it, whatever became of the picture
            with _told(shown):
                if so_far:
                    tell_end(shown, follower)
            faults = write_reports(reports, follower, definition, shown)
            with _told(sys.stderr):
                tell_problems(faults.values())
            with _told(shown):
                _tell_written(shown, reports)
    if as_json:
        _print_run(follower)
    hosted.let_observers_finish()  # what is written for this run is there, whatever keeps them
    return _exit_code(so_far, hosted) or (NOT_WRITTEN if faults else 0)


def _tell_written(shown: TextIO, reports: Reports) -> None:
    if told := reports.told():
        print(told, file=shown)


def tell_done(
    words: str, store: Store, run: str, definition: Callable[[], Definition], as_json: bool, reports: Reports
) -> int:
    """Say that a run has nothing to go on with, and write the reports of what it is; gives the exit code."""
    from .records.follow import Follower
    from .reports.writing import write_reports

    shown = sys.stderr if as_json else sys.stdout
    with _told(shown):
        print(words, file=shown)
    follower = Follower(store, run)
    follower.update()
    faults = write_reports(reports, follower, definition, shown)
    with _told(shown):
        _tell_written(shown, reports)
    with _told(sys.stderr):
        tell_problems(faults.values())
    if as_json:
        _print_run(follower)
    return NOT_WRITTEN if faults else 0


@contextlib.contextmanager
def _looked_on(follower: Follower, shown: TextIO, quiet: bool) -> Iterator[None]:
    """Meanwhile a thread shows the run."""
    from .console import follow_on
    from .core.errors import MachineError

    wake = follower.waker()

    def look_on() -> None:
        with contextlib.suppress(MachineError), _told(shown):  # the run itself tells that
            follow_on(shown, follower, quiet)

    looker = threading.Thread(target=look_on, daemon=True)
    looker.start()
    try:
        yield
    finally:
        wake()
        looker.join()


@contextlib.contextmanager
def _told(stream: TextIO) -> Iterator[None]:
    """Something is told on `stream`; when nobody is left there to read it, nothing more is."""
    try:
        yield
        stream.flush()
    except OSError:  # a closed pipe, a terminal that has gone
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _print_run(follower: Follower) -> None:
    from .view_json import run_json

    row = follower.store.run(follower.row.id)
    print_json(run_json(row, follower.so_far, follower.store.artifacts, time.time()))


def _exit_code(so_far: RunSoFar, hosted: Hosted) -> int:
    from .core.lifecycle import RunState

    if so_far.state is RunState.CANCELLED:
        return 130 if hosted.cancelled == "Ctrl-C" else 4
    return {RunState.SUCCEEDED: 0, RunState.FAILED: 1, RunState.PENDING_APPROVAL: 3}.get(so_far.state, 4)
