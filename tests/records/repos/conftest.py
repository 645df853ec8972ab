"""A store with a dataset in it, and a folder to put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.records import repos
from dagbook.runner.records.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / ".dagbook")
    repos.create(made, "images", "what the cameras saw")
    return made


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "train" / "empty").mkdir(parents=True)
    (folder / "a.png").write_bytes(b"aaa")
    (folder / "train" / "b.png").write_bytes(b"bb")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder
