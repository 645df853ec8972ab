"""At which line of a file a line of a cell stands: where an editor, and a viewer of the repository, finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from json import JSONDecoder

_BETWEEN = re.compile(r"[ \t\r\n,:]*")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # as kernels count: other separators of Unicode end no line
_DECODER = JSONDecoder()


def lines_of_cells(text: str) -> list[list[int]]:
    """For each cell of a notebook's JSON `text`, in order, the line of the text at which each line of it stands.

    Lines are counted from 1. Empty for a text that is no notebook.
    """
    try:
        cells = _member(text, _after(text, 0), "cells")
        starts = [_line_starts(text, cell) for cell in _items(text, cells)]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    found: list[list[int]] = []
    counted, line = 0, 1
    for of_cell in starts:
        found.append([])
        for start in of_cell:
            line, counted = line + text.count("\n", counted, start), start
            found[-1].append(line)
    return found


def _line_starts(text: str, cell: int) -> list[int]:
    """Where in `text` each line of a cell's source begins; a piece of JSON may hold several of them."""
    source = _member(text, cell, "source")
    pieces = _items(text, source) if text[source] == "[" else iter([source])
    starts: list[int] = []
    whole = True  # the line before has ended
    for at in pieces:
        lines = _LINE.findall(_DECODER.raw_decode(text, at)[0]) or [""]
        starts += [at] * (len(lines) if whole else len(lines) - 1)
        whole = lines[-1].endswith("\n")
    return starts


def _after(text: str, at: int) -> int:
    """Where the next thing that tells something begins."""
    found = _BETWEEN.match(text, at)
    assert found is not None
    return found.end()


def _member(text: str, at: int, wanted: str) -> int:
    """Where the value of a member of the object at `at` begins; of several the last, as readers take it."""
    return [value for name, value in _members(text, at) if name == wanted][-1]


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    at = _opened(text, at, "{")
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        value = _after(text, end)
        yield name, value
        at = _after(text, _DECODER.raw_decode(text, value)[1])


def _items(text: str, at: int) -> Iterator[int]:
    """Where each item of the array at `at` begins."""
    at = _opened(text, at, "[")
    while text[at] != "]":
        yield at
        at = _after(text, _DECODER.raw_decode(text, at)[1])


def _opened(text: str, at: int, mark: str) -> int:
    if text[at] != mark:
        raise ValueError(f"{mark} is not at {at}")
    return _after(text, at + 1)


def line_in_text(text: str, block: Sequence[str]) -> int | None:
    """The line, from 1, at which the lines of `block` stand in `text`, all with the same in front of them.

    That is white space, as in YAML, or a comment's sign, as percent scripts have it before magics.
    None where they do not stand there, or at several places.
    """
    wanted = [line.rstrip() for line in block]
    while wanted and not wanted[-1]:
        wanted.pop()
    first = next((number for number, line in enumerate(wanted) if line), None)
    if first is None:
        return None
    lines = [line.rstrip() for line in text.splitlines()]
    found = []
    for at in range(first, len(lines)):
        if lines[at].endswith(wanted[first]):
            before = lines[at].removesuffix(wanted[first])
            if before.strip() in ("", "#") and _stands(lines, at - first, wanted, before):
                found.append(at - first + 1)
    return found[0] if len(found) == 1 else None


def _stands(lines: Sequence[str], start: int, wanted: Sequence[str], before: str) -> bool:
    there = lines[start : start + len(wanted)]
    spelled = [f"{before}{line}" if line else "" for line in wanted]
    return [line if line.strip("# \t") else "" for line in there] == spelled
