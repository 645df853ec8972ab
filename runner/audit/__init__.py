"""The auditor: looks whether a store is as dagbook leaves it, says what it would repair, and repairs.

It reads everything and changes nothing unless it is told to; a store in use can be audited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ..records.store import Store
from .database import database_findings as database_findings
from .database import steady_findings
from .finding import Finding as Finding
from .finding import Invariant as Invariant
from .leftovers import container_findings, leftover_findings
from .living import live_runs
from .notebooks import notebook_findings
from .results import result_findings
from .rows import earlier_findings, row_findings
from .secrets import secret_findings


def audit(store: Store, secrets: Sequence[bytes] = ()) -> Iterator[Finding]:
    """Everything in `store` that is not as it should be, as it is found; `secrets` are values that it must not hold."""
    damaged = list(database_findings(store.database)) or list(row_findings(store))
    yield from damaged
    if any(finding.mend is None for finding in damaged):
        return  # what is in it cannot be relied on
    live = partial(live_runs, store)
    for row in store.latest(most=-1):
        yield from steady_findings(store, row)
    yield from earlier_findings(store)
    yield from result_findings(store)
    yield from leftover_findings(store, live)
    yield from container_findings(store, live)
    yield from notebook_findings(store, live)
    yield from secret_findings(store, secrets)
