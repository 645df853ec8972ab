"""The engine with an executor that does nothing: what it records, and that it always comes to an end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.ahead import Ahead
from dagbook.runner.core.errors import Problem
from dagbook.runner.core.events import Earlier
from dagbook.runner.core.foresight import Foresight
from dagbook.runner.core.lifecycle import NodeRun, RunState, State
from dagbook.runner.core.model import Kind, Node, OnError, Pipeline
from dagbook.runner.core.scheduler import Scheduler
from dagbook.runner.engine import Engine
from dagbook.runner.executors.contract import Job, Outcome, Reporter, Runtime
from dagbook.runner.executors.gate import Gate
from dagbook.runner.parts import Left, Part, Parts
from dagbook.runner.records.long_work import Cancel
from dagbook.runner.records.store import Store


class Instant:
    """An executor whose node runs end at once: titles in `bad` fail, those in `endless` wait to be cancelled."""

    name = "instant"
    closes_network = True
    holds = frozenset(Kind)

    def __init__(self, bad: Sequence[str] = (), endless: Sequence[str] = ()) -> None:
        self._bad, self._endless = bad, endless
        self.started: list[str] = []
        self.ended: list[str] = []

    def prepare(self, needs: Any, tell: Any) -> tuple[dict[str, Runtime], list[Problem]]:
        return {}, []

    async def run(self, job: Job, report: Reporter, gate: Gate | None = None) -> Outcome:
        if gate is not None:
            job = await self._wait_at(gate)
        self.started.append(job.title)
        try:
            if job.title in self._endless:
                await asyncio.get_running_loop().create_future()
            return Outcome(job.title not in self._bad, reason="it is bad" if job.title in self._bad else "")
        finally:
            self.ended.append(job.title)

    @staticmethod
    async def _wait_at(gate: Gate) -> Job:
        gate.ready()
        try:
            return (await asyncio.to_thread(gate.wait, lambda: False)).job
        finally:
            gate.close()  # for the thread of one that is cancelled

    async def close(self) -> None:
        pass


class Jobs:
    """Jobs with nothing but a folder."""

    def __init__(self, folder: Path, executor: Instant, limit: float | None = None) -> None:
        self._folder, self._executor, self._limit = folder, executor, limit

    def executor_of(self, title: str) -> Instant:
        return self._executor

    def timeout_of(self, title: str) -> float | None:
        return self._limit

    def node_of(self, title: str) -> Node:
        return Node(title=title)

    def may_wait(self, title: str) -> bool:
        return True

    def output_of(self, run: NodeRun) -> Path:
        return self._folder / run.id / str(max(run.attempt, 1)) / "output"

    def forget(self, run: NodeRun, attempt: int) -> None:
        shutil.rmtree(self._folder / run.id / str(attempt))

    def make(self, run: NodeRun, attempt: int) -> Job:
        folder = self._folder / run.id / str(attempt)
        (folder / "output").mkdir(parents=True, exist_ok=True)
        runtime = Runtime("nothing", "0")
        return Job(run.id, run.id, run.node, Kind.CELL, runtime, folder / "notebook.ipynb", folder / "output")

    def parts(self, run: NodeRun, attempt: int, job: Job) -> Parts | None:
        return None

    def deployment(self, run: NodeRun, attempt: int) -> tuple[Path, str]:
        raise AssertionError("there is no deployment here")

    def leave(self, run: NodeRun, attempt: int, job: Job) -> list[str]:
        return []


class Forgetful:
    """A memory that knows nothing."""

    def find(self, run: NodeRun) -> tuple[Earlier | None, str]:
        return None, "it never ran"

    def keep(self, run: NodeRun) -> None:
        pass

    def changed(self, run: NodeRun) -> str:
        return ""

    def published(self, run: NodeRun, digest: str) -> str:
        return ""

    def find_part(self, node: str, part: Part) -> Left | None:
        return None

    def keep_parts(self, run: NodeRun, left: Sequence[tuple[Part, Left]]) -> None:
        pass

    def fetch(self, run: NodeRun, cancel: Cancel) -> dict[str, Any]:
        raise AssertionError("there is no dataset here")


def engine_for(tmp_path: Path, pipeline: Pipeline, executor: Instant, rule: OnError, jobs: int = 1) -> Engine:
    store = Store(tmp_path / ".dagbook")
    run = store.add_run("demo", {"pipeline": {"nodes": []}}, {})
    scheduler, made = Scheduler(pipeline, jobs, rule), Jobs(tmp_path / "work", executor)
    ahead = Ahead(scheduler.run, Foresight(pipeline), made, scheduler.queued, most=2)
    return Engine(store, run, scheduler, made, Forgetful(), ahead)


CHAIN = Pipeline(nodes=(Node(title="a"), Node(title="b", after=("a",))))


@pytest.mark.parametrize("steps", range(12))
def test_a_run_that_is_cancelled_at_any_moment_ends(tmp_path: Path, steps: int) -> None:
    """Also between the decision to start an attempt and its first step."""
    engine = engine_for(tmp_path, CHAIN, Instant(), OnError.STOP_NEXT)

    async def scenario() -> RunState:
        running = asyncio.create_task(engine.run())
        for _ in range(steps):
            await asyncio.sleep(0)
        engine.cancel("a test")
        return (await asyncio.wait_for(running, 30)).state

    assert asyncio.run(scenario()) in (RunState.CANCELLED, RunState.SUCCEEDED)


def test_a_cancel_that_waits_when_the_run_begins_ends_it(tmp_path: Path) -> None:
    executor = Instant(endless=["a"])
    engine = engine_for(tmp_path, CHAIN, executor, OnError.STOP_NEXT)

    async def scenario() -> RunState:
        engine.cancel("a test")
        return (await asyncio.wait_for(engine.run(), 30)).state

    assert asyncio.run(scenario()) is RunState.CANCELLED


def test_stop_all_ends_what_was_only_just_started(tmp_path: Path) -> None:
    nodes = (Node(title="bad"), Node(title="slow"), Node(title="c"), Node(title="d", after=("c",)))
    executor = Instant(bad=["bad"], endless=["slow", "d"])
    engine = engine_for(tmp_path, Pipeline(nodes=nodes), executor, OnError.STOP_ALL, jobs=3)
    so_far = asyncio.run(_bounded(engine))
    assert so_far.state is RunState.FAILED
    assert so_far.node_runs["slow"].state is State.CANCELLED
    assert sorted(executor.ended) == sorted(executor.started)  # what had begun was ended, too


async def _bounded(engine: Engine) -> Any:
    return await asyncio.wait_for(engine.run(), 30)


def test_what_the_store_holds_is_the_state_that_the_engine_returns(tmp_path: Path) -> None:
    engine = engine_for(tmp_path, CHAIN, Instant(bad=["b"]), OnError.STOP_NEXT)
    so_far = asyncio.run(_bounded(engine))
    with contextlib.closing(Store(tmp_path / ".dagbook")) as store:
        (row,) = store.runs()
        kept = store.state_of(row.id)
    assert kept.state == so_far.state == RunState.FAILED
    assert {id: run.state for id, run in kept.node_runs.items()} == {"a": State.SUCCEEDED, "b": State.FAILED}
    assert len(kept.node_runs["a"].detail["artifact"]) == 64
