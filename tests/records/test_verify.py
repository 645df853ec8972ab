"""Artifacts are looked at when they are used again: no damage passes, none stays where it can be used (P13, F40)."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.records import verify as verifying
from dagbook.runner.records.artifacts import publish
from dagbook.runner.records.manifest import Item
from dagbook.runner.records.verify import check, quarantine, verify
from tests.records.damage import DAMAGE, FILES, flip, grown_old, made, manifest, opened, relied_on


@pytest.mark.parametrize("settled", [False, True], ids=["at once", "once relied on"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_P13_damage_is_found_set_aside_and_healed_by_publishing_again(tmp_path: Path, kind: str, settled: bool) -> None:
    artifact = made(tmp_path)
    if settled:
        relied_on(artifact.path)
    damage, words = DAMAGE[kind]
    damage(artifact.path)
    assert words in verify(artifact.path)
    found = check(artifact.path)
    assert found is not None
    assert words in str(found)
    assert found.set_aside == tmp_path / "quarantine" / f"{artifact.digest}.1"
    assert (found.set_aside / artifact.digest).is_dir()
    assert list(artifact.path.parent.iterdir()) == []
    again = made(tmp_path)
    assert again.digest == artifact.digest
    assert verify(again.path) == ""
    assert (again.path / "data.csv").read_bytes() == FILES["data.csv"]


@pytest.mark.parametrize("kind", DAMAGE)
def test_P13_publishing_does_not_trust_a_damaged_artifact_that_is_there(tmp_path: Path, kind: str) -> None:
    DAMAGE[kind][0](made(tmp_path).path)
    again = made(tmp_path)
    assert verify(again.path) == ""
    assert (again.path / "data.csv").read_bytes() == FILES["data.csv"]
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


@settings(max_examples=40)
@given(st.integers(0, 255), st.integers(0, 7), st.booleans())
def test_P13_one_flipped_bit_anywhere_is_found_also_when_the_time_is_set_back(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int, settled: bool
) -> None:
    """Right after publishing, too, when the filesystem's clock may not have ticked on yet."""
    artifact = made(tmp_path_factory.mktemp("store")).path
    if settled:
        relied_on(artifact)
    flip(artifact / "sub/model.bin", place, bit)
    assert verify(artifact) == "sub/model.bin differs"


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(0, 7))
def test_P13_a_flipped_bit_in_the_manifest_is_found_or_means_the_same(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random, bit: int
) -> None:
    artifact = made(tmp_path_factory.mktemp("store")).path
    before = json.loads(manifest(artifact).read_text())
    flip(manifest(artifact), chance.randrange(manifest(artifact).stat().st_size), bit)
    try:
        same = json.loads(manifest(artifact).read_text()) == before
    except ValueError:
        same = False
    assert (verify(artifact) == "") is same


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are hashed from now on."""
    names: list[str] = []
    real = verifying._hash_again

    def noted(artifact: Path, touched: list[Item]) -> None:
        names.extend(item.path for item in touched)
        real(artifact, touched)

    monkeypatch.setattr(verifying, "_hash_again", noted)
    return names


def test_what_nothing_touched_since_it_was_published_is_not_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = made(tmp_path).path
    grown_old(artifact)
    names = hashed(monkeypatch)
    assert verify(artifact) == ""
    assert names == []


@pytest.mark.parametrize("verified", [False, True], ids=["published", "verified"])
def test_a_fingerprint_as_young_as_its_note_is_not_relied_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verified: bool
) -> None:
    """A change in the same tick of the filesystem's clock would not show in it."""
    artifact = made(tmp_path).path
    if verified:
        assert verify(artifact) == ""
    changed = (artifact / "data.csv").stat().st_ctime_ns
    os.utime(artifact.with_suffix(".seen"), ns=(changed, changed))
    names = hashed(monkeypatch)
    assert verify(artifact) == ""
    assert "data.csv" in names


def test_a_touched_file_alone_is_hashed_again_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = made(tmp_path).path
    grown_old(artifact)
    os.utime(artifact / "data.csv")
    names = hashed(monkeypatch)
    assert verify(artifact) == ""
    assert names == ["data.csv"]
    grown_old(artifact)
    assert verify(artifact) == ""
    assert names == ["data.csv"]


def test_when_nothing_was_touched_not_even_the_manifest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An artifact of 100,000 files is looked at in a second."""
    artifact = made(tmp_path).path
    relied_on(artifact)
    monkeypatch.setattr(verifying, "items_of", lambda artifact: pytest.fail("it was read"))
    assert verify(artifact) == ""


NOTES = [None, b"", b"{", b'""\n[]', b'""\n{"data.csv": 7}', b'7\n{"data.csv": []}', b"\xff\n\xff"]


@pytest.mark.parametrize("note", NOTES)
def test_without_a_readable_note_everything_is_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: bytes | None
) -> None:
    """An artifact of a store from before there were notes, or one that was copied to another disk."""
    artifact = made(tmp_path).path
    artifact.with_suffix(".seen").unlink()
    if note is not None:
        artifact.with_suffix(".seen").write_bytes(note)
    names = hashed(monkeypatch)
    assert verify(artifact) == ""
    assert sorted(names) == sorted([*FILES, "run.sh"])


def test_a_file_name_that_is_not_text_is_told_in_text(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    with open(os.fsencode(tmp_path / "output") + b"/\xff\n", "wb") as file:
        file.write(b"x")
    artifact = publish(tmp_path / "output", tmp_path / "artifacts").path
    assert verify(artifact) == ""
    opened(artifact / os.fsdecode(b"\xff\n")).unlink()
    assert verify(artifact) == "'\\udcff\\n' is missing"


def test_F42_what_another_process_healed_meanwhile_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one publishes between the look and the lock."""
    artifact = made(tmp_path)
    flip(artifact.path / "data.csv", 0)
    real = verifying.alone

    @contextlib.contextmanager
    def late(artifacts: Path) -> Iterator[None]:
        monkeypatch.setattr(verifying, "alone", real)
        made(tmp_path)
        with real(artifacts):
            yield

    monkeypatch.setattr(verifying, "alone", late)
    assert check(artifact.path) is None
    assert verify(artifact.path) == ""
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


def test_an_artifact_that_somebody_removed_is_told_as_gone(tmp_path: Path) -> None:
    assert str(check(tmp_path / "artifacts" / "ab" / "ab12")) == "its artifact is no longer in the store"
    assert list(tmp_path.iterdir()) == []


def test_each_quarantine_has_a_folder_of_its_own(tmp_path: Path) -> None:
    places = []
    for _ in range(2):
        artifact = made(tmp_path)
        flip(artifact.path / "data.csv", 0)
        places.append(quarantine(tmp_path / "artifacts", artifact.digest).name)
    assert places == [f"{artifact.digest}.1", f"{artifact.digest}.2"]


def test_F36_running_out_of_open_files_is_no_damage(tmp_path: Path) -> None:
    """In a process that may open no more: it says so, and leaves the sound artifact where it is."""
    artifact = made(tmp_path).path
    artifact.with_suffix(".seen").unlink()
    script = (
        "import errno, os, resource, sys\n"
        "from pathlib import Path\n"
        "from dagbook.runner.records.verify import check\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "held = []\n"
        "try:\n"
        "    while True:\n"
        "        held.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError:\n"
        "    pass\n"
        "for left in range(4):\n"
        "    try:\n"
        "        print(check(Path(sys.argv[1])))\n"
        "    except OSError as error:\n"
        "        print(errno.errorcode[error.errno])\n"
        "    os.close(held.pop())\n"
    )
    said = subprocess.run([sys.executable, "-c", script, artifact], capture_output=True, text=True, check=True)
    assert set(said.stdout.split()) <= {"EMFILE", "None"}
    assert said.stdout.split()[0] == "EMFILE"
    assert verify(artifact) == ""


def test_F42_many_may_find_the_same_damage_and_publish_anew_at_once(tmp_path: Path) -> None:
    """One sets the damaged artifact aside; none of the sound ones that follow goes with it."""
    artifact = made(tmp_path)
    flip(artifact.path / "sub/model.bin", 7)
    outputs = []
    for number in range(8):
        folder = tmp_path / str(number)
        other = made(folder)
        outputs.append(folder / "output")
        other.path.chmod(0o755)
        other.path.rename(folder / "output")
    start = threading.Barrier(len(outputs) * 2)
    failures: list[BaseException] = []

    def work(do: Callable[[], object]) -> None:
        start.wait()
        try:
            do()
        except BaseException as error:
            failures.append(error)

    jobs: list[Callable[[], object]] = [lambda o=o: publish(o, tmp_path / "artifacts") for o in outputs]  # type: ignore[misc]
    jobs += [lambda: check(artifact.path)] * len(outputs)
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert verify(artifact.path) == ""
    assert len(list((tmp_path / "quarantine").iterdir())) == 1
    assert not any(output.exists() for output in outputs)
