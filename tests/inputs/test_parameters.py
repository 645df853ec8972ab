"""Parameters, grids, references and variables that cannot be meant; and values of every kind, given and got back."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import pytest

from dagbook.runner.core.actions import Test as ActionTest
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.parameter_types import type_of_text
from dagbook.runner.core.values import typed
from tests.formats.notebooks import code

from .row import Row, at, in_cells, try_row

A = "%%pipeline_node a\nprint(1)"


def node(name: str, code: str, typed: str, *, says: str, fix: str, **place: object) -> Row:
    """A row that is a node `b` after `a`, with this on its line."""
    told = {"cell": 2, **place}
    return in_cells(name, code, A, f"%%pipeline_node b --after a {typed}\n1", says=says, fix=fix, **told)


TEN = ",".join(map(str, range(10)))
DEEP = "[" * 100 + "]" * 100
ROWS = [
    node(
        "P-1-code-as-a-name",
        "E-PARAM-NAME",
        "--param 'x = 1; import os #=2'",
        says="x = 1; import os #",
        fix="learning_rate",
        line=1,
    ),
    node("P-1-keyword", "E-PARAM-NAME", "--param class=1", says="'class'", fix="learning_rate", line=1),
    node("P-1-long", "E-PARAM-NAME", f"--param {'x' * 129}=1", says="128", fix="learning_rate", line=1),
    node("P-1-digit", "E-PARAM-NAME", "--grid 1x=1,2", says="'1x'", fix="learning_rate", line=1),
    node("P-1-no-name", "E-MAGIC-ARG", "--param =1", says="no name", fix="NAME=VALUE", line=1),
    Row(
        "P-2-unknown",
        "E-PARAM-UNKNOWN",
        "'epohcs'",
        '"epochs"',
        at(),
        (code("epochs = 3", "parameters"), "%%pipeline_node a --param epochs\n1"),
        typed=("-p", "epohcs", "4"),
    ),
    node("P-3-nul", "E-PARAM-VALUE", "--param 'x=a\0b'", says="NUL", fix="Take the NUL", line=1),
    node("P-3-nul-in-a-grid", "E-PARAM-VALUE", "--grid 'x=a\0b,c'", says="NUL", fix="Take the NUL", line=1),
    node("P-3-half-a-character", "E-PARAM-VALUE", "--param 'x=a\ud800'", says="U+D800", fix="Take the half", line=1),
    node("P-3-half-in-a-grid", "E-PARAM-VALUE", "--grid 'x=a\ud800,c'", says="U+D800", fix="Take the half", line=1),
    Row(
        "P-3-half-in-a-default",
        "E-PARAM-MISSING",
        "no plain value",
        "-p y VALUE",
        at(),
        (code("y = '\\udcff'", "parameters"), "%%pipeline_node a --param y\n1"),
    ),
    Row(
        "P-3-no-utf-8-in-the-terminal",
        "E-PARAM-VALUE",
        "U+DCFF",
        "Take the half",
        at(),
        (code("y = 'a'", "parameters"), "%%pipeline_node a --param y\n1"),
        typed=("-p", "y", "\udcff"),
    ),
    node("P-4-deep-list", "E-PARAM-TYPE", f"--param x={DEEP}", says="list nested deeper", fix="32 deep", line=1),
    node("P-4-set-in-a-list", "E-PARAM-TYPE", "--param 'x=[{1, 2}]'", says="set", fix="list of these", line=1),
    node("P-4-bytes-in-a-list", "E-PARAM-TYPE", "--param \"x=[b'a']\"", says="bytes", fix="list of these", line=1),
    *[
        node(f"P-5-{text}", "E-GRID-EMPTY", f"--grid x={text}", says="empty value", fix="without spaces", line=1)
        for text in ("1,,2", ",", "", "1,", "[]")
    ],
    Row(
        "P-5-line-break",
        "E-VALUE",
        "cannot be cut at its commas",
        "double quotes",
        at(),
        ("%%pipeline_node a --grid x=1,2\n1",),
        typed=("--grid", "a.x=1\n2"),
    ),
    node(
        "P-6-a-million",
        "E-GRID-SIZE",
        " ".join(f"--grid {n}={TEN}" for n in "pqrstu"),
        says="1,000,001 node runs",
        fix="--max-runs 1000001",
        cell=None,
    ),
    node(
        "P-7-no-such-task",
        "E-REF-TASK",
        "--param 'x={{ aa.model accuracy }}'",
        says='there is no "aa"',
        fix='"a"',
        node="b",
    ),
    node("P-7-itself", "E-REF-UPSTREAM", "--param 'x={{ b.loss }}'", says="", fix="--after", node="b"),
    node(
        "P-7-unclosed", "E-REF-SYNTAX", "--param 'x={{ a.loss'", says="not closed", fix="{{ Task title.tag }}", node="b"
    ),
    node("P-7-nested", "E-REF-SYNTAX", "--param 'x={{ a.{{ a.b }} }}'", says="", fix="none inside another", node="b"),
    node(
        "P-7-no-tag",
        "E-REF-SYNTAX",
        "--param 'x={{ a }}'",
        says="no task and tag",
        fix="{{ Task title.tag }}",
        node="b",
    ),
    node("P-7-hyperx", "E-REF-FILTER", "--param 'x={{ a.loss | hyperx }}'", says="'hyperx'", fix='"hyper"', node="b"),
    in_cells(
        "P-7-downstream",
        "E-REF-UPSTREAM",
        "%%pipeline_node a --param 'x={{ b.loss }}'\n1",
        "%%pipeline_node b --after a\n1",
        says="",
        fix="--after",
        cell=1,
        node="a",
    ),
    node("P-7-code", "E-REF-TASK", "--param 'x={{ __import__(\"os\").system }}'", says="", fix="Known", node="b"),
    node("twice", "E-PARAM-TWICE", "--grid x=1,2 --param x=3", says="x is given twice", fix="Keep one", line=1),
    node("nobody-gives-it", "E-PARAM-MISSING", "--param epochs", says="epochs", fix="-p epochs VALUE", node="b"),
    *[
        node(f"N7-{name}", "E-ENV-RESERVED", f"--env {name}=x", says=name, fix="another name", node="b")
        for name in ("PATH", "LD_PRELOAD", "PYTHONSTARTUP", "INPUT_A", "DAGBOOK_RUN", "PYTHONPATH")
    ],
    node("N7-digit", "E-ENV-NAME", "--env 1A=x", says="'1A'", fix="not a digit first", line=1),
    node("N7-odd", "E-ENV-NAME", "--env A-B=x", says="'A-B'", fix="letters", line=1),
    node("N7-nul", "E-PARAM-VALUE", "--env 'A=x\0'", says="NUL", fix="NUL", line=1),
    node("N7-half-a-character", "E-PARAM-VALUE", "--env 'A=x\ud800'", says="U+D800", fix="half", line=1),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_parameter_that_is_wrong_is_told_with_its_place(row: Row, folder: Path) -> None:
    try_row(row, folder)


@pytest.mark.parametrize("text", ["['\\d']", "[1if True else 2]", "[1 is 1]"])
def test_of_what_stands_in_a_value_python_says_nothing(text: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        typed(text)
        type_of_text(text)
        with contextlib.suppress(PipelineError):
            ActionTest(text.strip("[]"))
    assert said == []
