"""Runs as the store's lists hold them, and whole, with the record of how they began."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.lifecycle import RunState

if TYPE_CHECKING:
    from sqlite3 import Row

LISTED = "id, pipeline, state, reason, started, ended, process"  # the columns of a ListedRun
WHOLE = f"{LISTED}, record"  # those of a RunRow
_ID = re.compile(r"[0-9A-Za-z]{1,64}")
SNAPSHOT = "pipeline.ipynb"  # in the folder of a run: the file that its pipeline was read from


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run as lists show it. Times in seconds since the epoch.

    It lacks the record, which holds the whole pipeline: of 10,000 nodes that is megabytes.
    """

    id: str
    pipeline: str
    state: RunState
    reason: str
    started: float
    ended: float | None
    process: Mapping[str, Any]

    def seconds(self, now: float) -> float:
        """How long it has taken up to its end, or to `now`; never less than nothing, whatever the clocks say."""
        return max((self.ended or now) - self.started, 0.0)

    @property
    def inside(self) -> Mapping[str, str] | None:
        """Of a run that is a node of another one: its `run`, `node_run` and `node`, and the outermost run, `top`."""
        found: Mapping[str, str] | None = self.process.get("inside")
        return found

    @property
    def outermost(self) -> str:
        """The id of the run to go on with, for this one to go on: its own, or that of the run around it."""
        return self.inside["top"] if self.inside else self.id


@dataclass(frozen=True, slots=True)
class RunRow(ListedRun):
    """A run with its `record`: semantics' "What a run records"."""

    record: Mapping[str, Any]

    @property
    def last_began(self) -> float:
        """When it began, or was resumed the last time: what was between two lives was no work."""
        resumed = self.record.get("resumed")
        return float(resumed[-1]["at"]) if resumed else self.started


def listed_run(row: Row) -> ListedRun:
    """The run in a row of `LISTED`. Raises ValueError, TypeError for one that makes no sense."""
    return ListedRun(*_listed(row))


def run_row(row: Row) -> RunRow:
    """The run in a row of `WHOLE`. Raises as `listed_run`."""
    *listed, record = row
    return RunRow(*_listed(listed), _object(record))


_Listed: TypeAlias = tuple[str, str, RunState, str, float, float | None, Mapping[str, Any]]


def _listed(row: Sequence[Any]) -> _Listed:
    id, pipeline, state, reason, started, ended, process = row
    if not _ID.fullmatch(id):  # it becomes a part of paths
        raise ValueError(f"{id!r} is no id of a run")
    if not (isinstance(pipeline, str) and isinstance(reason, str)):
        raise TypeError(f"a text of run {id} is none")
    if not all(-1e11 < time < 1e11 for time in (started, ended or 0)):
        raise ValueError(f"a time of run {id} is none")
    return id, pipeline, RunState(state), reason, started, ended, _process(process)


def _process(text: str) -> Mapping[str, Any]:
    found = _object(text)
    for key, kind in (("pid", int), ("host", str), ("bell", str), ("inside", dict)):
        if not isinstance(found.get(key), kind | None):
            raise TypeError(f"its process has {found[key]!r} as {key}")
    return found


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("more values stand within each other than can be read") from None
    if not isinstance(found, dict):
        raise TypeError(f"an object of JSON is expected, and {type(found).__name__} is there")
    return found
