"""Writing notebooks for all tools; plain JSON, since nothing more is needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
