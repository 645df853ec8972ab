"""Artifacts: the whole of an output folder, by content, read-only, and nothing from outside of it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.records.artifacts import publish, remove_tree
from dagbook.runner.records.manifest import manifest_of


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
