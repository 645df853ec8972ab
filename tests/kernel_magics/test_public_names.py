"""What `import dagbook` gives."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dagbook

ROOT = Path(__file__).parents[2]


def test_all_names_are_there_sorted_and_listed() -> None:
    assert sorted(dagbook.__all__) == sorted(set(dagbook.__all__))
    assert set(dagbook.__all__) <= set(dir(dagbook))
    for name in dagbook.__all__:
        assert getattr(dagbook, name) is not None


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = dagbook.nope


def test_version_is_that_of_the_package() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert written["project"]["version"] == dagbook.__version__


def test_importing_imports_nothing_else() -> None:
    program = (
        "import sys, pathlib, typing; before = set(sys.modules); import dagbook; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert set(done.stdout.split()) <= {"dagbook", "__future__"}
