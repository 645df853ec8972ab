"""Wakes a wait that is in a library's C code when a signal comes, such as Ctrl-C.

A signal that comes after Python has last looked for one and before the system call of the wait does not end that call:
Python would tell of it only when something else ends the wait. A descriptor among those that are waited for does end
it, as the system's own handler writes to it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def signal_bell() -> Iterator[tuple[int, ...]]:
    """A descriptor that is readable once a signal has come; none beside the main thread, to which signals come."""
    if threading.current_thread() is not threading.main_thread():
        yield ()
        return
    bell, hammer = os.pipe()
    os.set_blocking(hammer, False)
    before = signal.set_wakeup_fd(hammer, warn_on_full_buffer=False)
    try:
        yield (bell,)
    finally:
        signal.set_wakeup_fd(before)
        _hand_on(bell, before)
        os.close(bell)
        os.close(hammer)


def _hand_on(bell: int, before: int) -> None:
    """Tell who listened before, such as an event loop, of the signals that came meanwhile."""
    os.set_blocking(bell, False)
    with contextlib.suppress(BlockingIOError):
        came = os.read(bell, 4096)
        if before != -1:
            os.write(before, came)
