"""What an examination finds: of each part a verdict, in words, with what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a part is."""

    OK = "ok"
    NOTE = "note"  # runs work, but something of them is lacking
    PROBLEM = "problem"  # no run works as long as this is so


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: the part it is about, how it is, and for what is not well what to do.

    `facts` are for programs (plain JSON).
    """

    part: str
    verdict: Verdict
    words: str
    fix: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The finding for `dagbook doctor --json`."""
        return {
            "part": self.part,
            "verdict": str(self.verdict),
            "words": self.words,
            "fix": self.fix,
            "facts": dict(self.facts),
        }


def ok(part: str, words: str, **facts: Any) -> Finding:
    """All is well with this."""
    return Finding(part, Verdict.OK, words, "", facts)


def note(part: str, words: str, fix: str, **facts: Any) -> Finding:
    """Runs work without it, but not as well."""
    return Finding(part, Verdict.NOTE, words, fix, facts)


def trouble(part: str, words: str, fix: str, **facts: Any) -> Finding:
    """No run works until it is mended."""
    return Finding(part, Verdict.PROBLEM, words, fix, facts)
