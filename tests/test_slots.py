"""Input slots: which files match, and what their digest is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.model import Edge, Port
from dagbook.runner.slots import SlotFile, digest_of_slot, matches

EDGE = Edge(source="a", source_port=Port.OUTPUT, source_key="*", target="b", target_port=Port.INPUT, target_key="s")


def test_a_slot_is_another_when_a_file_becomes_executable() -> None:
    plain = SlotFile("tool.sh", Path("tool.sh"), "0" * 64, False, EDGE)
    executable = SlotFile("tool.sh", Path("tool.sh"), "0" * 64, True, EDGE)
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
