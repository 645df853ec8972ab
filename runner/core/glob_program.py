"""Matching a glob in time that grows with its length times the path's, whatever the glob is.

A regular expression tries the ways to match one after the other, and there may be exponentially many of them.
Here no step of the program is taken twice at one place of the path; else it is the same search, with the same captures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .glob_syntax import Bracket, Group, One, Piece, Star, Syntax, Text

Step = tuple[Any, ...]  # what it does, and its operands: numbers of steps, a test of a character, a capture
_Captures = tuple[tuple[int, int], ...]

_TAKE, _SPLIT, _JUMP, _OPEN, _CLOSE, _UNLESS, _AT_END, _FOUND = range(8)


class Program:
    """A glob as steps."""

    def __init__(self, syntax: Syntax) -> None:
        self._steps: list[Step] = []
        self._to_the_end = syntax.to_the_end
        self.captures = 0
        self._add_all(syntax.pieces)
        self._steps += [(_AT_END,), (_FOUND,)]

    def match(self, path: str) -> tuple[str, ...] | None:
        """What the groups captured, the empty text for those that took no part; None when the path does not match."""
        found = _Search(self._steps, path, self.captures).run(0, 0)
        return None if found is None else tuple(path[start:end] for start, end in found)

    def _add_all(self, pieces: tuple[Piece, ...]) -> None:
        for piece in pieces:
            self._add(piece)

    def _add(self, piece: Piece) -> None:
        if isinstance(piece, Text):
            self._steps += [(_TAKE, character.__eq__) for character in piece.text]
        elif isinstance(piece, Star):
            self._loop(lambda: self._take(_any if piece.deep else _no_slash))
        elif isinstance(piece, One):
            self._take(_no_slash)
        elif isinstance(piece, Bracket):
            self._take(_test_of(piece))
        else:
            self._group(piece)

    def _group(self, group: Group) -> None:
        if not group.mark:
            self._options(group)
            return
        number = self.captures
        self.captures += 1
        self._steps.append((_OPEN, number))
        if group.mark == "*":
            self._loop(lambda: self._options(group))
        elif group.mark == "+":
            first = len(self._steps)
            self._options(group)
            self._steps.append((_SPLIT, first, len(self._steps) + 1))
        elif group.mark == "?":
            split = self._reserve()
            self._options(group)
            self._steps[split] = (_SPLIT, split + 1, len(self._steps))
        elif group.mark == "!":
            self._anything_but(group)
        else:
            self._options(group)
        self._steps.append((_CLOSE, number))

    def _anything_but(self, group: Group) -> None:
        unless = self._reserve()
        self._options(group)
        if self._to_the_end:
            self._steps.append((_AT_END,))
        self._steps.append((_FOUND,))
        self._steps[unless] = (_UNLESS, unless + 1, len(self._steps))
        self._loop(lambda: self._take(_no_slash))

    def _options(self, group: Group) -> None:
        jumps = []
        for option in group.options[:-1]:
            split = self._reserve()
            self._add_all(option)
            jumps.append(self._reserve())
            self._steps[split] = (_SPLIT, split + 1, len(self._steps))
        self._add_all(group.options[-1])
        for jump in jumps:
            self._steps[jump] = (_JUMP, len(self._steps))

    def _loop(self, add_body: Callable[[], None]) -> None:
        split = self._reserve()
        add_body()
        self._steps.append((_JUMP, split))
        self._steps[split] = (_SPLIT, split + 1, len(self._steps))

    def _take(self, test: Callable[[str], bool]) -> None:
        self._steps.append((_TAKE, test))

    def _reserve(self) -> int:
        self._steps.append(())
        return len(self._steps) - 1


class _Search:
    """One path against the steps."""

    def __init__(self, steps: list[Step], path: str, captures: int) -> None:
        self._steps, self._path, self._captures = steps, path, captures
        self._excluded: dict[tuple[int, int], bool] = {}

    def run(self, first: int, start: int) -> _Captures | None:
        """The captures at the first way to the end of the (sub-)program, or None."""
        path, width = self._path, len(self._path) + 1
        seen = bytearray(len(self._steps) * width)
        waiting: list[tuple[int, int, _Captures]] = [(first, start, ((0, 0),) * self._captures)]
        while waiting:
            step, at, captures = waiting.pop()
            while not seen[step * width + at]:
                seen[step * width + at] = 1
                todo = self._steps[step]
                kind = todo[0]
                step += 1
                if kind == _TAKE:
                    if at == len(path) or not todo[1](path[at]):
                        break
                    at += 1
                elif kind == _SPLIT:
                    waiting.append((todo[2], at, captures))
                    step = todo[1]
                elif kind == _JUMP:
                    step = todo[1]
                elif kind in (_OPEN, _CLOSE):
                    begun = at if kind == _OPEN else captures[todo[1]][0]
                    captures = (*captures[: todo[1]], (begun, at), *captures[todo[1] + 1 :])
                elif kind == _UNLESS:
                    if self._is_excluded(todo[1], at):
                        break
                    step = todo[2]
                elif kind == _FOUND:
                    return captures
                elif at < len(path):  # _AT_END
                    break
        return None

    def _is_excluded(self, first: int, at: int) -> bool:
        if (first, at) not in self._excluded:
            self._excluded[first, at] = self.run(first, at) is not None
        return self._excluded[first, at]


def _any(_character: str) -> bool:
    return True


def _no_slash(character: str) -> bool:
    return character != "/"


def _test_of(bracket: Bracket) -> Callable[[str], bool]:
    ranges, negated = bracket.ranges, bracket.negated
    return lambda character: any(low <= character <= high for low, high in ranges) is not negated
