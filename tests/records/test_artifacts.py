"""Artifacts: the whole of an output folder, by content, read-only, and nothing from outside of it."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.records import artifacts, foreign
from dagbook.runner.records.artifacts import publish, remove_tree
from dagbook.runner.records.folders import change_mode
from dagbook.runner.records.manifest import manifest_of

CANARY = "bytes-of-the-host"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "attempt" / "output"
    folder.mkdir(parents=True)
    return folder


def test_an_output_folder_is_renamed_into_the_store_and_made_read_only(tmp_path: Path, output: Path) -> None:
    (output / "sub").mkdir()
    (output / "sub" / "data.csv").write_text("1,2\n")
    (output / "run.sh").write_text("#!/bin/sh\n")
    (output / "run.sh").chmod(0o755)
    inode = (output / "sub" / "data.csv").stat().st_ino
    artifact = publish(output, tmp_path / "artifacts")
    assert not output.exists()
    assert (artifact.path / "sub" / "data.csv").stat().st_ino == inode  # not a copy
    assert (artifact.files, artifact.bytes, artifact.warnings) == (2, 14, ())
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in artifact.path.rglob("*")}
    assert modes == {"sub": 0o555, "data.csv": 0o444, "run.sh": 0o555}
    assert {item["path"]: item["kind"] for item in manifest_of(artifact.path)} == {
        "run.sh": "file",
        "sub": "folder",
        "sub/data.csv": "file",
    }


def test_equal_content_is_kept_once_and_differences_of_any_kind_count(tmp_path: Path) -> None:
    def made(name: str, text: str = "x", mode: int = 0o644, file: str = "f") -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / file).write_text(text)
        (folder / file).chmod(mode)
        return publish(folder, tmp_path / "artifacts").digest

    first = made("a")
    assert made("b") == first
    others = [made("c", "y"), made("d", mode=0o755), made("e", file="g")]
    assert len({first, *others}) == 4
    assert not (tmp_path / "b").exists()


def test_T8_links_out_of_the_folder_and_special_files_are_left_out_by_name(tmp_path: Path, output: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("host bytes")
    (output / "kept.txt").write_text("kept")
    (output / "host").symlink_to(secret)
    (output / "parent").symlink_to("../..")
    (output / "dangling").symlink_to("nowhere")
    (output / "input").symlink_to("/input/prepare/data.csv")
    (output / "loop").symlink_to("loop")
    os.mkfifo(output / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(output)  # a socket's path may have 107 bytes
    listener.bind("socket")
    os.chdir(here)
    artifact = publish(output, tmp_path / "artifacts")
    listener.close()
    assert [p.name for p in artifact.path.iterdir()] == ["kept.txt"]
    told = "\n".join(artifact.warnings)
    for name in ("host", "parent", "dangling", "input", "loop", "pipe", "socket"):
        assert f"/output/{name} is" in told
    assert secret.read_text() == "host bytes"


def test_T8_links_that_stay_inside_are_kept_and_work_at_any_place(tmp_path: Path, output: Path) -> None:
    (output / "models").mkdir()
    (output / "models" / "best.txt").write_text("best")
    (output / "models" / "same").symlink_to("best.txt")
    (output / "latest").symlink_to("/output/models/best.txt")
    (output / "folder").symlink_to("models")
    (output / "chain").symlink_to("latest")
    (output / "through").symlink_to("folder/same")
    artifact = publish(output, tmp_path / "artifacts")
    assert artifact.warnings == ()
    assert os.readlink(artifact.path / "latest") == "models/best.txt"
    assert (artifact.path / "latest").read_text() == "best"
    assert (artifact.path / "models" / "same").read_text() == "best"
    assert (artifact.path / "folder" / "best.txt").read_text() == "best"
    assert (artifact.path / "chain").read_text() == (artifact.path / "through").read_text() == "best"


def test_T8_a_chain_of_links_cannot_lead_out(tmp_path: Path, output: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("host bytes")
    (output / "a").symlink_to(tmp_path / "secret")
    (output / "b").symlink_to("a/key")
    artifact = publish(output, tmp_path / "artifacts")
    assert list(artifact.path.iterdir()) == []
    assert len(artifact.warnings) == 2


def test_a_hard_link_is_given_bytes_of_its_own(tmp_path: Path, output: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("one")
    os.link(outside, output / "inside.txt")
    artifact = publish(output, tmp_path / "artifacts")
    outside.write_text("two")
    assert (artifact.path / "inside.txt").read_text() == "one"
    assert stat.S_IMODE(outside.stat().st_mode) != 0o444


def test_files_of_mode_zero_and_names_that_are_not_text_are_kept(tmp_path: Path, output: Path) -> None:
    (output / "closed").write_text("c")
    (output / "closed").chmod(0)
    with open(os.fsencode(output) + b"/\xff\xfe", "wb") as file:
        file.write(b"raw")
    artifact = publish(output, tmp_path / "artifacts")
    assert artifact.files == 2
    assert {item["path"] for item in manifest_of(artifact.path)} == {"closed", os.fsdecode(b"\xff\xfe")}


def test_what_is_in_a_folder_that_its_owner_closed_counts(tmp_path: Path) -> None:
    """As an ordinary user a walk would pass over it, and different contents would have one digest."""

    def made(name: str) -> str:
        (tmp_path / name / "closed").mkdir(parents=True)
        (tmp_path / name / "closed" / "f").write_text(name)
        (tmp_path / name / "closed").chmod(0o300)
        return publish(tmp_path / name, tmp_path / "artifacts").digest

    assert made("one") != made("two")


def test_closed_files_and_folders_are_kept_where_there_is_no_O_PATH(
    tmp_path: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "O_PATH", raising=False)
    test_an_output_folder_is_renamed_into_the_store_and_made_read_only(tmp_path, output)
    test_what_is_in_a_folder_that_its_owner_closed_counts(tmp_path)
    output.mkdir()
    test_files_of_mode_zero_and_names_that_are_not_text_are_kept(tmp_path, output)
    (tmp_path / "link").symlink_to(CANARY)
    with pytest.raises(OSError, match="still written to"):
        change_mode(str(tmp_path / "link"), 0o600, None, stat.S_IFREG)


def test_the_folder_of_artifacts_may_be_a_link_to_another_disk(tmp_path: Path, output: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "artifacts").symlink_to(tmp_path / "large")
    (output / "file").touch()
    assert (publish(output, tmp_path / "artifacts").path / "file").exists()


def test_an_empty_output_is_an_artifact_too(tmp_path: Path, output: Path) -> None:
    assert publish(output, tmp_path / "artifacts").files == 0


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=20), max_size=5))
def test_the_digest_is_a_function_of_names_and_bytes(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    def made(order: list[str]) -> str:
        base = tmp_path_factory.mktemp("case")
        (base / "output").mkdir()
        for name in order:
            (base / "output" / name).write_bytes(files[name])
        return publish(base / "output", base / "artifacts").digest

    assert made(sorted(files)) == made(sorted(files, reverse=True))


def test_a_published_tree_can_be_removed_by_us(tmp_path: Path, output: Path) -> None:
    (output / "sub").mkdir()
    (output / "sub" / "f").write_text("x")
    artifact = publish(output, tmp_path / "artifacts")
    remove_tree(artifact.path)
    assert not artifact.path.exists()


def beside(act: Callable[[], None]) -> tuple[threading.Thread, threading.Event]:
    """Do something again and again, in a thread of its own, until the event is set."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                act()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, over


@pytest.mark.fault
def test_T8_what_is_swapped_for_a_link_while_it_is_collected_brings_nothing_in_and_changes_nothing_outside(
    tmp_path: Path,
) -> None:
    """A folder for a link to one of the machine, a file for a link to a file of it, all the time."""
    host = tmp_path / "host"
    (host / "closed").mkdir(parents=True)
    for place in (host / "file", host / "closed" / "file", host / "link"):
        place.write_text(CANARY)
        place.chmod(0o640)
    (host / "closed").chmod(0o500)
    before = {path: (path.stat().st_mode, path.stat().st_ctime_ns) for path in (host, *host.rglob("*"))}
    ends = {"published": 0, "refused": 0}
    for number in range(1000 if os.environ.get("LONG_FAULTS") else 100):
        output = tmp_path / f"{number}" / "output"
        for name in ("folder", "aside"):
            (output / name).mkdir(parents=True)
            for inner in ("file", "link"):
                (output / name / inner).write_text(f"ours {number}")
            (output / name / "link").unlink()
            (output / name / "link").symlink_to("file")
            (output / name / "closed").mkdir()
            (output / name / "closed").chmod(0o500)
        (output / "file").write_text("ours")
        links = {"folder": host, "file": host / "file"}

        def swap(output: Path = output, links: dict[str, Path] = links) -> None:
            for name, target in links.items():
                os.rename(output / name, output / f".{name}")
                os.symlink(target, output / name)
                os.unlink(output / name)
                os.rename(output / f".{name}", output / name)

        thread, over = beside(swap)
        try:
            publish(output, tmp_path / "store" / "artifacts")
            ends["published"] += 1
        except OSError:
            ends["refused"] += 1
        finally:
            over.set()
            thread.join()
    assert all(ends.values()), ends
    assert {path: (path.stat().st_mode, path.stat().st_ctime_ns) for path in before} == before
    kept = [Path(p, name) for p, _, names in os.walk(tmp_path / "store") for name in names]
    assert all(CANARY not in path.read_text() for path in kept if path.is_file() and not path.is_symlink())


@pytest.mark.parametrize("moment", ["links looked at", "output.hashed", "manifest.written"])
def test_T8_a_folder_that_becomes_a_link_at_the_worst_moment_leads_nobody_out(
    tmp_path: Path, output: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither are modes changed where it leads to, nor links removed."""
    host = tmp_path / "host"
    for folder in (host, output / "folder"):
        folder.mkdir(mode=0o750)
        (folder / "file").write_text(CANARY if folder is host else "ours")
        (folder / "link").symlink_to("/output/folder/file")
    before = [(path.lstat().st_mode, path.lstat().st_ctime_ns) for path in (host, *sorted(host.iterdir()))]

    def swap() -> None:
        with contextlib.suppress(OSError):
            os.rename(output / "folder", output.parent / "aside")
            os.symlink(host, output / "folder")

    looked = foreign._inside

    def look(root: Path, path: str) -> str | None:
        found = looked(root, path)
        swap()
        return found

    if moment == "links looked at":
        monkeypatch.setattr(foreign, "_inside", look)
    else:
        monkeypatch.setattr(artifacts, "failpoint", lambda name: swap() if name == moment else None)
    with pytest.raises(OSError, match=r"folder|Not a directory|symbolic"):
        publish(output, tmp_path / "store" / "artifacts")
    assert [(path.lstat().st_mode, path.lstat().st_ctime_ns) for path in (host, *sorted(host.iterdir()))] == before
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_dir() and len(path.name) == 64]


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_T8_what_becomes_a_pipe_or_device_before_it_is_read_is_refused(
    output: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading /dev/zero would never end."""
    (output / "data").write_text("x")

    def swapped(name: str, handle: int) -> int:
        os.unlink(name, dir_fd=handle)
        try:
            os.mkfifo(name, dir_fd=handle) if kind == "pipe" else os.mknod(
                name, 0o20666, os.makedev(1, 5), dir_fd=handle
            )
        except PermissionError:
            pytest.skip("devices cannot be made here")
        return opened(name, handle)

    opened = artifacts._opened
    monkeypatch.setattr(artifacts, "_opened", swapped)
    with pytest.raises(OSError, match="still written to"):
        publish(output, tmp_path / "artifacts")
