"""Where an attempt that was started ahead of its time waits, its kernel ready, until it is told what to run.

The container and the kernel of a node run are the same whatever the nodes before it leave, but for what is known at
the gate: the notebook, the parameters, and variables that tell of other nodes. Nothing of the user's runs before it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .contract import Job, Reporter

# How variables begin that only dagbook sets: no program starts differently by them.
LATE = ("DAGBOOK_", "CNVRG_", "INPUT_")


class NotHeld(Exception):
    """An attempt that was started ahead is of no use: its kernel did not start, or is gone."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What is run behind the gate, who is told, and when the attempt began (`time.monotonic()`)."""

    job: Job
    report: Reporter
    began: float


class Gate:
    """One gate for one attempt. The engine opens or closes it, the attempt's own thread waits at it.

    The thread calls `mounted` as soon as the attempt holds the folders that it shows, which may be renamed from then
    on, and `ready` when the kernel answers.
    """

    def __init__(self, mounted: Callable[[], object], ready: Callable[[], object]) -> None:
        self.mounted = mounted
        self.ready = ready
        self._event = threading.Event()
        self._given: Passed | None = None
        self.passed = False  # what happens is the attempt's own from then on

    def open(self, job: Job, report: Reporter) -> None:
        """Let the attempt go on, with this job."""
        self._given = Passed(job, report, time.monotonic())
        self._event.set()

    def close(self) -> None:
        """Let the attempt end without having run; of no effect behind the gate."""
        self._event.set()

    def wait(self, gone: Callable[[], bool]) -> Passed:
        """Wait until the gate opens; `gone` tells whether the kernel is gone by then.

        Raises CancelledError when it closes, NotHeld when the kernel is gone.
        """
        self._event.wait()
        if self._given is None:
            raise asyncio.CancelledError
        if gone():
            raise NotHeld
        self.passed = True
        return self._given


def late_variables(expected: Mapping[str, str], decided: Mapping[str, str]) -> dict[str, str | None]:
    """The variables to set (None: to unset) in a node that was started with those `expected`."""
    gone: dict[str, str | None] = dict.fromkeys(sorted(expected.keys() - decided.keys()))
    return gone | {name: value for name, value in sorted(decided.items()) if expected.get(name) != value}


def may_be_late(variables: Mapping[str, str | None]) -> bool:
    """Whether a kernel may be told of all these after it started."""
    return all(name.startswith(LATE) for name in variables)
