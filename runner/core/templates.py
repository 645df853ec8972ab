"""References in braces, `{{ Task title.tag name }}`: found in texts, checked, and filled with tags.

`{{ task.tag | hyper }}` stands for each value in the tag. `{ { ... } }` means the same as `{{ ... }}`.
Rules: docs/semantics.md, "Tags, metrics, parameters".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .errors import PipelineError, nearest, problem
from .names import slug_of
from .values import Value, shown, typed

FILTERS = ("hyper",)

_BRACES = re.compile(r"\{ ?\{(?P<inner>[^{}]*)\} ?\}")
_OPENED = re.compile(r"\{ ?\{")


@dataclass(frozen=True, slots=True)
class Reference:
    """A tag of an earlier node: its title as defined, the tag as recorded, and whether each of its values is meant."""

    title: str
    tag: str
    hyper: bool = False

    def __str__(self) -> str:
        return f"{{{{ {self.title}.{self.tag}{' | hyper' if self.hyper else ''} }}}}"


Filling = Callable[[Reference], Value]
Part = str | Reference


def has_reference(value: Value) -> bool:
    """True when a text in `value` opens braces; cheap, for the many values that do not."""
    if isinstance(value, list):
        return any(map(has_reference, value))
    return isinstance(value, str) and "{" in value and _OPENED.search(value) is not None


def parts_of(text: str, titles: Sequence[str]) -> list[Part]:
    """`text` cut into plain texts and references to nodes of these titles.

    Raises PipelineError (E-REF-SYNTAX, E-REF-TASK, E-REF-FILTER).
    """
    parts: list[Part] = []
    end = 0
    for found in _BRACES.finditer(text):
        parts += [text[end : found.start()], _reference(found["inner"], titles)]
        end = found.end()
    parts.append(text[end:])
    for part in parts:
        if isinstance(part, str) and (_OPENED.search(part)):
            raise PipelineError(problem("E-REF-SYNTAX", text=text[:120], why="braces are opened and not closed"))
    return [part for part in parts if part != ""]


def script_parts(text: str, titles: Sequence[str]) -> list[Part]:
    """As `parts_of`, for a shell script: braces that name no node are the script's own and stay."""
    parts: list[Part] = []
    end = 0
    for found in _BRACES.finditer(text):
        try:
            reference = _reference(found["inner"], titles)
        except PipelineError as error:
            if error.problems[0].code == "E-REF-FILTER":
                raise
            continue
        parts += [text[end : found.start()], reference]
        end = found.end()
    return [part for part in [*parts, text[end:]] if part != ""]


def _reference(inner: str, titles: Sequence[str]) -> Reference:
    text, bar, word = inner.partition("|")
    text, word = text.strip(), word.strip()
    dots = [at for at, character in enumerate(text) if character == "." and text[at + 1 :].strip()]
    if not dots or not text[: dots[0]].strip():
        why = "it names no task and tag"
        raise PipelineError(problem("E-REF-SYNTAX", text=f"{{{{ {text} }}}}"[:120], why=why))
    by_slug = _by_slug(tuple(titles))
    for exact in (True, False):
        for at in reversed(dots):  # the longest title that is known wins
            wanted = " ".join(text[:at].split())
            title = by_slug.get(slug_of(wanted))
            if title is not None and (title == wanted or not exact):
                _check_filter(inner, bar, word)  # only now: `{{ .Names | json }}` in a script is not ours
                return Reference(title, text[at + 1 :].strip(), bool(bar))
    wanted = text[: dots[0]].strip()
    raise PipelineError(problem("E-REF-TASK", text=inner.strip(), missing=wanted, nearest=nearest(wanted, titles)))


@lru_cache(maxsize=4)
def _by_slug(titles: tuple[str, ...]) -> dict[str, str]:
    return {slug_of(title): title for title in titles}


def _check_filter(inner: str, bar: str, word: str) -> None:
    if bar and word not in FILTERS:
        raise PipelineError(problem("E-REF-FILTER", text=inner.strip(), filter=word, nearest=nearest(word, FILTERS)))


def references(values: Iterable[Value], titles: Sequence[str]) -> Iterator[Reference]:
    """All references in `values`, lists gone through. Raises as `parts_of`."""
    for value in values:
        if isinstance(value, list):
            yield from references(value, titles)
        elif has_reference(value):
            yield from (part for part in parts_of(str(value), titles) if isinstance(part, Reference))


def filled(value: Value, titles: Sequence[str], filling: Filling) -> Value:
    """`value` with every reference replaced by what `filling` gives; a text that is one reference takes its type."""
    if isinstance(value, list):
        return [filled(item, titles, filling) for item in value]
    if not has_reference(value):
        return value
    return joined(parts_of(str(value), titles), filling)


def joined(parts: Sequence[Part], filling: Filling) -> Value:
    """The value that these parts make: a text, or the tag itself where there is nothing but one reference."""
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return filling(parts[0])
    return "".join(part if isinstance(part, str) else shown(filling(part)) for part in parts)


def hyper_values(value: Value, titles: Sequence[str], filling: Filling) -> list[Value]:
    """Each value meant by a text with `| hyper`: the items of the tag, in the rest of the text."""
    parts = parts_of(str(value), titles)
    (axis,) = [part for part in parts if isinstance(part, Reference) and part.hyper]
    return [_with(parts, axis, item, filling) for item in items_of(filling(axis))]


def _with(parts: Sequence[Part], axis: Reference, item: Value, filling: Filling) -> Value:
    return joined(parts, lambda asked: item if asked is axis else filling(asked))


def is_hyper(value: Value) -> bool:
    """True when `value` is a text with a `| hyper` in its braces."""
    return has_reference(value) and any("|" in found["inner"] for found in _BRACES.finditer(str(value)))


def items_of(tag: Value) -> list[Value]:
    """The values in a tag: a list's items; a text's pieces between commas, trimmed and typed; else the one value."""
    if isinstance(tag, list):
        return list(tag)
    if not isinstance(tag, str):
        return [] if tag is None else [tag]
    try:
        pieces = next(csv.reader([" ".join(tag.splitlines())], skipinitialspace=True), [])
    except csv.Error:  # a piece of more than 131,072 characters
        pieces = tag.split(",")
    return [typed(piece.strip()) for piece in pieces if piece.strip()]
