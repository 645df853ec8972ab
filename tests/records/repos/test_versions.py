"""Versions of datasets: commits, branches, differences, finished trees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagbook.runner.core.errors import MachineError
from dagbook.runner.records import repos
from dagbook.runner.records.store import Store
from tests.records.repos.asked import fault, put


def test_row_5_versions_are_found_by_branch_id_and_what_came_before(store: Store, photos: Path) -> None:
    first = put(store, photos)
    second = put(store, delete=["a.png"])
    third = put(store, delete=["run.sh"])
    for spec, commit in {
        "images": third,
        "images@master": third,
        "images@latest": third,
        "images^": second,
        "images^2": first,
        "images^^": first,
        "images@master^2": first,
        f"images@{first.id}": first,
        f"images@{first.id[:6]}": first,
        f"images@{second.id[:12].upper()}^": first,
        "dataset://images/latest": third,
        "dataset://images/master": third,
        f"dataset://images/{first.id}": first,
        "dataset://images": third,
        "datum://images": third,
    }.items():
        assert repos.resolve(store, spec) == commit, spec
    assert repos.log(store, "images") == [third, second, first]
    assert repos.log(store, "images^", 1) == [second]


@pytest.mark.parametrize(
    ("spec", "code", "says"),
    [
        ("imagse", "E-REPO-UNKNOWN", 'Did you mean "images"?'),
        ("images@mastre", "E-COMMIT-UNKNOWN", 'Did you mean "master"?'),
        ("images@00", "E-COMMIT-UNKNOWN", "6 digits are the least"),
        ("images@0123456", "E-COMMIT-UNKNOWN", "master"),
        ("images@\udcff", "E-COMMIT-UNKNOWN", "master"),
        ("images^2", "E-COMMIT-UNKNOWN", "dagbook data log images"),
        ("images@empty", "E-COMMIT-UNKNOWN", "dagbook data put images@empty"),
        ("images@", "E-REPO-NAME", "behind the @"),
        ("im ages", "E-REPO-NAME", "letters"),
        ("images@a@b", "E-REPO-NAME", "NAME@COMMIT"),
        ("", "E-REPO-NAME", "letters"),
        ("dataset://", "E-REPO-NAME", "letters"),
        (f"images{'^9' * 5000}", "E-COMMIT-UNKNOWN", "log"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(
    store: Store, photos: Path, spec: str, code: str, says: str
) -> None:
    put(store, photos)
    repos.create_branch(store, "images", "empty")
    found = fault(lambda: repos.resolve(store, spec))
    assert found.code == code
    assert says in f"{found.message} {found.hint}"


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "ä", "x" * 64, "a.b", "a\n", "a@b", "../x"])
def test_names_that_cannot_be_are_refused(store: Store, name: str) -> None:
    assert fault(lambda: repos.create(store, name)).code == "E-REPO-NAME"


def test_branches_go_their_own_ways(store: Store, photos: Path, tmp_path: Path) -> None:
    first = put(store, photos)
    second = put(store, delete=["a.png"])
    repos.create_branch(store, "images", "v1.0", "master^")
    repos.create_branch(store, "images", "own")
    (tmp_path / "x").write_text("x")
    on_own = put(store, tmp_path / "x", branch="own")
    on_v1 = put(store, tmp_path / "x", branch="v1.0")
    assert (on_own.parent, on_v1.parent) == (None, first.id)
    assert repos.resolve(store, "images") == second
    assert repos.resolve(store, "images@latest") == on_v1
    (images,) = repos.list_repos(store)
    assert [(branch.name, branch.head) for branch in images.branches] == [
        ("master", second),
        ("own", on_own),
        ("v1.0", on_v1),
    ]
    for name in ("master", "own"):
        assert fault(lambda name=name: repos.create_branch(store, "images", name)).code == "E-REPO-EXISTS"  # type: ignore[misc]
    for name in ("latest", "a b", "f" * 40):
        assert fault(lambda name=name: repos.create_branch(store, "images", name)).code == "E-REPO-NAME"  # type: ignore[misc]
    repos.create(store, "other")
    found = fault(lambda: repos.create_branch(store, "other", "b", f"images@{first.id}"))
    assert found.code == "E-COMMIT-UNKNOWN"
    assert fault(lambda: put(store, photos, branch="v2")).code == "E-COMMIT-UNKNOWN"


def test_a_dataset_is_made_once(store: Store) -> None:
    assert fault(lambda: repos.create(store, "images")).code == "E-REPO-EXISTS"
    assert [(repo.name, repo.description) for repo in repos.list_repos(store)] == [("images", "what the cameras saw")]


def test_a_diff_tells_what_was_added_removed_and_changed(store: Store, photos: Path) -> None:
    first = put(store, photos)
    (photos / "a.png").write_bytes(b"new")
    (photos / "run.sh").chmod(0o644)
    (photos / "train" / "b.png").rename(photos / "train" / "c.png")
    (photos / "later").mkdir()
    second = put(store, photos, replace=True)
    found = repos.diff(store, first, second)
    assert found == repos.Diff(("later/", "train/c.png"), ("train/b.png",), ("a.png", "run.sh"))
    assert repos.diff(store, second, first) == repos.Diff(found.removed, found.added, found.changed)
    assert repos.diff(store, first, first) == repos.Diff((), (), ())
    assert repos.diff(store, None, first).added == ("a.png", "run.sh", "train/b.png", "train/empty/")


def test_a_large_file_is_the_same_whichever_algorithm_hashed_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs of nodes may be hashed with BLAKE3, what is put never is."""
    blake3 = pytest.importorskip("blake3")
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "model.bin").write_bytes(bytes(17 * 2**20))
    source = Path(shutil.copy(tmp_path / "output" / "model.bin", tmp_path / "model.bin"))
    first = repos.commit_tree(store, "images", "master", tmp_path / "output")
    assert repos.list_files(store, first)[0].content == f"blake3:{blake3.blake3(bytes(17 * 2**20)).hexdigest()}"
    assert put(store, source) == first
    other = put(store, source, branch="master", to="copy", delete=["model.bin"])
    assert repos.diff(store, first, other) == repos.Diff(("copy/model.bin",), ("model.bin",), ())
    repos.create_branch(store, "images", "plain")
    plain = put(store, source, branch="plain")
    assert plain.artifact != first.artifact
    assert repos.diff(store, first, plain) == repos.Diff((), (), ())


def test_rows_111_122_a_finished_tree_becomes_a_version_and_an_equal_one_does_not(
    store: Store, photos: Path, tmp_path: Path
) -> None:
    source = put(store, photos)
    shutil.copytree(photos / "train", tmp_path / "output")
    made = repos.commit_tree(store, "edges", "staging", tmp_path / "output", "job 1", {"inputs": {"images": source.id}})
    assert not (tmp_path / "output").exists()
    assert (made.parent, made.branch, made.message) == (None, "staging", "job 1")
    assert repos.resolve(store, "edges@staging") == made
    assert repos.resolve(store, f"edges@{made.id}").provenance == {"inputs": {"images": source.id}}
    assert repos.commit_tree(store, "edges", "staging", made.artifact, "job 2") == made
    other = repos.commit_tree(store, "edges", "staging", source.artifact)
    assert (other.parent, other.files) == (made.id, 3)
    assert fault(lambda: repos.commit_tree(store, "e/d", "master", made.artifact)).code == "E-REPO-NAME"
    assert fault(lambda: repos.commit_tree(store, "edges", "master", "0" * 64), MachineError).code == "E-STORE"
