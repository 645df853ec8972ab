"""All that an attempt printed, line by line, whatever it printed and in whatever pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner import whole_log
from dagbook.runner.records.journal import Journal
from dagbook.runner.whole_log import all_lines


def told(folder: Path, pieces: Sequence[str]) -> list[str]:
    """What is told of a node that printed these pieces."""
    journal = Journal(folder)
    for piece in pieces:
        journal.write(0, {"output_type": "stream", "name": "stdout", "text": piece})
    journal.close()
    return list(all_lines(folder))


@given(st.lists(st.text("ab\n", max_size=5), max_size=8))
def test_every_line_is_told_once_in_whatever_pieces_it_came(pieces: list[str]) -> None:
    with TemporaryDirectory() as folder:
        lines = told(Path(folder), pieces)
    *whole, rest = "".join(pieces).split("\n")
    assert lines == [*whole, *([rest] if rest else [])]


def test_progress_is_told_as_it_was_in_the_end(tmp_path: Path) -> None:
    assert told(tmp_path, [*(f"{n}%\r" for n in range(101)), "\n", "done\r\n", "more"]) == ["100%", "done", "more"]


def test_a_line_without_end_is_broken_and_nothing_of_it_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_log, "_LONGEST_LINE", 100)
    lines = told(tmp_path, ["0123456789"] * 1000)
    assert "".join(lines) == "0123456789" * 1000
    assert max(map(len, lines)) <= 110


def test_progress_without_end_is_held_as_little_as_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_log, "_LONGEST_LINE", 100)
    assert told(tmp_path, [f"{n:5}\r" for n in range(1000)]) == ["  999"]
