"""Starting ahead: while node runs are under way, the containers and kernels of those that come next are made ready.

What is held shows the output folders of node runs that are not over. Such a folder becomes an artifact by a rename,
which a mount does not notice; where the same content was published before, the folder stays as long as it is shown.
Whether what is held is what the node run needs is asked again when that starts: if not it is dropped, and the node run
starts as if nothing had been held.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

from .core.foresight import Foresight
from .core.lifecycle import ENDED, PASSED, Changed, Fact, Kept, NodeRun, RunSoFar, State
from .executors.contract import Executor, Job, Outcome, Reporter
from .held import Held
from .records.artifacts import remove_tree


class AheadJobs(Protocol):
    """Makes the jobs of node runs that are foreseen; `foreseen_jobs.ForeseenJobs` is the one that runs use."""

    def may_wait(self, title: str) -> bool:
        """Whether node runs of this node may be started before it is known that they will run."""
        ...

    def executor_of(self, title: str) -> Executor:
        """Where node runs of this node run."""
        ...

    def make(self, run: NodeRun, attempt: int) -> Job:
        """The job of one attempt, its folders made. Raises what says why there can be none yet."""
        ...

    def output_of(self, run: NodeRun) -> Path:
        """The folder that becomes the artifact of this node run."""
        ...

    def forget(self, run: NodeRun, attempt: int) -> None:
        """Remove the folders that were made for an attempt which is not to be."""
        ...


class Ahead:
    """What is held for one run; used in the event loop of the run's process.

    `most` node runs are held at most, and none is started ahead while half as many kernels start up: those that are
    needed now would be slowed down. `queued` gives the node runs that wait for room, in the order in which they will
    start; those in `run` are what really is.
    """

    def __init__(
        self,
        run: RunSoFar,
        foresight: Foresight,
        jobs: AheadJobs,
        queued: Callable[[], Iterable[NodeRun]],
        most: int,
    ) -> None:
        self._run = run
        self._foresight = foresight
        self._jobs = jobs
        self._queued = queued
        self._most = most
        self._foreseen: deque[str] = deque()
        self._starting: set[str] = set()  # node runs whose kernels start up now that they are needed
        self._held: dict[str, Held] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._became: dict[Path, Path] = {}  # folders that were published, and the artifacts that they became
        self._closed: set[Path] = set()  # folders that are being published: nobody may begin to show them
        self._shown: Counter[Path] = Counter()  # how often folders of node runs are shown that are not over
        self._twins: set[Path] = set()  # folders whose content was published before, still shown

    # what comes next

    def follow(self, facts: Iterable[Fact]) -> None:
        """Take in what was recorded: drop what will not be needed, and start what comes next."""
        for fact in facts:
            if isinstance(fact, Changed | Kept):
                self._learn(self._run.node_runs[fact.id])
        # Again until nothing more goes: what is held may count on what is held.
        while unexpected := [id for id, held in self._held.items() if not self._is_expected(held.node_run, held.shown)]:
            for id in unexpected:
                self._drop(id)
        self._start_more()

    def _learn(self, run: NodeRun) -> None:
        (self._starting.add if run.state is State.STARTING else self._starting.discard)(run.id)
        if run.state in (State.STARTING, *PASSED):
            self._suppose(run)
        if run.state in PASSED:
            self._foresight.learn(run)

    def _suppose(self, run: NodeRun) -> None:
        self._foreseen.extend(one.id for one in self._foresight.suppose(run))

    def _is_expected(self, run: NodeRun, shown: Collection[Path] = ()) -> bool:
        real = self._run.node_runs.get(run.id)
        if real and real.state not in (State.WAITING, State.QUEUED, State.STARTING):
            return False
        return all(self._may_leave(id, shown) for id in run.created.before())

    def _may_leave(self, id: str, shown: Collection[Path]) -> bool:
        """Whether this node run may still leave what is shown of it."""
        run = self._run.node_runs.get(id)
        if run is None:
            return id in self._held
        if run.state is State.CACHED:
            return self._jobs.output_of(run) not in shown
        return run.state in PASSED or run.state not in ENDED

    def _start_more(self) -> None:
        for run in self._queued():
            if not self._has_room():
                return
            if run.attempt == run.tried_before and run.id not in self._held and self._jobs.may_wait(run.node):
                self._held[run.id] = self._started(run, run.attempt + 1)
        while self._foreseen and self._has_room():
            run = self._foresight.run.node_runs[self._foreseen.popleft()]
            known = run.id in self._run.node_runs or run.id in self._run.past
            if not known and self._jobs.may_wait(run.node) and self._is_expected(run):
                self._held[run.id] = self._started(run, 1)

    def _has_room(self) -> bool:
        booting = len(self._starting) + sum(not held.is_ready for held in self._held.values())
        return len(self._held) < self._most and booting < max(1, self._most // 2)

    def _started(self, run: NodeRun, attempt: int) -> Held:
        jobs = self._jobs
        make, executor = partial(jobs.make, run, attempt), jobs.executor_of(run.node)
        self._suppose(run)
        return Held(run, attempt, executor, make, self._show, self._start_more)

    # what is not needed

    def _drop(self, id: str) -> None:
        self._ending[id] = ending = asyncio.create_task(self._end(self._held.pop(id)))
        ending.add_done_callback(lambda _task: self._ending.pop(id, None))

    async def _end(self, held: Held) -> None:
        await self.give_back(held)
        await asyncio.to_thread(self._jobs.forget, held.node_run, held.attempt)

    async def close(self) -> None:
        """End all that is held; nothing of it is left behind."""
        self._most = 0
        for id in list(self._held):
            self._drop(id)
        await asyncio.gather(*self._ending.values())

    # a node run starts

    async def take(self, run: NodeRun, *, begin: bool) -> Held | None:
        """What is held for a node run that starts now: the caller's, who gives it back when the attempt is over.

        With `begin`, a container and a kernel are started if none are held: the attempt cannot begin at once anyway.
        """
        if run.id in self._ending:  # in the same folder
            await asyncio.wait([self._ending[run.id]])
        if begin and run.id not in self._held and self._most and self._jobs.may_wait(run.node):
            self._held[run.id] = held = self._started(run, run.attempt)
            held.early = False
        if run.id in self._held:
            await self._held[run.id].made()
        return self._held.pop(run.id, None)  # only now: what the caller does not get is ended here

    async def run(self, held: Held, job: Job, report: Reporter) -> Outcome:
        """Run a job with what was taken, or without where that does not fit."""
        return await held.run(job, report, self._became)

    async def give_back(self, held: Held) -> None:
        """End what was held if it has not ended, and give up the folders that it showed."""
        await held.drop()
        for folder in held.shown:
            self._shown[folder] -= 1
            if not self._shown[folder]:
                del self._shown[folder]
                await self._remove_twin(folder)

    # folders that are shown become artifacts

    def _show(self, job: Job) -> bool:
        """Whether the folders of this job may be shown now; if so they are, until it is given back."""
        shown = {mount.source for mount in job.mounts}
        if not shown.isdisjoint(self._closed) or not shown.isdisjoint(self._became):
            return False
        self._shown.update(shown)
        return True

    @contextlib.asynccontextmanager
    async def publishing(self, output: Path) -> AsyncIterator[bool]:
        """Around the publishing of a folder, begun when it may be renamed; gives whether a twin of it is to stay."""
        self._closed.add(output)
        try:
            for held in [held for held in self._held.values() if output in held.shown]:
                await held.mounted()
            yield output in self._shown
        finally:
            self._closed.discard(output)

    async def published(self, output: Path, home: Path) -> None:
        """Take in what became of a folder; called while it is being published."""
        self._became[output] = home
        if await asyncio.to_thread(output.is_dir):
            self._twins.add(output)
            if output not in self._shown:
                await self._remove_twin(output)

    async def _remove_twin(self, folder: Path) -> None:
        if folder in self._twins:
            self._twins.discard(folder)
            await asyncio.to_thread(remove_tree, folder)
