"""Run directories of processes that are no more go; those of the living stay."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagbook.runner.executors.rundir import RunDir, remove_stale


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where run directories are made; short, for the sockets in them."""
    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def test_one_whose_process_was_killed_before_it_could_lock_it_goes(parent: Path) -> None:
    Path(tempfile.mkdtemp(prefix="dag", dir=parent))
    remove_stale()
    assert list(parent.iterdir()) == []


def test_one_whose_process_was_killed_while_it_removed_it_goes(parent: Path) -> None:
    """What says whose it is goes last."""
    left = Path(tempfile.mkdtemp(prefix="dag", dir=parent))
    (left / "owner").touch()
    (left / "lib").mkdir()
    remove_stale()
    assert list(parent.iterdir()) == []


def test_one_of_a_living_process_and_what_is_not_ours_stay(parent: Path) -> None:
    held = RunDir.make()
    others = parent / "dagster_home"
    others.mkdir()
    (others / "file").touch()
    remove_stale()
    assert {path.name for path in parent.iterdir()} == {held.path.name, "dagster_home"}
    assert sorted(os.listdir(held.path)) == ["images", "lib", "owner"]
    held.remove()
    assert not held.path.exists()
