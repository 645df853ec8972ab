"""What git is asked about a repository that anybody may have made starts none of the programs that it names."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.beginning import git_of
from dagbook.runner.origin import requirement
from dagbook.runner.records.code import snapshot
from tests.first.test_origin import installed


class Hostile:
    """A repository with one commit; what it names touches `trap`, and so shows that it was started."""

    def __init__(self, top: Path) -> None:
        self.top, self.trap = top / "project", top / "sprung"
        self.folder = self.top
        self.top.mkdir()
        self.program = top / "program.sh"
        self.program.write_text(f"#!/bin/sh\necho sprung >> {shlex.quote(str(self.trap))}\ncat\n")
        self.program.chmod(0o755)
        self.git("init", "-q")
        (self.top / "code.py").write_text("x = 1\n")
        (self.top / ".gitattributes").write_text("*.py filter=a=b\n")
        self.commit()

    def git(self, *words: str, at: Path | None = None) -> str:
        """What git prints there."""
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
        command = ["git", *who, "-C", str(at or self.top), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> None:
        """Commit all that is there."""
        self.git("add", ".")
        self.git("commit", "-qm", "x")

    def names(self, key: str, words: str = "", at: Path | None = None) -> None:
        """Let the configuration name the program."""
        self.git("config", key, f"{self.program} {words}".strip(), at=at)


def filter_of_any_name(hostile: Hostile) -> None:
    hostile.names("filter.a=b.clean")


def filter_in_an_included_file(hostile: Hostile) -> None:
    (hostile.top / "more").write_text(f'[filter "a=b"]\nclean = {hostile.program}\n')
    hostile.git("config", "include.path", "../more")
    hostile.commit()


def filter_of_a_work_tree(hostile: Hostile) -> None:
    hostile.git("config", "extensions.worktreeConfig", "true")
    hostile.git("config", "--worktree", "filter.a=b.clean", str(hostile.program))


def monitor_of_the_file_system(hostile: Hostile) -> None:
    hostile.names("core.fsmonitor")


def monitor_of_a_submodule(hostile: Hostile) -> None:
    part = hostile.top / "part"
    part.mkdir()
    hostile.git("init", "-q", at=part)
    (part / "code.py").write_text("x = 1\n")
    hostile.git("add", ".", at=part)
    hostile.git("commit", "-qm", "x", at=part)
    hostile.git("add", "part")
    hostile.git("commit", "-qm", "x")
    hostile.names("core.fsmonitor", at=part)


def missing_objects(hostile: Hostile) -> None:
    tree = hostile.git("rev-parse", "HEAD^{tree}")
    hostile.names("remote.origin.uploadpack", "</dev/null")
    hostile.git("config", "remote.origin.url", str(hostile.top))
    for key, value in (("remote.origin.promisor", "true"), ("extensions.partialClone", "origin")):
        hostile.git("config", key, value)
    hostile.git("config", "core.repositoryFormatVersion", "1")
    (hostile.top / ".git" / "objects" / tree[:2] / tree[2:]).unlink()


def what_a_program_of_the_user_reads(hostile: Hostile) -> None:
    """As git-lfs does, which starts what `lfs.extension.NAME.clean` says."""
    own = "sh -c '$(git config lfs.extension.evil.clean || echo cat)'"
    subprocess.run(["git", "config", "--global", "filter.a=b.clean", own], check=True)
    hostile.names("lfs.extension.evil.clean")


def bare_repository_among_the_files(hostile: Hostile) -> None:
    """A clone is enough to have one."""
    hostile.folder = hostile.top / "part"
    for name in ("objects", "refs"):
        (hostile.folder / name).mkdir(parents=True)
        (hostile.folder / name / "kept").write_text("")
    (hostile.folder / "HEAD").write_text("ref: refs/heads/main\n")
    said = f'[core]\nrepositoryformatversion = 0\nworktree = .\n[filter "a=b"]\nclean = {hostile.program}\n'
    (hostile.folder / "config").write_text(said)
    for name in ("code.py", ".gitattributes"):
        (hostile.folder / name).write_bytes((hostile.top / name).read_bytes())
    (hostile.folder / "index").write_bytes((hostile.top / ".git" / "index").read_bytes())
    hostile.commit()


def repository_elsewhere(hostile: Hostile) -> None:
    elsewhere = hostile.top / "data"
    (hostile.top / ".git").rename(elsewhere)
    (hostile.top / ".git").write_text("gitdir: data\n")
    hostile.names("core.fsmonitor")


TRAPS = (
    filter_of_any_name,
    filter_in_an_included_file,
    filter_of_a_work_tree,
    monitor_of_the_file_system,
    monitor_of_a_submodule,
    missing_objects,
    what_a_program_of_the_user_reads,
    bare_repository_among_the_files,
    repository_elsewhere,
)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hostile:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return Hostile(tmp_path)


@pytest.mark.parametrize("lay", TRAPS, ids=lambda lay: lay.__name__)
def test_T6_asking_git_starts_nothing_that_a_repository_names(
    hostile: Hostile, tmp_path: Path, lay: Callable[[Hostile], None]
) -> None:
    lay(hostile)
    for path in hostile.top.rglob("code.py"):
        os.utime(path, (0, 0))  # git has to look into it
    hostile.trap.unlink(missing_ok=True)  # what laying it may have sprung
    before = {path: path.stat().st_mtime_ns for path in hostile.top.rglob("*")}
    found = git_of(hostile.folder)
    kept = snapshot(hostile.folder, tmp_path / "store" / "code")
    requirement(installed(tmp_path, {"url": hostile.folder.as_uri(), "dir_info": {}}))
    assert not hostile.trap.exists()
    assert (kept.path / "code.py").is_file()
    if lay is not missing_objects:
        assert found is not None
        assert found["commit"] == hostile.git("rev-parse", "HEAD", at=hostile.top)
    assert {path: path.stat().st_mtime_ns for path in hostile.top.rglob("*")} == before


def test_T6_a_trap_that_git_alone_would_spring_is_one(hostile: Hostile) -> None:
    filter_of_any_name(hostile)
    os.utime(hostile.top / "code.py", (0, 0))
    hostile.git("status")
    assert hostile.trap.exists()


@pytest.mark.parametrize("broken", ["[core", "[core]\nrepositoryformatversion = 99"])
def test_T6_a_repository_that_cannot_be_read_safely_is_not_asked(hostile: Hostile, tmp_path: Path, broken: str) -> None:
    """What its index says is not taken then, but the files that are there."""
    (hostile.top / ".git" / "config").write_text(broken)
    (hostile.top / "new.py").write_text("x = 2\n")
    kept = snapshot(hostile.top, tmp_path / "store" / "code")
    assert git_of(hostile.top) is None
    assert sorted(path.name for path in kept.path.iterdir()) == [".gitattributes", "code.py", "new.py"]


def test_T6_pipes_in_the_place_of_a_repositorys_files_are_not_waited_for(hostile: Hostile) -> None:
    (hostile.top / "part").mkdir()
    os.mkfifo(hostile.top / "part" / ".git")
    os.mkfifo(hostile.top / ".git" / "commondir")
    found = git_of(hostile.top / "part")
    assert found is not None
    assert found["commit"]


@pytest.mark.parametrize("outside", ["link/secret.txt", "../host/secret.txt"])
def test_T6_names_in_an_index_that_lead_out_of_the_folder_are_no_part_of_the_project(
    hostile: Hostile, tmp_path: Path, outside: str
) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "secret.txt").write_text("secret")
    stand_in = outside.replace("..", "xx")
    blob = hostile.git("rev-parse", "HEAD:code.py")
    hostile.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{stand_in}")
    (hostile.top / "link").symlink_to(tmp_path / "host")
    index = hostile.top / ".git" / "index"
    index.write_bytes(index.read_bytes().replace(stand_in.encode(), outside.encode()))
    kept = snapshot(hostile.top, tmp_path / "store" / "code")
    assert "secret.txt" not in {path.name for path in (tmp_path / "store").rglob("*")}
    assert sorted(path.name for path in kept.path.iterdir()) == [".gitattributes", "code.py"]
