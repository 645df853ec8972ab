"""Tells people of a run as it goes, through channels that each have a thread: a slow one keeps no other waiting."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ..core.errors import DagbookError, Problem, problem
from ..records.failpoints import failpoint
from .channels import Channel, Channels
from .contract import Sight
from .notices import Notice, Notices

TRIES = 2
REST_SECONDS = 2.0  # between them


class Notifier:
    """Sends the notices of one run whose event is among `events`; `record` is that of the run before it was resumed."""

    name = "notify"

    def __init__(self, channels: Channels, events: frozenset[str], record: Mapping[str, Any]) -> None:
        self._channels = channels
        self._events = events
        before = (record.get("observers") or {}).get(self.name) or {}
        self._before: list[str] | None = before.get("told")
        self._told = list(self._before or before.get("asked") or ())
        self._telling = threading.Lock()
        self._lines: dict[str, _Line] = {}  # by the name of a channel
        self._warned: set[str] = set()

    @property
    def moved(self) -> float:
        """See `Observer.moved`."""
        return max((line.moved for line in self._lines.values()), default=0.0)

    def begin(self, sight: Sight) -> None:
        """See `Observer.begin`."""
        self._sight = sight
        told = None if self._before is None else self._told
        self._notices = Notices(sight.pipeline, sight.follower, socket.gethostname(), told)
        to = [one.name for one in self._channels.always]
        sight.keep(self.name, to=to, on=sorted(self._events), told=self._told)

    def news(self) -> None:
        """See `Observer.news`."""
        self._send(self._notices.of(self._sight.follower.entries))

    def end(self) -> None:
        """See `Observer.end`."""
        self._send(self._notices.of(self._sight.follower.entries, over=True))
        for line in self._lines.values():
            while line.waiting and not self._sight.left.wait(0.05):
                pass

    def unsaid(self) -> Problem | None:
        """See `Observer.unsaid`."""
        left = ", ".join(name for name, line in self._lines.items() if line.waiting)
        return problem("W-NOTIFY", what=f"no answer from {left}", hint=_HINT) if left else None

    def _send(self, notices: list[Notice]) -> None:
        for notice in notices:
            if not notice.of_node and notice.event not in self._events:
                continue
            channels, lost = self._channels.addressed(notice)
            if lost:
                self._warn(f"nothing can send mail to {', '.join(lost)}", "Add a mailto:// URL to notify.")
            waiting = _Waiting(len(channels), partial(self._keep, notice))
            for channel in channels:
                self._line(channel).add(channel, notice, waiting)

    def _keep(self, notice: Notice) -> None:
        """Keep what was told, now that it was: killed before that, the run tells it again when it is resumed."""
        if notice.about:
            with self._telling, suppress(DagbookError):  # the store is gone: so is the run
                self._told += notice.about
                self._sight.keep(self.name, told=self._told)

    def _line(self, channel: Channel) -> _Line:
        if channel.name not in self._lines:
            self._lines[channel.name] = _Line(self._sight, self._warn)
        return self._lines[channel.name]

    def _warn(self, what: str, hint: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            self._sight.warn(problem("W-NOTIFY", what=what, hint=hint))


_HINT = "Look at the service and at its URL; the run is not touched by that."


class _Waiting:
    """One notice on its way through so many channels; `sent` is called when the last has done with it."""

    def __init__(self, channels: int, sent: Callable[[], None]) -> None:
        self._left = channels
        self._lock = threading.Lock()
        self._sent = sent

    def done(self) -> None:
        """One has sent it, or given it up."""
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._sent()


class _Line:
    """What is to be sent through one channel, one after the other, by a thread of its own."""

    def __init__(self, sight: Sight, warn: Any) -> None:
        self._sight = sight
        self._warn = warn
        self._queue: queue.Queue[tuple[Channel, Notice, _Waiting]] = queue.Queue()
        self.moved = time.monotonic()
        threading.Thread(target=self._work, name="dagbook-notice", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many notices are not sent yet."""
        return self._queue.unfinished_tasks

    def add(self, channel: Channel, notice: Notice, waiting: _Waiting) -> None:
        """Have this sent; does not wait."""
        self._queue.put((channel, notice, waiting))

    def _work(self) -> None:
        while not self._sight.left.is_set():
            channel, notice, waiting = self._queue.get()
            if why := self._deliver(channel, notice):
                self._warn(f"{channel.name} did not take a message: {why}", _HINT)
            failpoint("notice.sent")
            waiting.done()
            self.moved = time.monotonic()
            self._queue.task_done()

    def _deliver(self, channel: Channel, notice: Notice) -> str:
        why = ""
        for left in reversed(range(TRIES)):
            try:
                why = channel.send(notice)
            except Exception as error:  # whatever a service of apprise's can come up with
                why = f"{type(error).__name__}: {error}"
            if not why or (left and self._sight.left.wait(REST_SECONDS)):
                break
        return why
