"""Datasets of this machine: their version, what they may hold, and what is remembered of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.records.artifacts import publish
from dagbook.runner.records.datasets import HASHES, check_pinned, dataset_of_path
from dagbook.runner.records.long_work import Cancel, Cancelled


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "images"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.png").write_bytes(b"aaa")
    (folder / "deep" / "b.png").write_bytes(b"bb")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("deep/b.png")
    return folder


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / ".dagbook" / "datasets"


def fault(path: Path, known: Path) -> Problem:
    with pytest.raises(PipelineError) as caught:
        dataset_of_path(path, known)
    (found,) = caught.value.problems
    return found


def settle(folder: Path) -> None:
    """Wait until the clock of files is well past the last change: hashes of younger files are not remembered."""
    newest = max(path.stat().st_ctime_ns for path in [folder, *folder.rglob("*")])
    probe = folder.parent / "probe"
    probe.touch()
    while probe.stat().st_ctime_ns - newest < 50_000_000:
        probe.touch()
    probe.unlink()


def test_a_folder_has_the_digest_of_the_artifact_with_the_same_content(
    tmp_path: Path, images: Path, known: Path
) -> None:
    found = dataset_of_path(images, known)
    assert (found.path, found.files, found.bytes) == (images, 3, 15)
    shutil.copytree(images, tmp_path / "output", symlinks=True)
    assert publish(tmp_path / "output", tmp_path / "artifacts").digest == found.digest


def test_a_dataset_is_read_where_it_lies_and_left_as_it_is(images: Path, known: Path) -> None:
    before = {path: (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in [images, *images.rglob("*")]}
    dataset_of_path(images, known)
    assert {path: (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in [images, *images.rglob("*")]} == before
    assert [path.name for path in known.iterdir()] == [HASHES]


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.png").write_bytes(b"aab"),
        lambda folder: (folder / "a.png").chmod(0o755),
        lambda folder: (folder / "a.png").rename(folder / "c.png"),
        lambda folder: (folder / "new").touch(),
        lambda folder: (folder / "deep" / "er").rmdir(),
        lambda folder: ((folder / "latest").unlink(), (folder / "latest").symlink_to("a.png")),
    ],
    ids=["bytes", "executable", "name", "new file", "empty folder", "target of a link"],
)
def test_every_difference_is_another_version(images: Path, known: Path, change: Change) -> None:
    before = dataset_of_path(images, known).digest
    change(images)
    assert dataset_of_path(images, known).digest != before


def test_a_single_file_is_a_tree_of_one_entry(tmp_path: Path, images: Path, known: Path) -> None:
    file = dataset_of_path(images / "a.png", known)
    assert (file.path, file.files, file.bytes) == (images / "a.png", 1, 3)
    assert file.content == hashlib.sha256(b"aaa").hexdigest()
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(images / "a.png", alone)
    assert dataset_of_path(alone, known).digest == file.digest


def test_a_link_that_is_named_itself_is_followed_and_keeps_its_name(tmp_path: Path, images: Path, known: Path) -> None:
    (tmp_path / "folder").symlink_to(images)
    assert dataset_of_path(tmp_path / "folder", known).digest == dataset_of_path(images, known).digest
    (tmp_path / "newest.png").symlink_to(images / "a.png")
    found = dataset_of_path(tmp_path / "newest.png", known)
    assert (found.path, found.content) == (tmp_path / "newest.png", hashlib.sha256(b"aaa").hexdigest())


def test_what_is_unchanged_is_not_read_a_second_time(images: Path, known: Path) -> None:
    settle(images)
    first = dataset_of_path(images, known)
    with sqlite3.connect(known / HASHES) as database:
        assert database.execute("SELECT count(*) FROM hashes").fetchone() == (3,)
        database.execute("UPDATE hashes SET sha256 = ?", ("0" * 64,))
    database.close()
    assert dataset_of_path(images / "a.png", known).content == "0" * 64  # believed, so not read
    (images / "a.png").write_bytes(b"aab")
    assert dataset_of_path(images / "a.png", known).content == hashlib.sha256(b"aab").hexdigest()
    assert dataset_of_path(images, known).digest != first.digest


def test_a_change_that_puts_size_and_time_back_is_noticed(images: Path, known: Path) -> None:
    settle(images)
    first = dataset_of_path(images, known)
    seen = (images / "a.png").stat()
    (images / "a.png").write_bytes(b"xxx")
    os.utime(images / "a.png", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert dataset_of_path(images, known).digest != first.digest


def test_the_hash_of_a_file_that_has_just_changed_is_not_remembered(images: Path, known: Path) -> None:
    """A second change within one tick of the clock of files would leave no trace in its stat."""
    at = (images / "a.png").stat().st_ctime_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagbook.runner.records.hashes.time.time_ns", lambda: at + 1)
        dataset_of_path(images / "a.png", known)
    with sqlite3.connect(known / HASHES) as database:
        assert database.execute("SELECT count(*) FROM hashes").fetchone() == (0,)
    database.close()


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000, b""])
def test_a_damaged_memory_is_done_without_and_made_anew(images: Path, known: Path, damage: bytes) -> None:
    settle(images)
    first = dataset_of_path(images, known)
    (known / HASHES).write_bytes(damage)
    assert dataset_of_path(images, known) == first
    assert dataset_of_path(images, known) == first
    with sqlite3.connect(known / HASHES) as database:
        assert database.execute("SELECT count(*) FROM hashes").fetchone() == (3,)
    database.close()


@pytest.mark.parametrize(
    ("at", "target"),
    [
        ("out", "../secret"),
        ("out", "/etc/passwd"),
        ("deep/out", "../../images/a.png"),
        ("deep/out", "er/../../../secret"),
        ("out", "deep/up/../../secret"),
    ],
)
def test_T8_a_link_that_leads_out_is_refused_by_name(images: Path, known: Path, at: str, target: str) -> None:
    (images.parent / "secret").write_text("s")
    (images / "deep" / "up").symlink_to("../deep")  # so deep/up/../../secret leads out, though its words alone do not
    (images / at).symlink_to(target)
    found = fault(images, known)
    assert found.code == "E-DATA-LINK"
    assert f"{images}/{at} is a link to {target}" in found.message


def test_an_absolute_link_back_into_the_dataset_is_refused_as_it_would_dangle(images: Path, known: Path) -> None:
    (images / "abs").symlink_to(images / "a.png")
    assert fault(images, known).code == "E-DATA-LINK"


def test_links_that_stay_inside_are_entries_also_dangling_and_in_circles(images: Path, known: Path) -> None:
    (images / "deep" / "er" / "up").symlink_to("../../a.png")
    (images / "nowhere").symlink_to("not/here")
    (images / "circle").symlink_to("circle")
    assert dataset_of_path(images, known).files == 3


def test_pipes_sockets_and_devices_are_refused_by_name(tmp_path: Path, images: Path, known: Path) -> None:
    os.mkfifo(images / "deep" / "pipe")
    found = fault(images, known)
    assert (found.code, found.message.split(",")[0]) == ("E-DATA-KIND", f"{images}/deep/pipe is a pipe")
    (images / "deep" / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(images / "s"))
        assert "images/s is a socket" in fault(images, known).message
    assert fault(Path("/dev/null"), known).code == "E-DATA-KIND"


def test_a_missing_path_suggests_the_nearest_name(images: Path, known: Path) -> None:
    found = fault(images.parent / "imagse", known)
    assert found.code == "E-FILE-MISSING"
    assert found.hint.endswith('Did you mean "images"?')
    assert 'Did you mean "images"?' in fault(images.parent / "imges" / "deep" / "b.png", known).hint
    assert fault(images / "a.png" / "below", known).code == "E-FILE-MISSING"


def test_what_cannot_be_read_is_named_with_the_reason(images: Path, known: Path) -> None:
    (images / "self").symlink_to("self")
    found = fault(images / "self", known)
    assert (found.code, "self cannot be read: " in found.message) == ("E-DATA-READ", True)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_folder_that_is_closed_to_us_is_named(images: Path, known: Path) -> None:
    (images / "deep").chmod(0)
    try:
        assert fault(images, known).code == "E-DATA-READ"
    finally:
        (images / "deep").chmod(0o755)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: (folder / "run.sh").write_text("#!/bin/zsh"), "run.sh"),
        (lambda folder: (folder / "run.sh").unlink(), "run.sh"),
        (lambda folder: ((folder / "run.sh").unlink(), (folder / "run.sh").symlink_to("a.png")), "run.sh"),
        (lambda folder: (folder / "deep" / "late").touch(), "deep"),
        (lambda folder: (folder / "late").touch(), ""),
    ],
    ids=["bytes", "gone", "now a link", "new file in a folder", "new file at the top"],
)
def test_what_changes_while_it_is_hashed_is_named(images: Path, known: Path, change: Change, named: str) -> None:
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:  # the first file is being read
            change(images)

    with pytest.raises(PipelineError) as caught:
        dataset_of_path(images, known, progress, every=0)
    (found,) = caught.value.problems
    assert found.code == "E-DATA-CHANGED"
    assert f"{images}{'/' + named if named else ''} changed" in found.message


@pytest.mark.parametrize(("mode", "text"), [("ab", b"more"), ("r+b", b"xyz")], ids=["grows for ever", "rewritten"])
def test_a_file_that_changes_while_its_own_bytes_are_read_is_named(
    images: Path, known: Path, mode: str, text: bytes
) -> None:
    settle(images)

    def progress(_: str) -> None:
        with (images / "a.png").open(mode) as file:
            file.write(text)

    with pytest.raises(PipelineError) as caught:
        dataset_of_path(images / "a.png", known, progress, every=0)
    (found,) = caught.value.problems
    assert (found.code, found.message.split(" ")[0]) == ("E-DATA-CHANGED", f"{images}/a.png")


def test_progress_counts_files_and_bytes_and_keeps_quiet_when_it_is_quick(images: Path, known: Path) -> None:
    lines: list[str] = []
    dataset_of_path(images, known, lines.append)
    assert lines == []
    dataset_of_path(images, known / "other", lines.append, every=0)
    assert lines[-1] == f"hashing {images}: 3 of 3 files, 100 % of 0 MiB"


def test_cancelling_ends_the_hashing(images: Path, known: Path) -> None:
    cancel = Cancel()
    with pytest.raises(Cancelled):
        dataset_of_path(images, known, lambda _: cancel.cancel(), cancel, every=0)


def test_a_dataset_that_holds_the_store_is_refused(tmp_path: Path, images: Path, known: Path) -> None:
    assert fault(tmp_path, known).code == "E-DATA-STORE"


def test_the_stores_own_database_is_no_dataset(tmp_path: Path, images: Path, known: Path) -> None:
    """Reading it would end the locks that this process has on it."""
    database = known.parent / "dagbook.db"
    database.parent.mkdir()
    database.write_bytes(b"")
    assert fault(database, known).code == "E-DATA-STORE"


def test_a_pin_is_the_digest_or_for_a_file_its_sha256(images: Path, known: Path) -> None:
    folder, file = dataset_of_path(images, known), dataset_of_path(images / "a.png", known)
    check_pinned(folder, folder.digest, "data/images")
    check_pinned(file, file.digest, "a.png")
    check_pinned(file, hashlib.sha256(b"aaa").hexdigest().upper(), "a.png")
    with pytest.raises(PipelineError) as caught:
        check_pinned(folder, "0" * 64, "data/images")
    assert caught.value.problems[0].code == "E-DATA-PIN"
    assert folder.digest in caught.value.problems[0].message


def test_names_that_are_no_utf_8_are_hashed_and_can_be_printed(images: Path, known: Path) -> None:
    before = dataset_of_path(images, known).digest
    os.mkfifo(os.fsencode(images) + b"/\xff")
    assert "�" in fault(images, known).message
    os.unlink(os.fsencode(images) + b"/\xff")
    Path(os.fsdecode(os.fsencode(images) + b"/\xff")).touch()
    assert dataset_of_path(images, known).digest != before
