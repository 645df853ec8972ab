"""Files of pipelines in a folder, found by a glance: nothing is parsed, and a large file costs little."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from ..core.errors import nearest

MOST_BYTES = 4 * 2**20  # that are looked at of a file
MOST_TOTAL = 32 * 2**20  # that are looked at of all files together
MOST_ENTRIES = 500  # of the folder that are looked at
MOST_NAMED = 8  # files that are told of a folder

_NODES = rb"%pipeline_(?:node|command|notebook|yaml|import|data)\b"
# What a file of each kind holds when it defines a pipeline.
_MARKS = {
    ".ipynb": re.compile(_NODES),
    ".py": re.compile(rb"(?m)^# ?%%|^(?:import dagbook|from dagbook import )"),
    ".yaml": re.compile(rb"(?m)^(?:dagbook: *1\b|flow:|- (?:step|pipeline|task):)"),
    ".json": re.compile(rb'"pipeline"\s*:\s*\{.*"transform"\s*:\s*\{|"flow"\s*:.*"tasks"\s*:', re.DOTALL),
}
_MARKS[".yml"] = _MARKS[".yaml"]
_IN_SCRIPT = re.compile(_NODES + rb"|\bPipeline\(")
ENDINGS = tuple(_MARKS)


def pipeline_files(folder: Path, endings: tuple[str, ...] = ENDINGS) -> list[str]:
    """The names of the files in `folder` that look as if they defined a pipeline, those changed last first.

    Empty for a folder that cannot be read.
    """
    found: list[tuple[float, str]] = []
    left = MOST_TOTAL
    for entry in _candidates(folder, endings):
        with contextlib.suppress(OSError):
            if left <= 0 or not entry.is_file():
                continue
            with open(entry.path, "rb") as file:
                text = file.read(min(MOST_BYTES, left))
            left -= len(text)
            if _defines(text, Path(entry.name).suffix):
                found.append((-entry.stat().st_mtime, entry.name))
    return [name for _, name in sorted(found)]


def file_meant(path: Path) -> str:
    """What to do where `path` is no file: which one may have been meant, or which there are in that folder."""
    if path.is_dir():
        there = ", ".join(f'"{name}"' for name in sorted(pipeline_files(path))[:MOST_NAMED])
        return f"Name a file in it: {there}." if there else "There is no pipeline in it."
    try:
        names = sorted(name for name in os.listdir(path.parent) if name.endswith(ENDINGS) and not name.startswith("."))
    except OSError:
        return f"There is no folder {path.parent}."
    if same := [name for name in names if Path(name).stem in (path.name, path.stem)]:
        return f'Did you mean "{same[0]}"?'
    alike = [name for name in names if Path(name).suffix == path.suffix]
    return nearest(path.name, alike or names) if names else "Look at its spelling and at the folder you are in."


def _candidates(folder: Path, endings: tuple[str, ...]) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        first = [entry for _, entry in zip(range(MOST_ENTRIES), entries, strict=False)]
        return [one for one in first if Path(one.name).suffix in endings and not one.name.startswith(".")]
    return []


def _defines(text: bytes, ending: str) -> bool:
    return bool(_MARKS[ending].search(text)) and (ending != ".py" or bool(_IN_SCRIPT.search(text)))
