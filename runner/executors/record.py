"""The executed notebook on disk: written whole or not at all, its streams in one piece."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from nbformat import NotebookNode

from ..records.failpoints import failpoint


def save(nb: NotebookNode, record: Path) -> None:
    """Write `nb` to `record` in one step: who reads it meanwhile sees the one before."""
    import nbformat

    part = record.with_name(f".{record.name}.{secrets.token_hex(4)}")
    try:
        with open(part, "x", encoding="utf-8") as file:
            file.write(nbformat.writes(nb))  # type: ignore[no-untyped-call]
            file.flush()
            os.fsync(file.fileno())  # a power cut leaves the one before, or this one, and nothing cut off
        failpoint("notebook.save")
        os.replace(part, record)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    failpoint("notebook.saved")


def merge_streams(cell: NotebookNode) -> dict[int, int]:
    """Make one output of what a cell printed in many pieces; what was displayed in between stays in between.

    Gives where each output went: its place before -> its place now.
    """
    merged: list[NotebookNode] = []
    pieces: list[list[str]] = []
    places: dict[int, int] = {}
    for index, out in enumerate(cell.outputs):
        last = merged[-1] if merged else None
        if last is not None and out.output_type == last.output_type == "stream" and out.name == last.name:
            pieces[-1].append(out.text)
        else:
            merged.append(out)
            pieces.append([out.text] if out.output_type == "stream" else [])
        places[index] = len(merged) - 1
    for out, texts in zip(merged, pieces, strict=True):
        if len(texts) > 1:
            out.text = "".join(texts)
    cell.outputs = merged
    return places
