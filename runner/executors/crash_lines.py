"""Where a kernel was when it crashed, from what Python's faulthandler leaves of it."""

from __future__ import annotations

import re

_FRAME = re.compile(r'  File "(.*)", line \d+ in .+')
_CELL = re.compile(r'"[^"]*[\\/]ipykernel_\d+[\\/]\d+\.py"')
_AROUND = re.compile(r"[\\/](IPython|ipykernel)[\\/]")  # whose frames stand around the user's


def crash_lines(text: str) -> tuple[str, ...]:
    """What happened, and the user's calls, the innermost first; empty for any other text."""
    told, _, frames = text.partition("\n\n")
    if not told.startswith("Fatal Python error: "):
        return ()
    users = []
    for line in frames.splitlines()[1:]:
        frame = _FRAME.fullmatch(line)
        if not frame or _AROUND.search(frame[1]):
            break
        users.append(_CELL.sub("<cell>", line))
    return (told, "Innermost call first:", *users) if users else (told,)
