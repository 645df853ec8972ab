"""A long journal: what its cells show is noted beside it, and is the same for who reads all of it."""

from __future__ import annotations

import errno
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.records import journal as module
from dagbook.runner.records.folding import EARLIER, LARGEST_DISPLAYS, MOST_OUTPUTS, fold, overtype, size_of
from dagbook.runner.records.journal import LARGEST_SHOWN, NAME, NOTED, Journal, Reading, Shown


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an attempt whose journal is long: 100 lines, noted about every tenth."""
    monkeypatch.setattr(module, "_NOTE_AFTER", 20_000)
    journal = Journal(tmp_path)
    for number in range(100):
        journal.write(number % 3, {"output_type": "progress", "cells": 3})
        journal.write(number % 3, {"output_type": "stream", "name": "stdout", "text": f"{number} {'x' * 2000}\n"})
        journal.write(number % 3, {"output_type": "display_data", "data": {"text/plain": f"{number}"}, "metadata": {}})
    journal.close()
    return tmp_path


def read(folder: Path) -> tuple[int, Shown]:
    shown = Shown(folder)
    return shown.update(), shown


def test_who_comes_late_reads_the_end_and_sees_the_same(folder: Path) -> None:
    few, late = read(folder)
    (folder / NOTED).unlink()
    many, early = read(folder)
    assert few < 60 < many == 300
    assert (late.outputs, late.cell, late.cells) == (early.outputs, early.cell, early.cells)
    assert late.update() == 0


@pytest.mark.parametrize(
    "note", ["", "{}", '{"offset": 1}', '{"offset": 9e9, "cell": 0, "cells": 1, "outputs": {}}',
             '{"offset": 9, "cell": 0, "cells": 1, "outputs": {"0": [{"output_type": "stream", "name": 1}]}}'],
)  # fmt: skip
def test_a_note_that_is_not_sound_is_not_used(folder: Path, note: str) -> None:
    (folder / NOTED).write_text(note)
    assert read(folder)[0] == 300


def test_a_note_is_no_link_out_of_the_store(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "note"
    (folder / NOTED).rename(elsewhere)
    (folder / NOTED).symlink_to(elsewhere)
    assert read(folder)[0] == 300


def test_a_long_text_is_written_in_pieces_and_read_as_one(tmp_path: Path) -> None:
    journal, text = Journal(tmp_path), "é" * 5_000_000
    journal.write(0, {"output_type": "stream", "name": "stdout", "text": text})
    journal.close()
    messages = [message["text"] for message in Reading(tmp_path).new()]
    assert len(messages) > 3
    assert "".join(messages) == text


def test_of_many_displays_the_last_are_shown() -> None:
    outputs = fold({"output_type": "display_data", "data": {"text/plain": str(n)}} for n in range(5 * MOST_OUTPUTS))
    assert len(outputs) < 3 * MOST_OUTPUTS
    assert outputs[0]["text"] == f"{EARLIER}\n"
    assert outputs[-1]["data"]["text/plain"] == str(5 * MOST_OUTPUTS - 1)


def test_of_large_displays_the_last_are_shown_and_one_too_large_is_told_of() -> None:
    large = {"output_type": "display_data", "data": {"text/html": "x" * (LARGEST_DISPLAYS // 4)}}
    outputs = fold(dict(large) for _ in range(9))
    assert [one["output_type"] for one in outputs] == ["stream", *["display_data"] * 4]
    fold([{"output_type": "display_data", "data": {"text/html": "x" * (LARGEST_DISPLAYS + 1)}}], outputs)
    assert [one["output_type"] for one in outputs] == ["stream"]


def test_displays_that_grow_as_they_are_updated_are_large_too() -> None:
    shown = [
        {"output_type": "display_data", "data": {"text/html": ""}, "transient": {"display_id": str(n)}}
        for n in range(5)
    ]
    large = {"text/html": "x" * (LARGEST_DISPLAYS // 2)}
    outputs = fold([*shown, *({"output_type": "update", "display_id": str(n), "data": large} for n in range(5))])
    assert [one["output_type"] for one in outputs] == ["stream", *["display_data"] * 2]


@given(st.lists(st.from_regex(r"(?:[ab]{0,4}(?:\r|\n|\r\n))*", fullmatch=True), max_size=8))
def test_in_whatever_pieces_progress_comes_the_same_is_shown(pieces: list[str]) -> None:
    shown = fold({"output_type": "stream", "name": "stdout", "text": piece} for piece in pieces)
    assert "".join(one["text"] for one in shown) == overtype("".join(pieces))


def test_a_note_that_cannot_be_written_is_none_and_the_journal_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Shown) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Shown, "note", refuse)
    monkeypatch.setattr(module, "_NOTE_AFTER", 1)
    journal = Journal(tmp_path)
    journal.write(0, {"output_type": "stream", "name": "stdout", "text": "all of it"})
    journal.close()
    assert [one["text"] for one in Reading(tmp_path).new()] == ["all of it"]


def test_P26_a_line_without_end_is_passed_over_and_what_comes_after_it_is_read(tmp_path: Path) -> None:
    """Whoever looks holds a part of it only, and does not read it twice."""
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(300 * 2**20)
    reading = Reading(tmp_path)
    tracemalloc.start()
    first = list(reading.new())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [one["text"] for one in first] == ["[an output that is too large is not shown]\n"]
    assert most < 100 * 2**20
    assert reading.left() == 0
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'xyz\n{"cell": 1, "output_type": "stream", "name": "stdout", "text": "after"}\n')
    assert [one["text"] for one in reading.new()] == ["after"]


def test_P26_of_many_cells_that_show_much_the_last_are_shown(tmp_path: Path) -> None:
    journal, large = Journal(tmp_path), {"output_type": "display_data", "data": {"text/html": "h" * 2_000_000}}
    for cell in range(60):
        journal.write(cell, large)
    journal.close()
    shown = Shown(tmp_path)
    shown.update()
    assert sum(size_of(one) for outputs in shown.outputs.values() for one in outputs) < LARGEST_SHOWN + 2**24 + 2**21
    assert shown.outputs[0][0]["text"].startswith(EARLIER)
    assert shown.outputs[59][0]["data"] == large["data"]
