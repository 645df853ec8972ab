"""Which images a Dockerfile begins with and copies from. The engine reads the rest of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")
_FROM = re.compile(r"from\s+(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?\s*\Z", re.IGNORECASE)
_COPY = re.compile(r"copy\s.*?--from=(\S+)", re.IGNORECASE)
_ARG = re.compile(r"arg\s+(\w+)=(\S*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Base:
    """An image that a Dockerfile needs, and the line that names it."""

    image: str
    line: int


def bases_of(text: str) -> list[Base]:
    """Every image that the Dockerfile names once, in its order; stages of its own and `scratch` are none.

    ARGs before the first FROM are put in with their defaults.
    """
    variables: dict[str, str] = {}
    stages: set[str] = set()
    found: dict[str, Base] = {}
    begun = False
    for line, instruction in _instructions(text):
        if (given := _ARG.match(instruction)) and not begun:
            variables[given[1]] = given[2].strip("\"'")
        named = _FROM.match(instruction)
        copied = _COPY.match(instruction)
        if named:
            begun = True
        if named or copied:
            image = _filled((named or copied)[1], variables)  # type: ignore[index]  # one of them is there
            own = image.lower() in stages or image == "scratch" or (copied is not None and image.isdigit())
            if image and not own:
                found.setdefault(image, Base(image, line))
        if named and named[2]:
            stages.add(named[2].lower())
    return list(found.values())


def _filled(word: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda m: variables.get(m[1] or m[2], "") or m[3] or "", word)


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Each instruction in one line, with the number of the line it begins in."""
    begun, begins = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        begins = begins if begun else number
        if stripped.endswith("\\"):
            begun += stripped[:-1] + " "
            continue
        yield begins, begun + stripped
        begun = ""
    if begun:
        yield begins, begun.strip()
