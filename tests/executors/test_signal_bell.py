"""A signal ends a wait in C code whenever it comes, also in the moment before the wait begins."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

import pytest

from dagbook.runner.executors.signal_bell import signal_bell

LATE = 2.0


def test_a_signal_makes_the_descriptor_readable_and_what_was_there_before_is_put_back() -> None:
    theirs, hammer = os.pipe()
    os.set_blocking(hammer, False)
    before = signal.set_wakeup_fd(hammer)
    heard: list[int] = []
    old = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    try:
        with signal_bell() as (bell,):
            assert not select.select([bell], [], [], 0)[0]
            os.kill(os.getpid(), signal.SIGUSR1)
            assert select.select([bell], [], [], LATE)[0]
        assert heard == [signal.SIGUSR1]
        assert os.read(theirs, 10) == bytes([signal.SIGUSR1]), "who listened before has not heard of it"
        assert signal.set_wakeup_fd(before) == hammer
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(bell)
    finally:
        signal.signal(signal.SIGUSR1, old)
        signal.set_wakeup_fd(before)
        os.close(theirs)
        os.close(hammer)


def test_beside_the_main_thread_there_is_none() -> None:
    found: list[tuple[int, ...]] = []

    def ask() -> None:
        with signal_bell() as bell:
            found.append(bell)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [()]


def test_no_signal_is_late_whenever_it_comes() -> None:
    """Another process sends a thousand, each at a moment of its own: without the bell some wait for the time limit."""
    silent, other = os.pipe()
    asked, ask = os.pipe()
    sender = os.fork()
    if not sender:
        for number in range(1000):
            os.read(asked, 1)
            until = time.perf_counter() + (number % 100) * 1e-6
            while time.perf_counter() < until:
                pass
            os.kill(os.getppid(), signal.SIGUSR1)
        os._exit(0)
    heard: list[int] = []
    old = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    try:
        for number in range(1000):
            with signal_bell() as bell:
                os.write(ask, b"x")
                while len(heard) <= number:
                    assert select.select([silent, *bell], [], [], LATE)[0] == [*bell], number
    finally:
        os.kill(sender, signal.SIGKILL)  # it has ended, or waits to be asked
        os.waitpid(sender, 0)
        signal.signal(signal.SIGUSR1, old)
        for descriptor in (silent, other, asked, ask):
            os.close(descriptor)
