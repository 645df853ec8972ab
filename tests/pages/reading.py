"""A page of the documentation as what its reader does: files written, cells put into notebooks, commands typed.

What a fence means shows in it, or in a comment right above it that readers do not see:

- one that begins with `%` is a cell of `flow.ipynb`; with the comment `cell: other.ipynb`, of that notebook. A cell
  takes the place of an earlier one that defined the same node, as a reader would change it.
- below the comment `cell: parameters` it is the cell of `flow.ipynb` with the tag `parameters`; below
  `parameters: other.ipynb`, of that notebook.
- one whose first line is `# NAME.EXT`, or with the comment `file: NAME`, is that file.
- in `console`, a line with `$ ` is typed, and what stands below it is what then is printed.
- below the comment `not run: WHY` it is only shown, as are fences of `text`, of Mermaid and without a language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PIPELINE = "flow.ipynb"  # whose cells need no comment

_FENCE = re.compile(r"(?ms)^(?:<!-- ([^\n]*?) -->\n+)?^```([^\n]*)\n(.*?)^```$")
_SHOWN = {"", "text", "mermaid", "html", "diff"}
_NAMED = re.compile(r"# ([\w./-]+\.\w+|Dockerfile)\n")


@dataclass(frozen=True)
class Cell:
    """A code cell and the notebook that it belongs to."""

    notebook: str
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file and what is in it."""

    name: str
    text: str


@dataclass(frozen=True)
class Typed:
    """A command and the lines that it is told to print; none when nothing is told."""

    command: str
    printed: tuple[str, ...] = field(default=())


Step = Cell | File | Typed


class NotClear(Exception):
    """A fence of which nobody can say what a reader does with it."""


def steps(page: Path) -> Iterator[Step]:
    """What the reader of a page does, in order."""
    for comment, language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        yield from _fence(comment, language, text)


def _fence(comment: str, language: str, text: str) -> Iterator[Step]:
    kind, _, about = comment.partition(": ")
    if kind == "file":
        yield File(about, text)
    elif language in _SHOWN or language.startswith("{") or kind == "not run":
        return
    elif language == "console":
        yield from _typed(text)
    elif kind == "parameters" or comment == "cell: parameters":
        yield Cell(about if kind == "parameters" else PIPELINE, text.rstrip("\n"), ("parameters",))
    elif kind == "cell" or (language == "python" and text.startswith("%")):
        yield Cell(about or PIPELINE, text.rstrip("\n"))
    elif named := _NAMED.match(text):
        yield File(named[1], text)
    else:
        raise NotClear(f"what does a reader do with this {language}?\n{text}")


def _typed(text: str) -> Iterator[Typed]:
    command, printed = "", list[str]()
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield Typed(command, tuple(printed))
            command, printed = line[2:], []
        elif command.endswith("\\"):
            command += "\n" + line
        elif command:
            printed.append(line)
        else:
            raise NotClear(f"this is printed before anything was typed: {line}")
    if command:
        yield Typed(command, tuple(printed))
