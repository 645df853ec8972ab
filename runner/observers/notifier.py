"""Tells people of a run as it goes, through channels that each have a thread: a slow one keeps no other waiting."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..core.errors import Problem, problem
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
        self._asked: list[str] = list(((record.get("observers") or {}).get(self.name) or {}).get("asked") or ())
        self._lines: dict[str, _Line] = {}  # by the name of a channel
        self._warned: set[str] = set()

    @property
    def moved(self) -> float:
        """See `Observer.moved`."""
        return max((line.moved for line in self._lines.values()), default=0.0)

    def begin(self, sight: Sight) -> None:
        """See `Observer.begin`."""
        self._sight = sight
        self._notices = Notices(sight.pipeline, sight.follower, socket.gethostname(), self._asked)
        sight.keep(self.name, to=[one.name for one in self._channels.always], on=sorted(self._events))

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
            for channel in channels:
                self._line(channel).add(channel, notice)
            if notice.questions:
                self._asked += notice.questions
                self._sight.keep(self.name, asked=self._asked)

    def _line(self, channel: Channel) -> _Line:
        if channel.name not in self._lines:
            self._lines[channel.name] = _Line(self._sight, self._warn)
        return self._lines[channel.name]

    def _warn(self, what: str, hint: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            self._sight.warn(problem("W-NOTIFY", what=what, hint=hint))


_HINT = "Look at the service and at its URL; the run is not touched by that."


class _Line:
    """What is to be sent through one channel, one after the other, by a thread of its own."""

    def __init__(self, sight: Sight, warn: Any) -> None:
        self._sight = sight
        self._warn = warn
        self._queue: queue.Queue[tuple[Channel, Notice]] = queue.Queue()
        self.moved = time.monotonic()
        threading.Thread(target=self._work, name="dagbook-notice", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many notices are not sent yet."""
        return self._queue.unfinished_tasks

    def add(self, channel: Channel, notice: Notice) -> None:
        """Have this sent; does not wait."""
        self._queue.put((channel, notice))

    def _work(self) -> None:
        while not self._sight.left.is_set():
            channel, notice = self._queue.get()
            if why := self._deliver(channel, notice):
                self._warn(f"{channel.name} did not take a message: {why}", _HINT)
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
