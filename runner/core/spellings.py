"""How the value of a secret may be spelled in a text, for who looks for it there."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from .masking import MASK

SHORTEST = 6  # characters; what is shorter is not looked for
_WRAPPED = 76  # characters in a line of base64, as programs print it


def without(text: str, values: Iterable[bytes]) -> str:
    """`text` with dots in place of these values, however they are spelled in it."""
    forms = {form for value in values for form in forms_of(value) if len(form) >= SHORTEST}
    for form in sorted(forms, key=lambda form: (-len(form), form)):  # the longest that fits is taken
        text = text.replace(form, MASK)
    return text


def forms_of(value: bytes) -> set[str]:
    """How a value may be spelled in a text; of several lines each one by itself."""
    value = value.strip()
    if len(value) < SHORTEST:
        return set()
    found = set(_encoded(value))
    try:
        lines = [line.strip() for line in value.decode().splitlines()]
    except UnicodeDecodeError:
        return found
    for line in lines:
        if len(line) >= SHORTEST:
            found |= set(_spelled(line))
    return found


def _spelled(line: str) -> Iterator[str]:
    yield from (line, repr(line)[1:-1], json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1])
    yield from (html.escape(line), html.escape(line, quote=False))
    yield from (line.replace("'", "'\\''"), line.replace("'", "'\"'\"'"))  # as shells trace it
    for quoted in (quote(line), quote(line, safe=""), quote_plus(line)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _encoded(value: bytes) -> Iterator[str]:
    """Its base64: whole, wrapped, and what is always the same of it in the base64 of a longer text."""
    whole = base64.b64encode(value).decode("ascii")
    texts = [whole, whole.rstrip("="), quote(whole, safe="")]
    texts += [whole[start : start + _WRAPPED] for start in range(0, len(whole), _WRAPPED)]
    for before in range(3):
        text = base64.b64encode(bytes(before) + value).decode("ascii")
        texts.append(text[-(-8 * before // 6) : 8 * (before + len(value)) // 6])
    for text in texts:
        yield text
        yield text.replace("+", "-").replace("/", "_")
