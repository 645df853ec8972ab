"""What nodes print, as a terminal may be given it: it can be coloured, and change nothing else there."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # moves the cursor, clears the screen, asks the terminal for answers
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # sets its title, the clipboard, keys
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def harmless(line: str) -> str:
    """A line without control characters and sequences but those that colour it; tabs stay."""
    return _CONTROL.sub(lambda found: found["colour"] or "", line)


def inert(text: str) -> str:
    """A text as a part of one line: without colours, control characters and line ends."""
    return " ".join(_CONTROL.sub("", text).splitlines())
