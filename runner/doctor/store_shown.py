"""What the auditor said of a store, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..audit import Finding as Wrong
from ..audit import Invariant
from .findings import Finding, note, ok, trouble
from .store_audit import Audited, Mended

# Each invariant: its part, and what is so where nothing is wrong.
_PARTS = {
    Invariant.DATABASE: ("database", "SQLite finds nothing wrong with it"),
    Invariant.ATTEMPTS: ("attempts", "each has ended, or the process of its run lives"),
    Invariant.RESULTS: ("results", "their files are there, with the bytes that they were published with"),
    Invariant.FAILURES: ("failures", "nothing that a failed attempt left counts as a result"),
    Invariant.CONTAINERS: ("engine", "its containers belong to runs that live"),
    Invariant.LEFTOVERS: ("leftovers", "nothing half-made lies about"),
    Invariant.NOTEBOOKS: ("notebooks", "each can be read, and is valid"),
    Invariant.HISTORY: ("history", "what is recorded of each run can have happened"),
    Invariant.SECRETS: ("secrets", "no value at hand is in the database, a notebook or a log"),
}


def verdicts(found: Audited) -> Iterator[Finding]:
    """A verdict for each invariant, and where it does not hold one for each thing that is wrong."""
    for invariant, (part, holds) in _PARTS.items():
        wrong = found.of(invariant)
        for one in wrong:
            yield trouble(part, _words(one), one.advice, **_facts(one))
        if not wrong and (why := found.unlooked.get(invariant)):
            yield note(part, f"not looked at: {why}", "", invariant=str(invariant))
        elif not wrong:
            yield ok(part, holds, invariant=str(invariant))


def repairs(done: Sequence[Mended]) -> Iterator[Finding]:
    """What was mended, and what could not be."""
    for one in done:
        part = _PARTS[one.finding.invariant][0]
        words = f"{_words(one.finding)}: {'not mended' if one.failed else 'mended'}"
        yield trouble(part, words, one.failed) if one.failed else ok(part, words)


def _words(wrong: Wrong) -> str:
    return f"{wrong.what} ({wrong.where})" if wrong.where else wrong.what


def _facts(wrong: Wrong) -> dict[str, str]:
    return {"invariant": str(wrong.invariant), "what": wrong.what, "where": wrong.where, "repair": wrong.repair}


def store_json(found: Audited, done: Sequence[Mended]) -> dict[str, Any]:
    """The object of `dagbook doctor --store --json`."""
    tried = [{**_facts(one.finding), "mended": not one.failed, "why_not": one.failed} for one in done]
    return {
        "store": str(found.folder),
        "sound": not found.findings,
        "conclusion": store_conclusion(found),
        "findings": [one.as_json() for one in verdicts(found)],
        "repaired": tried,
    }


def store_conclusion(found: Audited) -> str:
    """What follows, in a sentence."""
    wrong, ours = len(found.findings), sum(one.mend is not None for one in found.findings)
    if not wrong:
        return "Nothing is wrong with the store."
    things = "1 thing is" if wrong == 1 else f"{wrong} things are"
    how = "only a person can mend that" if not ours else f"--repair mends {'it' if wrong == 1 else f'{ours} of them'}"
    return f"{things} wrong with the store; {how}."
