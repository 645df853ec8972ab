"""Magic lines: what they define, and every bad line told with its code, the token that is meant, and a way out."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import ExecutorName, Kind, OnError
from dagbook.runner.core.values import typed
from dagbook.runner.formats.cells import parse_node, parse_pipeline, parse_shared
from dagbook.runner.formats.magic_lines import read_line, tokens_of
from dagbook.runner.formats.magic_table import MAGICS
from dagbook.runner.formats.options import OPTIONS, option_names, options_of
from dagbook.runner.formats.parsers import help_text, usage


def fault_of(line: str, magic: str = "pipeline_node") -> tuple[str, str, str]:
    """Code, message and hint of the one finding in a bad line."""
    with pytest.raises(PipelineError) as caught:
        parse_node(magic, line, "pass", 3, "id")
    (found,) = caught.value.problems
    assert (found.place.cell, found.place.line) == (3, 1)
    return found.code, found.message, found.hint


def marked(message: str) -> str:
    """The part of the magic line above the ^^^ mark."""
    _, line, mark = message.rsplit("\n", 2)
    start = mark.index("^")
    return line[start : start + mark.count("^")]


def test_all_options_of_a_node_are_read() -> None:
    line = (
        '"Train  model" --after prepare "clean up" --grid lr=0.1,0.01 depth=3,5 --param epochs=3 name '
        "--image python:3.12-slim --requirements 'pandas>=2' numpy --prerun setup.sh --kernel python3 --cpus 0.5 "
        "--memory 2g --env A=1 'B=x y' --timeout 10m --retries 2 --on-error continue --no-network --executor docker"
    )
    node = parse_node("pipeline_node", line, "body", 4, "abc")
    assert node.title == "Train model"
    assert node.after == ("prepare", "clean up")
    assert node.grid == {"lr": [0.1, 0.01], "depth": [3, 5]}
    assert node.params == {"epochs": 3}
    assert node.uses == ("name",)
    assert node.requirements == ("pandas>=2", "numpy")
    assert (node.prerun, node.kernel, node.cpus, node.memory) == ("setup.sh", "python3", 0.5, 2 * 2**30)
    assert node.env == {"A": "1", "B": "x y"}
    assert (node.timeout, node.retries, node.on_error) == (600, 2, OnError.CONTINUE)
    assert (node.network, node.executor) == (False, ExecutorName.DOCKER)
    assert (node.kind, node.source, node.cell, node.cell_id) == (Kind.CELL, "body", 4, "abc")


def test_options_may_be_repeated_or_take_several_values_at_once() -> None:
    once = parse_node("pipeline_node", "x --after a b --grid k=1,2 l=3 --param p=1 q=2")
    twice = parse_node("pipeline_node", "x --after a --grid k=1,2 --param p=1 --after b --grid l=3 --param q=2")
    assert once == twice


def test_only_what_was_typed_is_set_so_that_defaults_can_fill_the_rest() -> None:
    node = parse_node("pipeline_node", "x --image a")
    assert node.model_fields_set == {"title", "kind", "source", "cell", "cell_id", "image"}


def test_command_and_notebook_nodes_have_their_kind() -> None:
    assert parse_node("pipeline_command", "x", "echo").kind is Kind.COMMAND
    node = parse_node("pipeline_notebook", "x --path a/b.ipynb")
    assert (node.kind, node.path) == (Kind.NOTEBOOK, "a/b.ipynb")


def test_pipeline_line_gives_name_and_defaults() -> None:
    name, defaults = parse_pipeline("churn --image python:3.12-slim --requirements requirements.txt --retries 1")
    assert (name, defaults.image, defaults.requirements, defaults.retries) == (
        "churn",
        "python:3.12-slim",
        ("requirements.txt",),
        1,
    )
    assert parse_pipeline("--image x")[0] is None


def test_shared_takes_one_switch() -> None:
    assert parse_shared("--nodes-only")
    assert not parse_shared("")


MISSING = [
    ("pipeline_node", "", "needs a title"),
    ("pipeline_node", "--after x", "title first"),
    ("pipeline_command", "  ", "needs a title"),
    ("pipeline_notebook", "x", "--path is missing"),
]


@pytest.mark.parametrize(("magic", "line", "told"), MISSING)
def test_M1_missing_title_or_path_tells_the_usage_in_one_line(magic: str, line: str, told: str) -> None:
    code, message, hint = fault_of(line, magic)
    assert code == "E-MAGIC-USAGE"
    assert told in message
    assert hint == f"Usage: {usage(magic)}"
    assert "\n" not in hint
    assert hint.startswith(f"Usage: {MAGICS[magic].spelled} TITLE")


BAD_TOKENS = [
    # line, the token that the mark stands below, words of the message, words of the hint
    ("a --parms x=1", "--parms", "no option --parms", 'Did you mean "--param"?'),
    ("a --imgae=x", "--imgae", "no option --imgae", 'Did you mean "--image"?'),
    ("a --wenn max:x", "--wenn", "no option --wenn", "All of them: %%pipeline_node?"),
    ("a --param", "--param", "has no value", "--param NAME[=VALUE]"),
    ("a --image --cpus 1", "--image", "has no value", "--image IMAGE"),
    ("a --after", "--after", "has no value", "--after TITLE"),
    ("a b", "b", "one word too many", '"a b"'),
    ("a --image x y", "y", "one word too many", "takes one IMAGE"),
    ("a --image x --image y", "--image", "given twice", "Keep one"),
    ("a --network yes", "yes", "takes no value", "--network alone"),
    ("a --network --no-network", "--no-network", "both given", "Keep one"),
    ("a --executor dokcer", "dokcer", "not one of auto, docker, process", 'Did you mean "docker"?'),
    ("a --on-error stop", "stop", "not one of stop-next", "stop-"),
    ('a --param p="x', '"', "never closed", "Close it"),
    ("it's --after b", "'", "never closed", "Close it"),
    ("a --param x = 3", "=", "no name before the =", "without spaces"),
    ("a --env A", "A", "has no value", "--env A=VALUE"),
    ("a --grid k", "k", "has no values", "--grid k=1,2,3"),
    ("a \\", "\\", "would be lost", "on one line"),
]


@pytest.mark.parametrize(("line", "token", "message_has", "hint_has"), BAD_TOKENS)
def test_M2_a_bad_token_is_pointed_at(line: str, token: str, message_has: str, hint_has: str) -> None:
    code, message, hint = fault_of(line)
    assert code == "E-MAGIC-ARG"
    assert marked(message) == token
    assert message_has in message
    assert hint_has in hint


def test_M2_the_mark_stays_near_in_a_very_long_line() -> None:
    code, message, _ = fault_of("a --param p=" + "x" * 10_000 + " --parms")
    assert code == "E-MAGIC-ARG"
    assert marked(message) == "--parms"
    assert len(message) < 400


def test_P_3_unquoted_backslash_is_refused_and_the_way_to_write_it_works() -> None:
    code, message, hint = fault_of(r"a --param p=C:\new")
    assert code == "E-MAGIC-ARG"
    assert marked(message) == "\\"
    assert hint == r"Put the value in single quotes: p='C:\new'"
    assert parse_node("pipeline_node", r"a --param p='C:\new'").params == {"p": r"C:\new"}


BAD_VALUES = [
    ("a --param 'x = 1; import os #=2'", "E-PARAM-NAME", "cannot be a parameter"),
    ("a --param class=1", "E-PARAM-NAME", "'class' cannot be"),
    (f"a --param {'x' * 129}=1", "E-PARAM-NAME", "cannot be"),
    ("a --param a=1 --param a=2", "E-PARAM-TWICE", "--param a=1 and --param a=2"),
    ("a --param a --grid a=1,2", "E-PARAM-TWICE", "--param a and --grid a=1,2"),
    ("a --env A=1 A=2", "E-PARAM-TWICE", "--env A=1 and --env A=2"),
    ("a --param 'a=x\0y'", "E-PARAM-VALUE", "NUL"),
    ("a --param a=" + "[" * 40 + "]" * 40, "E-PARAM-TYPE", "nested deeper"),
    ("a --grid 'k=x\0y'", "E-PARAM-VALUE", "NUL"),
    ("a --grid k=1,,2", "E-GRID-EMPTY", "holds an empty value"),
    ("a --grid k=,", "E-GRID-EMPTY", "holds an empty value"),
    ("a --grid k=", "E-GRID-EMPTY", "holds an empty value"),
    ("a --grid k=[]", "E-GRID-EMPTY", "holds an empty value"),
    ("a --env 1A=x", "E-ENV-NAME", "'1A'"),
    ("a --image=", "E-IMAGE-REF", "it is empty"),
    ("a --image UPPER:tag", "E-IMAGE-REF", "capital letters"),
    ("a --image 'x y'", "E-IMAGE-REF", "white space"),
    ("a --image -v/x", "E-IMAGE-REF", "'-v/x'"),
    ("a --image img@sha256:short", "E-IMAGE-REF", "64 hexadecimal digits"),
    ("a --memory -1", "E-VALUE", "'-1' is not an amount of memory"),
    ("a --memory '10 GB'", "E-VALUE", "'10 GB'"),
    ("a --cpus 0", "E-VALUE", "'0' is not a number of cores"),
    ("a --cpus 1e9", "E-VALUE", "'1e9'"),
    ("a --timeout never", "E-VALUE", "'never' is not a duration"),
    ("a --retries 101", "E-VALUE", "'101'"),
    ("a --retries -1", "E-VALUE", "'-1'"),
]


@pytest.mark.parametrize(("line", "code", "message_has"), BAD_VALUES)
def test_P_1_P_4_P_5_N7_D1_D2_bad_values_have_the_code_of_their_type(line: str, code: str, message_has: str) -> None:
    found, message, hint = fault_of(line)
    assert found == code
    assert message_has in message
    assert hint
    assert "^" in message.rsplit("\n", 1)[1]


BAD_TITLES = [
    ("'🏥'", "E-NAME-EMPTY"),
    ("患者", "E-NAME-EMPTY"),
    ("'!!!'", "E-NAME-EMPTY"),
    ("'   '", "E-NAME-EMPTY"),
    ("..", "E-NAME-CHARS"),
    ("a/b", "E-NAME-CHARS"),
    (r"'a\b'", "E-NAME-CHARS"),
    ("C:x", "E-NAME-CHARS"),
    ("-rf", "E-NAME-CHARS"),
    ("~", "E-NAME-CHARS"),
    ("'a\u200bb'", "E-NAME-CHARS"),
    ("'\u202eabc'", "E-NAME-CHARS"),
    ("x" * 101, "E-NAME-LONG"),
    ("x" * 10_000, "E-NAME-LONG"),
]


@pytest.mark.parametrize(("title", "code"), BAD_TITLES)
def test_N2_N3_N4_N5_titles_that_cannot_name_a_folder_are_refused(title: str, code: str) -> None:
    assert fault_of(title)[0] == code


def test_N4_after_refuses_such_titles_too() -> None:
    code, message, _ = fault_of("a --after ok x/y")
    assert code == "E-NAME-CHARS"
    assert marked(message) == "x/y"


@pytest.mark.parametrize("text", ["$(rm -rf /)", "`id`", "{x}", "$HOME", "*", "a|b", "x;y", "&&", ">out"])
def test_M6_nothing_on_the_line_is_expanded_or_run(text: str) -> None:
    node = parse_node("pipeline_node", f"a --param p='{text}' --env E='{text}'")
    assert node.params == {"p": text}
    assert node.env == {"E": text}
    assert parse_node("pipeline_node", "a --param p=$x --env E={y}").params == {"p": "$x"}


ROUND_TRIPS = [
    "it's",
    'say "hi"',
    "a=b=c",
    r"C:\new\table",
    "line\nbreak",
    "🎉",
    "x" * 1_000_000,
    " padded ",
    "",
    "--after",
]


@pytest.mark.parametrize("text", ROUND_TRIPS, ids=lambda text: repr(text[:12]))
def test_P_3_values_round_trip_exactly(text: str) -> None:
    node = parse_node("pipeline_node", f"a --param {shlex.quote('p=' + text)} --env {shlex.quote('E=' + text)}")
    assert node.params == {"p": text}
    assert node.env == {"E": text}


TYPED = [
    ("3", 3),
    ("-1", -1),
    ("0.5", 0.5),
    ("1e400", float("inf")),
    ("True", True),
    ("None", None),
    ("[1, [2]]", [1, [2]]),
    ("true", "true"),
    ("{1}", "{1}"),
    (str(2**80), 2**80),
    ("2020-01-01", "2020-01-01"),
]


@pytest.mark.parametrize(("text", "value"), TYPED)
def test_P_4_values_are_typed_as_papermill_types_them(text: str, value: Any) -> None:
    made = parse_node("pipeline_node", f"a --param 'p={text}'").params["p"]
    assert made == value
    assert type(made) is type(value)


GRIDS = [
    ("'a, b'", ["a", "b"]),
    ("1,2.5,x", [1, 2.5, "x"]),
    ("[1,[2,3]]", [1, [2, 3]]),
    ("'\"a,b\",c'", ["a,b", "c"]),
    ("'\"\",a'", ["", "a"]),
    ("-1,-2", [-1, -2]),
]


@pytest.mark.parametrize(("text", "values"), GRIDS)
def test_P_5_grids_are_trimmed_and_may_quote_commas(text: str, values: list[Any]) -> None:
    assert parse_node("pipeline_node", f"a --grid k={text}").grid == {"k": values}


plain = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
quoted = st.lists(st.sampled_from(["a", " ", "\t", "'", '"', "=", "--x", "é", "\\\\", '\\"', "'\\'", '"\\n"', "\v"]))


@given(st.dictionaries(names, plain, min_size=1, max_size=4))
def test_P_3_any_text_in_quotes_comes_back_as_typed(values: dict[str, str]) -> None:
    line = " ".join(["x --param", *(shlex.quote(f"{name}={text}") for name, text in values.items())])
    made = parse_node("pipeline_node", line).params
    assert repr(made) == repr({name: typed(text) for name, text in values.items()})


def outcome(make: Callable[[], Any]) -> Any:
    """What `make` gives, or the finding that it raises; any other error fails the test."""
    try:
        return make()
    except PipelineError as error:
        return error


@given(quoted.map("".join))
def test_words_are_cut_as_shlex_cuts_them_but_for_bare_backslashes(line: str) -> None:
    found = outcome(lambda: [token.text for token in tokens_of("pipeline_node", line)])
    if isinstance(found, PipelineError):
        assert re.search("backslash|never closed", found.problems[0].message)
    else:
        assert found == shlex.split(line)


@given(plain)
def test_any_line_gives_a_node_or_a_finding_and_never_another_error(line: str) -> None:
    found = outcome(lambda: parse_node("pipeline_node", line))
    assert not isinstance(found, PipelineError) or all(one.hint for one in found.problems)


@given(st.lists(st.sampled_from(["a", '"b c"', "--after", "--param", "k=1", "--grid", "g=1,2", "=", "--", "-x", "'"])))
def test_any_words_give_a_node_or_a_finding(words: list[str]) -> None:
    found = outcome(lambda: parse_node("pipeline_node", " ".join(words)))
    assert not isinstance(found, PipelineError) or all(one.hint for one in found.problems)


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_ !?.,-]{0,40}", fullmatch=True))
def test_N3_a_title_in_quotes_is_kept_with_its_spaces_counted_once(title: str) -> None:
    node = outcome(lambda: parse_node("pipeline_node", shlex.quote(title)))
    if isinstance(node, PipelineError):
        assert node.problems[0].code in ("E-NAME-EMPTY", "E-NAME-CHARS")
    else:
        assert node.title == " ".join(title.split())
        assert set(node.slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_help_and_names_come_from_the_one_table() -> None:
    for magic in MAGICS:
        text = help_text(magic)
        for option in options_of(magic):
            assert option.name in text
            assert option.help in " ".join(text.split())
        assert option_names(magic) == tuple(option.name for option in OPTIONS if magic in option.magics)


@pytest.mark.parametrize("line", ["-p n 3", "--wait -j 2"])
def test_an_option_of_the_command_line_is_told_to_be_none_of_a_cell(line: str) -> None:
    with pytest.raises(PipelineError) as found:
        read_line("pipeline_run", line)
    assert "two dashes" in str(found.value)
    assert "%pipeline_run?" in str(found.value)
