"""What work that takes minutes owes those who wait for it: a line now and then, and an end when they ask for one."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

EVERY = 3.0  # seconds between two lines

Progress = Callable[[str], None]


class Cancelled(Exception):
    """The work was given up because `Cancel.cancel` was called. It left nothing behind."""


class Cancel:
    """Ends work from another thread, also while it waits for bytes of a connection."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def cancel(self) -> None:
        """Ask for the end; the work raises Cancelled as soon as it can. May be called from any thread, repeatedly."""
        with self._lock:
            self._asked.set()
            if self._connection is not None:
                with contextlib.suppress(OSError):  # it is closed already
                    self._connection.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise Cancelled when the end was asked for."""
        if self._asked.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Wait that long, or raise Cancelled before."""
        self._asked.wait(seconds)
        self.check()

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection down when the end is asked for; ends the watch over an earlier one."""
        copy = connection.dup()  # TLS takes the socket itself over; a copy still reaches the connection
        with self._lock:
            self._drop()
            self._connection = copy
        if self._asked.is_set():
            self.cancel()

    def unwatch(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Pace:
    """Passes lines on, one every few seconds at most; `every` is in seconds."""

    def __init__(self, progress: Progress, every: float = EVERY) -> None:
        self._progress = progress
        self._every = every
        self._last = time.monotonic()

    def say(self, line: Callable[[], str]) -> None:
        """Pass on what `line` makes, when it is time for a line again."""
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._progress(line())
