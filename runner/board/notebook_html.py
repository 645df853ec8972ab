"""The notebook that a node executed as HTML: code, text and outputs; of one that failed the failing cell first.

It is read from the store alone, following no link. What a node showed stands in frames without rights, as elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cell_view import text_of
from ..records.below import read_below
from .code_html import code_html, ruled
from .inspector_facts import LARGEST_NOTEBOOK
from .inspector_parts import folded, line, more, soft
from .markdown_html import markdown_html
from .output_html import Room

MOST_CELLS = 300
LONGEST_LOG = 40_000  # characters of one output that was printed

Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Executed:
    """An executed notebook: its cells without what papermill put in to report, and the language of its code."""

    path: str
    cells: tuple[Cell, ...]
    language: str

    def place_of(self, cell: int | None) -> int | None:
        """The 0-based place of the cell at a 1-based position in the file; None when it is not there."""
        return cell - 1 if cell is not None and 0 < cell <= len(self.cells) else None


def executed(path: str, store: Path) -> Executed | None:
    """The notebook at `path`; None when it is none that can be shown, or does not lie in the store."""
    try:
        inside = Path(path).relative_to(store)
        content = json.loads(read_below(store, inside.parts, LARGEST_NOTEBOOK))
        cells = tuple(cell for cell in content["cells"] if isinstance(cell, dict))
        about = content.get("metadata", {})
        language = str((about.get("language_info") or {}).get("name") or "python")
        return Executed(path, cells, language)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # it may come from elsewhere
        return None


def notebook_html(notebook: Executed, failing: int | None = None, marked: int | None = None) -> str:
    """All cells, folded under one heading. With a `failing` cell (a place) that one stands open before the others.

    `marked` is the line of that cell that failed.
    """
    room = Room(notebook.path)
    drawn = [
        "" if _is_banner(cell) else _cell_html(cell, notebook.language, room, marked if at == failing else None)
        for at, cell in enumerate(notebook.cells[:MOST_CELLS])
    ]
    rest = more(len(notebook.cells) - MOST_CELLS, "cells")
    count = sum(bool(cell) for cell in drawn)
    if failing is None or failing >= len(drawn):
        return folded("Notebook", *drawn, rest, count=count)
    others = [*drawn[:failing], *drawn[failing + 1 :]]
    whole = folded("The other cells", *others, rest, count=count - 1)
    return folded("Notebook: the cell that failed", drawn[failing], whole, opened=True)


def _is_banner(cell: Cell) -> bool:
    """Whether papermill has put the cell in to say that another one failed."""
    tags = (cell.get("metadata") or {}).get("tags") or ()
    return "papermill-error-cell-tag" in tags


def _cell_html(cell: Cell, language: str, room: Room, marked: int | None) -> str:
    source = text_of(cell.get("source", ""))
    kind = cell.get("cell_type")
    if kind == "markdown":
        return markdown_html(source) if source.strip() else ""
    if kind != "code":
        return line(source)
    outputs = "".join(_output_html(output, room) for output in _shown(cell.get("outputs") or ()))
    number = cell.get("execution_count")
    label = f"[{number}]" if isinstance(number, int) else "[ ]"
    tags = (cell.get("metadata") or {}).get("tags") or ()
    label += " parameters" if "injected-parameters" in tags or "parameters" in tags else ""
    return ruled(f"<div>{soft(label)}</div>{code_html(source, language, marked)}{outputs}") if source or outputs else ""


def _shown(outputs: Iterable[Any]) -> list[dict[str, Any]]:
    """The outputs without those meant for dagbook alone; what was printed between them is one text again."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        if not isinstance(output, dict) or _is_ours(output):
            continue
        if output.get("output_type") == "stream":
            output = {**output, "text": text_of(output.get("text", ""))}
            if found and all(found[-1].get(key) == output.get(key) for key in ("output_type", "name")):
                found[-1]["text"] += output["text"]
                continue
        found.append(output)
    return found


def _is_ours(output: Mapping[str, Any]) -> bool:
    data = output.get("data") or {}
    return bool(data) and all(str(mime).startswith("application/vnd.dagbook.") for mime in data)


def _output_html(output: Mapping[str, Any], room: Room) -> str:
    if output.get("output_type") == "stream" and (left_out := len(output["text"]) - LONGEST_LOG) > 0:
        output = {**output, "text": f"[… {left_out:,} characters before …]\n{output['text'][-LONGEST_LOG:]}"}
    return f'<div style="margin:4px 0;overflow-x:auto">{room.html_of(output)}</div>'
