"""Writing notebooks for all tools, and reading what papermill notes in them; plain JSON is all that it takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

_SPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(path: Path, cells: Sequence[str], parameters: str | None = None) -> None:
    """Write a notebook of code cells; `parameters` becomes a first cell with the tag of that name."""
    sources = [*([parameters] if parameters is not None else []), *cells]
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{index}",
            "metadata": {"tags": ["parameters"]} if parameters is not None and index == 0 else {},
            "outputs": [],
            "execution_count": None,
            "source": source,
        }
        for index, source in enumerate(sources)
    ]
    about = {"kernelspec": _SPEC, "language_info": {"name": "python"}}
    text = json.dumps({"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5})
    path.write_text(text, encoding="utf-8")


def seconds_of_cells(path: Path) -> float:
    """From the start of the first cell to the end of the last one, as papermill has noted in an executed notebook.

    Raises what says that there are no such notes.
    """
    noted = [cell["metadata"]["papermill"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    first, last = noted[0]["start_time"], noted[-1]["end_time"]
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
