"""Being a run's process on a terminal: show it while it runs, then its end, reports and exit code."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from .cli_options import print_json

if TYPE_CHECKING:
    from .core.lifecycle import RunSoFar
    from .formats.notebook import Definition
    from .host import Hosted
    from .records.follow import Follower
    from .records.store import Store


def attend(
    hosted: Hosted, store: Store, definition: Definition, as_json: bool, quiet: bool, reports: dict[str, Any]
) -> int:
    """Run `hosted` to its end while a thread shows it, then write the reports; gives the exit code."""
    from . import console
    from .records.follow import Follower
    from .records.store import StoreGone

    shown = sys.stderr if as_json else sys.stdout
    print(f"Run {hosted.id} of {hosted.pipeline.name} ({hosted.executors})", file=shown, flush=True)
    follower = Follower(store, hosted.id)
    follower.update()  # what was before it was resumed is not told again
    wake = follower.waker()

    def look_on() -> None:
        with contextlib.suppress(StoreGone):  # the run itself tells it
            console.follow_on(shown, follower, quiet)

    looker = threading.Thread(target=look_on, daemon=True)
    looker.start()
    so_far = hosted.run(on_signals=True)
    wake()
    looker.join()
    follower.update()  # all of it, whatever became of the picture
    console.tell_end(shown, follower)
    _write_reports(definition, follower, reports)
    if as_json:
        _print_run(follower)
    return _exit_code(so_far, hosted)


def _write_reports(definition: Definition, follower: Follower, reports: dict[str, Any]) -> None:
    if not any(reports.values()):
        return
    from . import report

    if reports["output"]:
        report.write_notebook(reports["output"], definition, follower)
    if reports["junit"]:
        report.write_junit(reports["junit"], follower)
    if reports["summary"] and (path := report.summary_path(reports["summary"])):
        report.write_summary(path, definition.pipeline, follower)


def _print_run(follower: Follower) -> None:
    from .view_json import run_json

    row = follower.store.run(follower.row.id)
    print_json(run_json(row, follower.so_far, follower.store.artifacts, time.time()))


def _exit_code(so_far: RunSoFar, hosted: Hosted) -> int:
    from .core.lifecycle import RunState

    if so_far.state is RunState.CANCELLED:
        return 130 if hosted.cancelled == "Ctrl-C" else 4
    return {RunState.SUCCEEDED: 0, RunState.FAILED: 1, RunState.PENDING_APPROVAL: 3}.get(so_far.state, 4)
