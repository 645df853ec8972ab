"""References in braces: found, refused, filled (rows 28, 40, 133; P-7, P-8)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.templates import (
    Reference,
    filled,
    has_reference,
    hyper_values,
    is_hyper,
    items_of,
    joined,
    parts_of,
    references,
    script_parts,
)
from dagbook.runner.core.values import Value

TITLES = ("Task A", "Task A.b", "v1.2 model", "a", "Größe", "x-y")
TAGS: dict[Reference, Value] = {
    Reference("Task A", "model accuracy"): 0.93,
    Reference("a", "n"): 3,
    Reference("a", "list"): [1, "two"],
    Reference("a", "none"): None,
    Reference("a", "flag"): True,
    Reference("a", "braces"): "{{ a.n }}",
}


def fill(value: Value) -> Value:
    return filled(value, TITLES, TAGS.__getitem__)


def refused(text: str) -> str:
    """The code with which `text` is refused."""
    with pytest.raises(PipelineError) as caught:
        parts_of(text, TITLES)
    (one,) = caught.value.problems
    return one.code


@pytest.mark.parametrize(
    ("text", "title", "tag"),
    [
        pytest.param("{{ Task A.model accuracy }}", "Task A", "model accuracy", id="row 28: spaces"),
        pytest.param("{ { Task A.model accuracy } }", "Task A", "model accuracy", id="row 133: { { } }"),
        pytest.param("{ {Task A.Model Accuracy}}", "Task A", "Model Accuracy", id="row 133: mixed, case kept"),
        pytest.param("{{a.n}}", "a", "n", id="no spaces"),
        pytest.param("{{ Task A.b.c }}", "Task A.b", "c", id="the longest title wins"),
        pytest.param("{{ Task A.c.b }}", "Task A", "c.b", id="a tag with a dot"),
        pytest.param("{{ v1.2 model.loss }}", "v1.2 model", "loss", id="a title with a dot"),
        pytest.param("{{ task a.n }}", "Task A", "n", id="a title up to case"),
        pytest.param("{{ Task   A.n }}", "Task A", "n", id="a title up to spaces"),
        pytest.param("{{ x-y.n }}", "x-y", "n", id="a hyphen"),
        pytest.param("{{ Größe.Maß }}", "Größe", "Maß", id="letters beyond ASCII"),
        pytest.param("{{ a.1.5 }}", "a", "1.5", id="a tag that looks like a number"),
    ],
)
def test_rows_28_133_a_reference_names_a_task_and_a_tag_as_recorded(text: str, title: str, tag: str) -> None:
    assert parts_of(text, TITLES) == [Reference(title, tag)]
    assert parts_of(f"<{text}>", TITLES) == ["<", Reference(title, tag), ">"]
    assert list(references([1, [text]], TITLES)) == [Reference(title, tag)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ Task Q.n }}", "E-REF-TASK"),
        ("{{ n }}", "E-REF-SYNTAX"),
        ("{{ }}", "E-REF-SYNTAX"),
        ("{{ a. }}", "E-REF-SYNTAX"),
        ("{{ .n }}", "E-REF-SYNTAX"),
        ("{{ a.n", "E-REF-SYNTAX"),
        ("{{ a.n }", "E-REF-SYNTAX"),
        ("{{ a.n }} {{ a.n", "E-REF-SYNTAX"),
        ("{{ {{ a.n }} }}", "E-REF-SYNTAX"),
        ("{{ a.{{ a.n }} }}", "E-REF-SYNTAX"),
        ("{{ a.n | hyperx }}", "E-REF-FILTER"),
        ("{{ a.n | }}", "E-REF-FILTER"),
        ("{{ a.n | hyper | hyper }}", "E-REF-FILTER"),
    ],
)
def test_P7_what_is_no_reference_is_refused(text: str, code: str) -> None:
    assert has_reference(text)
    assert refused(text) == code
    assert refused(f"before {text}") == code


def test_P7_a_mistyped_task_and_filter_are_answered_with_the_nearest_name() -> None:
    for text, near in [("{{ Tsak A.n }}", '"Task A"'), ("{{ a.n | hyperx }}", '"hyper"')]:
        with pytest.raises(PipelineError) as caught:
            parts_of(text, TITLES)
        assert near in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param("{{ Task A.model accuracy }}", 0.93, id="a whole text takes the type of the tag"),
        pytest.param("{{ a.list }}", [1, "two"], id="a list"),
        pytest.param("{{ a.none }}", None, id="None"),
        pytest.param("{{ a.flag }}", True, id="a bool"),
        pytest.param("n={{ a.n }}, {{a.flag}}", "n=3, True", id="within a text it is shown"),
        pytest.param("{{ a.n }}{{ a.n }}", "33", id="two side by side make a text"),
        pytest.param(" {{ a.n }}", " 3", id="white space around it makes a text"),
        pytest.param(["{{ a.n }}", ["{{ a.flag }}", 7]], [3, [True, 7]], id="in lists"),
        pytest.param("{{ a.braces }}", "{{ a.n }}", id="what a tag holds is not filled again"),
        pytest.param(7, 7, id="a number"),
    ],
)
def test_row_28_references_are_filled(value: Value, wanted: Value) -> None:
    assert fill(value) == wanted
    assert type(fill(value)) is type(wanted)


# text without references is left alone


def opens(text: str) -> bool:
    return "{{" in text or "{ {" in text


@given(st.text("{} ab.|\n"))
def test_a_text_without_references_is_unchanged(text: str) -> None:
    if opens(text):
        return
    assert not has_reference(text)
    assert fill(text) == text
    assert parts_of(text, TITLES) == ([text] if text else [])


@given(st.lists(st.one_of(st.text("ab. }\n", min_size=1), st.sampled_from(list(TAGS))), min_size=2, max_size=6))
def test_parts_come_back_in_order_and_are_filled_one_by_one(parts: list[str | Reference]) -> None:
    """Written out, cut and filled: nothing is lost between references."""
    text = "".join(map(str, parts))
    wanted = "".join(
        part if isinstance(part, str) else value if isinstance(value := TAGS[part], str) else repr(value)
        for part in parts
    )
    assert joined(["", *parts_of(text, TITLES)], TAGS.__getitem__) == wanted


SCRIPTS = [
    "docker ps --format '{{.Names}}'",
    "docker ps --format '{{ .Names }} {{.ID}}'",
    "docker inspect -f '{{json .Mounts | len}}' x",
    "helm template --set x='{{ .Values.x | quote }}'",
    "echo '{{ user.name | upper }}'",
    "awk '{ { print $1 } }' f",
    "f() { { echo a.n; } }",
    "echo '{{ unclosed'",
    "jq '{a: {b: .c}}' x.json; echo ${HOME} ${a.n}",
    "{{",
    "",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_P7_braces_in_a_script_that_name_no_node_are_the_scripts_own(script: str) -> None:
    assert joined(["", *script_parts(script, TITLES)], TAGS.__getitem__) == script


def test_a_script_takes_tags_where_it_names_a_node_and_keeps_the_rest() -> None:
    parts = script_parts("run {{ a.n }} '{{.Names}}' { { Task A.model accuracy } }\n", TITLES)
    assert joined(["", *parts], TAGS.__getitem__) == "run 3 '{{.Names}}' 0.93\n"


def test_P7_an_unknown_filter_of_a_known_tag_is_refused_in_a_script_too() -> None:
    with pytest.raises(PipelineError, match="no filter 'hyperx'"):
        script_parts("echo {{ a.n | hyperx }}", TITLES)


# hyper


@pytest.mark.parametrize(
    ("tag", "items"),
    [
        pytest.param("1,2,3", [1, 2, 3], id="row 40"),
        pytest.param(" 1 ,two, 3.5 , True ,None", [1, "two", 3.5, True, None], id="trimmed and typed"),
        pytest.param('"a,b",c', ["a,b", "c"], id="P-8 commas in quotes"),
        pytest.param('"a,b", "c d"', ["a,b", "c d"], id="P-8 quotes after a space"),
        pytest.param("one", ["one"], id="P-8 one item"),
        pytest.param("1,1", [1, 1], id="P-8 duplicates stay"),
        pytest.param("", [], id="P-8 empty"),
        pytest.param(" , ,", [], id="nothing between commas"),
        pytest.param("1,,2", [1, 2], id="an empty item is none"),
        pytest.param("a\nb,c", ["a b", "c"], id="line breaks count as spaces"),
        pytest.param('"a', ["a"], id="a quote that is not closed"),
        pytest.param([3, "a,b", [1]], [3, "a,b", [1]], id="the items of a list, as they are"),
        pytest.param([], [], id="an empty list"),
        pytest.param(7, [7], id="a number"),
        pytest.param(0, [0], id="zero"),
        pytest.param(False, [False], id="a bool"),
        pytest.param(None, [], id="None"),
    ],
)
def test_row_40_P8_the_values_in_a_tag(tag: Value, items: list[Value]) -> None:
    found = items_of(tag)
    assert found == items
    assert list(map(type, found)) == list(map(type, items))


def test_P8_a_tag_of_a_hundred_thousand_items_and_one_of_a_single_huge_one() -> None:
    assert items_of(",".join(map(str, range(100_000)))) == list(range(100_000))
    huge = "x" * 200_000
    assert items_of(huge) == [huge]
    assert items_of(f"1,{huge},3") == [1, huge, 3]
    (nan,) = items_of(math.nan)
    assert nan != nan


def test_hyper_values_stand_in_the_rest_of_the_text() -> None:
    tags: dict[Reference, Value] = {Reference("a", "r", True): "1,two", Reference("a", "n"): 3}
    assert hyper_values("{{ a.r | hyper }}", TITLES, tags.__getitem__) == [1, "two"]
    assert hyper_values("{{ a.n }}/{ { a.r|hyper } }.csv", TITLES, tags.__getitem__) == ["3/1.csv", "3/two.csv"]


@pytest.mark.parametrize(
    ("value", "hyper"),
    [
        ("{{ a.n | hyper }}", True),
        ("x {{a.n|hyper}}", True),
        ("{{ a.n }}", False),
        ("{{ a.n }} | hyper", False),
        ("a | hyper", False),
        (3, False),
        (None, False),
    ],
)
def test_only_a_bar_within_braces_makes_a_value_hyper(value: Value, hyper: bool) -> None:
    assert is_hyper(value) is hyper
