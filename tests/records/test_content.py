"""Hashes of files' bytes: by sha256 and by BLAKE3, in stores that are read with and without it."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.records import artifacts as publishing
from dagbook.runner.records import content
from dagbook.runner.records.artifacts import Artifact, publish
from dagbook.runner.records.cache import Cache, key_of
from dagbook.runner.records.content import CannotHash, content_of, is_content, side_by_side
from dagbook.runner.records.manifest import manifest_of
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import check, verify
from tests.records.damage import flip, grown_old

SMALL, LARGE = bytes(100), bytes(range(256)) * 20


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kilobyte is much, and four are large."""
    monkeypatch.setattr(content, "AT_ONCE", 2**10)
    monkeypatch.setattr(publishing, "AT_ONCE", 2**10)
    monkeypatch.setattr(content, "LARGE", 4 * 2**10)
    monkeypatch.setattr(content, "_PIECE", 1500)


@pytest.fixture
def no_blake3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_blake3", lambda: None)


def made(folder: Path) -> Artifact:
    output = folder / "output"
    output.mkdir(parents=True)
    (output / "small").write_bytes(SMALL)
    for name in ("large", "second", "third"):
        (output / name).write_bytes(LARGE + name.encode())
    return publish(output, folder / "artifacts")


def contents(artifact: Artifact) -> dict[str, str]:
    return {item["path"]: item["content"] for item in manifest_of(artifact.path)}


def touch(file: Path) -> None:
    """As a copy of the store on another disk looks: the bytes are the same, nothing else is known."""
    os.utime(file)


@given(st.integers(0, 9000), st.booleans())
def test_a_hash_is_that_of_the_whole_file_and_says_its_algorithm(
    tmp_path_factory: pytest.TempPathFactory, size: int, installed: bool
) -> None:
    data = bytes(number % 251 for number in range(size))
    path = tmp_path_factory.mktemp("file") / "f"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        if not installed:
            patch.setattr(content, "_blake3", lambda: None)
        found = content_of(file.fileno(), size)
        by_blake3 = installed and size >= content.LARGE
        assert found == (f"blake3:{blake3(data).hexdigest()}" if by_blake3 else hashlib.sha256(data).hexdigest())
        file.seek(0)
        assert is_content(file.fileno(), found)
        file.seek(0)
        assert not is_content(file.fileno(), found[:-1] + ("0" if found[-1] != "0" else "1"))


def test_a_file_that_has_grown_since_it_was_looked_at_is_hashed_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(SMALL)
    with (tmp_path / "f").open("rb") as file:
        assert content_of(file.fileno(), 10) == hashlib.sha256(SMALL).hexdigest()


def test_only_large_files_are_hashed_with_blake3(tmp_path: Path) -> None:
    found = contents(made(tmp_path))
    assert found["small"] == hashlib.sha256(SMALL).hexdigest()
    assert found["large"] == f"blake3:{blake3(LARGE + b'large').hexdigest()}"


def test_without_blake3_all_are_hashed_with_sha256(tmp_path: Path, no_blake3: None) -> None:
    found = contents(made(tmp_path))
    assert found == {
        "small": hashlib.sha256(SMALL).hexdigest(),
        **{name: hashlib.sha256(LARGE + name.encode()).hexdigest() for name in ("large", "second", "third")},
    }


def test_files_that_are_hashed_side_by_side_give_what_they_give_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = made(tmp_path / "several")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert made(tmp_path / "one").digest == several.digest


@given(st.lists(st.integers(), max_size=20))
def test_what_is_done_side_by_side_comes_back_in_order(numbers: list[int]) -> None:
    assert side_by_side(lambda number: number + 1, numbers) == [number + 1 for number in numbers]


def test_an_artifact_of_one_kind_of_store_is_sound_in_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as nothing has touched it: then nothing is hashed."""
    with_it = made(tmp_path / "with").path
    monkeypatch.setattr(content, "_blake3", lambda: None)
    without = made(tmp_path / "without").path
    for artifact in (with_it, without):
        grown_old(artifact)
        assert verify(artifact) == ""
    monkeypatch.undo()
    touch(without / "large")
    assert verify(without) == ""
    flip(without / "large", 7)
    assert verify(without) == "large differs"


def test_what_cannot_be_hashed_again_without_blake3_is_neither_used_nor_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = made(tmp_path).path
    touch(artifact / "large")
    with monkeypatch.context() as patch:
        patch.setattr(content, "_blake3", lambda: None)
        with pytest.raises(CannotHash, match=r"pip install 'dagbook\[fast\]'"):
            check(artifact)
    assert artifact.is_dir()
    assert check(artifact) is None


def test_a_cached_result_waits_until_blake3_is_there_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(tmp_path / ".dagbook")) as store:
        artifact = made(store.folder)
        key, body = key_of({"code": "1"}), {"detail": {"artifact": artifact.digest}}
        Cache(store).keep(key, "demo", "a", "a", "run", body)
        touch(artifact.path / "large")
        with monkeypatch.context() as patch:
            patch.setattr(content, "_blake3", lambda: None)
            with pytest.raises(CannotHash):
                Cache(store).find(key)
        assert Cache(store).find(key) is not None


@pytest.mark.parametrize("number", range(3))
def test_damage_to_any_of_several_large_files_is_found(tmp_path: Path, number: int) -> None:
    artifact = made(tmp_path).path
    name = ("large", "second", "third")[number]
    flip(artifact / name, 5)
    assert verify(artifact) == f"{name} differs"


def test_a_large_file_that_is_another_one_when_it_is_hashed_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "large").write_bytes(LARGE)
    real = publishing._content_of_large

    def later(path: Path, seen: list[int]) -> str:
        path.chmod(0o644)
        path.write_bytes(LARGE[::-1])
        return real(path, seen)

    monkeypatch.setattr(publishing, "_content_of_large", later)
    with pytest.raises(OSError, match="still written to"):
        publish(tmp_path / "output", tmp_path / "artifacts")
    assert list((tmp_path / "artifacts").glob("??/*")) == []


def bytes_read() -> int:
    """How many bytes this process has asked files for up to now."""
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="nobody counts what is read")
@pytest.mark.parametrize("fast", [False, True], ids=["sha256", "BLAKE3"])
@pytest.mark.parametrize("written", [(), (0,), (30,), (60,), (0, 30), (1, 61), (20, 40, 61)], ids=str)
def test_F52_holes_in_a_file_are_hashed_as_what_they_are_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: tuple[int, ...], fast: bool
) -> None:
    """The file is 62 MiB long; at these MiB there are bytes."""
    if fast:
        pytest.importorskip("blake3")
    else:
        monkeypatch.setattr(content, "_blake3", lambda: None)
    size = 62 * 2**20
    for name in ("sparse", "whole"):
        with (tmp_path / name).open("wb") as file:
            if name == "whole":
                file.write(bytes(size))
            for place in written:
                file.seek(place * 2**20)
                file.write(b"x" * 2**20)
            file.truncate(size)
    found = []
    for name in ("whole", "sparse"):
        with (tmp_path / name).open("rb") as file:
            before = bytes_read()
            found.append(content.content_of(file.fileno(), size))
    assert found[0] == found[1]
    assert bytes_read() - before < (len(written) + 3) * 2**20
