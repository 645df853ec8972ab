"""Everything that can be wrong, and how it is said.

DagbookError
├── PipelineError     the pipeline or the call is wrong; nothing ran (exit code 2)
├── MachineError      the machine is not fit: no Docker although asked for, disk full, store unusable (exit code 5)
└── IllegalChange     a state change that the lifecycle forbids: a bug of ours, told with the node run's story

A `Problem` is one finding as data: a code of the catalogue, where it is, what to do.
The notebook, the terminal, `--json` and CI annotations all show the same problems.
Errors take facts; the sentences stand in `catalogue`, one per code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from textwrap import indent
from typing import Any

from .catalogue import CATALOGUE
from .control_pictures import visible

LONGEST_FACT = 2000  # characters
_WHOLE = "path"  # of a cycle each node is told, however many they are


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: file, cell (1-based position in the notebook), line (1-based, within the cell
    or, without a cell, within the file), node title, column (1-based). Whatever is unknown is None."""

    file: str | None = None
    cell: int | None = None
    line: int | None = None
    node: str | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [
            self.file,
            f"cell {self.cell}" if self.cell is not None else None,
            f"line {self.line}" if self.line is not None else None,
            f"column {self.column}" if self.column is not None else None,
            f'node "{self.node}"' if self.node else None,
        ]
        return visible(", ".join(part for part in parts if part))


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `code` of the catalogue, what happened, what to do, where. Codes starting with W are warnings."""

    code: str
    message: str
    hint: str = ""
    place: Place = Place()

    @property
    def is_error(self) -> bool:
        """False for a warning, which stops nothing."""
        return self.code.startswith("E-")

    def at(self, place: Place) -> Problem:
        """The same finding with the gaps in its place filled from `place`."""
        known = {key: value for key, value in asdict(self.place).items() if value is not None}
        return replace(self, place=replace(place, **known))

    def describe(self) -> str:
        """Two to three lines for people: place and message, then the hint."""
        where = str(self.place)
        text = f"{self.code}: {self.message}" if not where else f"{where}\n  {self.code}: {self.message}"
        return visible(f"{text}\n{indent(self.hint, '  ')}" if self.hint else text)

    def as_reason(self) -> str:
        """Code, message and hint in one line: why a node run failed."""
        return visible(f"{self.code}: {self.message}. {self.hint}".strip())

    def as_json(self) -> dict[str, Any]:
        """The shape that `dagbook check --json` prints."""
        place = asdict(self.place)
        return {"code": self.code, "message": self.message, "hint": self.hint, **place}


def problem(code: str, place: Place = Place(), **facts: Any) -> Problem:
    """The finding `code` with its facts filled in. Raises KeyError for a code that the catalogue lacks."""
    message, hint = CATALOGUE[code]
    texts = (str, BaseException)
    told = {
        name: _in_short(str(fact)) if isinstance(fact, texts) and name != _WHOLE else fact
        for name, fact in facts.items()
    }
    return Problem(code, message.format(**told), hint.format(**told), place)


def _in_short(fact: str) -> str:
    """What is told of a text: of a very long one its two ends, as people read what is told."""
    return fact if len(fact) <= LONGEST_FACT else f"{fact[: LONGEST_FACT * 3 // 4]} … {fact[-LONGEST_FACT // 4 :]}"


def problem_from(said: dict[str, Any]) -> Problem:
    """The inverse of `Problem.as_json`."""
    place = Place(**{name: said.get(name) for name in ("file", "cell", "line", "node", "column")})
    return Problem(said["code"], said["message"], said["hint"], place)


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that suggests what a mistyped name may have meant: `Did you mean "x"?`, or the known names."""
    names = set(known)
    if close := closest(name, names):
        return f'Did you mean "{close}"?'
    return known_names(names)


def known_names(known: Iterable[str]) -> str:
    """A sentence with the names that there are, the first of them when they are many."""
    names = sorted(set(known))
    if not names:
        return "There are none yet."
    shown = ", ".join(f'"{candidate}"' for candidate in names[:8])
    return f"Known: {shown}{', …' if len(names) > 8 else ''}."


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one is nearly; None when it is like none of them."""
    lowered = {candidate.lower(): candidate for candidate in sorted(set(known))}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


class DagbookError(Exception):
    """Root of what dagbook raises on purpose. `problems` holds the findings; str() tells all of them."""

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems: tuple[Problem, ...] = problems

    def __str__(self) -> str:
        return "\n".join(found.describe() for found in self.problems)

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of our traceback: the user's mistake is not our crash."""
        return [str(self)]


class PipelineError(DagbookError):
    """The pipeline, a magic line or a call is wrong. Nothing was started and nothing stored."""

    __module__ = "dagbook"  # where users know it from: a traceback tells it
    exit_code = 2


class MachineError(DagbookError):
    """The machine cannot do what was asked: no Docker although named, disk full, store unusable."""

    __module__ = "dagbook"
    exit_code = 5


class IllegalChange(DagbookError):
    """A node run was to change in a way that `lifecycle.LEGAL` forbids. Raised with the node run's story."""

    exit_code = 70

    def __init__(self, node_run: str, before: str, after: str, story: Sequence[str]) -> None:
        super().__init__(
            problem("E-ILLEGAL-CHANGE", node_run=node_run, before=before, after=after, story=" -> ".join(story))
        )


def raise_errors(problems: Iterable[Problem]) -> list[Problem]:
    """Raise PipelineError when one of `problems` is an error; else give the warnings back."""
    found = list(problems)
    if any(one.is_error for one in found):
        raise PipelineError(*found)
    return found


def only_new(found: Iterable[Problem], told: Iterable[Problem]) -> list[Problem]:
    """Those of the findings that were not told yet, whatever is known of their places."""
    known = {(one.code, one.message) for one in told}
    return [one for one in found if (one.code, one.message) not in known]
