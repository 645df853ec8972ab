"""Many runs at a glance: what their node runs came to and how long they took, each in one query, without the facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Problem
from ..core.lifecycle import RunState, State
from .processes import alive
from .store import RunRow, Store


@dataclass(frozen=True, slots=True)
class Past:
    """A node run of a run that was: its id, how it ended, and the seconds that its last attempt took (None: none)."""

    run: str
    id: str
    state: State
    seconds: float | None


def latest_runs(store: Store, pipeline: str, most: int, without: str = "") -> list[str]:
    """The ids of the latest runs of a pipeline, newest first, but for the run `without`."""
    wanted = "select id from runs where pipeline = ? and id <> ? order by started desc limit ?"
    with store.reading() as rows:
        return [id for (id,) in rows.execute(wanted, (pipeline, without, most))]


def live_run(store: Store, pipeline: str | None, file: Path | None) -> RunRow | None:
    """The latest run of this notebook that goes on, or waits for somebody.

    It is known by its file; where that is not known, here or in the run's record, by the pipeline's name, if given.
    """
    for row in sorted(store.live_runs(), key=lambda row: row.started, reverse=True):
        if row.state is not RunState.PENDING_APPROVAL and not alive(row.process):
            continue
        found = store.run(row.id)
        told = found.record.get("file")
        if Path(told) == file if told and file else pipeline in (None, row.pipeline):
            return found
    return None


def kept_out(store: Store, most: int = 50) -> set[str]:
    """The files that the latest runs wrote beside their notebooks, which are no part of a project."""
    wanted = "select json_extract(record, '$.settings.keep_out') from runs order by started desc limit ?"
    with store.reading() as rows:
        return {file for (files,) in rows.execute(wanted, (most,)) for file in json.loads(files or "[]")}


def unheard(store: Store, warnings: Iterable[Problem], without: str = "") -> list[Problem]:
    """Those of the warnings of a run that are news: what the executor lacks was told by the run before, if it was so.

    The run `without` is the one that is to tell them. A lack of one node, which has a place, is always told.
    """
    wanted = "select json_extract(record, '$.warnings') from runs where id <> ? order by started desc limit 1"
    with store.reading() as rows:
        (latest,) = rows.execute(wanted, (without,)).fetchone() or ("[]",)
    told = {_lack(one["message"]) for one in json.loads(latest or "[]") if one["code"] == "W-EXECUTOR"}
    return [one for one in warnings if one.code != "W-EXECUTOR" or str(one.place) or _lack(one.message) not in told]


def _lack(message: str) -> str:
    """What is lacking, without the reason: that may hold numbers which are others each time."""
    return message.partition(": ")[0]


def past_node_runs(store: Store, runs: Sequence[str]) -> list[Past]:
    """Those node runs of these runs that succeeded, were cached or were skipped."""
    passed = (State.SUCCEEDED, State.CACHED, State.SKIPPED)
    wanted = f"""
        select run, json_extract(body, '$.id'), json_extract(body, '$.state') as state,
            json_extract(body, '$.detail.duration_s')
        from facts where run in ({_marks(runs)}) and kind = 'changed' and state in ({_marks(passed)})"""
    with store.reading() as rows:
        return [Past(run, id, State(word), took) for run, id, word, took in rows.execute(wanted, (*runs, *passed))]


def node_run_states(store: Store, runs: Sequence[str]) -> dict[str, dict[str, State]]:
    """By run and by node run's id the state that each is in, in order of creation; a run without any is absent."""
    found: dict[str, dict[str, State]] = {}
    past: dict[str, dict[str, State]] = {}
    for run, kind, id, state in _changes(store, runs):
        now = found.setdefault(run, {})
        if kind == "resumed":
            past.setdefault(run, {}).update(now)
            now.clear()
        elif kind == "created":
            now[id] = State.WAITING
        elif kind == "kept":
            now[id] = past[run][id]
        else:
            now[id] = State(state)
    return {run: states for run, states in found.items() if states}


def _changes(store: Store, runs: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Run, kind, node run and state of all facts of these runs that make a state, in order."""
    wanted = f"""
        select run, kind, json_extract(body, '$.id'), json_extract(body, '$.state') from facts
        where run in ({_marks(runs)}) and kind in ('created', 'changed', 'kept', 'resumed') order by run, number"""
    with store.reading() as rows:
        yield from rows.execute(wanted, runs)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
