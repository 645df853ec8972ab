"""Run directories of processes that are no more go; those of the living stay."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
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


def test_what_waits_for_ever_to_become_a_node_is_ended_also_when_it_appears_while_others_are(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the child of a bwrap that is killed at that moment does."""
    left = Path(tempfile.mkdtemp(prefix="dag", dir=parent))
    (left / "owner").touch()
    started: list[subprocess.Popen[bytes]] = []
    kill = os.kill

    def start() -> None:
        waits = "import sys; sys.stdin.read()"
        words = ["bwrap", "-c", waits, "--bind", str(left), "/dag"]
        started.append(subprocess.Popen(words, executable=sys.executable, stdin=subprocess.PIPE))

    def killed(process: int, number: int) -> None:
        kill(process, number)
        if len(started) < 3:
            start()

    monkeypatch.setattr(os, "kill", killed)
    start()
    try:
        remove_stale()
        assert [child.wait(10) for child in started] == [-signal.SIGKILL] * 3
        assert not left.exists()
    finally:
        for child in started:
            child.kill()
            assert child.stdin
            child.stdin.close()


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
