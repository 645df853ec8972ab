"""Exceptions as a kernel tells them, as long as people read: a message may hold all that a program works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 100_000  # characters of a message, and of a traceback
_LONGEST_LINE = 1_000  # of a message that is told in a line


def shortened(message: dict[str, Any]) -> dict[str, Any]:
    """A message of a kernel, with what is too long of the exception in it left out; of a traceback the end is kept."""
    content = message["content"]
    if not isinstance(content.get("traceback"), list):
        return message
    about = {"evalue": without_middle(str(content.get("evalue", ""))), "traceback": _end_of(content["traceback"])}
    return message if _is_same(content, about) else {**message, "content": {**content, **about}}


def without_middle(text: str, most: int = LONGEST) -> str:
    """The beginning and the end of a text that is longer than `most`."""
    if len(text) <= most:
        return text
    left_out = len(text) - most
    return f"{text[: most // 2]}\n[… {left_out:,} characters left out …]\n{text[len(text) - most // 2 :]}"


def in_a_line(message: str) -> str:
    """The first line of an exception's message."""
    line = message.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _end_of(traceback: Sequence[Any]) -> list[str]:
    kept: list[str] = []
    left = LONGEST
    for entry in map(str, reversed(traceback)):
        if left <= 0:
            kept.append("[… earlier calls left out …]")
            break
        kept.append(without_middle(entry, left))
        left -= len(entry)
    return kept[::-1]


def _is_same(content: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    return all(content.get(name) == value for name, value in about.items())
