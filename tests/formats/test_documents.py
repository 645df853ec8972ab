"""YAML and JSON files: what they mean, where everything stands, and what is refused before it can do harm."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.formats import documents
from dagbook.runner.formats.documents import (
    DEEPEST,
    LARGEST_FILE,
    Whole,
    bare,
    documents_of,
    one_document,
    text_of,
)
from dagbook.runner.formats.yaml_text import yaml_text


def plain(text: str) -> Any:
    return bare(one_document(text, "f.yaml").plain())


def fault(text: str) -> tuple[str, int | None, int | None]:
    with pytest.raises(PipelineError) as caught:
        one_document(text, "f.yaml")
    (found,) = caught.value.problems
    assert found.place.file == "f.yaml"
    assert found.hint
    return found.code, found.place.line, found.place.column


BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        pytest.param(BOMB, "E-YAML-ALIASES", 6, None, id="Y1: aliases that repeat each other"),
        pytest.param("[" * 5000, "E-YAML-DEPTH", 1, DEEPEST + 1, id="Y2: 5,000 lists in each other"),
        pytest.param('a: !!python/object/apply:os.system ["true"]', "E-YAML-TAG", 1, 4, id="Y3: a tag that calls"),
        pytest.param("a: !mine x", "E-YAML-TAG", 1, 4, id="Y3: a tag of somebody's own"),
        pytest.param("tasks: 1\nflow: x\ntasks: 2", "E-YAML-DUPKEY", 3, 1, id="Y4: a key that stands twice"),
        pytest.param("\ta: 1", "E-YAML-SYNTAX", 1, 1, id="Y6: indented by a tab"),
        pytest.param("a: b\0c", "E-YAML-SYNTAX", 1, 5, id="Y6: NUL"),
        pytest.param("- name: x\n    type: y", "E-YAML-SYNTAX", 2, 9, id="a key that stands too deep"),
        pytest.param("a: [1", "E-YAML-SYNTAX", 1, 6, id="a list that does not end"),
        pytest.param("a: *x", "E-YAML-SYNTAX", 1, 4, id="an alias of nothing"),
        pytest.param("x: {{ a.b }}", "E-YAML-KEY", 1, 5, id="braces without quotes"),
        pytest.param("", "E-YAML-EMPTY", None, None, id="Y7: nothing"),
        pytest.param("# only a comment\n---\n", "E-YAML-EMPTY", None, None, id="Y7: nothing but a comment"),
        pytest.param("a: 1\n---\nb: 2", "E-YAML-MULTI", 3, None, id="Y7: two documents"),
    ],
)
def test_rows_y1_to_y7_what_is_broken_or_harmful_is_told_with_its_place(
    text: str, code: str, line: int | None, column: int | None
) -> None:
    found = fault(text)
    assert found[0] == code
    if line is not None:
        assert found[1] == line
    if column is not None:
        assert found[2] == column


def test_row_y4_both_lines_of_a_key_that_stands_twice_are_told() -> None:
    with pytest.raises(PipelineError, match="given in line 1"):
        one_document("tasks: 1\nflow: x\ntasks: 2", "f.yaml")


def test_row_y1_aliases_that_repeat_little_are_no_alarm() -> None:
    assert plain("a: &x {k: [1, 2]}\nb: *x\nc: *x") == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": {"k": [1, 2]}}
    assert plain("base: &b {x: 1, y: 1}\nown: {<<: *b, y: 2}")["own"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    "word", ["no", "yes", "on", "off", "y", "n", "1:30", "1_000", "0b1", "0o8", "12e", "2021-01-31", "No"]
)
def test_row_y5_words_that_other_readers_change_stay_texts(word: str) -> None:
    assert plain(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [("012", 12), ("1e3", 1000.0), ("0x1F", 31), ("0o17", 15), ("-4", -4), (".5", 0.5), ("true", True), ("~", None)],
)
def test_row_y5_numbers_are_numbers_and_know_how_they_were_written(word: str, value: object) -> None:
    entry = one_document(f"a: {word}", "f.yaml").at(["a"])
    assert entry.value == value
    assert type(bare(entry.value)) is type(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert entry.value.written == word


def test_a_number_of_thousands_of_digits_stays_a_text() -> None:
    assert plain("a: " + "9" * 5000) == {"a": "9" * 5000}


def test_row_y6_a_byte_order_mark_and_other_line_ends_are_accepted() -> None:
    assert plain(text_of("\ufeffa: 1\r\nb:  x  \r\n".encode(), "f")) == {"a": 1, "b": "x"}


def test_row_y6_another_encoding_is_told_with_its_line() -> None:
    with pytest.raises(PipelineError, match="UTF-8") as caught:
        text_of("a: 1\nb: ä".encode("latin-1"), "f.yaml")
    assert caught.value.problems[0].place.line == 2


def test_row_y7_a_file_that_is_too_large_is_not_read() -> None:
    with pytest.raises(PipelineError) as caught:
        text_of(b"x" * (LARGEST_FILE + 1), "f.yaml")
    assert caught.value.problems[0].code == "E-YAML-SIZE"


def test_row_y23_json_values_may_follow_each_other_and_be_indented_by_tabs() -> None:
    text = '{\n\t"a": 1\n}\n\n{"b": [2]}\n[3]'
    found = documents_of(text, "f.json")
    assert [bare(one.plain()) for one in found] == [{"a": 1}, {"b": [2]}, [3]]
    assert [one.line for one in found] == [1, 5, 6]
    assert found[0].at(["a"]).line == 2


def test_json_escapes_mean_what_json_says() -> None:
    assert plain(r'{"a": "\ud83d\ude00\/\u00e9\t"}') == {"a": "😀/é\t"}


def test_every_value_knows_its_line_and_column() -> None:
    document = one_document("tasks:\n  - title: a\n    computes: [x,\n      y]\n", "f.yaml")
    entry = document.at(["tasks", 0, "computes", 1])
    assert (entry.value, entry.line, entry.column) == ("y", 4, 7)
    assert document.at(["tasks", 0, "gone", 3]).line == 2, "the last one on the way"


def test_a_colon_in_a_text_is_told_from_a_key_that_stands_wrong() -> None:
    with pytest.raises(PipelineError, match="Quote a text that holds a colon"):
        one_document("input: sh -c 'echo x: 1' y", "f.yaml")
    with pytest.raises(PipelineError, match="same column"):
        one_document("- name: x\n    type: y", "f.yaml")


def test_many_values_after_each_other_are_read_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    found = documents_of('{"a":1}' * 3000, "f.json")
    assert (len(found), found[-1].line, found[-1].column) == (3000, 1, 7 * 2999 + 1)
    monkeypatch.setattr(documents, "MOST_VALUES", 5_000)
    with pytest.raises(PipelineError, match="5,000 values"):
        documents_of('{"a":1}' * 3000, "f.json")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1))
def test_json_is_read_as_json_is(value: dict[str, Any]) -> None:
    assert plain(json.dumps(value)) == value


@given(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1))
def test_what_is_written_as_yaml_is_read_back(value: dict[str, Any]) -> None:
    assert plain(yaml_text(value)) == value


@pytest.mark.parametrize(
    "word", ["yes", "No", "OFF", "y", "1:30", "190:20:30", "1_000", "2021-01-31", "0b1", "012", "~"]
)
def test_a_text_that_older_readers_would_change_is_written_in_quotes(word: str) -> None:
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(yaml_text({"a": word, word: 1, "l": [word]})) == {"a": word, word: 1, "l": [word]}


def test_what_is_not_a_number_can_be_written_and_read() -> None:
    found = plain("a: .nan\nb: -.inf")
    assert math.isnan(found["a"])
    assert found["b"] == -math.inf
    assert isinstance(Whole(3), int)
