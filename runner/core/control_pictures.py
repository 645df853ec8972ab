"""Control characters as people can see them, and terminals do not obey them."""

from __future__ import annotations

_DELETE, _UNKNOWN = 0x7F, "\N{REPLACEMENT CHARACTER}"
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
_PICTURES |= {_DELETE: "\N{SYMBOL FOR DELETE}", **dict.fromkeys(range(0x80, 0xA0), _UNKNOWN)}


def visible(text: str) -> str:
    """`text` with a picture for each control character, as wide as that: what is marked below a line stays in place.

    Tabs and line ends are as they were.
    """
    return text.translate(_PICTURES)
