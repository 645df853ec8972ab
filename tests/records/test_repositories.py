"""Repositories for nodes: found at plan, kept for a day without network, checked out as plain files."""

from __future__ import annotations

import functools
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.formats.git_address import GitAddress, read_git_address
from dagbook.runner.records.repositories import Repository, checkout, last_line, resolve

WHO = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=trunk")


def git(folder: Path, *words: str) -> str:
    """What git prints, in a repository of the test's own."""
    done = subprocess.run(["git", *WHO, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def own_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine's user configured is not part of a test."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with the branches trunk and feature/x, and the tags v1 and model@1.0 on the first commit."""
    folder = tmp_path / "origin"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / "src" / "run.sh").write_text("echo one\n")
    (folder / "src" / "run.sh").chmod(0o755)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    git(folder, "tag", "v1")
    git(folder, "tag", "-a", "model@1.0", "-m", "annotated")
    git(folder, "branch", "feature/x")
    commit(folder, "two")
    return folder


def commit(folder: Path, text: str) -> str:
    """A commit more on the branch that is checked out; gives its name."""
    (folder / "file.txt").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", text)
    return git(folder, "rev-parse", "HEAD")


def settled(address: str, home: Path) -> Repository:
    found, warned = resolve(address, home)
    assert warned == []
    return found


def refused(address: str, home: Path) -> Problem:
    with pytest.raises(PipelineError) as caught:
        resolve(address, home)
    (found,) = caught.value.problems
    return found


ADDRESSES = [
    ("https://h/a.git@main", "https://h/a.git", "main"),
    ("https://h:8443/a.git", "https://h:8443/a.git", ""),
    ("https://h/a@model@1.0", "https://h/a", "model@1.0"),
    ("git@h:team/a.git", "git@h:team/a.git", ""),
    ("git@h:team/a.git@feature/x", "git@h:team/a.git", "feature/x"),
    ("ssh://git@h:22/a.git@v1", "ssh://git@h:22/a.git", "v1"),
    ("file:///srv/a@v1", "file:///srv/a", "v1"),
    ("/home/me@here/a@v1", "/home/me@here/a", "v1"),
    ("../a", "../a", ""),
]


@pytest.mark.parametrize(("text", "url", "ref"), ADDRESSES)
def test_an_address_is_cut_at_the_at_sign_that_is_not_its_own(text: str, url: str, ref: str) -> None:
    assert read_git_address(text) == GitAddress(url, ref)


WRONG = ["", "-u", "--upload-pack=x", "https://h/a b", "ext::sh -c true", "fd::7", "ftp://h/a", "https://h/a@", "@v1"]
WRONG += ["https://h/a@-x", "https://h/a@a..b", "https://h/a@HEAD~1", "https://h/a@x.lock", "https:///a", "https://h/"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_address_is_refused_before_git_sees_it(text: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path / "git").code == "E-GIT"
    assert not (tmp_path / "git").exists()


@pytest.mark.parametrize(
    "text", ["https://me:s3cret@h/a", "https://s3cret@h/a", "ssh://me:s3cret@h/a", "http://me:s3/cret@h/a@v1"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str, tmp_path: Path) -> None:
    found = refused(text, tmp_path)
    assert found.code == "E-GIT"
    assert "cret" not in found.describe()
    assert "s3" not in found.describe()


def test_row_46_branch_tag_commit_and_default_branch_are_found(origin: Path, tmp_path: Path) -> None:
    first, last = git(origin, "rev-parse", "v1"), git(origin, "rev-parse", "trunk")
    home = tmp_path / "git"
    for ref in ("v1", "model@1.0", "feature/x", first, first[:9]):
        assert settled(f"file://{origin}@{ref}", home).commit == first
    found = settled(f"file://{origin}", home)
    assert (found.commit, found.ref, found.url) == (last, "", f"file://{origin}")
    assert settled(f"file://{origin}@trunk", home).mirror == found.mirror


def test_a_branch_is_asked_for_each_time_also_after_it_was_rewritten(origin: Path, tmp_path: Path) -> None:
    settled(f"file://{origin}@trunk", tmp_path / "git")
    newest = commit(origin, "four")
    assert settled(f"file://{origin}@trunk", tmp_path / "git").commit == newest
    git(origin, "reset", "--quiet", "--hard", "v1")
    assert settled(f"file://{origin}@trunk", tmp_path / "git").commit == git(origin, "rev-parse", "v1")


def test_a_relative_path_is_meant_from_the_folder(origin: Path, tmp_path: Path) -> None:
    found, _ = resolve("origin@v1", tmp_path / "git", tmp_path)
    assert (found.url, found.ref) == (str(origin), "v1")


def test_without_the_repository_the_last_known_commit_is_taken_and_told(origin: Path, tmp_path: Path) -> None:
    home, address = tmp_path / "git", f"file://{origin}"
    known = settled(f"{address}@trunk", home).commit
    git(origin, "branch", "unknown")  # a default branch is never guessed
    assert settled(address, home).commit == known
    origin.rename(tmp_path / "away")
    for ref, said in (("@trunk", "trunk"), ("", "the default branch")):
        found, (warning,) = resolve(address + ref, home)
        assert found.commit == known
        assert warning.code == "W-GIT"
        assert f"what {said} is now" in warning.message
    assert settled(f"{address}@{known}", home).commit == known  # a commit needs no repository
    assert refused(f"{address}@other", home).code == "E-GIT"


def test_an_unknown_ref_names_the_nearest(origin: Path, tmp_path: Path) -> None:
    found = refused(f"file://{origin}@trnk", tmp_path / "git")
    assert (found.code, found.hint) == ("E-GIT-REF", 'Did you mean "trunk"?')
    assert "'trnk'" in found.message


def test_a_repository_that_is_not_there_is_told_with_gits_own_words(tmp_path: Path) -> None:
    found = refused(f"file://{tmp_path}/nothing@v1", tmp_path / "git")
    assert found.code == "E-GIT"
    assert "does not appear to be a git repository" in found.message
    assert "git ls-remote" in found.hint


def test_without_git_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = refused("https://h/a", tmp_path / "git")
    assert "needs git" in found.message
    assert "Install git" in found.hint


def test_a_checkout_is_plain_files_of_that_commit(origin: Path, tmp_path: Path) -> None:
    found = settled(f"file://{origin}@v1", tmp_path / "git")
    folders = [checkout(found, tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == ["src/run.sh"]
        assert os.access(folder / "src" / "run.sh", os.X_OK)
    (folders[0] / "src" / "run.sh").write_text("changed")
    assert (folders[1] / "src" / "run.sh").read_text() == "echo one\n"


def test_a_caller_that_is_a_git_hook_changes_nothing(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook has GIT_DIR and more set; they are its own repository's, and no object of ours may go there."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git" / "objects"))
    found = settled(f"file://{origin}@v1", tmp_path / "git")
    assert (checkout(found, tmp_path / "out") / "src" / "run.sh").exists()
    assert not (other / ".git" / "index").exists()
    assert [path for path in (other / ".git" / "objects").rglob("*") if path.is_file()] == []


def test_no_hook_of_the_users_templates_runs(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "templates" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
    found = settled(f"file://{origin}@v1", tmp_path / "git")
    checkout(found, tmp_path / "out")
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def server(origin: Path, tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """The repository over HTTP, on loopback."""
    git(tmp_path, "clone", "--quiet", "--bare", str(origin), "served.git")
    git(tmp_path / "served.git", "update-server-info")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_password_in_gits_own_words_is_hidden() -> None:
    """Some versions of git repeat the whole URL."""
    said = "remote: no\nfatal: unable to access 'https://me:s3cr@et@h/a.git/': Could not resolve host: h\n"
    assert last_line(said) == "unable to access 'https://***@h/a.git/': Could not resolve host: h"


def test_over_http_and_what_git_says_hides_credentials(
    server: ThreadingHTTPServer, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git is told the password by its own configuration (`insteadOf`), and would repeat it in its error."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    address = f"http://127.0.0.1:{server.server_port}"
    found = settled(f"{address}/served.git@v1", tmp_path / "git")
    assert found.commit == git(origin, "rev-parse", "v1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.http://me:s3cret@127.0.0.1:{server.server_port}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "http://inside.example.org/")
    told = refused("http://inside.example.org/nothing.git@v1", tmp_path / "git")
    assert "not found" in told.message
    assert "s3cret" not in told.describe()
    assert b"s3cret" not in b"".join(path.read_bytes() for path in (tmp_path / "git").rglob("*") if path.is_file())
