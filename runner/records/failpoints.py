"""Failpoints: the steps of a run at which a test can have its process killed, or an error of the disk raised.

Armed by the environment variable FAILPOINT_OF_DAGBOOK=NAME:MODE or NAME:MODE:N (the N-th time it is reached), for tests
only. Modes: `kill` ends the process as SIGKILL does, `error` raises OSError(EIO) once, `errors` every time from then
on, `full` the same with ENOSPC. Where nothing is armed a failpoint costs one comparison.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass, field

VARIABLE = "FAILPOINT_OF_DAGBOOK"  # not DAGBOOK_…: those are settings, and anything else of that kind an error
FAILPOINTS = (
    "run.listed",  # its row is there, its folder not yet
    "run.snapshot",  # the copy of its file is begun
    "run.begins",  # before its first facts
    "facts.record",  # before a transaction of facts
    "facts.recorded",  # they are recorded, nothing has come of them yet
    "attempt.source",  # the notebook to execute is begun
    "attempt.job",  # the attempt's folders are made
    "container.create",
    "container.created",  # not started
    "container.started",
    "process.started",
    "kernel.ready",  # it answers, no cell has run
    "notebook.save",  # the new one is written beside the old one
    "notebook.saved",
    "output.walk",  # before what is left is looked at
    "output.hashed",
    "manifest.written",
    "artifact.renamed",  # it stands under its digest, its folder can still be written
    "artifact.published",  # the fact that says so is not recorded
    "result.keep",  # before the result is remembered for later runs
    "leftovers.remove",  # of earlier processes
    "run.settle",  # before the end of a dead process's run is written
    "run.claim",  # before a resumed run is taken over
    "run.claimed",
    "notice.sent",  # to one receiver, and not yet noted
    "run.ends",  # all is recorded; sockets and executors are still there
)
MODES = ("kill", "error", "errors", "full")


@dataclass
class _Armed:
    name: str
    mode: str
    left: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self) -> None:
        with self.lock:
            self.left -= 1
            now = self.left == 0 or (self.left < 0 and self.mode in ("errors", "full"))
        if now and self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # it is delivered, if not to this thread first
        if now:
            number = errno.ENOSPC if self.mode == "full" else errno.EIO
            raise OSError(number, f"{os.strerror(number)} (failpoint {self.name})")


def armed(text: str) -> _Armed | None:
    """What the variable's text arms. Raises ValueError for what it cannot be: a test must not pass by a typo."""
    if not text:
        return None
    name, mode, *rest = text.split(":")
    if name not in FAILPOINTS or mode not in MODES or len(rest) > 1:
        raise ValueError(f"{VARIABLE}={text}: write NAME:MODE or NAME:MODE:N; names: {', '.join(FAILPOINTS)}")
    return _Armed(name, mode, int(rest[0]) if rest else 1)


_armed = armed(os.environ.get(VARIABLE, ""))


def arm_again() -> None:
    """Arm what the variable says now, in a process that was forked with this module imported."""
    global _armed
    _armed = armed(os.environ.get(VARIABLE, ""))


def failpoint(name: str) -> None:
    """The process has come to this step."""
    if _armed is not None and _armed.name == name:
        _armed.reach()
