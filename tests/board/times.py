"""Runs in a real store whose facts have times of the test's own choice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagbook.runner.core.lifecycle import Changed, Created, Fact, RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.names import slug_of
from dagbook.runner.core.values import Value
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.schema import to_row
from dagbook.runner.records.store import Store

START = 1_000_000.0  # seconds since the epoch at which runs begin
Timed = tuple[float, Fact]  # seconds since the run began


def pipeline_of(*nodes: Node, name: str = "demo") -> Pipeline:
    return Pipeline(name=name, nodes=nodes)


def chain(*titles: str) -> Pipeline:
    """Nodes one after the other."""
    before = (None, *titles)
    made = (Node(title=title, after=(last,) if last else ()) for title, last in zip(titles, before, strict=False))
    return pipeline_of(*made)


def add_run(
    store: Store,
    pipeline: Pipeline,
    told: Sequence[Timed],
    *,
    jobs: int = 2,
    began: float = START,
    process: Mapping[str, Any] | None = None,
) -> str:
    """A run with these facts; one without an end in them goes on."""
    record = {"pipeline": pipeline.model_dump(mode="json"), "settings": {"jobs": jobs}, "reused": []}
    run = store.add_run(pipeline.name, record, dict(process or {"host": "elsewhere", "pid": 1}))
    ends = [(at, fact) for at, fact in told if isinstance(fact, RunChanged)]
    with store.writing() as rows:
        rows.execute("update runs set started = ? where id = ?", (began, run))
        for number, (at, fact) in enumerate(told, 1):
            row = (run, number, began + at, *to_row(fact))
            rows.execute("insert into facts (run, number, at, kind, body) values (?, ?, ?, ?, ?)", row)
        for at, fact in ends:
            over = fact.state not in (RunState.RUNNING, RunState.PENDING_APPROVAL)
            values = (fact.state, fact.reason, began + at if over else None, run)
            rows.execute("update runs set state = ?, reason = ?, ended = ? where id = ?", values)
    return run


def followed(store: Store, run: str) -> Follower:
    follower = Follower(store, run)
    follower.update()
    return follower


def created(id: str, node: str, at: float, *parents: str, route: Mapping[str, Value] | None = None) -> Timed:
    """A node run that comes to be after its parents' runs; its place in its grid is the number in its id."""
    place = tuple(int(part) for part in id.partition("#")[2].split(".") if part)
    chosen = {node: dict(route)} if route else {}
    return at, Created(id, node, place, dict(route or {}), chosen, {one.partition("#")[0]: one for one in parents})


def went(id: str, at: float, state: State, attempt: int = 1, reason: str = "", **detail: Any) -> Timed:
    return at, Changed(id, state, attempt, reason, json.loads(json.dumps(detail)))


def ran(
    id: str,
    node: str,
    born: float,
    begun: float,
    ended: float | None,
    *parents: str,
    state: State = State.SUCCEEDED,
    route: Mapping[str, Value] | None = None,
    reason: str = "",
) -> list[Timed]:
    """A node run that waited from `born`, began at `begun`, and ended; None: it goes on."""
    told = [created(id, node, born, *parents, route=route), went(id, born, State.QUEUED)]
    told += [went(id, begun, State.STARTING), went(id, begun, State.RUNNING)]
    if ended is not None:
        told.append(went(id, ended, state, 1, reason, duration_s=ended - begun))
    return told


def over(at: float, state: RunState = RunState.SUCCEEDED, reason: str = "") -> Timed:
    return at, RunChanged(state, reason)


def finished(store: Store, seconds: Mapping[str, float], began: float = START) -> str:
    """A run that succeeded, of a chain of nodes that took this long."""
    told: list[Timed] = []
    at, before = 0.0, ()  # type: float, tuple[str, ...]
    for title, took in seconds.items():
        told += ran(slug_of(title), title, at, at, at + took, *before)
        at, before = at + took, (slug_of(title),)
    return add_run(store, chain(*seconds), [*told, over(at)], began=began)


def open_store(folder: Path) -> Store:
    return Store(folder / ".dagbook")
