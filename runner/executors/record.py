"""The executed notebook on disk: written whole or not at all."""

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
