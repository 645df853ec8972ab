"""Files of pipelines in a folder, found by a glance: nothing is parsed, and a large file costs little."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from ..core.errors import closest, known_names

MOST_BYTES = 4 * 2**20  # that are looked at of a file
MOST_TOTAL = 32 * 2**20  # that are looked at of all files together
MOST_ENTRIES = 500  # of the folder that are looked at
_TELLING = 3  # letters at the beginning of a name that two files have in common
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
    """What to do where `path` is no file: which one may have been meant, or which there are in that folder.

    Files are named as they are typed where `path` was.
    """
    if path.is_dir():
        there = ", ".join(f'"{path / name}"' for name in sorted(pipeline_files(path))[:MOST_NAMED])
        return f"Name a file in it: {there}." if there else "There is no pipeline in it."
    try:
        names = sorted(name for name in os.listdir(path.parent) if name.endswith(ENDINGS) and not name.startswith("."))
    except OSError:
        return f"There is no folder {path.parent}."
    if not names:
        return "Look at its spelling and at the folder you are in."
    same = [name for name in names if Path(name).stem in (path.name, path.stem)]
    alike = {Path(name).stem: name for name in names if Path(name).suffix == path.suffix}
    alike = alike or {Path(name).stem: name for name in names}
    close = closest(path.stem, alike)
    found = same or ([alike[close]] if close else _that_begin_so(path.name, list(alike.values())))
    if found:
        return f'Did you mean "{path.parent / found[0]}"?'
    return known_names(str(path.parent / name) for name in alike.values())


def _that_begin_so(typed: str, names: Sequence[str]) -> list[str]:
    """The names with most of their beginning in common with what was typed; none where that is next to nothing."""
    common = {name: _beginning(name.lower(), typed.lower()) for name in names}
    most = max(common.values())
    return [name for name, length in common.items() if length == most >= _TELLING]


def _beginning(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _candidates(folder: Path, endings: tuple[str, ...]) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        first = [entry for _, entry in zip(range(MOST_ENTRIES), entries, strict=False)]
        return [one for one in first if Path(one.name).suffix in endings and not one.name.startswith(".")]
    return []


def _defines(text: bytes, ending: str) -> bool:
    return bool(_MARKS[ending].search(text)) and (ending != ".py" or bool(_IN_SCRIPT.search(text)))
