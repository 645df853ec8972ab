"""Notebooks for the tests, written as their cells' texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


def code(source: str, *tags: str, **more: Any) -> dict[str, Any]:
    """A code cell."""
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)} if tags else {}, "source": source}
    return {**cell, "outputs": [], "execution_count": None, **more}


def markdown(source: str) -> dict[str, Any]:
    """A Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def write(path: Path, *cells: dict[str, Any] | str, metadata: Mapping[str, Any] = PYTHON) -> Path:
    """Write a notebook of these cells (texts are code cells) to `path`, with ids that count from c1."""
    made = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    numbered = [{"id": f"c{number}", **cell} for number, cell in enumerate(made, 1)]
    content = {"cells": numbered, "metadata": dict(metadata), "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
