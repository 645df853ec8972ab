"""Steering a run that there is, for people: end it, go on with it. From the command line, the magics and the board."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .core.errors import PipelineError, problem
from .formats.commands import command
from .launch import Launched, cancel, launch
from .records.follow import Follower
from .records.processes import alive, user_name
from .records.settling import OVER, settle
from .records.store import RunRow, Store
from .resume import is_done

GONE_SECONDS = 30  # how long the end of a run may take that was asked to end


def stop(store: Store, run: str, how: str) -> bool:
    """Ask for the end of a run; False when it is over already. Does not wait for it.

    `how` tells by what it was asked: `%pipeline_stop`. Raises PipelineError (E-RUN-UNKNOWN).
    """
    return cancel(store, store.run(run).id, f"cancelled by {user_name()} with {how}")


def stop_at_once(store: Store, run: str, how: str) -> bool:
    """End a run as a second Ctrl-C does: its process is killed, and all its nodes end with it.

    False when it was over already. Waits for the end of the process; what was at work is lost, what is done is kept.
    A run whose process is on another machine is only asked to end.
    """
    row = store.run(run)
    if row.state in OVER and not _lives(row):
        return False
    process = row.process
    if row.inside:  # its process is that of the run around it
        return stop(store, row.id, how)
    if alive(process) and process.get("pid") and process.get("host") == os.uname().nodename:
        os.kill(int(process["pid"]), signal.SIGKILL)
        wait_for_the_end(store, row.id, GONE_SECONDS)
    stop(store, row.id, how)  # a run that waits for people goes on waiting without a process, until it is cancelled
    return True


def wait_for_the_end(store: Store, run: str, seconds: float) -> Follower:
    """Follow a run until it is over or `seconds` have passed; what is known of it then."""
    follower = Follower(store, run)
    deadline = time.monotonic() + seconds
    for _ in follower.follow(idle=True):
        if not follower.over and time.monotonic() > deadline:
            follower.close()
            break
    return follower


def again(
    run: str,
    how: str,
    parameters: Mapping[str, Any] | None = None,
    force: Iterable[str] = (),
    waits: bool = True,
    keep_failed: bool = False,
) -> dict[str, Any]:
    """The order to go on with a run: what is done is kept, what did not succeed runs again, and the titles in `force`.

    `parameters` (as JSON) take the place of the recorded ones. It is a value, and crosses to the run's process.
    """
    order: dict[str, Any] = {"run": run, "parameters": dict(parameters or {}), "force": tuple(force), "how": how}
    return {**order, "waits": waits, "keep_failed": keep_failed}


def done_words(store: Store, order: Mapping[str, Any]) -> str:
    """That the run of an `again` has nothing to go on with, and what else there is to do; empty where it has."""
    row = store.run(order["run"])
    if order["parameters"] or order["force"] or not is_done(store, row):
        return ""
    again = command(store.folder, "retry", row.id, "--node", "NODE")
    return f"Run {row.id} has succeeded: there is nothing to resume. To run a node of it once more: {again}"


def go_on(
    store: Store,
    order: Mapping[str, Any],
    tell: Callable[[str], None],
    tied: bool = False,
    observers: Mapping[str, Any] | None = None,
) -> Launched:
    """Go on with the run of an `again` in a process of its own, and return when it has begun.

    `tell` is given lines of progress; `observers` are settings of those who look on.
    Raises PipelineError (E-RUN-LIVE, E-RESUME, what planning finds), MachineError.
    """
    row = store.run(order["run"])
    settle(store, row)
    row = store.run(row.id)
    if _lives(row):
        pid, host = row.process["pid"], row.process["host"]
        raise PipelineError(problem("E-RUN-LIVE", run=row.id, pid=pid, host=host))
    return launch({**order, "run": row.id}, store.folder, tied=tied, tell=tell, observers=observers)


def _lives(row: RunRow) -> bool:
    return row.ended is None and alive(row.process)
