"""When a flow runs: its date and time in cnvrg's four forms, and its cron expression."""

from __future__ import annotations

import re
from datetime import datetime

_TIME = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}) ?(?P<half>[AaPp][Mm])?"
_FORMS = (
    re.compile(rf"(?P<day>[0-9]{{1,2}})\.(?P<month>[0-9]{{1,2}})\.(?P<year>[0-9]{{4}}) +{_TIME}"),
    re.compile(rf"(?P<year>[0-9]{{4}})\.(?P<month>[0-9]{{1,2}})\.(?P<day>[0-9]{{1,2}}) +{_TIME}"),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_CRON_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,4}))?", re.ASCII)


def moment_of(text: str) -> datetime | None:
    """The moment that `31.01.2027 16:25`, `31.01.2027 4:25PM` or the same with the year first means; else None."""
    found = next((match for form in _FORMS if (match := form.fullmatch(text.strip()))), None)
    if found is None:
        return None
    hour, half = int(found["hour"]), (found["half"] or "").upper()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "PM" else 0)
    try:
        return datetime(int(found["year"]), int(found["month"]), int(found["day"]), hour, int(found["minute"]))
    except ValueError:
        return None


def written(moment: datetime) -> str:
    """The moment in the first of the four forms."""
    return f"{moment.day:02}.{moment.month:02}.{moment.year:04} {moment.hour:02}:{moment.minute:02}"


def cron_fault(text: str) -> str:
    """Why a text is no cron expression of five fields; empty when it is one."""
    fields = text.split()
    if len(fields) != 5:
        return f"it has {len(fields)} fields, and five are due"
    for field, (name, least, most, words) in zip(fields, _FIELDS, strict=True):
        if any(not _fits(part, least, most, words) for part in field.split(",")):
            return f"{field!r} is no {name}"
    return ""


def _fits(part: str, least: int, most: int, words: tuple[str, ...]) -> bool:
    found = _CRON_PART.fullmatch(part)
    if found is None or found["step"] == "0":
        return False
    ends = [_number(end, least, words) for end in (found["first"], found["last"]) if end]
    return all(least <= end <= most for end in ends) and ends == sorted(ends)


def _number(end: str, least: int, words: tuple[str, ...]) -> int:
    """The number that stands there or is meant by a name; one below all for what is neither."""
    if end.lower() in words:
        return words.index(end.lower()) + least
    return int(end) if end.isdigit() and len(end) <= 2 else -1
