"""One attempt of a node run: its job made, run by its executor, its output published."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from .advice import advice
from .ahead import Ahead
from .core.dialect import Moment, Reaction
from .core.errors import DagbookError, PipelineError
from .core.events import AttemptEnded, AttemptRuns, Earlier, Event, Start
from .core.events import Cancel as CancelRun
from .core.lifecycle import NodeRun, Pictured, State, Tagged
from .core.model import Kind, Node
from .core.upstream import NoInput
from .early import Watch
from .executors.contract import CellStarted, Executor, Job, Logged, LoggedImage, Outcome, Output, Report, Started
from .executors.hiding import told_text
from .executors.kernel import driver_is_loaded, load_driver
from .held import Held
from .part_runs import PartMemory, run_parts
from .parts import Parts
from .records.artifacts import Artifact, publish
from .records.failpoints import failpoint
from .records.journal import Journal
from .records.long_work import Cancel
from .records.room import in_words
from .records.store import Store


class JobMaker(Protocol):
    """Turns a decided node run into a job; `jobs.Jobs` is the one that runs use."""

    def executor_of(self, title: str) -> Executor:
        """Where node runs of this node run."""
        ...

    def timeout_of(self, title: str) -> float | None:
        """Seconds that an attempt may take; None for no limit."""
        ...

    def node_of(self, title: str) -> Node:
        """The node with this title."""
        ...

    def make(self, run: NodeRun, attempt: int) -> Job:
        """The job of one attempt, its folders made. Raises NoInput when an input cannot be had."""
        ...

    def parts(self, run: NodeRun, attempt: int, job: Job) -> Parts | None:
        """The parts of a node run that has some. Raises NoInput and PipelineError."""
        ...

    def deployment(self, run: NodeRun, attempt: int) -> tuple[Path, str]:
        """A folder with the files that a deployment would serve, and what it would do, in words. Raises NoInput."""
        ...

    def leave(self, run: NodeRun, attempt: int, job: Job) -> list[str]:
        """Add to the output what the node's contract says that it leaves elsewhere; returns warnings."""
        ...


class Memory(PartMemory, Protocol):
    """Knows earlier results and datasets; `results.Results` is the one that runs use. Blocking, called in threads."""

    def find(self, run: NodeRun) -> tuple[Earlier | None, str]:
        """An earlier result that stands for this node run, or why there is none."""
        ...

    def keep(self, run: NodeRun) -> None:
        """Remember what a node run left that has succeeded."""
        ...

    def published(self, run: NodeRun, digest: str) -> str:
        """Commit a finished artifact to the dataset that its node names; the commit's id, or nothing."""
        ...

    def changed(self, run: NodeRun) -> str:
        """Which dataset of this node run is not what it was when the run came to it, in words; empty when none."""
        ...

    def fetch(self, run: NodeRun, cancel: Cancel) -> dict[str, Any]:
        """Have the dataset of a data node at hand; the detail to record."""
        ...


@dataclass(frozen=True, slots=True)
class News:
    """Where an attempt tells what happens, from any thread: events, and that its journal has grown."""

    tell: Callable[[Event], None]
    ring: Callable[[], None]


# One attempt of a node run that is a run itself; `nested_runs.NestedRuns.attempt` is the one that runs use.
Nested = Callable[[Start, NodeRun, News, Callable[[], object]], Awaitable[AttemptEnded | None]]


class Attempts:
    """Runs the attempts of one run."""

    def __init__(
        self, store: Store, jobs: JobMaker, memory: Memory, ahead: Ahead, nested: Nested | None = None
    ) -> None:
        self._nested = nested
        self._store = store
        self._jobs = jobs
        self._memory = memory
        self._ahead = ahead

    async def run(self, start: Start, run: NodeRun, news: News, ends_well: Callable[[], object]) -> AttemptEnded | None:
        """Run the attempt that `start` asks for and say how it ended; cancelling this is cancelling the attempt.

        None when it has not: it waits for somebody's decision, and this run does not wait for that.

        `ends_well` is called when the work has succeeded: what has ended well is published, also when the run is
        cancelled at that moment. News come from the attempt's own thread.
        """
        kind = self._jobs.node_of(run.node).kind
        if kind is Kind.DATA:
            return await self._fetch(start, run, news)
        if kind is Kind.DEPLOY:
            return await self._deploy(start, run, news)
        if kind is Kind.PIPELINE:
            assert self._nested is not None
            return await self._nested(start, run, news, ends_well)
        # A run in which everything is up to date never loads it, and is over in less time than that takes.
        loads = kind in (Kind.CELL, Kind.NOTEBOOK) and not driver_is_loaded()
        held = await self._ahead.take(run, begin=loads)
        try:
            if loads:
                await asyncio.to_thread(load_driver)
            return await self._run(start, run, news, ends_well, held)
        finally:
            if held is not None:
                await self._ahead.give_back(held)

    async def _run(
        self, start: Start, run: NodeRun, news: News, ends_well: Callable[[], object], held: Held | None
    ) -> AttemptEnded:
        if words := await asyncio.to_thread(self._memory.changed, run):
            return AttemptEnded(start.id, start.attempt, State.FAILED, words)
        try:
            job = await asyncio.to_thread(self._jobs.make, run, start.attempt)
            parts = await asyncio.to_thread(self._jobs.parts, run, start.attempt, job)
        except NoInput as fault:
            return AttemptEnded(start.id, start.attempt, State.FAILED, str(fault))
        except PipelineError as error:
            reason = "; ".join(one.as_reason() for one in error.problems)
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason)
        failpoint("attempt.job")
        node = self._jobs.node_of(run.node)
        executor, limit = self._jobs.executor_of(run.node), self._jobs.timeout_of(run.node)
        detail = _detail_of(job, executor)
        with contextlib.closing(Journal(job.record.parent)) as journal:
            own = _Reporter(news, start, journal)
            reporter = Watch(node, run, own)
            try:
                async with asyncio.timeout(limit) as clock:
                    if parts is not None:
                        store = self._store.artifacts
                        ended = await run_parts(parts, run, node, job, executor, reporter, self._memory, store)
                        outcome, detail["parts"] = ended.outcome, dict(ended.counts)
                        if ended.counts["recovered"]:  # no earlier result may stand for it: these are tried again
                            detail["unsure"] = f"{ended.counts['recovered']} were recovered"
                    else:
                        work = self._ahead.run(held, job, reporter) if held else executor.run(job, reporter)
                        outcome = await reporter.run(work)
            except TimeoutError:
                if not clock.expired():
                    raise  # the executor's own
                still = "" if own.begun else "; it was still starting"
                reason = f"it took longer than its --timeout of {limit:g} s{still}"
                return AttemptEnded(start.id, start.attempt, State.TIMED_OUT, reason, detail)
            except asyncio.CancelledError:
                return AttemptEnded(start.id, start.attempt, State.CANCELLED, "the run was cancelled", detail)
        ends_well()
        detail |= _outcome_detail(job, outcome)
        if held and held.early and held.served:
            detail["ahead"] = True
        outcome = _judged(reporter, outcome, news)
        if not outcome.ok:
            closed = executor.closes_network and not job.network
            if told := await asyncio.to_thread(advice, job, outcome, closed):
                detail["advice"] = told
            state = State.LOST if outcome.lost else State.FAILED
            return AttemptEnded(start.id, start.attempt, state, outcome.reason, detail)
        if words := await asyncio.to_thread(self._memory.changed, run):  # nobody knows which it has read
            detail["unsure"] = words
            detail["warnings"] = [*detail.get("warnings", []), f"{words}; its result will not stand for a later run"]
        try:
            left = await asyncio.to_thread(self._jobs.leave, run, start.attempt, job)
        except OSError as error:
            reason = f"what it left could not be gathered: {error}"
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason, detail)
        detail["warnings"] = [*detail.get("warnings", []), *left]
        return await self._publish(start, run, job, detail)

    async def _fetch(self, start: Start, run: NodeRun, news: News) -> AttemptEnded:
        """Have the dataset of a data node at hand."""
        news.tell(AttemptRuns(start.id, start.attempt))
        cancel = Cancel()
        try:
            detail = await asyncio.to_thread(self._memory.fetch, run, cancel)
        except asyncio.CancelledError:
            cancel.cancel()
            raise
        except DagbookError as error:
            reason = "; ".join(one.as_reason() for one in error.problems)
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason)
        return AttemptEnded(start.id, start.attempt, State.SUCCEEDED, "", detail)

    async def _deploy(self, start: Start, run: NodeRun, news: News) -> AttemptEnded:
        """Gather what a deployment would serve, and say so: dagbook serves no models yet."""
        news.tell(AttemptRuns(start.id, start.attempt))
        try:
            output, words = await asyncio.to_thread(self._jobs.deployment, run, start.attempt)
            artifact = await asyncio.to_thread(publish, output, self._store.artifacts)
        except NoInput as fault:
            return AttemptEnded(start.id, start.attempt, State.FAILED, str(fault))
        except OSError as error:
            return AttemptEnded(
                start.id,
                start.attempt,
                State.FAILED,
                f"its files could not be stored: {in_words(error, self._store.folder)}",
            )
        detail = {"artifact": artifact.digest, "files": artifact.files, "bytes": artifact.bytes, "warnings": [words]}
        return AttemptEnded(start.id, start.attempt, State.SUCCEEDED, words, detail)

    async def _publish(self, start: Start, run: NodeRun, job: Job, detail: dict[str, Any]) -> AttemptEnded:
        began = time.monotonic()
        try:
            async with self._ahead.publishing(job.output) as publishing:
                store, stays = self._store.artifacts, publishing.stays
                artifact: Artifact = await asyncio.to_thread(publish, job.output, store, leave_twin=stays)
                await publishing.done(artifact.path)
        except OSError as error:
            reason = told_text(job, f"its output could not be stored: {in_words(error, self._store.folder)}")
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason, detail)
        failpoint("artifact.published")
        try:
            if told := await asyncio.to_thread(self._memory.published, run, artifact.digest):
                detail["commit"] = told
        except DagbookError as fault:
            reason = "; ".join(one.as_reason() for one in fault.problems)
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason, detail)
        detail["artifact"] = artifact.digest
        detail["files"], detail["bytes"] = artifact.files, artifact.bytes
        detail["warnings"] = [*detail.get("warnings", []), *(told_text(job, one) for one in artifact.warnings)]
        detail["overhead_s"] = round(detail["overhead_s"] + time.monotonic() - began, 4)
        return AttemptEnded(start.id, start.attempt, State.SUCCEEDED, "", detail)


def _judged(watch: Watch, outcome: Outcome, news: News) -> Outcome:
    """The outcome after the node's actions: one may fail what has succeeded, or stop the whole run after it."""
    reaction = watch.reaction(Moment.COMPLETE if outcome.ok else Moment.ERROR)
    if reaction is Reaction.STOP:
        # Told in the loop's next round, so that this attempt has said how it ended before the run is cancelled.
        asyncio.get_running_loop().call_soon(news.tell, CancelRun("an action of the pipeline stopped it"))
    if reaction is Reaction.FAIL and outcome.ok:
        return Outcome(False, "an action of the pipeline says that this is an error")
    return outcome


class _Reporter:
    """What one attempt's executor calls while it runs, from the attempt's thread; whether the work has `begun`."""

    def __init__(self, news: News, start: Start, journal: Journal) -> None:
        self.begun = False
        self._news = news
        self._start = start
        self._journal = journal

    def __call__(self, report: Report) -> None:
        match report:
            case Started():
                self.begun = True
                self._news.tell(AttemptRuns(self._start.id, self._start.attempt))
            case Logged():
                self._news.tell(Tagged(self._start.id, report.name, report.value, report.step))
            case LoggedImage():
                file = f"{report.file.parent.name}/{report.file.name}"  # from the attempt's folder
                self._news.tell(Pictured(self._start.id, report.name, report.step, file))
            case CellStarted():
                self._write(report.index, {"output_type": "progress", "cells": report.cells})
            case Output():
                self._write(report.index, report.message)

    def _write(self, cell: int, message: Mapping[str, Any]) -> None:
        self._journal.write(cell, message)
        self._journal.flush()
        self._news.ring()


def _detail_of(job: Job, executor: Executor) -> dict[str, Any]:
    image = {"reference": job.runtime.reference, "digest": job.runtime.digest}
    return {"executor": executor.name, "image": image, "notebook": str(job.record), "overhead_s": 0.0}


def _outcome_detail(job: Job, outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {
        "overhead_s": round(outcome.started_after + outcome.ended_after, 4),
        "exit_code": outcome.exit_code,
        "warnings": [*job.warnings, *outcome.warnings],
        "used": dict(outcome.used),
    }
    if outcome.kept:
        found["kept"] = dict(outcome.kept)
    if outcome.failure:
        found["error"] = {**asdict(outcome.failure), "traceback": list(outcome.failure.traceback)}
    return found
