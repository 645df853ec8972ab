"""A part of a file while it is read: where it stands, what it is called, and where its faults are taken down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from ...core.errors import PipelineError, Place, nearest, problem
from ..documents import Entry, bare
from ..imported import Ledger, Path
from ..typed_reading import Schema, read_as

T = TypeVar("T")
S = TypeVar("S", bound=Schema)


@dataclass(frozen=True, slots=True)
class Part:
    """What is read, with its place. `what` names it in messages: the task "train"."""

    entry: Entry
    path: Path
    ledger: Ledger
    what: str
    node: str | None = None

    def inner(self, *at: str | int, what: str = "") -> Part:
        """The part of this one at `at`; where nothing stands there, one that says nothing."""
        here = self.entry
        for step in at:
            found = here.at([step])
            here = found if found is not here else Entry(None, here.line, here.column)
        return replace(self, entry=here, path=(*self.path, *at), what=what or self.what)

    def note(self, code: str, done: str, *at: str | int, **facts: Any) -> None:
        """Take down one thing about what stands at `at`."""
        self.ledger.take(problem(code, self._place(*at), **facts), (*self.path, *at), done)

    def attempt(self, make: Callable[[], T], *at: str | int) -> T | None:
        """What `make` gives; or None, and its fault is taken down for what stands at `at`."""
        try:
            return make()
        except PipelineError as error:
            for found in error.problems:
                self.ledger.take(found.at(self._place(*at)), (*self.path, *at))
        except ValidationError as error:
            said = error.errors()[0]["msg"]
            self.note("E-TYPE", "not read", *at, where=self.what, what=f"cannot be taken over: {said}", hint="")
        return None

    def _place(self, *at: str | int) -> Place:
        here = self.entry.at(at)
        return Place(self.ledger.file, line=here.line, node=self.node, column=here.column)

    def read(self, schema: type[S]) -> S | None:
        """The model that this part tells, or None and the faults are taken down; keys that say nothing count as absent.

        Files of the wild are full of `image:` and `value: ''`.
        """
        return read_as(schema, self._speaking(schema), self.ledger, self.path, what=self.what, node=self.node)

    def _speaking(self, schema: type[Schema]) -> Entry:
        named = self.entry.value
        if not isinstance(named, dict):
            return self.entry
        said = {key: one for key, one in named.items() if not (key in schema.model_fields and is_blank(one))}
        return replace(self.entry, value=said)

    def leave_out_unknown(self, schema: type[Schema]) -> None:
        """Tell the keys that the schema does not know, where there is no place to keep them."""
        known = [one.alias or name for name, one in schema.model_fields.items()]
        for key in self.entry.value:
            if key not in known:
                code = "E-KEY-UNKNOWN" if self.ledger.strict else "W-KEY-UNKNOWN"
                self.note(code, "left out", key, where=self.what, key=key, nearest=nearest(key, known))

    def has(self, key: str) -> bool:
        """Whether something is said under this key."""
        return isinstance(self.entry.value, dict) and key in self.entry.value and not is_blank(self.entry.value[key])

    def raw(self, key: str) -> Any:
        """What stands under this key, as plain values."""
        return bare(self.entry.value[key].plain())


def is_blank(entry: Entry) -> bool:
    """Whether an entry says nothing: null, or an empty text."""
    return entry.value is None or entry.value == ""
