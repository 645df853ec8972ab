"""The tables of the store, and how facts become rows.

The `facts` table is the truth, appended in order; `runs` repeats what lists of runs need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from sqlite3 import Connection

VERSION = 1

_encode = json.JSONEncoder(allow_nan=False).encode  # made once: dumps() makes one for each fact

TABLES = {
    "about": """
        key text primary key,
        value text not null""",
    "runs": """
        id text primary key,
        pipeline text not null,
        state text not null,
        reason text not null,
        started real not null,  -- seconds since the epoch
        ended real,
        process text not null,  -- JSON: host, pid and socket of the run process
        record text not null    -- JSON: what was run, by whom, with what (semantics, "What a run records")""",
    "facts": """
        run text not null,
        number integer not null,  -- 1, 2, 3 … within the run
        at real not null,         -- seconds since the epoch
        kind text not null,
        body text not null,
        primary key (run, number)""",
    "commands": """
        number integer primary key,
        run text not null,
        at real not null,
        verb text not null,
        body text not null,
        taken real""",
    "decisions": """
        run text not null,
        node_run text not null,
        plan text not null,         -- what it was asked for; another plan is another question
        approved integer not null,  -- 1 or 0
        by text not null,
        how text not null,
        at real not null,           -- seconds since the epoch
        primary key (run, node_run, plan)""",
    "cache": """
        key text not null,       -- sha256 of all that the result followed from
        pipeline text not null,
        node_run text not null,  -- two nodes may have one key: each has its own row, to be told of
        run text not null,
        node text not null,      -- its title
        at real not null,        -- seconds since the epoch
        parts text not null,     -- JSON: what the key was made of, without anything private
        body text not null,      -- JSON: the result, or {"damaged": why it is none any more}
        primary key (key, pipeline, node_run)""",
    "repos": """
        name text primary key,
        description text not null,
        at real not null  -- seconds since the epoch""",
    "branches": """
        repo text not null,
        name text not null,
        head text,        -- the id of its latest commit
        at real not null,
        primary key (repo, name)""",
    "commits": """
        number integer primary key,  -- a later one has a greater number
        id text not null unique,     -- 40 hexadecimal digits
        repo text not null,
        branch text not null,        -- where it was made
        parent text,                 -- an id
        at real not null,
        message text not null,
        author text not null,
        artifact text not null,      -- the digest of its tree
        files integer not null,
        bytes integer not null,
        provenance text not null     -- JSON: what it was made of, for those that a run made""",
    "queries": """
        repo text not null,
        name text not null,
        glob text not null,
        at real not null,
        primary key (repo, name)""",
}
INDICES = {
    "runs_by_start": "runs (started)",
    "runs_of_pipeline": "runs (pipeline, started)",
    "runs_that_go_on": "runs (started) where ended is null",
    "commands_by_run": "commands (run, taken)",
    "cache_of_node": "cache (pipeline, node, at)",
    "commits_of_repo": "commits (repo, number)",
    "cache_of_node_run": "cache (pipeline, node_run, node, at)",
}


def make_tables(rows: Connection) -> None:
    """Make the tables and indices that are not there."""
    for name, columns in TABLES.items():
        rows.execute(f"create table if not exists {name} ({columns}\n)")
    for name, on in INDICES.items():
        rows.execute(f"create index if not exists {name} on {on}")


def is_made(rows: Connection) -> bool:
    """True when every table and index is there."""
    there = {row["name"] for row in rows.execute("select name from sqlite_master")}
    return there.issuperset(TABLES) and there.issuperset(INDICES)


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
    return type(fact).__name__.lower(), _encode(body)


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


def from_rows(kinds: Sequence[str], bodies: Sequence[str]) -> list[Fact]:
    """The facts that rows hold. Raises KeyError for a kind of a later version, ValueError for what is no JSON.

    All bodies are decoded in one go: a run of 10,000 nodes has 50,000 of them.
    """
    decoded = json.loads(f"[{','.join(bodies)}]")
    return [_READERS[kind](body) for kind, body in zip(kinds, decoded, strict=True)]
