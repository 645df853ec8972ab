"""Ends an attempt before its work ends: when its metadata meets a condition, or when it is silent for too long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from .core.actions import Test, reactions
from .core.dialect import Moment, Reaction
from .core.lifecycle import NodeRun
from .core.model import Node
from .core.values import Value
from .executors.contract import Logged, Outcome, Output, Report, Reporter


class Watch:
    """Sees all that an attempt reports, and passes it on. Made in the event loop; reports come from any thread."""

    def __init__(self, node: Node, run: NodeRun, report: Reporter) -> None:
        self._node = node
        self._params = run.created.params
        self._report = report
        self._stop = Test(node.stop) if node.stop else None
        self._heard = time.monotonic()
        self._enough = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.metadata: dict[str, Value] = {}

    def __call__(self, report: Report) -> None:
        if isinstance(report, Output):
            self._heard = time.monotonic()
        elif isinstance(report, Logged):
            self.metadata[report.name] = report.value
            if self._stop and self._stop.holds(self.metadata, self._params):
                self._loop.call_soon_threadsafe(self._enough.set)
        self._report(report)

    async def run(self, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """The outcome of the work, or of its early end. Cancelling this cancels the work."""
        if self._stop is None and self._node.silence is None:
            return await work
        task = asyncio.ensure_future(work)
        enough = asyncio.ensure_future(self._enough.wait())
        try:
            while not task.done():
                await asyncio.wait({task, enough}, timeout=self._left(), return_when=asyncio.FIRST_COMPLETED)
                if enough.done() and not task.done():
                    await _ended(task)
                    return Outcome(True, warnings=(f"it was stopped, as {self._node.stop} holds",))
                if self._node.silence is not None and self._left() == 0 and not task.done():
                    await _ended(task)
                    return Outcome(False, f"it printed nothing for {self._node.silence:g} s")
            return await task
        finally:
            enough.cancel()
            if not task.done():
                await _ended(task)

    def _left(self) -> float | None:
        """Seconds until its silence has lasted too long; None for no limit."""
        if self._node.silence is None:
            return None
        return max(0.0, self._heard + self._node.silence - time.monotonic())

    def reaction(self, moment: Moment) -> Reaction | None:
        """What the node's actions ask for at a moment, as far as it concerns the whole run."""
        asked = reactions(self._node.actions, moment, self.metadata, self._params)
        return next((one for one in asked if one in (Reaction.FAIL, Reaction.STOP)), None)


async def _ended(task: asyncio.Future[Outcome]) -> None:
    """End the task and wait until it has cleaned up, also when this is cancelled meanwhile: that is passed on then."""
    task.cancel()
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
    finally:
        if task.done() and not task.cancelled():
            task.exception()  # seen: how it ended no longer matters
