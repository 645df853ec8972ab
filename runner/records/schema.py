"""The tables of the store, and how facts become rows.

The `facts` table is the truth, appended in order; `runs` repeats what lists of runs need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from ..core.lifecycle import (
    Answered,
    Changed,
    Created,
    Fact,
    Kept,
    Pictured,
    Resumed,
    RunChanged,
    RunState,
    State,
    Tagged,
)
from ..core.values import from_json, to_json

VERSION = 1

metadata = MetaData()

about = Table("about", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("pipeline", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("started", Float, nullable=False),  # seconds since the epoch
    Column("ended", Float),
    Column("process", Text, nullable=False),  # JSON: host, pid and socket of the run process
    Column("record", Text, nullable=False),  # JSON: what was run, by whom, with what (semantics, "What a run records")
    Index("runs_by_start", "started"),
)

facts = Table(
    "facts",
    metadata,
    Column("run", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 … within the run
    Column("at", Float, nullable=False),  # seconds since the epoch
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("verb", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("taken", Float),
    Index("commands_by_run", "run", "taken"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("run", String, primary_key=True),
    Column("node_run", String, primary_key=True),
    Column("plan", String, primary_key=True),  # what it was asked for; another plan is another question
    Column("approved", Integer, nullable=False),  # 1 or 0
    Column("by", String, nullable=False),
    Column("how", String, nullable=False),
    Column("at", Float, nullable=False),  # seconds since the epoch
)

cache = Table(
    "cache",
    metadata,
    Column("key", String, primary_key=True),  # sha256 of all that the result followed from
    Column("pipeline", String, primary_key=True),
    Column("node_run", String, primary_key=True),  # two nodes may have one key: each has its own row, to be told of
    Column("run", String, nullable=False),
    Column("node", String, nullable=False),  # its title
    Column("at", Float, nullable=False),  # seconds since the epoch
    Column("parts", Text, nullable=False),  # JSON: what the key was made of, without anything private
    Column("body", Text, nullable=False),  # JSON: the result, or {"damaged": why it is none any more}
    Index("cache_by_node", "pipeline", "node"),
)


def _values(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_json(value) for name, value in named.items()}


def _read_values(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: from_json(value) for name, value in named.items()}


def to_row(fact: Fact) -> tuple[str, str]:
    """The kind and the JSON body of a fact."""
    match fact:
        case Created():
            body: dict[str, Any] = {
                "id": fact.id,
                "node": fact.node,
                "coordinates": fact.coordinates,
                "params": _values(fact.params),
                "route": {node: _values(chosen) for node, chosen in fact.route.items()},
                "parents": dict(fact.parents),
                "gathered": dict(fact.gathered),
                "waited": dict(fact.waited),
                "plan": fact.plan,
                "because": fact.because,
            }
        case Changed():
            body = {"id": fact.id, "state": fact.state, "attempt": fact.attempt, "reason": fact.reason}
            body["detail"] = dict(fact.detail)
        case Tagged():
            body = {"id": fact.id, "name": fact.name, "value": to_json(fact.value), "step": to_json(fact.step)}
        case Pictured():
            body = {"id": fact.id, "name": fact.name, "step": to_json(fact.step), "file": fact.file}
        case RunChanged():
            body = {"state": fact.state, "reason": fact.reason}
        case Answered() | Resumed() | Kept():
            body = asdict(fact)
    return type(fact).__name__.lower(), json.dumps(body, allow_nan=False)


def _created(body: dict[str, Any]) -> Created:
    route = {node: _read_values(chosen) for node, chosen in body["route"].items()}
    place = tuple(body["coordinates"])
    gathered, waited = (
        {title: tuple(runs) for title, runs in body.get(name, {}).items()} for name in ("gathered", "waited")
    )
    said = {"plan": body.get("plan", ""), "because": body.get("because", "")}
    params = _read_values(body["params"])
    return Created(body["id"], body["node"], place, params, route, body["parents"], gathered, waited, **said)


def _changed(body: dict[str, Any]) -> Changed:
    return Changed(body["id"], State(body["state"]), body["attempt"], body["reason"], body["detail"])


def _tagged(body: dict[str, Any]) -> Tagged:
    step = from_json(body["step"])
    return Tagged(body["id"], body["name"], from_json(body["value"]), step)  # type: ignore[arg-type]


def _pictured(body: dict[str, Any]) -> Pictured:
    step = from_json(body["step"])
    return Pictured(body["id"], body["name"], step, body["file"])  # type: ignore[arg-type]


def _run_changed(body: dict[str, Any]) -> RunChanged:
    return RunChanged(RunState(body["state"]), body["reason"])


_READERS: dict[str, Callable[[dict[str, Any]], Fact]] = {
    "created": _created,
    "changed": _changed,
    "tagged": _tagged,
    "pictured": _pictured,
    "runchanged": _run_changed,
    "answered": lambda body: Answered(**body),
    "resumed": lambda body: Resumed(**body),
    "kept": lambda body: Kept(**body),
}


def from_row(kind: str, body: str) -> Fact:
    """The fact that a row holds. Raises KeyError for a kind of a later version."""
    return _READERS[kind](json.loads(body))
