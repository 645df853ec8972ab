"""What comes of reading a file of another system: pipelines, and a report of all that was not kept as it was.

Nothing is dropped in silence: each thing that has no effect here, was understood in another way, or cannot be had, is
one record with its place, and so are the faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import Place, Problem, problem
from ..core.model import Pipeline
from .documents import Entry

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was not kept as it was: what, where in the file, and what was done with it."""

    problem: Problem
    path: str  # such as tasks[2].computes
    done: str  # "kept", "left out", "read as …"

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return "error" if self.problem.is_error else "warning"

    def as_json(self) -> dict[str, Any]:
        """The shape that `dagbook import --json` prints."""
        place = self.problem.place
        return {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "node": place.node,
            "code": self.problem.code,
            "severity": self.severity,
            "path": self.path,
            "message": self.problem.message,
            "hint": self.problem.hint,
            "done": self.done,
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How many nodes and edges a pipeline of the file has, by the file's own terms; edges also by kind."""

    nodes: int
    edges: int
    kinds: Mapping[str, int] = field(default_factory=dict)  # edges by kind, such as output -> input

    @classmethod
    def of(cls, nodes: int, kinds: Iterable[str]) -> Counts:
        """Counts from the kind of each edge."""
        by_kind = Counter(kinds)
        return cls(nodes, by_kind.total(), dict(sorted(by_kind.items())))


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds. `counts` are those of `pipelines`, in the same order. With an error there are none."""

    format: str
    pipelines: tuple[Pipeline, ...]
    records: tuple[Record, ...] = ()
    counts: tuple[Counts, ...] = ()

    @property
    def problems(self) -> list[Problem]:
        """The records as findings."""
        return [record.problem for record in self.records]


class Ledger:
    """Takes down the records while a file is read."""

    def __init__(self, file: str, *, strict: bool = False) -> None:
        self.file = file
        self.strict = strict  # what is only doubtful is an error
        self.records: list[Record] = []

    @property
    def failed(self) -> bool:
        """Whether an error was found."""
        return any(record.problem.is_error for record in self.records)

    def note(
        self,
        code: str,
        entry: Entry | None,
        path: Sequence[str | int],
        done: str,
        node: str | None = None,
        **facts: Any,
    ) -> None:
        """Take one thing down: `code` of the catalogue with its facts, where it stands, what was done with it."""
        line, column = (entry.line, entry.column) if entry else (None, None)
        place = Place(self.file, line=line, node=node, column=column)
        self.take(problem(code, place, **facts), path, done)

    def take(self, found: Problem, path: Sequence[str | int] = (), done: str = "not read") -> None:
        """Take a finding down as it is."""
        self.records.append(Record(found, spelled(path), done))


def spelled(path: Sequence[str | int]) -> str:
    """A path in a document, as people write it: tasks[2].computes."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
