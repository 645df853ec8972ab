"""Tags and metrics that a node logs: by lines on its stdout, or by a display of dagbook's own type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.values import from_json, typed
from .contract import Logged

MIME = "application/vnd.dagbook.logged+json"

_LINE = re.compile(r"\s*(?:dagbook|cnvrg)_tag_([^:\r\n]{1,200}?)\s*:[ \t]*(.*?)\s*")
_BEGINNINGS = ("dagbook_tag_", "cnvrg_tag_")
_LONGEST_LINE = 65_536


class TagLines:
    """Finds the lines `dagbook_tag_<name>: <value>` (or `cnvrg_tag_...`) in a text that comes in pieces."""

    def __init__(self) -> None:
        self._begun = ""

    def feed(self, text: str) -> Iterator[Logged]:
        """The tags in the lines that `text` completes."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            yield from _logged(line)
        if len(self._begun) > _LONGEST_LINE or not _may_become_tag(self._begun):
            self._begun = self._begun[:1] and "\0"  # no tag any more; remember only that a line has begun

    def close(self) -> Iterator[Logged]:
        """The tag in the last line when it has no line end."""
        rest, self._begun = self._begun, ""
        yield from _logged(rest)


def _may_become_tag(begun: str) -> bool:
    start = begun.lstrip()
    return any(start.startswith(word) or word.startswith(start) for word in _BEGINNINGS)


def _logged(line: str) -> Iterator[Logged]:
    if "_tag_" in line and (match := _LINE.fullmatch(line.rpartition("\r")[2] if "\r" in line.strip() else line)):
        yield Logged(match[1].strip(), typed(match[2]))


def displayed(data: Mapping[str, Any]) -> Logged | None:
    """What a display's data logs, when it is of dagbook's type and well made; else None."""
    content = data.get(MIME)
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        return None
    step = content.get("step")
    if isinstance(step, bool) or not isinstance(step, int | float | None):
        step = None
    value: Any = from_json(content.get("value"))
    if isinstance(value, dict):
        return None
    return Logged(content["name"], value, None if step is None else float(step))
