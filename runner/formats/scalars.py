"""Plain words of YAML 1.2, typed; numbers remember how they were written."""

from __future__ import annotations

import math
import re
from typing import Any

LONGEST_NUMBER = 1000  # characters
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}


class Whole(int):
    """An integer that remembers how it was written: `012`."""

    written: str


class Real(float):
    """A number that remembers how it was written: `1e3`."""

    written: str


def bare(value: Any) -> Any:
    """The value with numbers that are numbers and nothing more."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [bare(one) for one in value]
    if isinstance(value, Whole):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def in_one_piece(text: str) -> str:
    """The text with characters in one piece that JSON spells in two halves."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def typed(text: str) -> Any:
    """What an unquoted word means in YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    made: Whole | Real
    if len(text) > LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        made = Whole(text, 0) if text[:2] in ("0o", "0x") else Whole(text)
    elif _FLOAT.fullmatch(text):
        made = Real(text)
    else:
        return text
    made.written = text
    return made
