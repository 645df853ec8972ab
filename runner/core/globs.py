"""Globs over paths of a repository, with captures, as Pachyderm has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import prod

from .glob_program import Program
from .glob_syntax import Bracket, Group, One, Piece, Star, Text, parsed

_REFERENCE = re.compile(r"\$(?:(\$)|([0-9]+)|\{([0-9]+)\})")
_MOST_STARS = 2  # in one path part; a regular expression takes the square of its length for them
_MOST_WAYS = 64  # through groups of alternatives


class Glob:
    """A glob, made ready once. Raises PipelineError (E-GLOB) for one that cannot be read.

    A leading slash is added and a trailing one taken away, in the glob and in paths. `/` matches the root and nothing
    else does.
    """

    def __init__(self, glob: str) -> None:
        self.glob = clean(glob)
        syntax = parsed(self.glob)
        self._is_root = self.glob == "/"
        self._quick = re.compile(_expression(syntax.pieces), re.DOTALL) if _is_tame(syntax.pieces) else None
        self._program = Program(syntax) if self._quick is None else None

    def matches(self, path: str) -> tuple[str, ...] | None:
        """What the groups captured of the path of a file or folder; None when it does not match."""
        path = clean(path)
        if self._is_root or path == "/":
            return () if self._is_root and path == "/" else None
        if self._program:
            return self._program.match(path)
        found = self._quick.fullmatch(path) if self._quick else None
        return None if found is None else tuple(group or "" for group in found.groups())

    def __repr__(self) -> str:
        return f"Glob({self.glob!r})"


def clean(path: str) -> str:
    """The path with one slash before it and none behind it."""
    return "/" + path.strip("/")


def filled(template: str, path: str, captures: tuple[str, ...]) -> str:
    """The template with `$1` or `${1}` as the first capture and so on, `$0` as the path, `$$` as a `$`.

    A number without a capture stands for nothing.
    """
    known = (clean(path), *captures)

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        digits = found[2] or found[3]
        number = int(digits) if len(digits) < 9 and digits == str(int(digits)) else len(known)
        return known[number] if number < len(known) else ""

    return _REFERENCE.sub(value, template)


def _is_tame(pieces: tuple[Piece, ...]) -> bool:
    """Whether a regular expression finds out quickly for every path, as it does for the globs that people write."""
    flat = list(_flat(pieces))
    groups = [piece for piece in flat if isinstance(piece, Group)]
    if any(group.mark not in ("", "@") for group in groups):
        return False
    if prod(len(group.options) for group in groups) > _MOST_WAYS:
        return False
    deep = any(isinstance(piece, Star) and piece.deep for piece in flat)
    in_part = most = 0
    for piece in pieces:
        if isinstance(piece, Text) and "/" in piece.text and not deep:
            in_part = 0
        in_part += sum(isinstance(one, Star) for one in _flat([piece]))
        most = max(most, in_part)
    return most <= _MOST_STARS


def _flat(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces and all those within them."""
    for piece in pieces:
        yield piece
        if isinstance(piece, Group):
            for option in piece.options:
                yield from _flat(option)


def _expression(pieces: tuple[Piece, ...]) -> str:
    """The regular expression of a glob that is tame."""
    return "".join(_expression_of(piece) for piece in pieces)


def _expression_of(piece: Piece) -> str:
    if isinstance(piece, Text):
        return re.escape(piece.text)
    if isinstance(piece, Star):
        return ".*" if piece.deep else "[^/]*"
    if isinstance(piece, One):
        return "[^/]"
    if isinstance(piece, Bracket):
        inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in piece.ranges)
        return f"[{'^' if piece.negated else ''}{inside}]"
    options = "|".join(_expression(option) for option in piece.options)
    return f"({options})" if piece.mark else f"(?:{options})"
