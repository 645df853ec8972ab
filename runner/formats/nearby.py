"""Files of pipelines in a folder, found by a glance: nothing is parsed, and a large file costs little."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

MOST_BYTES = 4 * 2**20  # that are looked at of a file
MOST_TOTAL = 32 * 2**20  # that are looked at of all files together
MOST_ENTRIES = 500  # of the folder that are looked at

_NODES = rb"%pipeline_(?:node|command|notebook|yaml|import|data)\b"
# What a file of each kind holds when it defines a pipeline.
_MARKS = {
    ".ipynb": re.compile(_NODES),
    ".py": re.compile(rb"(?m)^# ?%%|^(?:import dagbook|from dagbook import )"),
    ".yaml": re.compile(rb"(?m)^(?:dagbook: *1\b|flow:|- (?:step|pipeline|task):)"),
    ".json": re.compile(rb'"pipeline"\s*:\s*\{.*"transform"\s*:|"flow"\s*:.*"tasks"\s*:', re.DOTALL),
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


def _candidates(folder: Path, endings: tuple[str, ...]) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        first = [entry for _, entry in zip(range(MOST_ENTRIES), entries, strict=False)]
        return [one for one in first if Path(one.name).suffix in endings and not one.name.startswith(".")]
    return []


def _defines(text: bytes, ending: str) -> bool:
    return bool(_MARKS[ending].search(text)) and (ending != ".py" or bool(_IN_SCRIPT.search(text)))
