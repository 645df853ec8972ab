"""The engine: performs what the scheduler decides. The only place where things happen at the same time.

Each event is handed to the scheduler, the facts that follow are recorded, and only then the actions are performed.
An attempt is a coroutine here and a thread of its own in the executor; ending an attempt is cancelling its coroutine.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from .core.errors import MachineError
from .core.events import (
    Action,
    AttemptEnded,
    AttemptRuns,
    Begin,
    Cancel,
    Decision,
    End,
    Event,
    RetryDue,
    Start,
    TryLater,
)
from .core.lifecycle import Fact, NodeRun, RunSoFar, RunState, State, Tagged
from .core.scheduler import Scheduler
from .executors.contract import CellStarted, Executor, Job, Logged, Outcome, Output, Report, Started
from .records.artifacts import Artifact, publish
from .records.bell import FALLBACK_SECONDS, Bell
from .records.journal import Journal
from .records.store import Store


class JobMaker(Protocol):
    """Turns a decided node run into a job; `jobs.Jobs` is the one that runs use."""

    def executor_of(self, title: str) -> Executor:
        """Where node runs of this node run."""
        ...

    def timeout_of(self, title: str) -> float | None:
        """Seconds that an attempt may take; None for no limit."""
        ...

    def make(
        self,
        run: NodeRun,
        attempt: int,
        parents: Mapping[str, NodeRun],
        gathered: Mapping[str, Sequence[NodeRun]],
    ) -> Job:
        """The job of one attempt, its folders made."""
        ...


class Engine:
    """Runs one run to its end. `run()` is awaited once, in the event loop of the run's process."""

    def __init__(self, store: Store, run: str, scheduler: Scheduler, jobs: JobMaker, recorded: int = 0) -> None:
        self._store = store
        self._run = run
        self._scheduler = scheduler
        self._jobs = jobs
        self._recorded = recorded
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.bell = Bell(self.look_for_commands)

    async def run(self) -> RunSoFar:
        """Begin, go on until nothing is left to happen, and return the final state."""
        self._loop = asyncio.get_running_loop()
        poll = asyncio.create_task(self._poll_commands())
        try:
            self._perform(self._decide([Begin()]))
            while self._scheduler.run.state is RunState.RUNNING:
                self._perform(self._decide(await self._next_events()))
        finally:
            poll.cancel()
            for task in list(self._attempts.values()):
                task.cancel()
            await asyncio.gather(*self._attempts.values(), return_exceptions=True)
        return self._scheduler.run

    def cancel(self, reason: str) -> None:
        """Ask for the end of the run; called in the event loop."""
        self._events.put_nowait(Cancel(reason))

    def look_for_commands(self) -> None:
        """Take up what others have asked for in the store; called in the event loop when the bell rings."""
        for verb, body in self._store.take_commands(self._run):
            if verb == "cancel":
                self.cancel(str(body.get("reason") or "cancelled"))

    async def _poll_commands(self) -> None:
        """The fallback for a bell that nobody could ring (another machine, a lost socket)."""
        while True:
            await asyncio.sleep(FALLBACK_SECONDS)
            with contextlib.suppress(MachineError):  # a busy database is asked again
                self.look_for_commands()

    # deciding

    async def _next_events(self) -> list[Event]:
        events = [await self._events.get()]
        while not self._events.empty():  # what came meanwhile is recorded in the same transaction
            events.append(self._events.get_nowait())
        return events

    def _decide(self, events: list[Event]) -> list[Action]:
        """Hand events to the scheduler and record what follows; returns the actions to perform."""
        facts: list[Fact] = []
        actions: list[Action] = []
        for event in events:
            decision: Decision = self._scheduler.handle(event)
            facts += decision.facts
            actions += decision.actions
        self._recorded = self._store.append(self._run, self._recorded, facts)
        self.bell.ring()
        return actions

    def _perform(self, actions: list[Action]) -> None:
        assert self._loop is not None
        for action in actions:
            match action:
                case Start():
                    task = self._loop.create_task(self._attempt(action), name=action.id)
                    self._attempts[action.id] = task
                case End():
                    # Not at once: a task that is cancelled before its first step never says how it ended.
                    self._loop.call_soon(self._end, action.id)
                case TryLater():
                    self._loop.call_later(action.seconds, self._events.put_nowait, RetryDue(action.id))

    def _end(self, id: str) -> None:
        if id in self._attempts:
            self._attempts[id].cancel()

    # one attempt

    async def _attempt(self, start: Start) -> None:
        """Run one attempt and say how it ended, whatever happens."""
        began = time.monotonic()
        try:
            ended = await self._run_attempt(start)
        except asyncio.CancelledError:
            ended = AttemptEnded(start.id, start.attempt, State.CANCELLED, "the run was cancelled")
        except Exception as error:
            ended = AttemptEnded(start.id, start.attempt, State.FAILED, f"{type(error).__name__}: {error}")
        self._attempts.pop(start.id, None)
        detail = {**ended.detail, "duration_s": round(time.monotonic() - began, 4)}
        self._events.put_nowait(AttemptEnded(ended.id, ended.attempt, ended.state, ended.reason, detail))

    async def _run_attempt(self, start: Start) -> AttemptEnded:
        node_runs = self._scheduler.run.node_runs
        run = node_runs[start.id]
        parents = {title: node_runs[id] for title, id in start.parents.items()}
        gathered = {title: [node_runs[id] for id in ids] for title, ids in start.gathered.items()}
        job = self._jobs.make(run, start.attempt, parents, gathered)
        executor, limit = self._jobs.executor_of(run.node), self._jobs.timeout_of(run.node)
        detail = _detail_of(job, executor)
        with contextlib.closing(Journal(job.record.parent)) as journal:
            reporter = _Reporter(self, start, journal)
            try:
                async with asyncio.timeout(limit) as clock:
                    outcome = await executor.run(job, reporter)
            except TimeoutError:
                if not clock.expired():
                    raise  # the executor's own
                reason = f"it took longer than its --timeout of {limit:g} s"
                return AttemptEnded(start.id, start.attempt, State.TIMED_OUT, reason, detail)
            except asyncio.CancelledError:
                return AttemptEnded(start.id, start.attempt, State.CANCELLED, "the run was cancelled", detail)
        self._attempts.pop(start.id)  # what has ended well is published, also when the run is cancelled now
        detail |= _outcome_detail(job, outcome)
        if not outcome.ok:
            state = State.LOST if outcome.lost else State.FAILED
            return AttemptEnded(start.id, start.attempt, state, outcome.reason, detail)
        return await self._publish(start, job, detail)

    async def _publish(self, start: Start, job: Job, detail: dict[str, Any]) -> AttemptEnded:
        began = time.monotonic()
        try:
            artifact: Artifact = await asyncio.to_thread(publish, job.output, self._store.artifacts)
        except OSError as error:
            reason = f"its output could not be stored: {error}"
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason, detail)
        detail["artifact"] = artifact.digest
        detail["files"], detail["bytes"] = artifact.files, artifact.bytes
        detail["warnings"] = [*detail.get("warnings", []), *artifact.warnings]
        detail["overhead_s"] = round(detail["overhead_s"] + time.monotonic() - began, 4)
        return AttemptEnded(start.id, start.attempt, State.SUCCEEDED, "", detail)

    # news from the threads of attempts

    def tell(self, event: Event) -> None:
        """Take an event from any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def ring(self) -> None:
        """Tell readers, from any thread, that a journal has grown."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.bell.ring)


class _Reporter:
    """What one attempt's executor calls while it runs, from the attempt's thread."""

    def __init__(self, engine: Engine, start: Start, journal: Journal) -> None:
        self._engine = engine
        self._start = start
        self._journal = journal

    def __call__(self, report: Report) -> None:
        match report:
            case Started():
                self._engine.tell(AttemptRuns(self._start.id, self._start.attempt))
            case Logged():
                self._engine.tell(Tagged(self._start.id, report.name, report.value, report.step))
            case CellStarted():
                self._write(report.index, {"output_type": "progress", "cells": report.cells})
            case Output():
                self._write(report.index, report.message)

    def _write(self, cell: int, message: Mapping[str, Any]) -> None:
        self._journal.write(cell, message)
        self._journal.flush()
        self._engine.ring()


def _detail_of(job: Job, executor: Executor) -> dict[str, Any]:
    image = {"reference": job.runtime.reference, "digest": job.runtime.digest}
    return {"executor": executor.name, "image": image, "notebook": str(job.record), "overhead_s": 0.0}


def _outcome_detail(job: Job, outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {
        "overhead_s": round(outcome.started_after + outcome.ended_after, 4),
        "exit_code": outcome.exit_code,
        "warnings": [*job.warnings, *outcome.warnings],
    }
    if outcome.failure:
        found["error"] = {**asdict(outcome.failure), "traceback": list(outcome.failure.traceback)}
    return found
