"""A notebook written as a script: `# %%` begins a cell, a magic is kept as a comment (jupytext's `py:percent`)."""

from __future__ import annotations

import re

from .sources import string_lines

_MARKER = re.compile(r"# ?%%", re.ASCII)
_HEADER = re.compile(r"\A\ufeff?(?:#!.*\n|# -\*-.*\n)*\s*# ---\s*\n(?:#.*\n)*?# +(?:jupyter|jupytext):")


def is_percent(text: str) -> bool:
    """Whether the text of a `.py` file is a notebook: a line of it begins with `# %%`, or jupytext's header is on top.

    Any other `.py` file is a program. Lines inside of a string of several lines do not count, so a program may
    hold the text of such a notebook.
    """
    if _HEADER.match(text):
        return True
    marked = [number for number, line in enumerate(text.splitlines(), 1) if _MARKER.match(line)]
    return bool(marked) and not string_lines(text).issuperset(marked)
