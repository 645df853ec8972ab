"""A process as a node's script has it: the standard library, the helpers, the stand-ins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook import node
from dagbook.runner.executors.rundir import stand_ins

Script = Callable[..., "subprocess.CompletedProcess[str]"]


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def script(tmp_path: Path, output: Path) -> Script:
    """Runs Python code in a process that has the standard library, the helpers and the stand-ins."""
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "dagbook.py").write_bytes(Path(node.__file__).read_bytes())

    def run(
        code: str, *arguments: str, after: Path | None = None, fails: bool = False, **more: str
    ) -> subprocess.CompletedProcess[str]:
        path = [str(lib), str(stand_ins()), *([str(after)] if after else [])]
        variables = {"PYTHONPATH": ":".join(path), "PYTHONDONTWRITEBYTECODE": "1", "DAGBOOK_OUTPUT": str(output)}
        command = [sys.executable, "-S", "-c", code, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**variables, **more}, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done

    return run
