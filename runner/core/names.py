"""Titles, slugs and the names of environment variables (rules: docs/semantics.md, "Names and places")."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .errors import PipelineError, problem

LONGEST_SLUG = 100

_REFUSED = re.compile(r"[/\\:~]")
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def clean_title(typed: str) -> str:
    """The title that was meant by `typed`: NFC, trimmed, inner white space counted as one space.

    Raises PipelineError (E-NAME-EMPTY, E-NAME-CHARS, E-NAME-LONG) for a title that cannot name a folder.
    """
    title = " ".join(unicodedata.normalize("NFC", typed).split())
    if bad := _refused_part(typed, title):
        raise PipelineError(problem("E-NAME-CHARS", title=title[:60], bad=bad))
    slug = slug_of(title)
    if not slug.strip("_"):
        raise PipelineError(problem("E-NAME-EMPTY", title=title))
    if len(slug) > LONGEST_SLUG:
        raise PipelineError(problem("E-NAME-LONG", title=title[:40], length=len(slug)))
    return title


def _refused_part(typed: str, title: str) -> str:
    if match := _REFUSED.search(title):
        return f'the character "{match.group()}"'
    for character in typed.strip():
        if unicodedata.category(character) in _INVISIBLE and not character.isspace():
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            return f"an invisible or control character ({name})"
    if title in (".", ".."):
        return "nothing but dots"
    if title.startswith("-"):
        return "a - at its beginning"
    return ""


@lru_cache(maxsize=65536)
def slug_of(title: str) -> str:
    """The folder name of a title: lower case, spaces and hyphens to `_`, all else outside [a-z0-9_] removed.

    `Processing the Data` -> `processing_the_data`, `Dynamic [?]` -> `dynamic_`.
    """
    lowered = unicodedata.normalize("NFC", title).lower()
    return re.sub(r"[^a-z0-9_]", "", re.sub(r"[\s-]", "_", lowered))


def variable_of(*parts: str) -> str:
    """The environment variable made of `parts`: upper case, spaces and hyphens to `_`, other symbols removed.

    `variable_of("CNVRG", "task_a", "model accuracy")` -> `CNVRG_TASK_A_MODEL_ACCURACY`.
    """
    return "_".join(slug_of(part).upper() for part in parts if part)
