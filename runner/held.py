"""An attempt that was started ahead: its container and kernel wait at a gate for the node run to start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .core.lifecycle import NodeRun
from .executors.contract import Executor, Job, Outcome, Report, Reporter
from .executors.gate import Gate, NotHeld, late_variables, may_be_late
from .shown import Identity


class Held:
    """One attempt at its gate; used in the event loop of the run's process.

    `make` gives the job that the attempt is expected to be; it is called in a thread. `shows` is then asked in the
    loop for the folders of the job, and gives None where they may not be shown. `changed` is called when the kernel is
    ready, or never will be.
    """

    def __init__(
        self,
        node_run: NodeRun,
        attempt: int,
        executor: Executor,
        make: Callable[[], Job],
        shows: Callable[[Job], dict[Path, Identity] | None],
        changed: Callable[[], None],
    ) -> None:
        self.node_run = node_run
        self.attempt = attempt
        self.early = True  # it was started before its node run did
        self.job: Job | None = None
        self._executor = executor
        self._shows = shows
        self.shown: dict[Path, Identity] = {}  # the folders that it shows to the node, and what they are
        self._mounted, self._ready = asyncio.Event(), asyncio.Event()
        self._changed = changed
        loop = asyncio.get_running_loop()
        self._making = loop.run_in_executor(None, make)
        self._gate = Gate(
            mounted=lambda: loop.call_soon_threadsafe(self._mounted.set),
            ready=lambda: loop.call_soon_threadsafe(self._told_ready),
        )
        self._task = loop.create_task(self._work(), name=f"ahead {node_run.id}")
        self._task.add_done_callback(lambda _task: self._told_ready())

    async def _work(self) -> Outcome:
        job = await asyncio.shield(self._making)
        shown = self._shows(job)
        if shown is None:
            raise NotHeld
        self.job, self.shown = job, shown
        return await self._executor.run(job, _nobody, self._gate)

    def _told_ready(self) -> None:
        self._mounted.set()
        self._ready.set()
        self._changed()

    @property
    def served(self) -> bool:
        """Whether the node run went on with it, and was not started anew."""
        return self._gate.passed

    @property
    def is_ready(self) -> bool:
        """Whether its kernel answers, or never will."""
        return self._ready.is_set()

    async def made(self) -> None:
        """Return when the folders of the attempt are made: nobody else may make them meanwhile."""
        await asyncio.wait([self._making])

    async def mounted(self) -> None:
        """Return when the folders that it shows may be renamed."""
        await self._mounted.wait()

    async def run(self, job: Job, report: Reporter, same: Callable[[Identity, Path], bool]) -> Outcome:
        """Run `job`: with what is held, if that is what the job needs, else as if nothing had been held.

        `same` tells whether what it shows is what the job shows. Cancelling this is cancelling the attempt.
        """
        if self.job is None or not fits(self.job, job, lambda source, other: same(self.shown[source], other)):
            await self.drop()
            return await self._executor.run(job, report)
        self._gate.open(job, report)
        try:
            outcome = await self._task
        except asyncio.CancelledError:
            raise
        except Exception:
            if self._gate.passed:
                raise
        else:
            if self._gate.passed:
                return outcome
        return await self._executor.run(job, report)  # it broke while nobody needed it

    async def drop(self) -> None:
        """End it, wholly; of no effect on one that has run."""
        self._task.cancel()
        both: tuple[asyncio.Future[Outcome], asyncio.Future[Job]] = (self._task, self._making)
        for one in both:
            await asyncio.wait([one])
            if not one.cancelled():
                one.exception()  # seen: asyncio would otherwise complain that nobody looked


def fits(expected: Job, decided: Job, same: Callable[[Path, Path], bool]) -> bool:
    """Whether an attempt that was started for one job is what the other needs.

    What is told at the gate may differ, and a folder may have been published since: `same` knows.
    """
    if len(expected.mounts) != len(decided.mounts):
        return False
    for one, other in zip(expected.mounts, decided.mounts, strict=True):
        if replace(one, source=other.source) != other or not same(one.source, other.source):
            return False
    told_there = {name: getattr(expected, name) for name in ("id", "environment", "mounts", "parameters", "warnings")}
    late = late_variables(expected.environment, decided.environment)
    return replace(decided, **told_there) == expected and may_be_late(late)


def _nobody(report: Report) -> None:
    """Whom an attempt tells that has not begun."""
