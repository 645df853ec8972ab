"""A notebook written as a script: `# %%` begins a cell, a magic is kept as a comment (jupytext's `py:percent`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import PipelineError, Place, problem
from .sources import string_lines

Content = dict[str, Any]  # a notebook as its JSON tells it, in the form of nbformat 4.5, each source one text

_MARKER = re.compile(r"# ?%%", re.ASCII)
_CELL = re.compile(r"^# ?%%(?!\w)", re.ASCII | re.MULTILINE)
_OF_THE_SCRIPT = ("lines_to_next_cell", "cell_marker")  # of its form, which is gone
_COMMENTED = re.compile(r"^(\s*)# ?")
_HEADER = re.compile(r"\A\ufeff?(?:#!.*\n|# -\*-.*\n)*\s*# ---\s*\n(?:#.*\n)*?# +(?:jupyter|jupytext):")


def is_percent(text: str) -> bool:
    """Whether the text of a `.py` file is a notebook: a line of it begins with `# %%`, or jupytext's header is on top.

    Any other `.py` file is a program. Lines inside of a string of several lines do not count, so a program may
    hold the text of such a notebook.
    """
    if _HEADER.match(text):
        return True
    marked = [number for number, line in enumerate(text.splitlines(), 1) if _MARKER.match(line)]
    return bool(marked) and not string_lines(text).issuperset(marked)


def read_percent(text: str, file: str) -> Content:
    """The notebook that the script `text` is, its magics no longer comments. `file` is told in errors.

    jupytext reads it; a script whose header does not name one of its formats is taken for a percent script when it
    has cell markers. Ids are the positions of cells, so the same script always gives the same notebook.
    Raises PipelineError (E-EXTRA where jupytext is not installed, E-NB-PARSE).
    """
    try:
        import jupytext
    except ImportError:
        what = f"{file} is a notebook written as a script, which jupytext reads"
        raise PipelineError(problem("E-EXTRA", Place(file), what=what, extra="text")) from None
    form = "percent" if _CELL.search(text) else "light"
    try:
        notebook = jupytext.reads(text, {"extension": ".py", "format_name": form})
    except Exception as error:  # the header is YAML, and jupytext hands on whatever that is read with raises
        why = f"jupytext cannot read it ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        hint = "Look at its header, the comment lines between `# ---`."
        name = Path(file).name
        raise PipelineError(problem("E-NB-PARSE", Place(file, line=1), file=name, why=why, hint=hint)) from None
    return {
        "cells": [_cell(number, cell) for number, cell in enumerate(notebook.cells, 1)],
        "metadata": _metadata(notebook.metadata),
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, cell: Mapping[str, Any]) -> Content:
    kept = {
        name: value for name, value in cell["metadata"].items() if name not in ("lines_to_next_cell", "cell_marker")
    }
    made = {"id": f"cell-{number}", "cell_type": cell["cell_type"], "metadata": kept, "source": cell["source"]}
    return {**made, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else made


def _metadata(metadata: Mapping[str, Any]) -> Content:
    """The header but for jupytext's own part: a copy that is written elsewhere is paired with no script."""
    spec = {"name": "python3", "language": "python", "display_name": "python3"}
    kept = {name: value for name, value in metadata.items() if name != "jupytext"}
    return {"kernelspec": spec, "language_info": {"name": "python"}, **kept}


def lines_of_script(text: str, cells: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """For each of its cells, in order, the line of the script `text` at which each line of the cell stands.

    Lines are counted from 1; empty for a cell that has none, or is not found (Markdown in another form).
    """
    lines = [line.rstrip() for line in text.split("\n")]
    found: list[list[int]] = []
    at = 0
    for cell in cells:
        source = [line.rstrip() for line in cell["source"].split("\n")]
        start = next((n for n in range(at, len(lines)) if _begins(lines, n, source)), None) if any(source) else None
        found.append([] if start is None else list(range(start + 1, start + len(source) + 1)))
        at = at if start is None else start + len(source)
    return found


def _begins(lines: Sequence[str], start: int, source: Sequence[str]) -> bool:
    """Whether the lines of a cell stand at `start`, as they are or, one by one, as comments."""
    there = lines[start : start + len(source)]
    return len(there) == len(source) and all(
        line == wanted or _COMMENTED.sub(r"\1", line) == wanted for line, wanted in zip(there, source, strict=True)
    )
