"""Asking git about a folder gives what git itself says, however the repository is laid out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.beginning import git_of
from dagbook.runner.records.code import snapshot
from dagbook.runner.records.git_asked import git_about

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")


def git(folder: Path, *words: str) -> str:
    """What git prints there."""
    command = ["git", *WHO, "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, *options: str) -> Path:
    """A repository with a commit of two files."""
    folder.mkdir()
    git(folder, "init", "-q", *options)
    (folder / "deep").mkdir()
    (folder / "a.py").write_text("x = 1\n")
    (folder / "deep" / "b ä.py").write_text("x = 2\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "x")
    return folder


def plain(top: Path) -> Path:
    return repository(top / "project")


def folder_of_one(top: Path) -> Path:
    return repository(top / "project") / "deep"


def reached_by_a_link(top: Path) -> Path:
    (top / "link").symlink_to(repository(top / "project"))
    return top / "link"


def packed(top: Path) -> Path:
    folder = repository(top / "project")
    git(folder, "gc", "-q")
    return folder


def further_work_tree(top: Path) -> Path:
    git(repository(top / "first"), "worktree", "add", "-q", "-b", "other", "../project")
    return top / "project"


def submodule(top: Path) -> Path:
    repository(top / "part")
    git(repository(top / "first"), "submodule", "--quiet", "add", str(top / "part"), "project")
    return top / "first" / "project"


def detached(top: Path) -> Path:
    folder = repository(top / "project")
    git(folder, "checkout", "-q", "--detach")
    return folder


def sha256(top: Path) -> Path:
    return repository(top / "project", "--object-format=sha256")


def borrowing(top: Path) -> Path:
    git(top, "clone", "-q", "--shared", str(repository(top / "first")), "project")
    return top / "project"


def shallow(top: Path) -> Path:
    first = repository(top / "first")
    git(first, "commit", "-q", "--allow-empty", "-m", "y")
    git(top, "clone", "-q", "--depth=1", first.as_uri(), "project")
    return top / "project"


def without_blobs(top: Path) -> Path:
    first = repository(top / "first")
    git(first, "config", "uploadpack.allowFilter", "true")
    git(top, "clone", "-q", "--filter=blob:none", first.as_uri(), "project")
    return top / "project"


def split_index(top: Path) -> Path:
    folder = repository(top / "project")
    git(folder, "update-index", "--split-index")
    return folder


def other_line_ends(top: Path) -> Path:
    folder = repository(top / "project")
    git(folder, "config", "core.autocrlf", "true")
    (folder / "a.py").write_bytes(b"x = 1\r\n")
    git(folder, "add", "a.py")
    os.utime(folder / "a.py", (0, 0))  # git has to look into it
    return folder


def modes_ignored(top: Path) -> Path:
    folder = repository(top / "project")
    git(folder, "config", "core.fileMode", "false")
    (folder / "a.py").chmod(0o755)
    return folder


def excluded_here_only(top: Path) -> Path:
    folder = repository(top / "project")
    (folder / ".git" / "info" / "exclude").write_text("*.log\n")
    (folder / "a.log").write_text("1")
    return folder


LAYOUTS = (
    *(plain, folder_of_one, reached_by_a_link, packed, further_work_tree, submodule, detached, sha256, borrowing),
    *(shallow, without_blobs, split_index, other_line_ends, modes_ignored, excluded_here_only),
)


@pytest.mark.parametrize("lay", LAYOUTS, ids=lambda lay: lay.__name__)
def test_the_commit_and_what_differs_are_what_git_says(tmp_path: Path, lay: Callable[[Path], Path]) -> None:
    folder = lay(tmp_path)
    assert git(folder, "status", "--porcelain") == ""
    commit = git(folder, "rev-parse", "HEAD")
    assert git_of(folder) == {"commit": commit, "dirty": False}
    with git_about(folder) as asked:
        listed = asked.ask("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode()
    assert listed.replace("\0", "\n").strip() == git(folder, "-c", "core.quotePath=false", "ls-files")
    (folder / "new.py").write_text("x = 3\n")
    assert git_of(folder) == {"commit": commit, "dirty": True}
    (folder / "new.py").unlink()
    next(folder.glob("*.py")).write_text("x = 4\n")
    assert git_of(folder) == {"commit": commit, "dirty": True}


def test_a_moved_submodule_differs_and_its_own_changes_do_not(tmp_path: Path) -> None:
    part = submodule(tmp_path)
    first = part.parent
    git(first, "commit", "-qm", "y")
    (part / "a.py").write_text("x = 5\n")
    commit = git(first, "rev-parse", "HEAD")
    assert git_of(first) == {"commit": commit, "dirty": False}
    git(part, "commit", "-qam", "y")
    assert git_of(first) == {"commit": commit, "dirty": True}


def test_a_repository_that_a_hook_was_called_in_is_not_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git tells its hooks where it works, and whatever they start."""
    other, folder = repository(tmp_path / "other"), repository(tmp_path / "project")
    git(other, "commit", "-q", "--allow-empty", "-m", "other")
    commit = git(folder, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert git_of(folder) == {"commit": commit, "dirty": False}


def test_where_git_is_missing_or_there_is_no_repository_it_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tmp_path / "project")
    (tmp_path / "bare folder" / ".git").mkdir(parents=True)
    assert git_of(tmp_path / "bare folder") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_of(folder) is None
    assert snapshot(folder, tmp_path / "store" / "code").files == 2


def test_a_git_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "project")
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("dagbook.runner.records.git_asked.SECONDS", 0.2)
    assert git_of(folder) is None
    assert snapshot(folder, tmp_path / "store" / "code").files == 2
