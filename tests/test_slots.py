"""Input slots: which files match, and what their digest is made of."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dagbook.runner.core.edge import Edge, Port
from dagbook.runner.records import seen
from dagbook.runner.records import verify as verifying
from dagbook.runner.records.manifest import Item, manifest_of
from dagbook.runner.records.verify import verify
from dagbook.runner.slots import SlotFault, SlotFile, check_names, digest_of_slot, fill_slot, matches
from tests.records.damage import flip, made, relied_on

EDGE = Edge(source="a", source_port=Port.OUTPUT, source_key="*", target="b", target_port=Port.INPUT, target_key="s")


def test_a_slot_is_another_when_a_file_becomes_executable() -> None:
    plain = SlotFile("tool.sh", Path(), "tool.sh", "0" * 64, False, EDGE)
    executable = replace(plain, executable=True)
    assert digest_of_slot([plain]) != digest_of_slot([executable])
    assert digest_of_slot([plain]) == digest_of_slot([plain, plain])


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("a.csv", "*", True),
        ("sub/a.csv", "*", False),
        ("sub/a.csv", "sub/*.csv", True),
        ("sub/deep/a.csv", "**", True),
        ("a.csv", "**/*.csv", True),
        ("sub/deep/a.csv", "sub/**/*.csv", True),
        ("a.json", "*.csv", False),
        ("a.csv", "./a.csv", True),
    ],
)
def test_row_83_a_glob_matches_part_by_part(path: str, glob: str, fits: bool) -> None:
    assert matches(path, glob) is fits


def slot_files(artifact: Path) -> list[SlotFile]:
    return [
        SlotFile(Path(item["path"]).name, artifact, item["path"], item["content"], item["executable"], EDGE)
        for item in manifest_of(artifact)
        if item["kind"] == "file"
    ]


def test_a_slot_holds_the_files_themselves_each_once(tmp_path: Path) -> None:
    artifact = made(tmp_path).path
    files = slot_files(artifact)
    fill_slot(tmp_path / "slot", [*files, *(replace(one, edge=EDGE) for one in files)])
    assert sorted(os.listdir(tmp_path / "slot")) == sorted(one.name for one in files)
    for one in files:
        assert (tmp_path / "slot" / one.name).samefile(one.path)


def test_files_that_lie_in_slots_too_are_not_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link changes the time of a file's last change; what was known of its bytes is known still."""
    monkeypatch.setattr(seen, "_WORTH_A_TICK", 0)
    artifact = made(tmp_path).path
    relied_on(artifact)
    for number in range(3):
        fill_slot(tmp_path / f"slot{number}", slot_files(artifact))
    hashed: list[Item] = []
    monkeypatch.setattr(verifying, "_hash_again", lambda _artifact, touched: hashed.extend(touched))
    assert verify(artifact) == ""
    assert hashed == []


def test_damage_from_before_a_file_came_into_a_slot_is_found_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "_WORTH_A_TICK", 0)
    artifact = made(tmp_path).path
    relied_on(artifact)
    flip(artifact / "data.csv", 3)
    fill_slot(tmp_path / "slot", slot_files(artifact))
    assert verify(artifact) == "data.csv differs"


def test_damage_after_a_file_came_into_a_slot_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_WORTH_A_TICK", 0)
    artifact = made(tmp_path).path
    relied_on(artifact)
    fill_slot(tmp_path / "slot", slot_files(artifact))
    flip(tmp_path / "slot" / "data.csv", 3)
    assert verify(artifact) == "data.csv differs"


@pytest.mark.parametrize("same", [True, False])
def test_files_of_one_name_whose_hashes_are_of_two_algorithms_are_compared(tmp_path: Path, same: bool) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x" if same else b"y")
    one = SlotFile("model", tmp_path, "a", "0" * 64, False, EDGE)
    other = SlotFile("model", tmp_path, "b", "blake3:" + "1" * 64, False, EDGE)
    if same:
        check_names("s", [one, other])
    else:
        with pytest.raises(SlotFault, match="E-SLOT-CLASH"):
            check_names("s", [one, other])
