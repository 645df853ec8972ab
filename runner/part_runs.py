"""Runs the parts of a node run: several at a time, each tried again when it fails, those done before left out."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from .contracts.pachyderm import RECOVERED
from .core.dialect import OnChildError
from .core.lifecycle import NodeRun
from .core.model import Node
from .core.values import to_json
from .early import Watch
from .executors.contract import CellStarted, Executor, Failure, Job, Logged, Outcome, Output, Report, Reporter, Started
from .parts import Clash, Left, Part, PartEnd, Parts, PartState, Point, merge, write_listing
from .records.artifacts import publish

_SETTLE_EVERY = 2.0  # seconds
_MOST_CELLS = 100  # of the record
_TOLD = 5  # failed parts whose reason the node run's own names


class PartMemory(Protocol):
    """Knows what parts left before. Blocking, called in threads."""

    def find_part(self, node: str, part: Part) -> Left | None:
        """What this part left before, if it is sound and may stand for it."""
        ...

    def keep_parts(self, run: NodeRun, left: Sequence[tuple[Part, Left]]) -> None:
        """Remember what parts of a node run left, unless an input is no longer what it was."""
        ...


@dataclass(frozen=True, slots=True)
class PartsEnd:
    """How all parts ended: the outcome as of one job, and how many came to which end."""

    outcome: Outcome
    counts: Mapping[str, int]


class _Enough(Exception):
    """A part failed, and the others are not to go on."""


async def run_parts(
    parts: Parts,
    run: NodeRun,
    node: Node,
    job: Job,
    executor: Executor,
    report: Reporter,
    memory: PartMemory,
    artifacts: Path,
) -> PartsEnd:
    """Run the parts of `job` and merge what they left into its output. Cancelling this cancels what runs."""
    report(Started())
    runner = _Runner(parts, run, node, job, executor, report, memory, artifacts)
    began = time.monotonic()
    runner.list_parts()
    broken: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(parts.workers, len(parts.all))):
                group.create_task(runner.work())
    except* _Enough:
        pass
    except* Exception as several:
        broken = several.exceptions[0]
    finally:  # also when it is cancelled: what was done is known
        runner.settle()
    if broken is not None:
        raise broken  # by itself: a group would be told as a group
    return await asyncio.to_thread(runner.end, time.monotonic() - began)


@dataclass
class _Runner:
    _parts: Parts
    _run: NodeRun
    _node: Node
    _job: Job
    _executor: Executor
    _report: Reporter
    _memory: PartMemory
    _artifacts: Path

    def __post_init__(self) -> None:
        self._left = iter(range(len(self._parts.all)))
        self._ends = [PartEnd(part.label, PartState.LEFT) for part in self._parts.all]
        self._outcomes: dict[int, Outcome] = {}
        self._settled = time.monotonic()
        self._settling = threading.Lock()
        self._to_keep: list[tuple[Part, Left]] = []

    async def work(self) -> None:
        """Take one part after the other until none is left."""
        for number in self._left:
            end = self._ends[number] = await self._one(number, self._parts.all[number])
            if time.monotonic() - self._settled > _SETTLE_EVERY:
                self._settled = time.monotonic()
                await asyncio.to_thread(self.settle)
            stops = self._parts.on_error is OnChildError.STOP_AND_FAIL
            if end.state is PartState.FAILED and stops:
                raise _Enough

    async def _one(self, number: int, part: Part) -> PartEnd:
        began = time.monotonic()
        found = await asyncio.to_thread(self._memory.find_part, self._job.title, part)
        if found is not None:
            for name, value, step in found.logged:
                self._report(Logged(name, value, step))
            tags = {name: to_json(value) for name, value, _ in found.logged}
            seconds, place = time.monotonic() - began, self._place(found.artifact)
            end = PartEnd(part.label, PartState.SKIPPED, 0, seconds, artifact=place, tags=tags)
            end.files, end.bytes = found.files, found.bytes
            return end
        end = PartEnd(part.label, PartState.FAILED)
        for attempt in range(1, self._parts.tries + 1):
            end.tries = attempt
            if await self._attempt(number, part, attempt, end):
                break
        end.seconds = time.monotonic() - began
        return end

    async def _attempt(self, number: int, part: Part, attempt: int, end: PartEnd) -> bool:
        """Run one attempt of a part; true when no other is needed."""
        job = await asyncio.to_thread(self._parts.job_of, number + 1, part, attempt)
        end.notebook = str(job.record)
        end.tags, logged = {}, list[Point]()
        watch = Watch(self._node, self._run, self._reporter(number, end, logged))
        try:
            async with asyncio.timeout(self._parts.timeout) as clock:
                outcome = await watch.run(self._executor.run(job, watch))
        except TimeoutError:
            if not clock.expired():
                raise
            outcome = Outcome(False, f"it took longer than {self._parts.timeout:g} s")
        self._outcomes[number] = outcome
        if outcome.ok:
            artifact = await asyncio.to_thread(publish, job.output, self._artifacts)
            self._to_keep.append((part, Left(artifact.digest, artifact.files, artifact.bytes, tuple(logged))))
            end.state, end.artifact, end.files, end.bytes = (
                PartState.DONE,
                artifact.path,
                artifact.files,
                artifact.bytes,
            )
            end.reason = ""
            return True
        end.reason = outcome.reason
        if (job.record.parent / "pfs" / RECOVERED).exists():
            end.state = PartState.RECOVERED
            return True
        return False

    def _reporter(self, number: int, end: PartEnd, logged: list[Point]) -> Callable[[Report], None]:
        """What a part reports counts for the node: its outputs are those of cell `number`."""

        def tell(report: Report) -> None:
            if isinstance(report, Output):
                self._report(Output(number, report.message))
            elif isinstance(report, CellStarted):
                self._report(CellStarted(number, len(self._parts.all)))
            elif isinstance(report, Logged):
                end.tags[report.name] = to_json(report.value)
                logged.append((report.name, report.value, report.step))
                self._report(report)
            elif not isinstance(report, Started):
                self._report(report)

        return tell

    def _tell_skipped(self) -> None:
        """Say how many were done before: one line, however many they are."""
        skipped = sum(end.state is PartState.SKIPPED for end in self._ends)
        if skipped:
            text = f"{skipped:,} of {len(self._ends):,} were done before\n"
            self._report(Output(0, {"output_type": "stream", "name": "stdout", "text": text}))

    def list_parts(self) -> None:
        """Leave a list of what has become of each part so far."""
        with self._settling:
            write_listing(self._ends, self._job.record.parent)

    def settle(self) -> None:
        """Leave the list, and remember what is done: in one go, since the inputs are looked at again before."""
        self.list_parts()
        with self._settling:
            left, self._to_keep = self._to_keep, []
            if left:
                self._memory.keep_parts(self._run, left)

    def _place(self, digest: str) -> Path:
        return self._artifacts / digest[:2] / digest

    def end(self, seconds: float) -> PartsEnd:
        """Merge what the parts left, tell what became of each, write the record."""
        self._tell_skipped()
        outcome = self._judged()
        _write_record(self._job, self._ends)
        _tidy(self._ends[_MOST_CELLS:])
        counts = {str(state): sum(end.state is state for end in self._ends) for state in PartState}
        return PartsEnd(replace(outcome, started_after=0.0), {"total": len(self._ends), **counts})

    def _judged(self) -> Outcome:
        failed = [end for end in self._ends if end.state is PartState.FAILED]
        passed = any(end.state in (PartState.DONE, PartState.SKIPPED) for end in self._ends)
        lenient = self._parts.on_error is OnChildError.CONTINUE_AND_COMPLETE and passed
        if failed and not lenient:
            return self._failure(failed)
        try:
            told = merge(self._ends, self._job.output, apart=self._parts.apart)
        except Clash as error:
            return Outcome(False, str(error))
        told += [f"{end.label} failed: {end.reason}" for end in failed]
        return Outcome(True, warnings=tuple(told))

    def _failure(self, failed: Sequence[PartEnd]) -> Outcome:
        named = "; ".join(f"{end.label}: {end.reason}" for end in failed[:_TOLD])
        more = f"; and {len(failed) - _TOLD} more" if len(failed) > _TOLD else ""
        reason = f"{len(failed)} of {len(self._ends)} failed: {named}{more}"
        number = next(n for n, end in enumerate(self._ends) if end.state is PartState.FAILED)
        outcome = self._outcomes.get(number)
        failure = outcome.failure if outcome and outcome.failure else Failure("PartFailed", reason)
        return Outcome(False, reason, failure, outcome.exit_code if outcome else None)


def _write_record(job: Job, ends: Sequence[PartEnd]) -> None:
    """The record of the whole: a notebook with a cell for each part, with what it printed, as far as that fits."""
    from .formats.nbformat_import import import_nbformat

    import_nbformat()
    from nbformat import v4

    from .executors.record import save

    cells = [v4.new_code_cell(f"# {end.label}: {end.state}", outputs=_outputs(end)) for end in ends[:_MOST_CELLS]]  # type: ignore[no-untyped-call]
    if len(ends) > _MOST_CELLS:
        cells.append(v4.new_markdown_cell(f"{len(ends) - _MOST_CELLS} more; parts.json lists all."))  # type: ignore[no-untyped-call]
    save(v4.new_notebook(cells=cells, metadata={"language_info": {"name": "sh"}}), job.record)  # type: ignore[no-untyped-call]


def _tidy(ends: Sequence[PartEnd]) -> None:
    """Remove the folders of parts that are done and not in the record: thousands of them are too many files.

    What they printed is in the journal of the node run.
    """
    for end in ends:
        if end.state is PartState.DONE:
            shutil.rmtree(Path(end.notebook).parent, ignore_errors=True)
            end.notebook = ""


def _outputs(end: PartEnd) -> list[Any]:
    """The outputs in a part's own record."""
    import nbformat

    try:
        notebook = nbformat.read(end.notebook, as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, nbformat.ValidationError):
        return []
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
