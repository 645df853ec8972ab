"""A part of a file while it is read: where it stands, what it is called, and where its faults are taken down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ...core.errors import PipelineError, Place, problem
from ..documents import Entry, bare
from ..imported import Ledger, Path
from ..typed_reading import Schema, read_as

T = TypeVar("T")
S = TypeVar("S", bound=Schema)

Document = dict[str, Any]  # a part of a file as plain values, without what is as by default

VALOHAI = "valohai"  # under which name an `origin` holds what only Valohai knows
ALONE = "alone"  # in a pipeline's origin: it is made of one `step` or `task` that no pipeline of the file uses


@dataclass(frozen=True, slots=True)
class Spot:
    """What is read, with its place. `what` names it in messages: the step "train"."""

    entry: Entry
    path: Path
    ledger: Ledger
    what: str
    node: str | None = None

    def inner(self, *at: str | int, what: str = "") -> Spot:
        """The part of this one at `at`."""
        return replace(self, entry=self.entry.at(at), path=(*self.path, *at), what=what or self.what)

    def called(self, what: str, node: str | None = None) -> Spot:
        """The same part under another name."""
        return replace(self, what=what, node=node or self.node)

    def note(self, code: str, done: str, *at: str | int, **facts: Any) -> None:
        """Take down one thing about what stands at `at`."""
        self.ledger.take(problem(code, self.place(*at), **facts), (*self.path, *at), done)

    def read(self, schema: type[S]) -> S | None:
        """The model that this part tells, or None and the faults are taken down."""
        return read_as(schema, self.entry, self.ledger, self.path, what=self.what, node=self.node)

    def attempt(self, make: Callable[[], T], *at: str | int) -> T | None:
        """What `make` gives; or None, and its fault is taken down for what stands at `at`."""
        try:
            return make()
        except PipelineError as error:
            for found in error.problems:
                self.ledger.take(found.at(self.place(*at)), (*self.path, *at))
        except ValidationError as error:
            said = error.errors()[0]["msg"]
            self.note("E-TYPE", "not read", *at, where=self.what, what=f"cannot be taken over: {said}", hint="")
        return None

    def place(self, *at: str | int) -> Place:
        """Where what is at `at` stands."""
        here = self.entry.at(at)
        return Place(self.ledger.file, line=here.line, node=self.node, column=here.column)

    def items(self, key: str) -> list[Spot]:
        """The parts of the list under `key`; none where there is no list."""
        here = self.entry.value.get(key) if isinstance(self.entry.value, dict) else None
        listed = here.value if here is not None and isinstance(here.value, list) else []
        return [self.inner(key, number) for number in range(len(listed))]


def named_word(spot: Spot, key: str) -> str | None:
    """The word that stands under `key`, if it is a text."""
    value = spot.entry.at([key]).value if isinstance(spot.entry.value, dict) and key in spot.entry.value else None
    return value if isinstance(value, str) else None


def plain(value: Any) -> Any:
    """Values as YAML and JSON have them: no words of fixed lists, no tuples, numbers that are only numbers."""
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return bare(value)


def said(model: BaseModel, *without: str) -> Document:
    """What a part says, under the names of the file, but for what is as by default and for `without`."""
    told = model.model_dump(by_alias=True, exclude_defaults=True)
    return {name: plain(value) for name, value in told.items() if name not in without}


def whole(value: float) -> int | float:
    """A number without a fraction where it has none."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def by_name(items: Iterable[Document]) -> dict[str, Document]:
    """Items of a list by their names; of two with one name the later."""
    return {str(item.get("name", "")): item for item in items}


def kept_in(origin: Mapping[str, Any]) -> Document:
    """What only Valohai knows, as an `origin` holds it."""
    found = origin.get(VALOHAI)
    return found if isinstance(found, dict) else {}
