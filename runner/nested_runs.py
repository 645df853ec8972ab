"""A node run that is a whole run: begun, or gone on with, in this process; what it comes to is the node run's.

It is a run like any other: with an id, a record and a bell of its own, to be shown, cancelled and decided on by itself.
Its nodes take their turns with those of the run around it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .around import Around, with_around
from .attempt import News
from .core.errors import DagbookError
from .core.events import AttemptAsks, AttemptEnded, AttemptRuns, Start
from .core.lifecycle import BROKEN, Fact, NodeRun, RunChanged, RunSoFar, RunState, State
from .core.nested import left_of, logged_by
from .core.upstream import NoInput
from .narrator import Narrator
from .plan import Plan
from .records.leaves import publish_leaves
from .records.processes import user_name
from .records.room import in_words
from .records.settling import settle
from .records.store import Store
from .resume import Resumption, resume_from

_AROUND_CANCELLED = "the run around it was cancelled"

Heard = Callable[[Sequence[Fact], RunSoFar], None]


class Within(Protocol):
    """A run that is run within another one; `host.Hosted` is it."""

    id: str

    async def run_within(self, heard: Heard) -> RunSoFar:
        """Run it to its end; `heard` is told what was recorded, and what the run has come to."""
        ...

    def cancel(self, reason: str) -> None:
        """End it, in order."""
        ...


class JobsAround(Protocol):
    """Knows what nodes see from around their pipeline; `jobs.Jobs` is the one that runs use."""

    def around(self, run: NodeRun, attempt: int) -> Around:
        """What the nodes of a pipeline that is a node see from around it. Raises NoInput for what cannot be had."""
        ...

    def timeout_of(self, title: str) -> float | None:
        """Seconds that an attempt may take; None for no limit."""
        ...


@dataclass(slots=True)
class NestedRuns:
    """Runs those node runs of the run `run` that are runs themselves. `begin` makes one known, new or resumed."""

    plan: Plan
    store: Store
    run: str
    jobs: JobsAround
    changed: Callable[[NodeRun], str]
    begin: Callable[[Plan, Resumption | None], Within]

    async def attempt(
        self, start: Start, run: NodeRun, news: News, ends_well: Callable[[], object]
    ) -> AttemptEnded | None:
        """Run one attempt and say how it ended; None when it waits for somebody's decision and nobody waits for that.

        Cancelling this cancels the run within.
        """
        if words := await asyncio.to_thread(self.changed, run):
            return AttemptEnded(start.id, start.attempt, State.FAILED, words)
        try:
            around = await asyncio.to_thread(self.jobs.around, run, start.attempt)
            plan = self._planned(run, around)
            within = await self._begin(plan, run)
        except NoInput as fault:
            return AttemptEnded(start.id, start.attempt, State.FAILED, str(fault))
        except DagbookError as error:
            reason = "; ".join(one.as_reason() for one in error.problems)
            return AttemptEnded(start.id, start.attempt, State.FAILED, reason)
        return await _Attempt(self, start, run, news, plan, within).see_through(ends_well)

    async def _begin(self, plan: Plan, run: NodeRun) -> Within:
        """The run of this node run. Cancelled at that moment, it begins all the same, to be over in order."""
        beginning = asyncio.ensure_future(asyncio.to_thread(self._begun, plan, run))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await _over(beginning)
            if beginning.exception() is None:
                beginning.result().cancel(_AROUND_CANCELLED)
                await _over(asyncio.ensure_future(beginning.result().run_within(lambda _facts, _run: None)))
            raise

    def _planned(self, run: NodeRun, around: Around) -> Plan:
        """The plan of the run within, with what only this node run knows: values of parameters, what is before it."""
        plan = self.plan.inner[run.node]
        pipeline = plan.pipeline.model_copy(update={"parameters": {**plan.pipeline.parameters, **run.created.params}})
        asked = plan.asked.model_copy(update={"around": around, "pipeline": pipeline})
        contents = with_around(plan.contents, (node.title for node in pipeline.nodes), around)
        return replace(plan, asked=asked, pipeline=pipeline, contents=contents)

    def _begun(self, plan: Plan, run: NodeRun) -> Within:
        """The run of this node run: one that an earlier attempt has begun goes on, and keeps what is done.

        One that somebody rejected is over for good; if this node run has learnt of it, another one is begun.
        """
        earlier = self.store.run_within(plan.pipeline.name, self.run, run.id)
        if earlier is None:
            return self.begin(plan, None)
        settle(self.store, earlier)
        if self.store.find(earlier.id).state is RunState.REJECTED and not self._waited(run):
            return self.begin(plan, None)
        how = f'as the node "{run.node}" of run {self.run}'
        resumed, _, _ = resume_from(self.store, earlier.id, how=how)
        return self.begin(plan, replace(resumed, by=f"{user_name()} {how}"))

    def _waited(self, run: NodeRun) -> bool:
        """Whether the last that was known of this node run is that it waits for somebody."""
        stories = [entry.fact for entry in self.store.facts(self.run)]
        states = [fact.state for fact in stories if getattr(fact, "id", "") == run.id and hasattr(fact, "state")]
        before = [state for state in states if state not in (State.WAITING, State.QUEUED, State.STARTING)]
        return bool(before) and before[-1] is State.PENDING_APPROVAL


@dataclass(slots=True)
class _Attempt:
    """One attempt, from when its run has begun."""

    runs: NestedRuns
    start: Start
    run: NodeRun
    news: News
    plan: Plan
    within: Within
    asking: bool = False

    async def see_through(self, ends_well: Callable[[], object]) -> AttemptEnded | None:
        store, runs = self.runs.store, self.runs
        folder = store.attempt_folder(runs.run, self.run.id, self.start.attempt)
        told = {"nested": {"run": self.within.id, "pipeline": self.plan.pipeline.name}}
        record = folder / "notebook.ipynb"
        image = {"reference": "", "digest": ""}
        detail = {"executor": "pipeline", "image": image, "notebook": str(record), "overhead_s": 0.0, **told}
        self.news.tell(AttemptRuns(self.start.id, self.start.attempt, told))
        narrator = Narrator(store, self.within.id, folder, self.plan.pipeline, self.news.ring)
        try:
            async with narrator:
                so_far, state, reason = await self._to_its_end(narrator)
        except asyncio.CancelledError:
            return self._ended(State.CANCELLED, "the run was cancelled", detail)
        finally:
            await asyncio.to_thread(narrator.write_record, record)
        if state is not None:
            return self._ended(state, reason, detail)
        if so_far.state is RunState.PENDING_APPROVAL:
            self._ask(so_far, told)
            return None
        if so_far.state is not RunState.SUCCEEDED:
            return self._failed(so_far, detail)
        ends_well()
        return await self._publish(so_far, detail)

    async def _to_its_end(self, narrator: Narrator) -> tuple[RunSoFar, State | None, str]:
        """Run it; with the state that the node run is in when that does not follow from the run within."""

        def heard(facts: Sequence[Fact], so_far: RunSoFar) -> None:
            narrator.heard(facts, so_far)
            for fact in facts:
                if isinstance(fact, RunChanged) and self.plan.asked.waits:
                    self._learn(fact, so_far)

        limit = self.runs.jobs.timeout_of(self.run.node)
        task = asyncio.ensure_future(self.within.run_within(heard))
        try:
            async with asyncio.timeout(limit) as clock:
                return await asyncio.shield(task), None, ""
        except TimeoutError:
            if not clock.expired():
                raise
            reason = f"it took longer than its --timeout of {limit:g} s"
            self.within.cancel(reason)
            await _over(task)
            return task.result(), State.TIMED_OUT, reason
        except asyncio.CancelledError:
            self.within.cancel(_AROUND_CANCELLED)
            await _over(task)
            raise

    def _learn(self, fact: RunChanged, so_far: RunSoFar) -> None:
        """Tell the run around that this one waits for people, or goes on."""
        if fact.state is RunState.PENDING_APPROVAL:
            self._ask(so_far, {})
        elif fact.state is RunState.RUNNING and self.asking:
            self.asking = False
            self.news.tell(AttemptRuns(self.start.id, self.start.attempt))

    def _ask(self, so_far: RunSoFar, told: dict[str, Any]) -> None:
        self.asking = True
        pending = [one for one in so_far.node_runs.values() if one.state is State.PENDING_APPROVAL]
        approvers = dict.fromkeys(user for one in pending for user in one.detail.get("approvers", ()))
        words = ", ".join(f"{one.id} {one.reason}" for one in pending)
        reason = f"{words} (run {self.within.id})"
        self.news.tell(AttemptAsks(self.start.id, self.start.attempt, reason, {"approvers": list(approvers), **told}))

    def _failed(self, so_far: RunSoFar, detail: dict[str, Any]) -> AttemptEnded:
        """Why it failed: the first of its nodes that did, with the user's own traceback."""
        name, id = self.plan.pipeline.name, self.within.id
        first = next((one for one in so_far.node_runs.values() if one.state in BROKEN), None)
        if first is None:
            words = so_far.reason if so_far.state is RunState.FAILED else f"{so_far.state}: {so_far.reason}"
            return self._ended(State.FAILED, f"run {id} of {name}: {words}", detail)
        nested = {**detail["nested"], "failed": first.id}
        found: dict[str, Any] = {**detail, "nested": nested}
        if error := first.detail.get("error"):
            found["error"] = {**error, "cell": None}
        word = "failed" if first.state is State.FAILED else first.state.replace("_", " ")
        return self._ended(State.FAILED, f"{first.id} {word} in run {id} of {name}: {first.reason}", found)

    async def _publish(self, so_far: RunSoFar, detail: dict[str, Any]) -> AttemptEnded:
        began = time.monotonic()
        left = left_of(self.plan.pipeline, so_far)
        try:
            artifact = await asyncio.to_thread(publish_leaves, self.runs.store, self.within.id, left)
        except (OSError, DagbookError) as error:
            why = in_words(error, self.runs.store.folder) if isinstance(error, OSError) else error
            return self._ended(State.FAILED, f"its output could not be stored: {why}", detail)
        for fact in logged_by(left, self.start.id):
            self.news.tell(fact)
        about = {"artifact": artifact.digest, "files": artifact.files, "bytes": artifact.bytes}
        spent = {"overhead_s": round(time.monotonic() - began, 4)}
        return self._ended(State.SUCCEEDED, "", {**detail, **about, **spent})

    def _ended(self, state: State, reason: str, detail: dict[str, Any]) -> AttemptEnded:
        return AttemptEnded(self.start.id, self.start.attempt, state, reason, detail)


async def _over(task: asyncio.Future[Any]) -> None:
    """Wait for the end of something in any case: who is cancelled again meanwhile waits all the same."""
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
