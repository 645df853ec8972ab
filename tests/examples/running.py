"""Running the example notebooks as their readers do: the programs of this environment in folders of the tests' own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "example_notebooks"
PROGRAMS = Path(sys.executable).parent
EXECUTORS = [pytest.param("docker", marks=pytest.mark.container), "process"]
_NODE = re.compile(r"%%pipeline_node (\w+)")


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook, checked."""
    found: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(found)
    return found


@dataclass(frozen=True)
class Ran:
    """What a command came to: exit code, what it printed, the notebook that it wrote."""

    code: int
    stdout: str
    stderr: str
    path: Path

    @property
    def notebook(self) -> nbformat.NotebookNode:
        """The written notebook, checked."""
        return read(self.path)

    @property
    def cells(self) -> dict[str, list[Any]]:
        """The outputs of each node's defining cell, by title."""
        found = {}
        for cell in self.notebook.cells:
            if cell.cell_type == "code" and (title := _NODE.match(cell.source)):
                found[title[1]] = cell.outputs
        return found

    def shown(self, title: str) -> str:
        """All that the cell of a node shows, as plain text."""
        texts = (one.get("text") or one.get("data", {}).get("text/plain", "") for one in self.cells[title])
        return "\n".join("".join(text) for text in texts)


def environment(place: Path, executor: str, **more: str) -> dict[str, str]:
    """The user's environment, with settings, store and caches of these tests' own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DAGBOOK_")}
    settings = {
        "DAGBOOK_EXECUTOR": executor,
        "DAGBOOK_IMAGE": os.environ.get("DAGBOOK_IMAGE", "dagbook/base:bookworm"),
        "DAGBOOK_BUILD_NETWORK": os.environ.get("DAGBOOK_BUILD_NETWORK", "host"),
        "DAGBOOK_STORE": str(place / "store"),
        "XDG_CACHE_HOME": str(place / "cache"),
        "IPYTHONDIR": str(place / "ipython"),
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
    }
    return {**kept, **settings, **more}


def command(*words: str | Path, at: Path, out: Path, env: Mapping[str, str]) -> Ran:
    """Run one of the programs of this environment in the folder `at`."""
    program, *rest = map(str, words)
    done = subprocess.run(
        [str(PROGRAMS / program), *rest], cwd=at, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr, out)
