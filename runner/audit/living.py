"""Which runs of a store live: asked anew whenever something depends on it, as runs begin while a store is audited."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from ..records.processes import alive
from ..records.store import Store

Live: TypeAlias = Callable[[], Collection[str]]


def live_runs(store: Store) -> Collection[str]:
    """The ids of the runs whose process lives now."""
    return {row.id for row in store.live_runs() if alive(row.process)}
