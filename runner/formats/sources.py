"""The text of a cell: where magics stand in it, and what Python it is once IPython's own syntax is translated."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from ..core.errors import PipelineError, Place, nearest, problem
from .magic_table import MAGICS

# Cell magics whose body is the Python of the notebook; in all others a `%%pipeline_…` line may be plain text.
_PYTHON_CELLS = ("time", "timeit", "capture", "prun", "debug", "memit", "mprun")
_WORD = re.compile(r"(%{1,2})([A-Za-z_]\w*)(\?{0,2})[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Found:
    """A magic as it stands in a cell: name without %, number of % signs, the rest of its line, 1-based line."""

    name: str
    signs: str
    rest: str
    line: int
    is_help: bool

    @property
    def typed(self) -> str:
        """The name with its signs: `%%pipeline_node`."""
        return self.signs + self.name

    @property
    def ours(self) -> bool:
        """True for a name that is one of ours or was to be one."""
        return self.name.startswith("pipeline") or bool(_meant(self))


@dataclass(frozen=True, slots=True)
class Cut:
    """A cell whose first line that is not blank is a cell magic: the magic, and the body below it."""

    magic: Found
    body: str


def cell_magic(source: str) -> Cut | None:
    """The cell magic that `source` begins with (blank lines before it do not count, as in IPython), or None."""
    lines = source.splitlines(keepends=True)
    for number, text in enumerate(lines, 1):
        if text.strip():
            found = _magic_at(text, number)
            if found is None or found.signs != "%%" or found.is_help:
                return None
            return Cut(found, "".join(lines[number:]))
    return None


def _magic_at(text: str, number: int) -> Found | None:
    match = _WORD.match(text.rstrip("\r\n"))
    if match is None:
        return None
    return Found(match[2], match[1], match[4].rstrip(), number, bool(match[3]))


def magics_in(source: str, first_line: int = 1) -> Iterator[Found]:
    """Our magics that begin a line of `source`, indented or not; not those inside a text of several lines.

    A line that ends in a backslash goes on in the next, as IPython joins it. `first_line` is the number of the
    first line of `source` within its cell. An indented magic is found with its white space in front of `rest`'s sign.
    """
    if "%" not in source:
        return
    lines = source.splitlines()
    masked = string_lines(source)
    index = 0
    while index < len(lines):
        number, text = index + 1, lines[index]
        index += 1
        if number in masked or "%" not in text[: len(text) - len(text.lstrip()) + 1]:
            continue
        found = _magic_at(text.lstrip(), first_line + number - 1)
        if found is None or not found.ours:
            continue
        rest = found.rest
        while rest.endswith("\\") and found.signs == "%" and index < len(lines):
            rest = f"{rest[:-1].rstrip()} {lines[index].strip()}"
            index += 1
        indent = text[: len(text) - len(text.lstrip())]
        yield Found(found.name, indent + found.signs, rest, found.line, found.is_help)


def string_lines(source: str) -> frozenset[int]:
    """The 1-based lines of `source` that begin inside a text (string) of several lines."""
    if '"""' not in source and "'''" not in source:
        return frozenset()
    inside: set[int] = set()
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            name = tokenize.tok_name[token.type]
            if name in ("STRING", "FSTRING_MIDDLE"):
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
            elif name == "FSTRING_START":
                opened.append(token.start[0])
            elif name == "FSTRING_END":
                inside.update(range(opened.pop() + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        pass  # what was seen so far is what there is; the syntax itself is checked elsewhere
    return frozenset(inside)


def _meant(found: Found) -> str:
    """The magic of ours that a mistyped name most likely meant, or an empty text."""
    import difflib

    if found.name.startswith("pipeline"):
        return ""
    close = difflib.get_close_matches(found.name.lower(), MAGICS, n=1, cutoff=0.85)
    return close[0] if close else ""


def known_magics() -> dict[str, str]:
    """All magics of ours as they are typed, by name: `pipeline_node` -> `%%pipeline_node`."""
    return {name: magic.spelled for name, magic in MAGICS.items()}


def unknown(found: Found) -> PipelineError | None:
    """E-MAGIC-UNKNOWN for a magic that was to be one of ours and is none, else None."""
    spelled = known_magics()
    right = spelled.get(found.name)
    both = right is not None and MAGICS[found.name].both
    if not found.ours or found.typed.strip() in ((right, f"%{right}") if both else (right,)):
        return None
    hint = f"Write {right}." if right else nearest(found.typed.strip(), spelled.values())
    return PipelineError(problem("E-MAGIC-UNKNOWN", Place(line=found.line), name=found.typed.strip(), nearest=hint))


def misplaced(found: Found, what: str, hint: str) -> PipelineError:
    """E-MAGIC-PLACE for a magic that stands where it cannot work."""
    return PipelineError(problem("E-MAGIC-PLACE", Place(line=found.line), what=what, hint=hint))


def check_body_magics(owner: str, body: str, python: bool = True) -> None:
    """Raise PipelineError (E-MAGIC-PLACE) when the body of the cell magic `owner` holds a magic that cannot work there.

    `owner` is typed (`%%pipeline_node`). Other cell magics (`%%bash`) count too when the body is Python.
    """
    for found in magics_in(body, first_line=2):
        if not found.is_help:
            what = f"{found.typed.strip()} stands in the same cell as {owner}"
            raise misplaced(found, what, "Give each magic a cell of its own.")
    if python:
        masked = string_lines(body)
        for number, text in enumerate(body.splitlines(), 1):
            if text.startswith("%%") and number not in masked and (other := _magic_at(text, number + 1)):
                what = f"{other.typed} stands inside of {owner}; a cell has one cell magic, on its first line"
                raise misplaced(other, what, _instead(other.name))


def _instead(name: str) -> str:
    if name in ("bash", "sh", "script", "shell"):
        return "Make a node of the script: %%pipeline_command TITLE"
    return f"Take it out, or use %{name} on a line." if name in _PYTHON_CELLS else "Take it out."


def check_late_cell_magics(source: str) -> None:
    """Raise PipelineError (E-MAGIC-PLACE, E-MAGIC-UNKNOWN) for a cell magic of ours below the first line of a cell."""
    cut = cell_magic(source)
    if cut and cut.magic.name not in _PYTHON_CELLS:
        return
    for found in magics_in(source):
        if found.typed.strip().startswith("%%") and not found.is_help:
            if error := unknown(found):
                raise error
            what = f"{found.typed.strip()} stands on line {found.line}; it works on the first line of a cell only"
            raise misplaced(found, what, "Move it to the first line of a cell of its own.")
