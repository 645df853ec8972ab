"""Messages to the browser, few enough: the latest state per key, a limited number at a time.

A notebook server drops what a kernel sends above about a thousand messages a second, and the user sees an error for
it. So a change waits until its turn comes, the longer the more was sent before; a newer one of the same key takes its
place, and the last one always goes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable

MOST_MESSAGES = 200  # in one flush
PAUSE_SECONDS = 0.25  # between two flushes
LONGEST_PAUSE_SECONDS = 2.0  # after a large one
MOST_CHARACTERS = 1_000_000  # a second: a browser that draws more does not answer

Send = Callable[[], object]  # what it returns is how many characters it has sent, if it is a number
_LOG = logging.getLogger(__name__)


class Pending:
    """What is still to be sent: the latest call per key, in the order in which the keys began to wait."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, Send] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def put(self, key: Hashable, send: Send) -> None:
        """Have `send` called, one message, in place of what waits under the same key."""
        self._calls[key] = send  # a key that waits keeps its place, so that a busy one starves nobody

    def take(self, most: int = MOST_MESSAGES) -> list[Send]:
        """The calls whose turn it is, at most `most`; they wait no longer."""
        keys = list(self._calls)[:most]
        return [self._calls.pop(key) for key in keys]


class Flusher:
    """Sends what is put into it from a thread of its own, which lives only while there is something to send."""

    def __init__(self, most: int = MOST_MESSAGES, pause: float = PAUSE_SECONDS) -> None:
        self._pending = Pending()
        self._most, self._pause = most, pause
        self._changed = threading.Condition()  # its lock is one that may be taken twice
        self._working = False
        self._closed = False

    def put(self, key: Hashable, send: Send) -> None:
        """Have `send` called soon, in place of what waits under the same key; callable from any thread."""
        with self._changed:
            if not self._closed:
                self._send_soon(key, send)

    def drain(self, seconds: float = 60.0) -> bool:
        """Wait until all is sent; False when that took longer than `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending and not self._working, seconds)

    def close(self, *last: Send) -> None:
        """Send no more: what waits is dropped, and only `last` still goes."""
        with self._changed:
            if self._closed:
                return
            self._closed, self._pending = True, Pending()
            for number, send in enumerate(last):
                self._send_soon(number, send)
            self._changed.notify_all()

    def _send_soon(self, key: Hashable, send: Send) -> None:
        self._pending.put(key, send)
        if not self._working:
            self._working = True
            threading.Thread(target=self._work, name="dagbook-flush", daemon=True).start()

    def _work(self) -> None:
        while calls := self._next():
            sent = 0
            for call in calls:
                try:
                    size = call()
                except Exception as error:  # whatever it is, the others' last states are not lost for it
                    _LOG.debug("a message was not sent", exc_info=error)
                else:
                    sent += size if isinstance(size, int) else 0
            with self._changed:  # also after the last one: the next flush keeps its distance
                self._changed.wait_for(lambda: self._closed and not self._pending, max(self._pause, pause_after(sent)))

    def _next(self) -> list[Send]:
        """What is to be sent now; nothing ends the thread, and another one begins with the next `put`."""
        with self._changed:
            calls = self._pending.take(self._most)
            if not calls:
                self._working = False
                self._changed.notify_all()
            return calls


def pause_after(characters: int) -> float:
    """How many seconds a browser is left alone that was sent so much to draw."""
    return min(characters / MOST_CHARACTERS, LONGEST_PAUSE_SECONDS)
