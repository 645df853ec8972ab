"""A store with a run in it: one for all tests, and a copy for each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagbook.runner.records.store import Store
from tests.conftest import run_dagbook, write_notebook


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run of two nodes, one of which failed."""
    folder = tmp_path_factory.mktemp("audited")
    write_notebook(folder / "flow.ipynb", "%%pipeline_node a\nopen('a.txt', 'w').write('1')", "%%pipeline_node b\n1/0")
    assert run_dagbook(folder, "run", "flow.ipynb", "--executor", "process").code == 1
    return folder / ".dagbook"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "store", symlinks=True)
    return Store(tmp_path / "store", create=False)
