"""How Pachyderm's specs write times, amounts of memory and schedules."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ..typed_reading import as_text

SHORTEST, LONGEST = 0.001, 1e9  # seconds

_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_DURATION = re.compile(r"(?:[0-9]{1,15}(?:\.[0-9]{0,9})?(?:ns|us|µs|ms|s|m|h))+")
_TERM = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|µs|ms|s|m|h)")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,9})?)(?:([kKMGTPE]?)(i?)|[eE]([0-9]{1,2})|(m))")
_SHORTHANDS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@never"}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day, month, day of the week
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: dict[int, dict[str, int]] = {
    3: {name: number for number, name in enumerate(_MONTHS, 1)},
    4: {name: number for number, name in enumerate(_DAYS)},
}


def seconds_in(value: Any) -> float:
    """Seconds in a duration such as `90s`, `5m` or `1h30m`. Raises an error that pydantic tells as one of the value."""
    text = as_text(value)
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise PydanticCustomError("duration", "should be a duration such as 90s, 5m or 1h30m")
    seconds = float(sum(Fraction(number) * _UNITS[unit] for number, unit in _TERM.findall(text)))
    if seconds and not SHORTEST <= seconds <= LONGEST:
        raise PydanticCustomError("duration", "should be a duration between 1ms and 30 years")
    return seconds


def duration_of(seconds: float) -> str:
    """A number of seconds as a duration, exact to the nanosecond: `90s`."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def bytes_in(value: Any) -> int:
    """Bytes in an amount such as `256Mi` or `1G`. Raises an error that pydantic tells as one of the value."""
    text = as_text(value)
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if not match or (match[3] and not match[2]):
        raise PydanticCustomError("quantity", "should be an amount such as 256Mi or 1G")
    number = Fraction(match[1])
    if match[5]:
        return int(number / 1000)
    if match[4]:
        return int(number * 10 ** int(match[4]))
    return int(number * (1024 if match[3] else 1000) ** _POWERS[match[2] or ""])


def amount_of(number: int) -> str:
    """A number of bytes as an amount: in the largest binary unit that holds it exactly."""
    unit = 0
    while number and number % 1024 == 0 and unit < 6:
        number //= 1024
        unit += 1
    return f"{number}{['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'][unit]}"


def cron_fault(text: str) -> str:
    """Why this is no schedule, or the empty text."""
    words = text.split()
    if words and words[0].startswith(("TZ=", "CRON_TZ=")):
        words = words[1:]
    if words[:1] == ["@every"] and len(words) == 2:
        return "" if _DURATION.fullmatch(words[1]) else f"{words[1]!r} is no duration"
    if len(words) == 1 and words[0].startswith("@"):
        return "" if words[0] in _SHORTHANDS else f"{words[0]!r} is no shorthand"
    if len(words) != 5:
        return f"it has {len(words)} fields, and a schedule has five"
    for place, word in enumerate(words):
        if not all(_is_cron_part(part, place) for part in word.split(",")):
            return f"{word!r} is out of range or no field"
    return ""


def _is_cron_part(part: str, place: int) -> bool:
    span, slash, step = part.partition("/")
    if slash and (not re.fullmatch("[0-9]{1,4}", step) or int(step) == 0):
        return False
    if span in ("*", "?"):
        return True
    low, dash, high = span.partition("-")
    numbers = [_cron_number(one, place) for one in ([low, high] if dash else [low])]
    least, most = _RANGES[place]
    known = [number for number in numbers if number is not None and least <= number <= most]
    return len(known) == len(numbers) and known == sorted(known)


def _cron_number(word: str, place: int) -> int | None:
    if re.fullmatch("[0-9]{1,4}", word):
        return int(word)
    return _NAMES.get(place, {}).get(word.lower())


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number", "should be a number")
    return value


def _listed(value: Any) -> Any:
    if value is not None and not isinstance(value, list | tuple):
        raise PydanticCustomError("listed", "should be a list of texts, such as [python3, /train.py]")
    return [as_text(one) for one in value] if value is not None else None


Duration = Annotated[float, BeforeValidator(seconds_in)]
Memory = Annotated[int, BeforeValidator(bytes_in)]
Number = Annotated[int, BeforeValidator(_no_truth), Field(ge=0)]
Code = Annotated[int, BeforeValidator(_no_truth)]
Cores = Annotated[float, BeforeValidator(_no_truth), Field(ge=0, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
