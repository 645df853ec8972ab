"""Text in pictures: how wide it is about, shortened to a width, and safe inside HTML and SVG."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

FONT = "system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif"

# What XML cannot hold: one such character in a data URI, and the whole picture stays empty. And what turns the
# direction of the text after it.
_NOT_SHOWN = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069\u200e\u200f]"
)
# A name or value that is read from the right, where `=` or the next name follows: without a mark of its own a reader
# of `name=2` would see `2=name`.
_FROM_RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_TURNED = re.compile(rf"(?<=[{_FROM_RIGHT}])(?==|\s+[^\s=]+=)")
_LEFT_TO_RIGHT = "\u200e"
_NARROW, _WIDE = frozenset("ijltfrI.,:;'|!()[]{}/\\ ·*\"-`"), frozenset("mwMW@%&—…→★")
_SIGNS = frozenset("<>=+~#^×≥≤≠±÷")


def escaped(text: str) -> str:
    """`text` for the inside of an element or of a quoted attribute, in HTML and in SVG."""
    return html.escape(in_order(_NOT_SHOWN.sub("�", text)))


def in_order(text: str) -> str:
    """`text` with its pairs `name=value` drawn from the left to the right, in whichever letters they are written."""
    return _TURNED.sub(_LEFT_TO_RIGHT, text)


@lru_cache(maxsize=4096)
def _em(character: str) -> float:
    """The width of a character in ems, on the safe side of the usual sans-serif fonts."""
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 0.96
    if character in _SIGNS:
        return 0.84
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if unicodedata.combining(character):
        return 0.0
    if character.isupper():
        return 0.69
    return 0.58


def width_of(text: str, size: float, bold: bool = False) -> float:
    """About how many pixels wide `text` is in a font of `size` pixels."""
    return sum(map(_em, text)) * size * (1.13 if bold else 1.0)


def fitting(text: str, width: float, sizes: Iterable[float], bold: bool = False) -> tuple[str, float]:
    """`text` and the first of the sizes in which it is not wider than `width`; in the last, shortened where need be."""
    line = " ".join(text[:400].split())
    size = 0.0
    for size in sizes:
        if width_of(line, size, bold) <= width:
            return line, size
    return shortened(text, width, size, bold), size


def shortened(text: str, width: float, size: float, bold: bool = False) -> str:
    """`text` in one line, cut with … where it is wider than `width` pixels."""
    line = " ".join(text[:400].split())
    if width_of(line, size, bold) <= width:
        return line
    left = width - width_of("…", size, bold)
    for at, character in enumerate(line):
        left -= width_of(character, size, bold)
        if left < 0:
            return line[:at].rstrip() + "…"
    return line
