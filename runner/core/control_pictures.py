"""Control characters as people can see them, and terminals do not obey them."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"(?P<colour>\x1b\[[0-9;:]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """`text` with a picture for each control character, as wide as that: what is marked below a line stays in place.

    Tabs, line ends and colours, as a kernel's traceback has them, are as they were.
    """
    return _CONTROL.sub(lambda found: found["colour"] or _picture(ord(found[0])), text)


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
