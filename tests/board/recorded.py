"""Runs in a real store, made of the facts that a run process would have written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dagbook.runner.core.lifecycle import Changed, Created, Fact, State, Tagged
from dagbook.runner.core.model import Pipeline
from dagbook.runner.core.routes import name_of
from dagbook.runner.core.values import Value
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store

_STARTED = (State.QUEUED, State.STARTING, State.RUNNING)
_WAYS: Mapping[State, tuple[State, ...]] = {  # to the states that are not reached by running
    State.WAITING: (),
    State.PENDING_APPROVAL: (State.PENDING_APPROVAL,),
    State.QUEUED: (State.QUEUED,),
    State.STARTING: (State.QUEUED, State.STARTING),
    State.RUNNING: _STARTED,
    State.CACHED: (State.CACHED,),
    State.SKIPPED: (State.SKIPPED,),
    State.UPSTREAM_FAILED: (State.UPSTREAM_FAILED,),
    State.REJECTED: (State.PENDING_APPROVAL, State.REJECTED),
}


def node_run(
    pipeline: Pipeline,
    title: str,
    state: State,
    coordinates: tuple[int, ...] = (),
    route: Mapping[str, Value] | None = None,
    parents: Mapping[str, str] | None = None,
    tags: Mapping[str, Value] | None = None,
    reason: str = "",
) -> list[Fact]:
    """The facts of a node run that has come to `state`; `route` are the values that its own grid chose for it."""
    node = pipeline.node(title)
    id = name_of(node.slug, coordinates)
    routes = {node.title: dict(route)} if route else {}
    facts: list[Fact] = [Created(id, node.title, coordinates, dict(route or {}), routes, dict(parents or {}))]
    way = _WAYS.get(state, (*_STARTED, state))
    for step in way:
        facts.append(Changed(id, step, int(step is State.STARTING), reason if step is way[-1] else ""))
        if step in (State.RUNNING, State.CACHED):
            facts += [Tagged(id, name, value, 1.0) for name, value in (tags or {}).items()]
    return facts


def recorded(folder: Path, pipeline: Pipeline, facts: Iterable[Fact]) -> Follower:
    """A run of the pipeline in a store of its own, as far as these facts tell."""
    store = Store(folder / ".dagbook")
    run = store.add_run(pipeline.name, {"pipeline": pipeline.model_dump(mode="json")}, {"host": "elsewhere", "pid": 1})
    store.append(run, 0, list(facts))
    follower = Follower(store, run)
    follower.update()
    return follower
