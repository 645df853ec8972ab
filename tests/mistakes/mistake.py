"""A mistake as somebody makes it: the files of a folder, a command typed there, and what has to be answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mistake:
    """`typed` in a folder that holds `cells` as flow.ipynb and `files`; `says` are words of the answer.

    `fix` is the part of the answer that tells what to do, `code` its code, and `exit` the exit code of the command.
    A code that begins with W- is told, and the command goes on.
    """

    name: str
    typed: str
    says: str
    fix: str
    code: str = ""
    exit: int = 2
    cells: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def in_a_cell(name: str, code: str, *cells: str, says: str, fix: str, exit: int = 2) -> Mistake:
    """A mistake in the cells of a notebook, found by `dagbook check`; a warning leaves the exit code at 0."""
    left = 0 if code.startswith("W-") else exit
    return Mistake(name, "check flow.ipynb", says, fix, code, left, cells)
