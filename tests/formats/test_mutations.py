"""A thousand broken files: whatever stands in one, it is taken over or its faults are told, and nothing else."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.core.check import check
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.formats.exported import write_as
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.native import write_native
from dagbook.runner.formats.recognised import Wishes, read_pipelines
from tests.formats.test_native import EVERYTHING

TESTS = Path(__file__).parents[1]
FILES = {
    path.name: path.read_text(encoding="utf-8")
    for folder in (TESTS / "data", TESTS / "formats", TESTS.parent / "example_notebooks")
    for path in sorted(folder.rglob("*"))
    if path.suffix in (".yaml", ".yml", ".json") and ".dagbook" not in path.parts
}
FILES["own.yaml"] = write_native([EVERYTHING])
MUTATIONS = 1000
BACK = {"native": "native", "cnvrg": "cnvrg", "valohai": "valohai", "pachyderm": "pachyderm"}

Change = Callable[[random.Random, str], str]


def without_a_line(dice: random.Random, text: str) -> str:
    lines = text.split("\n")
    del lines[dice.randrange(len(lines))]
    return "\n".join(lines)


def with_a_line_twice(dice: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(dice.randrange(len(lines)), dice.choice(lines))
    return "\n".join(lines)


def indented_otherwise(dice: random.Random, text: str) -> str:
    lines = text.split("\n")
    number = dice.randrange(len(lines))
    lines[number] = " " * dice.randrange(9) + lines[number].lstrip()
    return "\n".join(lines)


def cut_off(dice: random.Random, text: str) -> str:
    return text[: dice.randrange(len(text))]


def with_odd_characters(dice: random.Random, text: str) -> str:
    place = dice.randrange(len(text))
    odd = dice.choice(
        ["\0", "\t", "'", '"', "{", "}", "[", "]", ":", "- ", "&a ", "*a", "!x ", "#", "\x85", "é", "\ud83d", "%"]
    )
    return text[:place] + odd + text[place + dice.randrange(3) :]


def with_another_value(dice: random.Random, text: str) -> str:
    lines = text.split("\n")
    number = dice.randrange(len(lines))
    head, colon, _value = lines[number].partition(":")
    if colon:
        values = [
            "",
            "null",
            "-1",
            "1e999",
            "[]",
            "{}",
            "[[1]]",
            "{a: {b: c}}",
            "yes",
            "true",
            "'x'",
            "999999999999",
            "~",
            "2027-01-01",
        ]
        lines[number] = f"{head}: {dice.choice(values)}"
    return "\n".join(lines)


def with_words_exchanged(dice: random.Random, text: str) -> str:
    words = text.split(" ")
    one, other = dice.randrange(len(words)), dice.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return " ".join(words)


CHANGES: list[Change] = [
    without_a_line,
    with_a_line_twice,
    indented_otherwise,
    cut_off,
    with_odd_characters,
    with_another_value,
    with_another_value,
    with_words_exchanged,
]


def test_there_are_files_of_every_format() -> None:
    found = {read_pipelines(text, name).format for name, text in FILES.items()}
    assert found >= set(BACK)


@pytest.mark.parametrize("part", range(10))
def test_no_broken_file_is_more_than_a_finding(part: int) -> None:
    dice = random.Random(part)
    taken = 0
    for number in range(MUTATIONS // 10):
        name, text = dice.choice(list(FILES.items()))
        for _ in range(dice.choice([1, 1, 2, 4])):
            text = dice.choice(CHANGES)(dice, text) if text else text
        wishes = Wishes(strict=dice.random() < 0.2, repair=dice.random() < 0.3, csv_grid=dice.random() < 0.2)
        try:
            imported = read_pipelines(text, name, wishes)
        except Exception as error:
            pytest.fail(f"{name}, change {part}/{number}: {type(error).__name__}: {error}\n{text}")
        for record in imported.records:
            assert record.problem.message
            assert record.problem.place.file == name
        assert imported.pipelines or any(record.problem.is_error for record in imported.records)
        if imported.pipelines:
            taken += 1
            for pipeline in imported.pipelines:
                check(pipeline)
            write_native(imported.pipelines)
            with contextlib.suppress(PipelineError):
                write_as(imported.pipelines, BACK[imported.format], Ledger(name))
    assert taken, "some are still whole, so that writing is tried too"
