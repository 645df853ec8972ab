"""Mending YAML whose keys stand deeper than the keys beside them."""

from __future__ import annotations

import re

from ...core.errors import PipelineError, Problem
from ..documents import documents_of

MOST_READ = 2_000_000  # characters parsed in all, which bounds the time: the text is read anew after each line
_KEY = re.compile(
    r"(?P<indent> *)(?P<dashes>(?:- +)*)(?P<key>[^\s#:'\"\[{&*!|>-][^:#]*|'[^']*'|\"[^\"]*\"):(?P<rest>(?:\s.*)?)$"
)


def repair(text: str) -> tuple[str, list[tuple[int, str]]] | None:
    """The text mended, with a line and a sentence for each line that was moved; None when it cannot be mended.

    A key that stands deeper than the key in the line above it, which has its value already, is moved to the column
    of that one, as often as is needed for the text to be read.
    """
    lines = text.split("\n")
    moved: list[tuple[int, str]] = []
    left = MOST_READ
    while True:
        left -= sum(map(len, lines)) + len(lines)
        if left < 0:
            return None
        fault = _fault("\n".join(lines))
        if fault is None:
            return "\n".join(lines), moved
        columns = _columns_too_deep(lines, fault.place.line) if fault.code == "E-YAML-SYNTAX" else 0
        if not columns or fault.place.line is None:
            return None
        number = fault.place.line
        lines[number - 1] = lines[number - 1][columns:]
        found = _KEY.match(lines[number - 1])
        key = found["key"].strip() if found else ""
        moved.append((number, f"{key!r} stood too deep, and is moved {_words(columns)} to the left"))


def _fault(text: str) -> Problem | None:
    """What keeps a text from being read."""
    try:
        documents_of(text, "")
    except PipelineError as error:
        return error.problems[0]
    return None


def _columns_too_deep(lines: list[str], number: int | None) -> int:
    """How far the key in this line stands to the right of the key above it; 0 where that is not what is wrong."""
    if number is None or not 1 < number <= len(lines):
        return 0
    here = _KEY.match(lines[number - 1])
    above = next(
        (line for line in reversed(lines[: number - 1]) if line.strip() and not line.lstrip().startswith("#")), ""
    )
    before = _KEY.match(above)
    if not here or not before or here["dashes"]:
        return 0
    rest = before["rest"].strip()
    if not rest or rest.startswith("#"):
        return 0  # the key above has no value yet, so this one may well be in it
    return max(0, len(here["indent"]) - len(before["indent"]) - len(before["dashes"]))


def _words(columns: int) -> str:
    numbers = {1: "one column", 2: "two columns", 3: "three columns", 4: "four columns"}
    return numbers.get(columns, f"{columns} columns")
