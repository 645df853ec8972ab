"""What tests of datasets ask again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.core.errors import MachineError, PipelineError, Problem
from dagbook.runner.records import repos
from dagbook.runner.records.repos import Commit
from dagbook.runner.records.store import Store


def put(store: Store, *sources: Path | repos.Stream, branch: str = "master", to: str = "/", **how: object) -> Commit:
    return repos.put(store, "images", branch, sources, to, **how)  # type: ignore[arg-type]


def paths(store: Store, commit: Commit, glob: str = "") -> list[str]:
    return [item.path for item in repos.list_files(store, commit, glob)]


def place(store: Store, commit: Commit, path: str = "") -> Path:
    return store.artifacts / commit.artifact[:2] / commit.artifact / path


def fault(call: Callable[[], object], kind: type[PipelineError | MachineError] = PipelineError) -> Problem:
    with pytest.raises(kind) as caught:
        call()
    (found,) = caught.value.problems
    return found


def settle(folder: Path) -> None:
    """Wait until the clock of files is well past the last change: hashes of younger files are not remembered."""
    newest = max(path.lstat().st_ctime_ns for path in [folder, *folder.rglob("*")])
    probe = folder.parent / "probe"
    probe.touch()
    while probe.stat().st_ctime_ns - newest < 50_000_000:
        probe.touch()
    probe.unlink()
