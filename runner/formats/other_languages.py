"""Which language the text of a cell is most likely in, when it is no Python."""

from __future__ import annotations

import re

_SIGNS = (
    ("R", re.compile(r"(?m)<-\s|^\s*library\(\w+\)|%>%|\bfunction\s*\(.*\)\s*\{")),
    ("Julia", re.compile(r"(?m)^\s*using\s+[A-Z]\w*(?:\s*,\s*[A-Z]\w*)*\s*$|^\s*println\(.*\)\s*$|^\s*end\s*$")),
    ("a shell script", re.compile(
        r"(?m)\A\s*#!.*\b(?:ba|z|da)?sh\b|^\s*(?:echo|export|cd|set -[eux]+|mkdir|cp|mv|apt-get|curl|wget|chmod)\s+\S|"
        r"^\s*(?:if \[|fi\s*$|done\s*$|esac\s*$)"
    )),
)  # fmt: skip
_HINTS = {
    "R": "It looks like R, which runs in another kernel: --kernel ir",
    "Julia": "It looks like Julia, which runs in another kernel: --kernel julia-1.11 (the name that its image has)",
    "a shell script": "It looks like a shell script: %%pipeline_command instead of %%pipeline_node",
}


def other_language(text: str) -> str:
    """What to do about a text that is no Python, when it looks like something else; empty when it does not."""
    return next((_HINTS[name] for name, sign in _SIGNS if sign.search(text)), "")
