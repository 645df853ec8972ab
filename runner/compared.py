"""Runs of a store, read and compared: what the command and the magic both show."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from .comparison import Comparison, Told, compare
from .differences import Differences, differences
from .records.settling import settle_if_it_can
from .records.store import Store


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison as it was at `now`, and what differs between the runs; None where one run is compared."""

    comparison: Comparison
    differs: Differences | None
    now: float


def compare_in(store: Store, wanted: Sequence[str], nodes: Sequence[str] = (), by: str | None = None) -> Compared:
    """Compare the routes of one run, or several runs; `wanted` are ids, beginnings of ids or `latest`, the default.

    Raises PipelineError: E-RUN-UNKNOWN, E-NODE-UNKNOWN, E-USAGE for a `by` that nothing has.
    """
    ids = list(dict.fromkeys(store.run(one).id for one in wanted or ("latest",)))
    for id in ids:
        settle_if_it_can(store, store.run(id))
    told = [Told(store.run(id), store.state_of(id)) for id in ids]
    now = time.time()
    comparison = compare(told, now, nodes, by)
    differs = differences(store, told, comparison.chosen) if len(told) > 1 else None
    return Compared(comparison, differs, now)
