"""The globs of Pachyderm, read into a tree.

Three habits of that system are kept, as files are cut by them: `[!x]` stands for every character but x, the slash too;
`!` or `^` anywhere in brackets turns them around; and how far `!(…)` looks depends on what comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import PipelineError, problem

LONGEST = 500  # characters
DEEPEST = 30  # groups within groups

_POSIX = {
    "alnum": "09AZaz",
    "alpha": "AZaz",
    "ascii": "\x00\x7f",
    "blank": "\t\t  ",
    "cntrl": "\x00\x1f\x7f\x7f",
    "digit": "09",
    "graph": "!~",
    "lower": "az",
    "print": " ~",
    "punct": "!/:@[`{~",
    "space": "\t\r  ",
    "upper": "AZ",
    "word": "09AZaz__",
    "xdigit": "09AFaf",
}


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves."""

    text: str


@dataclass(frozen=True, slots=True)
class Star:
    """`*`, any number of characters within a path part; `**`, also across parts."""

    deep: bool


@dataclass(frozen=True, slots=True)
class One:
    """`?`, one character that is no slash."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """`[a-z]`, one character of these ranges, or of none of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Group:
    """`{a,b}` without a mark; with one of `@ * + ? !` it also captures. `(…)` is `@(…)`."""

    mark: str
    options: tuple[tuple[Piece, ...], ...]


Piece = Text | Star | One | Bracket | Group


@dataclass(frozen=True, slots=True)
class Syntax:
    """A glob as a tree. `to_the_end`: what `!(…)` excludes must reach the end of the path to be excluded."""

    pieces: tuple[Piece, ...]
    to_the_end: bool


def parsed(glob: str) -> Syntax:
    """The tree of a glob. Raises PipelineError (E-GLOB)."""
    if len(glob) > LONGEST:
        raise fault(glob[:60] + "…", f"it has more than {LONGEST} characters")
    return _Parser(glob).parsed()


def fault(glob: str, why: str) -> PipelineError:
    """The error that tells why this is no glob."""
    return PipelineError(problem("E-GLOB", glob=glob, why=why))


class _Parser:
    """Reads a glob from left to right."""

    def __init__(self, glob: str) -> None:
        self._glob = glob
        self._at = 0
        self._open = ""  # the brackets that are open: ( and {
        self._negated = False  # a !(…) was closed
        self._bounded = False  # text or a star came after that

    def parsed(self) -> Syntax:
        pieces = self._sequence()
        return Syntax(pieces, self._negated and not self._bounded)

    def _sequence(self) -> tuple[Piece, ...]:
        """The pieces up to the end, or up to what ends this part of a group."""
        found: list[Piece] = []
        text = ""
        while self._at < len(self._glob) and self._glob[self._at] not in self._ends():
            piece = self._piece()
            if isinstance(piece, str):
                text += piece
                continue
            if text:
                found.append(Text(text))
                text = ""
            found.append(piece)
        return (*found, Text(text)) if text else tuple(found)

    def _ends(self) -> str:
        return {"(": "|)", "{": ",}"}.get(self._open[-1:], "")

    def _piece(self) -> Piece | str:
        """The next piece; a character that stands for itself is given as such."""
        here, then = self._glob[self._at], self._glob[self._at + 1 : self._at + 3]
        if here == "\\":
            self._at += 2
            self._bounded = self._negated
            return then[:1]
        if here == "(":
            return self._group("@", "(", 1)
        if here in "@*+?!^" and then[:1] == "(":
            return self._group(here, "(", 2)
        if here == "{":
            return self._group("", "{", 1)
        if here == "[":
            return self._bracket()
        deep = here == "*" and then[:1] == "*" and then != "*("
        self._at += 2 if deep else 1
        if here == "?":
            return One()
        self._bounded = self._negated
        return Star(deep) if here == "*" else here

    def _group(self, mark: str, bracket: str, length: int) -> Group:
        if mark == "^":
            raise fault(self._glob, "^( means nothing; !( is what excludes")
        if len(self._open) == DEEPEST:
            raise fault(self._glob, f"more than {DEEPEST} groups stand within each other")
        self._at += length
        self._open += bracket
        options = [self._sequence()]
        while self._glob[self._at : self._at + 1] == self._ends()[0]:
            self._at += 1
            options.append(self._sequence())
        if self._at >= len(self._glob):
            raise fault(self._glob, f"{bracket} is not closed")
        self._at += 1
        self._open = self._open[:-1]
        self._negated = self._negated or mark == "!"
        return Group(mark, tuple(options))

    def _bracket(self) -> Bracket:
        characters: list[tuple[str, bool]] = []  # each with whether it was escaped
        ranges: list[tuple[str, str]] = []
        negated = False
        self._at += 1
        while (here := self._glob[self._at : self._at + 1]) != "]":
            escaped = here == "\\"
            here = self._glob[self._at + 1 : self._at + 2] if escaped else here
            if not here:
                raise fault(self._glob, "[ is not closed")
            if not escaped and here == "[" and (named := self._posix()):
                negated = negated or named[1]
                ranges += named[0]
                continue
            self._at += 2 if escaped else 1
            if not escaped and not negated and here in "!^":
                negated = True
                continue
            characters.append((here, escaped))
        self._at += 1
        ranges += self._ranges(characters)
        if not ranges:
            raise fault(self._glob, "nothing stands between [ and ]")
        return Bracket(tuple(ranges), negated)

    def _posix(self) -> tuple[list[tuple[str, str]], bool] | None:
        """The ranges of `[:alpha:]` here, and whether it is `[:^alpha:]`; None when it is something else."""
        end = self._glob.find(":]", self._at)
        name = self._glob[self._at + 2 : end] if end > 0 and self._glob.startswith("[:", self._at) else ""
        bounds = _POSIX.get(name.lstrip("^"))
        if bounds is None:
            return None
        self._at = end + 2
        return list(zip(bounds[::2], bounds[1::2], strict=True)), name.startswith("^")

    def _ranges(self, characters: list[tuple[str, bool]]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        at = 0
        while at < len(characters):
            low = high = characters[at][0]
            if characters[at + 1 : at + 2] == [("-", False)] and at + 2 < len(characters):
                high = characters[at + 2][0]
                at += 2
            if high < low:
                raise fault(self._glob, f"the range {low}-{high} is the wrong way round")
            found.append((low, high))
            at += 1
        return found
