"""Noticing at once that a process is gone, and saying how it ended.

One `Exit` per started kernel or command. It is fed by a pidfd where the platform has one, and by `tell()` from
whoever else learns of the end (the engine's event stream, a waiting thread). Nothing polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended. `code` is the exit code (128 + N for signal N, as shells count), None when unknown.

    `out_of_memory`: the kernel of the machine killed it, or a child of it (then `code` may be anything).
    `outside`: what was done to it from outside of the node and of this run, in words; empty when nothing was.
    """

    code: int | None = None
    out_of_memory: bool = False
    outside: str = ""


class Exit:
    """An event in the form of file descriptors: some descriptor becomes readable when the process is gone."""

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()
        self._pidfd: int | None = None
        self._open = True
        self._lock = threading.Lock()  # a descriptor that is closed between look and write is another file's by then

    def follow(self, pid: int, confirm: Callable[[], bool] = lambda: True) -> bool:
        """Watch `pid` by a pidfd. `confirm` is asked after opening whether it is (still) the right process.

        False when the platform cannot, when the process is gone already or when it is not the right one.
        """
        try:
            pidfd = os.pidfd_open(pid)
        except (AttributeError, OSError):
            return False
        if not confirm():
            os.close(pidfd)
            return False
        self._pidfd = pidfd
        return True

    def tell(self) -> None:
        """Say that the process is gone. From any thread, any number of times, also after `close`."""
        with self._lock, contextlib.suppress(OSError):
            if self._open:
                os.write(self._tell, b"x")

    @property
    def pidfd(self) -> int | None:
        """The pidfd of the process that is followed; None where there is none."""
        return self._pidfd

    def descriptors(self) -> list[int]:
        """What becomes readable at the end."""
        return [self._told] if self._pidfd is None else [self._told, self._pidfd]

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the process is gone, at most `seconds`; True when it is."""
        poll = select.poll()
        for descriptor in self.descriptors():
            poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(None if seconds is None else max(0, int(seconds * 1000))))

    async def gone(self) -> None:
        """Return when the process is gone (for the loop of the node's own thread)."""
        loop, event, watched = asyncio.get_running_loop(), asyncio.Event(), self.descriptors()
        for descriptor in watched:
            loop.add_reader(descriptor, event.set)
        try:
            await event.wait()
        finally:
            for descriptor in watched:
                loop.remove_reader(descriptor)

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            if self._open:
                self._open = False
                for descriptor in (self._told, self._tell, self._pidfd):
                    if descriptor is not None:
                        os.close(descriptor)


class Started(Protocol):
    """A started kernel or command, however it runs. Shared by the docker and the process executor."""

    exit: Exit

    def kill(self) -> None:
        """End it and all that it started, at once. From any thread, any number of times; does not wait."""
        ...

    def ending(self) -> Ending:
        """How it ended; called after `exit` told so. May wait a moment for the facts."""
        ...

    def keep(self) -> Mapping[str, Any] | None:
        """Hand it over to a keeper, so that it stays when this process ends: `Outcome.kept`, None when that failed.

        From then on `kill` ends the keeper, and with it all that it keeps.
        """
        ...


def death(code: int) -> str:
    """The words for an exit code: `was killed by signal 9 (SIGKILL)` or `exited (code 3)`."""
    if code > 128:
        with contextlib.suppress(ValueError):
            return f"was killed by signal {code - 128} ({signal.Signals(code - 128).name})"
    return f"exited (code {code})"


def amount(memory: int | None) -> str:
    """`256 MiB` for a memory limit in bytes; `none` for no limit."""
    if memory is None:
        return "none"
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if memory >= size:
            return f"{memory / size:.4g} {unit}"
    return f"{memory} bytes"
