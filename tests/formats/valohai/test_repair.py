"""Mending YAML whose keys stand too deep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.valohai import repair
from tests.formats.valohai.files import kitchen


def test_row_136_a_key_is_moved_to_the_column_of_the_key_above_it() -> None:
    """However far it is, in a list's item and in a mapping."""
    made = repair("- name: a\n      type: b\n  more:\n    x: 1\n       y: 2\n")
    assert made is not None
    assert made[0] == "- name: a\n  type: b\n  more:\n    x: 1\n    y: 2\n"
    assert made[1] == [
        (2, "'type' stood too deep, and is moved four columns to the left"),
        (5, "'y' stood too deep, and is moved three columns to the left"),
    ]


def test_what_can_be_read_is_left_alone() -> None:
    """No line is touched."""
    assert repair(kitchen()) == (kitchen(), [])


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2",
        "a: b\n c\nd",
        "- a\n    b: c",
        "a: 'x",
        "\tb: 1",
        "a: b: c",
        "x: *y",
        "{",
        "a: 1\na: 2",
        "- !!python/x y: 1",
    ],
)
def test_what_else_is_wrong_is_not_mended(text: str) -> None:
    """None comes of it."""
    assert repair(text) is None


def test_a_long_file_of_faults_is_given_up() -> None:
    """The time is bounded: a text is read anew after each line."""
    assert repair("".join(f"- a: {number}\n    b: {'x' * 400}\n" for number in range(2000))) is None


@given(st.text(alphabet="ab:- \n#'[", max_size=60))
def test_any_text_is_mended_or_not(text: str) -> None:
    """What comes of it can be read, and no line is lost."""
    made = repair(text)
    if made is not None:
        documents_of(made[0], "")
        assert len(made[0].split("\n")) == len(text.split("\n"))
