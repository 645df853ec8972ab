"""Following pages: which there are in a folder, and doing all that one says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ..examples.running import ROOT, environment
from .doing import Reader
from .reading import steps

DOCS = ROOT / "docs"
CONTAINER = "<!-- needs containers -->"


def followed(pages: Iterable[Path]) -> list[object]:
    """The pages as parameters of a test; those that need containers are marked so, and lists of pages left out."""
    return [
        pytest.param(
            page,
            id=page.relative_to(ROOT).as_posix(),
            marks=[pytest.mark.container] if CONTAINER in page.read_text(encoding="utf-8") else [],
        )
        for page in sorted(pages)
        if page.stem != "index"
    ]


def follow(page: Path, place: Path) -> None:
    """Do all that a page says, in a folder of its own under `place`: files written, cells put into notebooks, commands
    typed. What they print, and that they fail, must be told."""
    folder = place / "project"
    folder.mkdir()
    executor = "docker" if CONTAINER in page.read_text(encoding="utf-8") else "process"
    env = environment(place, executor, HOME=str(place), COLUMNS="100", USER="leah", LOGNAME="leah")
    del env["DAGBOOK_STORE"]  # beside the notebook, as for everybody
    reader = Reader(folder, env)
    for step in steps(page):
        reader.do(step)
    reader.end()
