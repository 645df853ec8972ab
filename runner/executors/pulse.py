"""Whether the Docker engine still answers, asked again and again while containers of a run go on.

An engine that hangs says nothing: its connections stay open, and a node that ran in it would be running for ever.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

PULSE_SECONDS = 5.0  # between two questions
SILENT_SECONDS = 30.0  # without an answer, after which it is given up: a restart takes less


class Pulse:
    """Asks with `answers` (which may take so many seconds) while it is `needed`; `silent` is called at the end."""

    def __init__(
        self, answers: Callable[[float], bool], needed: Callable[[], bool], silent: Callable[[], None]
    ) -> None:
        self._answers = answers
        self._needed = needed
        self._silent = silent
        self._closed = threading.Event()
        threading.Thread(target=self._feel, name="dagbook-docker-pulse", daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()

    def _feel(self) -> None:
        answered = time.monotonic()
        while not self._closed.wait(PULSE_SECONDS):
            left = SILENT_SECONDS - (time.monotonic() - answered)
            if not self._needed() or self._answers(max(left, 1.0)):
                answered = time.monotonic()
            elif time.monotonic() - answered >= SILENT_SECONDS:
                self._silent()
                answered = time.monotonic()


def within(seconds: float, call: Callable[[], object]) -> bool:
    """Whether a call of the engine came back in time, with an answer or an error; it is left to itself if not."""
    done = threading.Event()

    def make() -> None:
        with contextlib.suppress(Exception):  # that it cannot be done is an answer, too
            call()
        done.set()

    threading.Thread(target=make, name="dagbook-docker-call", daemon=True).start()
    return done.wait(seconds)
