"""What a dataset cannot hold, odd names, files where folders are, damage."""

from __future__ import annotations

import os
import socket
import sqlite3
from pathlib import Path

import pytest

from dagbook.runner.core.errors import MachineError, Problem
from dagbook.runner.records import repos
from dagbook.runner.records.repos import staging
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.records.repos.asked import fault, paths, place, put


def test_T8_pipes_sockets_and_links_out_of_the_dataset_are_left_out_by_name(
    store: Store, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("host bytes")
    os.mkfifo(photos / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(photos)  # a socket's path may have 107 bytes
    listener.bind("socket")
    os.chdir(here)
    (photos / "host").symlink_to(tmp_path / "secret")
    (photos / "up").symlink_to("../secret")
    (photos / "dangling").symlink_to("nowhere")
    (photos / "loop").symlink_to("loop")
    (photos / "chain").symlink_to("up")
    told: list[Problem] = []
    commit = put(store, photos, tell=told.append)
    listener.close()
    assert paths(store, commit) == ["a.png", "run.sh", "train/b.png"]
    assert {found.code for found in told} == {"W-DATA-LEFT"}
    words = "\n".join(found.message for found in told)
    for name in ("pipe", "socket", "host", "up", "dangling", "loop", "chain"):
        assert f"{name} is a" in words
    assert len(told) == 7


def test_links_within_are_kept_relative_and_work_at_any_place(store: Store, photos: Path, tmp_path: Path) -> None:
    (photos / "latest").symlink_to(photos / "train" / "b.png")
    (photos / "folder").symlink_to("train")
    (photos / "train" / "up").symlink_to("../a.png")
    (photos / "through").symlink_to("folder/up")
    commit = put(store, photos, to="deep/er")
    links = {item.path: item.content for item in repos.list_files(store, commit) if item.kind == "link"}
    assert links == {
        "deep/er/latest": "train/b.png",
        "deep/er/folder": "train",
        "deep/er/train/up": "../a.png",
        "deep/er/through": "a.png",
    }
    repos.get(store, commit, "", tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "er" / "latest").read_bytes() == b"bb"
    assert (tmp_path / "out" / "deep" / "er" / "through").read_bytes() == b"aaa"


def test_a_link_whose_file_is_deleted_goes_with_a_warning(store: Store, photos: Path) -> None:
    (photos / "latest").symlink_to("a.png")
    put(store, photos)
    told: list[Problem] = []
    commit = put(store, delete=["a.png"], tell=told.append)
    assert "latest" not in paths(store, commit)
    assert [found.message.split()[0] for found in told] == ["latest"]


@pytest.mark.parametrize(
    ("source", "code"),
    [("nowhere", "E-FILE-MISSING"), ("pipe", "E-DATA-KIND"), (".dagbook", "E-DATA-STORE"), (".", "E-DATA-STORE")],
)
def test_a_source_that_cannot_be_put_is_told_and_nothing_changes(
    store: Store, tmp_path: Path, source: str, code: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert fault(lambda: put(store, tmp_path / source)).code == code
    assert repos.log(store, "images") == []


def test_odd_names_are_kept(store: Store, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.mkdir()
    names = [
        b"with space",
        b"new\nline",
        b"\xff\xfe",
        "ä.png".encode(),
        b"a[1]*?.csv",
        b"-m",
        b"x" * 255,
        b"\x1b[31mred",
    ]
    for name in names:
        (odd / os.fsdecode(name)).write_bytes(name)
    commit = put(store, odd, to="-dash/é")
    assert {os.fsencode(path) for path in paths(store, commit)} == {"-dash/é/".encode() + name for name in names}
    assert paths(store, commit, "-dash/é/a[1]*?.csv") == ["-dash/é/a[1]*?.csv"]
    assert put(store, odd, to="-dash/é") == commit
    repos.get(store, commit, "", tmp_path / "out")
    assert {p.read_bytes() for p in (tmp_path / "out" / "-dash" / "é").iterdir()} == set(names)
    assert verify(place(store, commit)) == ""


@pytest.mark.parametrize("target", ["../up", "a/../b", "x" * 256, "nul\0"])
def test_a_target_that_is_no_path_is_refused(store: Store, photos: Path, target: str) -> None:
    assert fault(lambda: put(store, photos, to=target)).code == "E-REPO-PATH"


def test_two_files_at_one_path_and_a_file_at_a_folders_are_refused(store: Store, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "train").write_text("a file")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.png").write_text("another")
    found = fault(lambda: put(store, photos, tmp_path / "other"))
    assert found.code == "E-REPO-CLASH"
    assert "would both be a.png" in found.message
    put(store, photos)
    assert fault(lambda: put(store, tmp_path / "train")).code == "E-REPO-CLASH"
    found = fault(lambda: put(store, tmp_path / "train", to="a.png/in"))
    assert (found.code, "--delete a.png" in found.hint) == ("E-REPO-CLASH", True)
    assert paths(store, put(store, tmp_path / "train", delete=["train"])) == ["a.png", "run.sh", "train"]


def test_a_file_that_changes_while_it_is_put_is_told(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = staging.Staging._copied

    def and_changed(self: staging.Staging, path: str, *rest: object) -> object:
        (photos / "a.png").write_bytes(b"more than before")
        return copied(self, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(staging.Staging, "_copied", and_changed)
    assert fault(lambda: put(store, photos)).code == "E-DATA-CHANGED"
    assert repos.log(store, "images") == []
    assert list((store.folder / "drafts").iterdir()) == []


def test_a_damaged_version_is_told_and_never_shared(store: Store, photos: Path, tmp_path: Path) -> None:
    commit = put(store, photos)
    damaged = place(store, commit, "a.png")
    damaged.chmod(0o644)
    damaged.write_bytes(b"bad")
    found = fault(lambda: put(store, photos / "train"), MachineError)
    assert found.code == "E-STORE"
    assert "a.png differs" in found.message
    assert fault(lambda: repos.get(store, commit, "", tmp_path / "out"), MachineError).code == "E-STORE"
    assert repos.resolve(store, "images") == commit
    repos.create(store, "mended")
    repos.put(store, "mended", "master", [photos])
    assert put(store, photos) == commit
    assert verify(place(store, commit)) == ""


def test_a_store_of_an_older_dagbook_gets_the_tables(tmp_path: Path) -> None:
    Store(tmp_path / ".dagbook").close()
    with sqlite3.connect(tmp_path / ".dagbook" / "dagbook.db") as database:
        for table in ("repos", "branches", "commits", "queries"):
            database.execute(f"drop table {table}")
    database.close()
    store = Store(tmp_path / ".dagbook", create=False)
    assert repos.list_repos(store) == []
    repos.create(store, "images")
    assert [repo.name for repo in repos.list_repos(store)] == ["images"]
