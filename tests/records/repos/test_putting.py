"""What is put into a dataset comes back, at the cost of what is new."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.records import hashes, repos
from dagbook.runner.records import verify as verification
from dagbook.runner.records.artifacts import publish
from dagbook.runner.records.datasets import dataset_of_path
from dagbook.runner.records.repos import Commit, commits, putting, staging
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.records.repos.asked import fault, paths, place, put, settle


def test_row_87_what_is_put_comes_back_as_it_was(store: Store, photos: Path, tmp_path: Path) -> None:
    commit = put(store, photos, message="the first ones")
    assert paths(store, commit) == ["a.png", "run.sh", "train/b.png"]
    assert (commit.files, commit.bytes, commit.message, commit.parent) == (3, 15, "the first ones", None)
    repos.get(store, commit, "", tmp_path / "out")
    shown = {
        p.relative_to(tmp_path / "out").as_posix(): p.is_file() and p.read_bytes()
        for p in (tmp_path / "out").rglob("*")
    }
    assert shown == {
        "a.png": b"aaa",
        "run.sh": b"#!/bin/sh\n",
        "train": False,
        "train/b.png": b"bb",
        "train/empty": False,
    }
    assert os.access(tmp_path / "out" / "run.sh", os.X_OK)
    assert not os.access(tmp_path / "out" / "a.png", os.X_OK)
    (tmp_path / "out" / "a.png").write_bytes(b"it may be written to")
    assert place(store, commit, "a.png").read_bytes() == b"aaa"


def test_a_commits_tree_is_the_artifact_of_the_same_content(store: Store, photos: Path, tmp_path: Path) -> None:
    """So it can be mounted like any other, and its version is that of a dataset that lies in a folder."""
    commit = put(store, photos)
    assert commit.artifact == dataset_of_path(photos, store.folder / "datasets").digest
    shutil.copytree(photos, tmp_path / "output")
    assert publish(tmp_path / "output", store.artifacts).digest == commit.artifact
    assert verify(place(store, commit)) == ""


def test_files_and_folders_go_below_the_target(store: Store, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("1")
    commit = put(store, photos / "train", tmp_path / "labels.csv", to="/raw/new/")
    assert paths(store, commit) == ["raw/new/b.png", "raw/new/labels.csv"]


def test_a_stream_becomes_a_file(store: Store) -> None:
    commit = put(store, repos.Stream("today.csv", BytesIO(b"1,2\n" * 500_000)), to="raw")
    assert [(item.path, item.size) for item in repos.list_files(store, commit)] == [("raw/today.csv", 2_000_000)]
    again = put(store, repos.Stream("copy.csv", BytesIO(b"1,2\n" * 500_000)))
    assert place(store, again, "copy.csv").stat().st_ino == place(store, commit, "raw/today.csv").stat().st_ino


def test_a_stream_that_has_nothing_to_give_right_now_is_waited_for(store: Store) -> None:
    reads, writes = os.pipe()
    os.set_blocking(reads, False)

    def give() -> None:
        with open(writes, "wb") as file:
            file.write(b"late")

    later = threading.Timer(0.05, give)
    later.start()
    with open(reads, "rb", buffering=0) as file:
        commit = put(store, repos.Stream("late.txt", file))
    later.join()
    assert place(store, commit, "late.txt").read_bytes() == b"late"


def test_a_put_adds_and_overwrites_and_leaves_the_rest(store: Store, photos: Path, tmp_path: Path) -> None:
    first = put(store, photos)
    (tmp_path / "a.png").write_bytes(b"other")
    second = put(store, tmp_path / "a.png", tmp_path / "photos" / "train")
    assert paths(store, second) == ["a.png", "b.png", "run.sh", "train/b.png"]
    assert place(store, second, "a.png").read_bytes() == b"other"
    assert place(store, first, "a.png").read_bytes() == b"aaa"
    assert second.parent == first.id


def test_what_is_replaced_is_the_target_and_nothing_else(store: Store, photos: Path) -> None:
    put(store, photos)
    put(store, photos, to="copy")
    (photos / "a.png").unlink()
    commit = put(store, photos, to="copy", replace=True)
    assert paths(store, commit) == ["a.png", "copy/run.sh", "copy/train/b.png", "run.sh", "train/b.png"]
    assert paths(store, put(store, photos, replace=True)) == ["run.sh", "train/b.png"]


def test_paths_and_globs_are_taken_out_and_folders_with_their_last_file(store: Store, photos: Path) -> None:
    put(store, photos)
    commit = put(store, delete=["train/*.png", "/a.png"])
    assert [item.path for item in repos.entries_of(store, commit)] == ["run.sh", "train", "train/empty"]
    put(store, photos, to="deep/er")
    assert [item.path for item in repos.entries_of(store, put(store, delete=["deep/**"]))] == [
        "run.sh",
        "train",
        "train/empty",
    ]
    found = fault(lambda: put(store, delete=["run.hs"]))
    assert (found.code, found.hint) == ("E-REPO-PATH", 'Did you mean "run.sh"?')


def test_putting_the_same_again_makes_no_commit(store: Store, photos: Path) -> None:
    first = put(store, photos)
    assert put(store, photos, message="again") == first
    assert repos.log(store, "images") == [first]
    assert list((store.folder / "drafts").iterdir()) == []


def test_what_was_there_before_costs_nothing(store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put(store, photos)
    put(store, delete=["a.png"])
    settle(photos)
    monkeypatch.setattr(staging.Staging, "_copied", None)  # it would fail
    assert put(store, delete=["run.sh"], message="no copy").files == 1
    back = put(store, photos / "train")
    assert back.files == 2
    monkeypatch.undo()
    assert put(store, photos, replace=True).artifact == first.artifact


def _note_first(monkeypatch: pytest.MonkeyPatch, where: object, name: str, note: Callable[..., None]) -> None:
    """Have each call of a function noted before it goes on."""
    real = getattr(where, name)

    def noted(*given: object) -> object:
        note(*given)
        return real(*given)

    monkeypatch.setattr(where, name, noted)


def test_a_large_folder_is_read_once_and_shared_file_by_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tmp_path / "large"
    for number in range(5_000):
        if number % 100 == 0:
            (large / str(number // 100)).mkdir(parents=True)
        (large / str(number // 100) / f"{number}.txt").write_text(f"file {number}")
    settle(large)
    first = put(store, large)
    (large / "7" / "777.txt").write_text("changed")
    settle(large)
    read: list[str] = []
    copied: list[str] = []
    _note_first(monkeypatch, hashes, "_hashed", lambda path, *_: read.append(path.name))
    _note_first(monkeypatch, staging.Staging, "_copied", lambda _self, path, *_: copied.append(path))
    second = put(store, large)
    assert set(read) <= {"777.txt"}
    assert copied == ["7/777.txt"]
    shared = [
        path for path in paths(store, first) if os.path.samefile(place(store, first, path), place(store, second, path))
    ]
    assert len(shared) == 4_999
    assert repos.diff(store, first, second) == repos.Diff((), (), ("7/777.txt",))
    read.clear()
    assert put(store, large) == second
    assert read == []
    assert verify(place(store, first)) == verify(place(store, second)) == ""


def test_large_files_of_earlier_versions_are_not_hashed_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new version shares them, and that changes their times for all versions; other changes are found as ever."""
    (tmp_path / "large.bin").write_bytes(os.urandom(9 * 2**20))
    versions = [put(store, tmp_path / "large.bin")]
    for number in range(3):
        (tmp_path / "note.txt").write_text(str(number))
        versions.append(put(store, tmp_path / "note.txt"))
    hashed: list[str] = []
    _note_first(monkeypatch, verification, "is_content", lambda *_: hashed.append("large.bin"))
    for version in versions:
        assert verify(place(store, version)) == ""
    assert len(hashed) <= 1  # the last small file may be too young to be relied on
    large = place(store, versions[0], "large.bin")
    before = large.stat()
    large.chmod(0o644)
    with large.open("r+b") as file:
        file.write(b"damage")
    large.chmod(0o444)
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [verify(place(store, version)) for version in versions] == ["large.bin differs"] * 4


def test_a_moved_file_is_shared_too(store: Store, photos: Path) -> None:
    first = put(store, photos)
    (photos / "a.png").rename(photos / "train" / "c.png")
    second = put(store, photos, replace=True)
    assert os.path.samefile(place(store, first, "a.png"), place(store, second, "train/c.png"))
    (photos / "train" / "c.png").chmod(0o755)
    third = put(store, photos)
    assert not os.path.samefile(place(store, first, "a.png"), place(store, third, "train/c.png"))
    assert os.access(place(store, third, "train/c.png"), os.X_OK)
    assert not os.access(place(store, first, "a.png"), os.X_OK)


def test_files_that_cannot_be_linked_are_copied(store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put(store, photos)

    def too_many(*_: object, **__: object) -> None:
        raise OSError(31, "Too many links")

    monkeypatch.setattr(os, "link", too_many)
    second = put(store, photos, to="copy")
    assert not os.path.samefile(place(store, first, "a.png"), place(store, second, "a.png"))
    assert verify(place(store, second)) == ""


def test_who_is_overtaken_begins_again_from_the_new_head(
    store: Store, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rival.txt").write_text("rival")
    add, copied = commits.add_commit, []

    def overtaken(*rest: object) -> object:
        monkeypatch.setattr(putting, "add_commit", add)
        put(store, tmp_path / "rival.txt")
        copied.append("from here on")
        monkeypatch.setattr(staging.Staging, "_copied", None)  # the bytes were taken over already
        return add(*rest)  # type: ignore[arg-type]

    monkeypatch.setattr(putting, "add_commit", overtaken)
    commit = put(store, photos)
    assert copied
    assert paths(store, commit) == ["a.png", "rival.txt", "run.sh", "train/b.png"]
    assert [len(paths(store, one)) for one in repos.log(store, "images")] == [4, 1]


_PARTS = st.sampled_from(["a", "b", "c.txt", "ü"])
_PATHS = st.lists(_PARTS, min_size=1, max_size=3).map("/".join)
_FILES = st.dictionaries(_PATHS, st.binary(max_size=3), min_size=1, max_size=4).filter(
    lambda files: not any(other.startswith(f"{path}/") for path in files for other in files)
)


@settings(max_examples=20)
@given(st.lists(st.tuples(_FILES, st.sampled_from(["", "b", "t/u"]), st.booleans()), min_size=1, max_size=5))
def test_a_dataset_holds_what_a_plain_mapping_would(steps: list[tuple[dict[str, bytes], str, bool]]) -> None:
    """Each version stays as it was, whatever comes after; a put that clashes changes nothing."""
    with tempfile.TemporaryDirectory() as made:
        store = Store(Path(made) / ".dagbook")
        model: dict[str, bytes] = {}
        versions: list[tuple[Commit, dict[str, bytes]]] = []
        clashes: list[str] = []
        repos.create(store, "images")
        for number, (files, target, replace) in enumerate(steps):
            source = Path(made) / str(number)
            for path, content in files.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                (source / path).write_bytes(content)
            try:
                commit = put(store, source, to=target, replace=replace)
            except PipelineError as error:
                clashes.append(error.problems[0].code)
                continue
            kept = {
                path: content
                for path, content in model.items()
                if not (replace and f"{path}/".startswith(f"{target}/" if target else ""))
            }
            model = {**kept, **{f"{target}/{path}".strip("/"): content for path, content in files.items()}}
            versions.append((commit, model))
        assert set(clashes) <= {"E-REPO-CLASH"}
        for commit, held in versions:
            told = {path: place(store, commit, path).read_bytes() for path in paths(store, commit)}
            assert told == held
            assert verify(place(store, commit)) == ""
        store.close()
