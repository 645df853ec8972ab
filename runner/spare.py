"""The spare: a run process that waits beside a notebook with its imports done, so that a run starts at once.

It is `waiting` in a child of this process. There is at most one; it has nothing of any run, and ends by itself when
this process does. It is used only where a fresh process would be the same: same program, same files, same limits.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading

from .records.processes import child_environment
from .surroundings import conditions, may_wait

REST_SECONDS = 3.0  # after a run has taken the spare: the next one is not to compete with the start of that run


class Spare:
    """Starts, keeps and gives away the spare of this process; no method waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._conditions: object = None
        self._rest: threading.Timer | None = None
        self.wanted = False

    def keep(self) -> None:
        """Have one from now on: start it, and another one after each that is taken."""
        self.wanted = True
        self._start()

    def dismiss(self) -> None:
        """Have none any more."""
        self.wanted = False
        with self._lock:
            if self._rest:
                self._rest.cancel()
            self._let_go()

    def take(self) -> subprocess.Popen[str] | None:
        """The spare, which is the caller's from now on; None when there is none that a fresh process is like."""
        if not self.wanted:
            return None
        with self._lock:
            if not self._fits():
                self._let_go()
            child, self._child = self._child, None
            self._start_later()
        return child

    def _fits(self) -> bool:
        """Whether it is what a fresh process would be."""
        with contextlib.suppress(OSError):  # files that come and go: an upgrade is under way
            return self._child is not None and self._child.poll() is None and self._conditions == conditions()
        return False

    @property
    def process(self) -> subprocess.Popen[str] | None:
        """The process that waits now. The first line that it prints tells that its imports are done."""
        return self._child

    def _start_later(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._rest = threading.Timer(REST_SECONDS, self._start)
        self._rest.name, self._rest.daemon = "dagbook-spare", True
        self._rest.start()

    def _start(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # a machine without room for one does without
            if self.wanted and (self._child is None or self._child.poll() is not None) and may_wait():
                self._let_go()
                self._conditions = conditions()  # before it reads any file
                # In no folder of the user: one that is deleted or unmounted meanwhile is not missed.
                self._child = start_child("waiting", str(os.getpid()), cwd="/")

    def _let_go(self) -> None:
        """End the spare: it ends when its standard input does."""
        child, self._child = self._child, None
        if child is not None:
            close_pipes(child)


def start_child(module: str, *words: str, cwd: str | None = None) -> subprocess.Popen[str]:
    """Start a module of this package in a session of its own, with pipes for orders and answers; no zombie is left."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.{module}", *words],  # -P: a user's secrets.py is not the library's
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=child_environment(),
        cwd=cwd,
    )
    threading.Thread(target=child.wait, name="dagbook-child", daemon=True).start()
    return child


def close_pipes(child: subprocess.Popen[str]) -> None:
    """Let go of a child's standard input and output."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what it did not take before it ended
                pipe.close()


spare = Spare()
