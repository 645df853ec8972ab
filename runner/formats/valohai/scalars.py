"""Single values of a `valohai.yaml`: words in any case, durations, truth as YAML 1.1 spells it."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from ..documents import bare
from ..typed_reading import as_text

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*", re.IGNORECASE)
_LONGEST = 1e9  # seconds
TRUTHS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def as_word(value: Any) -> Any:
    """A word of a fixed list, in small letters."""
    return value.strip().lower() if isinstance(value, str) else value


def as_word_with_underscores(value: Any) -> Any:
    """A word of a list whose words have underscores: `Grid-Search` is grid_search."""
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


def as_word_with_dashes(value: Any) -> Any:
    """A word of a list whose words have hyphens."""
    return value.strip().lower().replace("_", "-") if isinstance(value, str) else value


def as_none(value: Any) -> Any:
    """As `as_word`; `none` is nothing."""
    word = as_word(value)
    return None if word == "none" else word


def as_list(value: Any) -> Any:
    """A list; one value stands for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def as_truth(value: Any) -> Any:
    """A truth value, or a word for one."""
    found = TRUTHS.get(value.lower(), value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise PydanticCustomError("truth", "should be true or false")
    return found


def as_number(value: Any) -> Any:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PydanticCustomError("number", "should be a number")
    return bare(value)


def as_whole(value: Any) -> Any:
    """A whole number."""
    number = as_number(value)
    if number != int(number):
        raise PydanticCustomError("number", "should be a whole number")
    return int(number)


def as_seconds(value: Any) -> Any:
    """Seconds: a number of them, or `1h 30m 5s`; 0 and nothing set no limit."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _seconds_in(value)
    seconds = float(as_number(value))
    if not 0 <= seconds <= _LONGEST:
        raise PydanticCustomError("seconds", "should be between 0 and 1,000,000,000 seconds")
    return seconds or None


def _seconds_in(text: str) -> float:
    end, total = 0, 0.0
    for found in _AMOUNT.finditer(text):
        unit = _UNITS.get(found[2][:1].lower() or "s")
        if unit is None or found.start() != end:
            break
        end, total = found.end(), total + float(found[1]) * unit
    if end != len(text) or not text.strip():
        raise PydanticCustomError("seconds", "should be a duration such as 1h 30m 5s")
    return total


def as_command(value: Any) -> Any:
    """A command: a text, or a list of them."""
    if isinstance(value, str):
        return value
    texts = [as_text(one) for one in value] if isinstance(value, list | tuple) else []
    if not texts or not all(isinstance(one, str) for one in texts):
        raise PydanticCustomError("command", "should be a text or a list of texts (quote one that holds `: `)")
    return tuple(texts)


def as_keeping(value: Any) -> Any:
    """What is kept of folders: none (false), suffix, full (true)."""
    word = {False: "none", True: "full"}.get(value, value) if isinstance(value, bool) else as_word(value)
    if word not in ("none", "suffix", "full"):
        raise PydanticCustomError("keeping", "should be none, suffix, full, true or false")
    return word


Truth = Annotated[bool, BeforeValidator(as_truth)]
Number = Annotated[int | float, BeforeValidator(as_number)]
Whole = Annotated[int, BeforeValidator(as_whole)]
Seconds = Annotated[float | None, BeforeValidator(as_seconds)]
Command = Annotated[Any, BeforeValidator(as_command)]
KeepWord = Annotated[str, BeforeValidator(as_keeping)]
