"""Parts of versions: paths, globs, saved queries, files taken out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dagbook.runner.core.errors import MachineError
from dagbook.runner.records import repos
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.records.repos.asked import fault, paths, place, put


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["a.png", "b/c.png", "b/d.csv", "b/e/f.png"]),
        ("/", ["a.png", "b/c.png", "b/d.csv", "b/e/f.png"]),
        ("b", ["b/c.png", "b/d.csv", "b/e/f.png"]),
        ("/b/e/", ["b/e/f.png"]),
        ("./b/./c.png", ["b/c.png"]),
        ("*.png", ["a.png"]),
        ("/*", ["a.png", "b/c.png", "b/d.csv", "b/e/f.png"]),
        ("b/*", ["b/c.png", "b/d.csv", "b/e/f.png"]),
        ("b/?.png", ["b/c.png"]),
        ("**/*.png", ["a.png", "b/c.png", "b/e/f.png"]),
        ("b/**/*.png", ["b/c.png", "b/e/f.png"]),
        ("b/*.{csv,txt}", ["b/d.csv"]),
        ("nothing*", []),
    ],
)
def test_paths_and_globs_choose_files_and_folders(store: Store, tmp_path: Path, pattern: str, found: list[str]) -> None:
    (tmp_path / "files" / "b" / "e").mkdir(parents=True)
    for path in ("a.png", "b/c.png", "b/d.csv", "b/e/f.png"):
        (tmp_path / "files" / path).write_text(path)
    commit = put(store, tmp_path / "files")
    assert paths(store, commit, pattern) == found


def test_row_5_a_saved_query_is_a_glob_with_a_name(store: Store, photos: Path) -> None:
    commit = put(store, photos)
    repos.save_query(store, "images", "training", "train/*")
    assert [item.path for item in repos.query(store, commit, "training")] == ["train/b.png"]
    repos.save_query(store, "images", "training", "*.png")
    assert [item.path for item in repos.query(store, commit, "training")] == ["a.png"]
    assert [item.path for item in repos.query(store, commit, "**/*.png")] == ["a.png", "train/b.png"]
    assert repos.queries_of(store, "images") == {"training": "*.png"}
    found = fault(lambda: repos.query(store, commit, "trainign"))
    assert (found.code, found.hint) == ("E-QUERY-UNKNOWN", 'Did you mean "training"?')
    assert fault(lambda: repos.save_query(store, "images", "a b", "*")).code == "E-REPO-NAME"
    assert fault(lambda: repos.save_query(store, "images", "bad", "[")).code == "E-GLOB"
    assert fault(lambda: repos.save_query(store, "imagse", "q", "*")).code == "E-REPO-UNKNOWN"


def test_a_part_of_a_commit_is_an_artifact_that_costs_no_room(store: Store, photos: Path) -> None:
    (photos / "train" / "up").symlink_to("../a.png")
    commit = put(store, photos)
    digest = repos.subset(store, commit, "train")
    folder = store.artifacts / digest[:2] / digest
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "train",
        "train/b.png",
        "train/empty",
    ]
    assert os.path.samefile(folder / "train" / "b.png", place(store, commit, "train/b.png"))
    assert verify(folder) == verify(place(store, commit)) == ""


def test_a_part_is_got_at_its_path(store: Store, photos: Path, tmp_path: Path) -> None:
    commit = put(store, photos)
    got = repos.get(store, commit, "**/*.png", tmp_path / "out")
    assert [item.path for item in got] == ["a.png", "train/b.png"]
    assert not (tmp_path / "out" / "train" / "empty").exists()
    for pattern in ("train/c.png", "*.jpg"):
        found = fault(lambda pattern=pattern: repos.get(store, commit, pattern, tmp_path / "more"))  # type: ignore[misc]
        assert found.code == "E-REPO-PATH"
    assert not (tmp_path / "more").exists()


def test_files_that_differ_are_replaced_only_when_asked(store: Store, photos: Path, tmp_path: Path) -> None:
    commit = put(store, photos)
    out = tmp_path / "out"
    repos.get(store, commit, "", out)
    (out / "a.png").write_bytes(b"mine")
    (out / "train" / "b.png").unlink()
    before = (out / "run.sh").stat().st_ino
    found = fault(lambda: repos.get(store, commit, "", out))
    assert (found.code, "a.png" in found.message) == ("E-FILE-THERE", True)
    assert not (out / "train" / "b.png").exists()
    repos.get(store, commit, "", out, overwrite=True)
    assert (out / "a.png").read_bytes() == b"aaa"
    assert (out / "train" / "b.png").read_bytes() == b"bb"
    assert (out / "run.sh").stat().st_ino == before
    shutil.rmtree(out / "train")
    (out / "train").write_text("a file")
    assert fault(lambda: repos.get(store, commit, "", out, overwrite=True)).code == "E-FILE-THERE"


def test_nothing_is_written_through_a_link(store: Store, photos: Path, tmp_path: Path) -> None:
    commit = put(store, photos)
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (elsewhere / "file").write_text("mine")
    (out / "train").symlink_to(elsewhere)
    assert fault(lambda: repos.get(store, commit, "", out, overwrite=True)).code == "E-FILE-THERE"
    (out / "train").unlink()
    (out / "a.png").symlink_to(elsewhere / "file")
    repos.get(store, commit, "", out, overwrite=True)
    assert (elsewhere / "file").read_text() == "mine"
    assert [path.name for path in elsewhere.iterdir()] == ["file"]
    assert fault(lambda: repos.get(store, commit, "", store.artifacts / "x")).code == "E-USAGE"


def test_a_folder_that_cannot_be_written_is_told(store: Store, photos: Path, tmp_path: Path) -> None:
    commit = put(store, photos)
    (tmp_path / "file").write_text("no folder")
    assert fault(lambda: repos.get(store, commit, "", tmp_path / "file" / "out"), MachineError).code == "E-FILE-WRITE"
