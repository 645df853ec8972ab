"""How many node runs a second are decided, recorded and followed up when their work takes no time at all.

10,000 nodes, each after two others, in a store on the disk. Nothing here fails on a time; on a machine that is not
quiet the times of the processor say more than those of the clock.
Run it alone: pytest -m benchmark -s tests/benchmarks/test_throughput.py; BENCH_ROUNDS sets the rounds (5).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner import engine as engines
from dagbook.runner.ahead import Ahead
from dagbook.runner.core.events import Action, AttemptEnded, AttemptRuns, Begin, Event, Start
from dagbook.runner.core.foresight import Foresight
from dagbook.runner.core.lifecycle import Fact, NodeRun, RunState, State
from dagbook.runner.core.model import Node, OnError, Pipeline
from dagbook.runner.core.scheduler import Scheduler
from dagbook.runner.engine import Engine
from dagbook.runner.records.store import Store
from tests.test_engine import Forgetful, Instant, Jobs

pytestmark = pytest.mark.benchmark
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
NODES, WITH_FOLDERS = 10_000, 1_000
JOBS = 8
LEFT = {"executor": "instant", "artifact": "0" * 64, "files": 0, "bytes": 0}


def pipeline_of(nodes: int) -> Pipeline:
    before = [sorted({max(0, i - 8), max(0, i - 17)}) if i > 17 else [] for i in range(nodes)]
    return Pipeline(nodes=tuple(Node(title=f"n{i}", after=tuple(f"n{j}" for j in js)) for i, js in enumerate(before)))


class AtOnce:
    """Attempts that are over at once, and touch nothing."""

    def __init__(self, *_given: object) -> None:
        pass

    async def run(self, start: Start, run: NodeRun, news: Any, ends_well: Callable[[], object]) -> AttemptEnded:
        news.tell(AttemptRuns(start.id, start.attempt))
        await asyncio.sleep(0)  # it is told by then
        ends_well()
        return AttemptEnded(start.id, start.attempt, State.SUCCEEDED, "", LEFT)


def commit_each(store: Store, pipeline: Pipeline) -> RunState:
    """The scheduler alone, each event recorded by itself."""
    run, scheduler = store.add_run("bench", {}, {}), Scheduler(pipeline, JOBS, OnError.STOP_NEXT)
    recorded = 0
    events: list[Event] = [Begin()]
    while events:
        facts: list[Fact] = []
        actions: list[Action] = []
        decision = scheduler.handle(events.pop())
        facts += decision.facts
        actions += decision.actions
        recorded = store.append(run, recorded, facts)
        for action in actions:
            assert isinstance(action, Start)
            events.append(AttemptEnded(action.id, action.attempt, State.SUCCEEDED, "", LEFT))
            events.append(AttemptRuns(action.id, action.attempt))
    return scheduler.run.state


def run_engine(store: Store, pipeline: Pipeline) -> RunState:
    """The engine as it is, with as many node runs at once as there is room for."""
    run, scheduler = store.add_run("bench", {}, {}), Scheduler(pipeline, JOBS, OnError.STOP_NEXT)
    jobs = KnownJobs(store.folder / "work", Instant())
    jobs.nodes = {node.title: node for node in pipeline.nodes}
    ahead = Ahead(scheduler.run, Foresight(pipeline), jobs, scheduler.queued, most=0)
    return asyncio.run(Engine(store, run, scheduler, jobs, Forgetful(), ahead).run()).state


class KnownJobs(Jobs):
    """Jobs with nothing but a folder."""

    nodes: dict[str, Node]

    def node_of(self, title: str) -> Node:
        return self.nodes[title]


def test_throughput(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large, small = pipeline_of(NODES), pipeline_of(WITH_FOLDERS)

    def without_attempts(store: Store, pipeline: Pipeline) -> RunState:
        with monkeypatch.context() as patch:
            patch.setattr(engines, "Attempts", AtOnce)
            return run_engine(store, pipeline)

    kinds: dict[str, tuple[Callable[[Store, Pipeline], RunState], Pipeline]] = {
        "scheduler, a commit for each event": (commit_each, large),
        "engine, attempts that touch nothing": (without_attempts, large),
        "engine, folders and publishing": (run_engine, small),
    }
    wall: dict[str, list[float]] = {name: [] for name in kinds}
    processor: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (work, pipeline) in kinds.items():
            with closing(Store(tmp_path / "store")) as store:
                before, used = time.perf_counter(), time.process_time()
                assert work(store, pipeline) is RunState.SUCCEEDED
                wall[name].append(len(pipeline.nodes) / (time.perf_counter() - before))
                processor[name].append(1e6 * (time.process_time() - used) / len(pipeline.nodes))
            shutil.rmtree(tmp_path / "store")
    print(f"\n{'node runs a second, n=' + str(ROUNDS):38}{'median':>8}{'min':>8}{'max':>8}{'processor, µs each':>22}")
    for name, found in wall.items():
        figures = f"{statistics.median(found):8.0f}{min(found):8.0f}{max(found):8.0f}"
        print(f"{name:38}{figures}{statistics.median(processor[name]):16.0f}{min(processor[name]):6.0f}")
