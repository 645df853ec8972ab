"""What is found out about one spec while it is read: faults, what cannot run here, what has no effect here."""

from __future__ import annotations

from typing import Any

from ...core.errors import PipelineError, Place
from ..documents import Entry
from ..imported import Ledger, Path


class Findings:
    """Takes down in the ledger what concerns one spec, with places within it."""

    def __init__(self, ledger: Ledger, entry: Entry, path: Path, node: str | None = None) -> None:
        self.ledger, self.entry, self.path, self.node = ledger, entry, path, node
        self.unresolved: list[str] = []
        self._without_effect: list[Path] = []

    def note(self, code: str, inner: Path, done: str = "not read", **facts: Any) -> None:
        """One finding at the path `inner` of the spec."""
        self.ledger.note(code, self.entry.at(inner), [*self.path, *inner], done, self.node, **facts)

    def take(self, error: PipelineError, inner: Path) -> None:
        """What an error tells, as found at the path `inner`."""
        entry = self.entry.at(inner)
        place = Place(self.ledger.file, line=entry.line, node=self.node, column=entry.column)
        for found in error.problems:
            self.ledger.take(found.at(place), [*self.path, *inner])

    def conflict(self, inner: Path, what: str, hint: str) -> None:
        """Two things that do not go together."""
        self.note("E-CONFLICT", inner, what=what, hint=hint)

    def out_of_range(self, inner: Path, where: str, what: str, hint: str = "") -> None:
        """A value that may not be."""
        self.note("E-RANGE", inner, where=where, what=what, hint=hint)

    def missing(self, inner: Path, where: str, key: str, hint: str) -> None:
        """A key that has to be there."""
        self.ledger.note(
            "E-KEY-MISSING",
            self.entry.at(inner),
            [*self.path, *inner, key],
            "not read",
            self.node,
            where=where,
            key=key,
            hint=hint,
        )

    def not_here(self, inner: Path, what: str, hint: str) -> None:
        """Something that is kept, but keeps the pipeline from running here."""
        self.unresolved.append(what)
        self.note("W-NOT-HERE", inner, "kept for export", what=what, hint=hint)

    def without_effect(self, inner: Path) -> None:
        """Something that is kept and does nothing here; all of a spec are told at once, by `tell_without_effect`."""
        self._without_effect.append(inner)

    def tell_without_effect(self) -> None:
        """The one note about all that does nothing here."""
        if self._without_effect:
            names = list(dict.fromkeys(str(inner[-1]) for inner in self._without_effect))
            self.note("W-KEPT", self._without_effect[0], "kept for export", what=", ".join(names))
