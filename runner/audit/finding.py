"""What the auditor finds: one thing in a store that is not as dagbook leaves it, and how it can be mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Invariant(StrEnum):
    """What holds of every store, whatever was killed, filled or broken meanwhile."""

    DATABASE = "I1"  # the database is sound
    ATTEMPTS = "I2"  # each attempt has ended, or its run's process lives
    RESULTS = "I3"  # each result's files are there, and have the bytes that they were published with
    FAILURES = "I4"  # nothing that a failed attempt left is a result
    CONTAINERS = "I5"  # containers of this store belong to runs that live
    LEFTOVERS = "I6"  # nothing half-made lies about
    NOTEBOOKS = "I8"  # every notebook can be read, and is valid
    HISTORY = "I9"  # what is recorded of a run is a story that the lifecycle allows
    SECRETS = "I10"  # no secret's value is in the database, a notebook or a log


_BY_HAND = {
    Invariant.DATABASE: "Make a copy of the folder; then: sqlite3 dagbook.db .recover | sqlite3 recovered.db",
    Invariant.ATTEMPTS: "Run the pipeline again; results that are sound stand for their nodes.",
    Invariant.FAILURES: "Trust nothing of this run: run the pipeline again with --no-cache.",
    Invariant.HISTORY: "Run the pipeline again; results that are sound stand for their nodes.",
    Invariant.SECRETS: "Remove that file, or begin a new store; and change the secret, which others may have read.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not so: `what` in words, `where` (a run, a node run, a path).

    `repair` says what mending would do, and is empty where only a person can; `mend` does it. `advice` is for a person.
    """

    invariant: Invariant
    what: str
    where: str = ""
    repair: str = ""
    mend: Callable[[], object] | None = field(default=None, compare=False, repr=False)

    @property
    def advice(self) -> str:
        """What mends it: what `dagbook doctor --store --repair` does, or what a person can do."""
        return f"--repair: {self.repair}" if self.mend else _BY_HAND.get(self.invariant, "")

    def __str__(self) -> str:
        return f"{self.invariant} {self.what}" + (f" ({self.where})" if self.where else "")
