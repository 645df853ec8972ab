"""Conditions and approvals that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from .row import Row, in_cells, in_text, try_row

A = "%%pipeline_node a\nimport dagbook\ndagbook.log_tag('loss', 1)"
FLOW = (
    "flow: f\ntasks:\n- {title: a, type: exec, input: x, computes: [s]}\n"
    "- title: b\n  type: exec\n  input: x\n  computes: [s]\n  conditions:\n"
)
RELATED = "relations:\n- {from: a, to: b}\n"


def node(name: str, code: str, line: str, *, says: str, fix: str) -> Row:
    """A row that is a node `b` after `a`, with this on its line."""
    return in_cells(name, code, A, f"%%pipeline_node b --after a {line}\n1", says=says, fix=fix, cell=2)


def task(name: str, code: str, condition: str, *, says: str, fix: str) -> Row:
    """A row that is a task `b` after `a` in a cnvrg flow, with this condition."""
    text = f"{FLOW}  - {condition}\n{RELATED}"
    return in_text(name, code, text, says=says, fix=fix, file="flow.yaml", line=9, node="b")


ROWS = [
    node("C1-no-objective", "E-COND-OP", "--when best:loss", says="'best'", fix='"max"'),
    node("C1-as-in-code", "E-COND-OP", "--when loss<=0.6", says="'loss<=0.6'", fix="Write --when le:loss:0.6"),
    node("C1-as-in-code-with-spaces", "E-COND-OP", "--when 'loss == 1'", says="", fix="Write --when eq:loss:1"),
    node("C1-no-target", "E-COND-TARGET", "--when gt:loss", says="gt", fix="gt:loss:NUMBER"),
    node("C1-target-in-words", "E-COND-TARGET", "--when gt:loss:high", says="no number", fix="gt:loss:NUMBER"),
    node("C1-target-nan", "E-COND-TARGET", "--when gt:loss:nan", says="", fix="gt:loss:NUMBER"),
    node("C1-target-inf", "E-COND-TARGET", "--when lt:loss:1e400", says="", fix="lt:loss:NUMBER"),
    node("C1-no-tag", "E-COND-TAG", "--when max:", says="names no tag", fix="--when"),
    node("C1-code", "E-COND-OP", '--when \'__import__("os").system("id")\'', says="__import__", fix=""),
    node("C1-never-logged", "W-TAG-UNLOGGED", "--when max:los", says='"los"', fix='"loss"'),
    node("C1-not-before", "E-COND-TASK", "--when max:b.loss", says='"b"', fix="--after"),
    in_cells(
        "C1-nothing-before",
        "E-COND",
        "%%pipeline_node a --when max:loss\n1",
        says="no node before it",
        fix="--after",
        cell=1,
    ),
    node("C1-ten-thousand-characters", "E-COND-OP", f"--when {'x' * 10_000}:loss", says="no objective", fix=""),
    node("C4-nobody", "E-APPROVERS", "--approve ,", says="nobody", fix="leah,yochay"),
    node("C4-twice", "E-APPROVERS", "--approve leah,leah", says="leah", fix="once"),
    node("C4-trailing-comma", "E-APPROVERS", "--approve leah,", says="", fix="leah,yochay"),
    task(
        "C1-cnvrg-objective", "E-ENUM", "{objective: gte, task: a, tag_key: loss, target: 1}", says="'gte'", fix='"gt"'
    ),
    task(
        "C1-cnvrg-text",
        "E-TYPE",
        "{objective: gt, task: a, tag_key: loss, target: high}",
        says="'high'",
        fix="such as 0.9",
    ),
    task("C1-cnvrg-task", "E-REF", "{objective: gt, task: aa, tag_key: loss, target: 1}", says="aa", fix='"a"'),
    task(
        "C4-cnvrg-nobody",
        "E-KEY-MISSING",
        "{objective: human_validation, value: ''}",
        says="'value'",
        fix="leah,yochay",
    ),
    task(
        "C5-cnvrg-both",
        "W-CHANGED",
        "{objective: human_validation, value: leah, target: 1, tag_key: x}",
        says="has no effect",
        fix="Take the",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_condition_that_is_wrong_is_told_with_its_place(row: Row, folder: Path) -> None:
    try_row(row, folder)
