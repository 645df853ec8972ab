"""Starting ahead: while node runs are under way, the containers and kernels of those that come next are made ready.

What is held shows the output folders of node runs that are not over (`shown`). Whether it is what the node run needs
is asked again when that starts: if not it is dropped, and the node run starts as if nothing had been held.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from .core.foresight import Foresight
from .core.lifecycle import ENDED, PASSED, Changed, Fact, Kept, NodeRun, RunSoFar, State
from .executors.contract import Executor, Job, Outcome, Reporter
from .held import Held
from .shown import Identity, Shown, identity_of

MOUNT_SECONDS = 5.0  # that publishing waits for an attempt which is just being started; then that one goes
_LOG = logging.getLogger(__name__)


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
        self._shown = Shown()

    # what comes next

    def follow(self, facts: Iterable[Fact]) -> None:
        """Take in what was recorded: drop what will not be needed, and start what comes next.

        Nothing that goes wrong here ends the run: it goes on with nothing held.
        """
        if not self._most:
            return
        try:
            for fact in facts:
                if isinstance(fact, Changed | Kept):
                    self._learn(self._run.node_runs[fact.id])
            for id, held in list(self._held.items()):
                if id in self._held and not self._is_expected(held.node_run, held.shown):
                    self._drop(id)
            self._start_more()
        except Exception as error:
            _LOG.debug("nothing is started ahead any more", exc_info=error)
            self.stop()

    def _learn(self, run: NodeRun) -> None:
        (self._starting.add if run.state is State.STARTING else self._starting.discard)(run.id)
        if run.state in (State.STARTING, *PASSED):
            self._suppose(run, run.attempt)
        if run.state in PASSED:
            self._foresight.learn(run)

    def _suppose(self, run: NodeRun, attempt: int) -> None:
        self._foreseen.extend(one.id for one in self._foresight.suppose(run, attempt))

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
        for run in islice(self._queued(), 2 * self._most):  # no further: it is asked at each event
            if self._has_room() and run.attempt == run.tried_before:
                self._start(run, run.attempt + 1)
        while self._foreseen and self._has_room():
            run = self._foresight.run.node_runs[self._foreseen.popleft()]
            if run.id not in self._run.node_runs and run.id not in self._run.past:
                self._start(run, 1)

    def _has_room(self) -> bool:
        booting = len(self._starting) + sum(not held.is_ready for held in self._held.values())
        return len(self._held) < self._most and booting < max(1, self._most // 2)

    def _start(self, run: NodeRun, attempt: int) -> None:
        """Start an attempt ahead, unless there is one, or it may not wait."""
        busy = run.id in self._held or run.id in self._ending
        if busy or not self._jobs.may_wait(run.node) or not self._is_expected(run):
            return
        self._suppose(run, attempt)
        make, executor = partial(self._jobs.make, run, attempt), self._jobs.executor_of(run.node)
        self._held[run.id] = Held(run, attempt, executor, make, self._show, lambda: self.follow(()))

    def _show(self, job: Job) -> dict[Path, Identity] | None:
        return self._shown.show({mount.source for mount in job.mounts})

    # what is not needed

    def stop(self) -> None:
        """Start nothing more ahead, and drop what is held."""
        self._most = 0
        for id in list(self._held):
            self._drop(id)

    def _drop(self, id: str) -> None:
        if id not in self._held:
            return
        held = self._held.pop(id)
        # What counts on it goes first: it shows the folder that goes with this one.
        counting = [other for other, one in self._held.items() if id in one.node_run.created.before()]
        for other in counting:
            self._drop(other)
        first = [self._ending[other] for other in counting if other in self._ending]
        self._ending[id] = ending = asyncio.create_task(self._end(held, first))
        ending.add_done_callback(lambda task: self._ending.pop(id) if self._ending.get(id) is task else None)

    async def _end(self, held: Held, first: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*first, return_exceptions=True)
        await self.give_back(held)
        await asyncio.to_thread(self._jobs.forget, held.node_run, held.attempt)

    async def close(self) -> None:
        """End all that is held; nothing of it is left behind."""
        self.stop()
        await asyncio.gather(*self._ending.values(), return_exceptions=True)

    # a node run starts

    async def take(self, run: NodeRun, *, begin: bool) -> Held | None:
        """What is held for a node run that starts now: the caller's, who gives it back when the attempt is over.

        With `begin`, a container and a kernel are started if none are held: the attempt cannot begin at once anyway.
        """
        while run.id in self._ending:  # in the same folder
            await asyncio.wait([self._ending[run.id]])
        if begin and self._most and run.id not in self._held:
            self._start(run, run.attempt)
            if run.id in self._held:
                self._held[run.id].early = False
        if run.id in self._held:
            await self._held[run.id].made()
        while run.id in self._ending:  # it was dropped meanwhile
            await asyncio.wait([self._ending[run.id]])
        return self._held.pop(run.id, None)  # only now: what the caller does not get is ended here

    async def run(self, held: Held, job: Job, report: Reporter) -> Outcome:
        """Run a job with what was taken, or without where that does not fit."""
        return await held.run(job, report, self._shown.same)

    async def give_back(self, held: Held) -> None:
        """End what was held if it has not ended, and give up the folders that it showed."""
        await held.drop()
        shown, held.shown = held.shown, {}
        await self._shown.hide(shown)

    # folders that are shown become artifacts

    @contextlib.asynccontextmanager
    async def publishing(self, output: Path) -> AsyncIterator[Publishing]:
        """Around the publishing of a folder, begun when it may be renamed."""
        with self._shown.closed(output):
            for id, held in list(self._held.items()):
                if output in held.shown and id in self._held:
                    await self._wait_until_mounted(id, held)
            yield Publishing(self._shown, output)

    async def _wait_until_mounted(self, id: str, held: Held) -> None:
        try:
            await asyncio.wait_for(held.mounted(), MOUNT_SECONDS)
        except TimeoutError:
            self._drop(id)
            await asyncio.wait([self._ending[id]])


class Publishing:
    """One folder on its way to become an artifact. `stays`: somebody shows it, so a twin of it is to stay."""

    def __init__(self, shown: Shown, output: Path) -> None:
        self._shown = shown
        self._output = output
        self._identity = identity_of(output)
        self.stays = shown.is_shown(output)

    async def done(self, home: Path) -> None:
        """Take in as which artifact it was published."""
        await self._shown.published(self._output, self._identity, home)
