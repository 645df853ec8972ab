"""What a node logs, as it is written: lines on its stdout, and displays that carry names and values.

Lines are `dagbook_tag_<name>: <value>` (also `cnvrg_tag_…`), `dagbook_metric_<name>@<step>: <value>` and
`dagbook_image_<name>@<step>: <path>`; `@<step>` may be left out. cnvrg's `cnvrg_linechart_<name> value: …` is a point
of a metric. Where it is asked for, a line that is one JSON object logs its members (Valohai's metadata). Displays are
dagbook's own, those of scrapbook and those of papermill's older `record`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..core.values import DEEPEST_LIST, Value, from_json, typed

MIME = "application/vnd.dagbook.logged+json"
_SCRAP = re.compile(r"application/scrapbook\.scrap\.(json|text)\+json")
_RECORD = "application/papermill.record+json"

_BEGINNINGS = ("dagbook_tag_", "cnvrg_tag_", "dagbook_metric_", "dagbook_image_", "cnvrg_linechart_")
_CHART = re.compile(r"cnvrg_linechart_(?P<name>.+?)\s+(?P<parts>(?:value|key|group|x|y)\s*:.*)")
_PART = re.compile(r"\b(value|key|group|x|y)\s*:\s*('[^']*'|\"[^\"]*\"|\S+)")
# What a terminal does not show: colours and moves of the cursor (CSI), titles and links (OSC), single letters.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_LONGEST_LINE = 65_536
_STEPS = ("step", "epoch", "iteration")  # members of a JSON object that say which point it is
_LONGEST_NAME = 200


class Sort(Enum):
    """What is logged."""

    TAG = "tag"
    METRIC = "metric"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a node logged. An image's value is the path of its file, as the node sees it; a metric's or an
    image's step is None where it is to be counted."""

    sort: Sort
    name: str
    value: Value
    step: float | None = None


class TagLines:
    """Finds the lines that log something in a text that comes in pieces. A carriage return ends a line too."""

    def __init__(self, json_objects: bool = False) -> None:
        self._json = json_objects
        self._begun = ""
        self._settled = ""  # what has been given of the line that has begun

    def feed(self, text: str) -> Iterator[Entry]:
        """What is logged by the lines that `text` completes."""
        whole = self._begun + text
        *lines, self._begun = (whole.replace("\r", "\n") if "\r" in whole else whole).split("\n")
        if not self._json and not any(word in whole for word in _BEGINNINGS):
            lines = lines[:0]  # far faster than line by line, and so it is with nearly all that is printed
            self._settled = ""
        for line in lines:
            if not self._settled or line != self._settled:
                yield from self._entries(line)
            self._settled = ""
        if len(self._begun) > _LONGEST_LINE or not (
            _may_log(self._begun) or (self._json and _may_be_json(self._begun))
        ):
            self._begun = self._begun[:1] and "\0"  # logs nothing any more; remember only that a line has begun

    def settle(self, last: bool) -> Iterator[Entry]:
        """What the last line logs although it has no line end, or none yet.

        Unless this is the `last` time, more of it may come, and only a tag is given: what comes later replaces it.
        """
        if self._begun == self._settled:
            return
        for entry in self._entries(self._begun):
            if last or entry.sort is Sort.TAG:
                self._settled = self._begun
                yield entry

    def _entries(self, line: str) -> Iterator[Entry]:
        yield from _entry(line)
        if self._json and _may_be_json(line):
            yield from _members(line)


def _may_be_json(begun: str) -> bool:
    return begun.lstrip()[:1] in ("", "{")


def _members(line: str) -> Iterator[Entry]:
    """What a line that is one JSON object logs: a tag for each member, a point for each that is a number."""
    if len(line) > _LONGEST_LINE or not line.strip().endswith("}"):
        return
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return
    step = step_of(next((found[name] for name in _STEPS if name in found), None))
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            yield from _named(name, value, None)
        elif 0 < len(name.strip()) <= _LONGEST_NAME:
            yield Entry(Sort.METRIC, name.strip(), value, step)


def _may_log(begun: str) -> bool:
    start = (_ESCAPE.sub("", begun) if "\x1b" in begun else begun).lstrip()
    if start.startswith("\x1b"):
        return True  # an escape sequence that has only begun
    return any(start.startswith(word) or word.startswith(start) for word in _BEGINNINGS)


def _entry(line: str) -> Iterator[Entry]:
    if len(line) > _LONGEST_LINE or not any(word in line for word in _BEGINNINGS):
        return
    plain = _ESCAPE.sub("", line).strip()
    if chart := _CHART.fullmatch(plain):
        yield from _point(chart["name"], chart["parts"])
        return
    head, colon, text = plain.partition(":")
    beginning = next((word for word in _BEGINNINGS if head.startswith(word)), "")
    if not (beginning and colon) or beginning == "cnvrg_linechart_":
        return
    name, step, text = head[len(beginning) :].strip(), None, text.strip()
    sort = Sort(beginning.split("_")[1])
    if sort is not Sort.TAG:
        name, step = _with_step(name)
    if 0 < len(name) <= _LONGEST_NAME:
        yield Entry(sort, name, text if sort is Sort.IMAGE else typed(text), step)


def _point(name: str, parts: str) -> Iterator[Entry]:
    """A point of a chart of cnvrg's: `cnvrg_linechart_loss value: 0.5 x: 3 group: test`."""
    found = {key: text.strip("'\"") for key, text in _PART.findall(parts)}
    value = typed(found.get("value", found.get("y", "")))
    step = typed(found.get("x", found.get("key", "")))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    title = f"{name} {found['group']}" if found.get("group") else name
    if len(title) <= _LONGEST_NAME:
        yield Entry(Sort.METRIC, title, value, step_of(step))


def _with_step(name: str) -> tuple[str, float | None]:
    """`loss@3` is the name loss and the step 3; what is no number after @ belongs to the name."""
    before, _, after = name.rpartition("@")
    try:
        step = float(after)
    except ValueError:
        return name, None
    return (before.strip(), step) if before and math.isfinite(step) else (name, None)


def step_of(data: Any) -> float | None:
    """The step that a display names; None when that is no number."""
    if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
        return None
    return float(data)


def carries_only_entries(data: Mapping[str, Any]) -> bool:
    """Whether a display has nothing for people in it."""
    return bool(data) and all(mime in (MIME, _RECORD) or _SCRAP.fullmatch(mime) for mime in data)


def displayed(data: Mapping[str, Any]) -> Iterator[Entry]:
    """What the data of a display logs; nothing for what is not well made, and for scraps that are no single value."""
    for mime, content in data.items():
        if not isinstance(content, dict):
            continue
        if mime == MIME:
            yield from _named(content.get("name"), content.get("value"), step_of(content.get("step")))
        elif scrap := _SCRAP.fullmatch(mime):
            value = content.get("data")
            yield from _single(content.get("name"), _unpacked(value) if scrap[1] == "json" else value)
        elif mime == _RECORD:
            for name, value in content.items():
                yield from _single(name, value)


def _unpacked(value: Any) -> Any:
    """scrapbook's older encoder wrote JSON as a text within JSON."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _single(name: Any, value: Any) -> Iterator[Entry]:
    if not isinstance(value, list | dict):
        yield from _named(name, value, None)


def _named(name: Any, data: Any, step: float | None) -> Iterator[Entry]:
    try:
        value: Value = from_json(data)
    except (ValueError, TypeError, RecursionError):
        return
    if isinstance(name, str) and name.strip() and _is_value(value, DEEPEST_LIST):
        yield Entry(Sort.TAG if step is None else Sort.METRIC, name.strip(), value, step)


def _is_value(value: Any, left: int) -> bool:
    if isinstance(value, list):
        return left > 0 and all(_is_value(item, left - 1) for item in value)
    return value is None or isinstance(value, bool | int | float | str)
