"""What is wrong in a cnvrg file: the code, the line and what is named (rows Y5, Y8-Y18, 139)."""

from __future__ import annotations

import pytest

from .reading import FLOW, flow, read, task, told

DEPLOY = [
    "- title: d",
    "  type: deploy",
    "  endpoint_title: e-1",
    "  computes: [m]",
    "  file_name: f.py",
    "  function_name: f",
    "  min_replica: 1",
    "  max_replica: 2",
]
DATA = ["- title: d", "  type: data", "  dataset: s"]


def deploy(*changes: str) -> str:
    """A flow with a deploy task in which lines are replaced (same key), added, or taken out (`-key`)."""
    return flow(_changed(DEPLOY, changes))


def data(*changes: str) -> str:
    """The same with a data task."""
    return flow(_changed(DATA, changes))


def _changed(lines: list[str], changes: tuple[str, ...]) -> str:
    kept = list(lines)
    for change in changes:
        key = change.removeprefix("-").partition(":")[0]
        kept = [line for line in kept if line.strip("- ").partition(":")[0] != key]
        kept += [] if change.startswith("-") else [f"  {change}"]
    return "\n".join(kept)


def exec_without(key: str) -> str:
    return flow("\n".join(line for line in task("a").splitlines() if line.strip("- ").partition(":")[0] != key))


A, B = task("a"), task("b")
FAULTS = [
    # row, text, code, line, words in the message or hint
    ("y8", flow(task("a", "computs: [m]")), "W-KEY-UNKNOWN", 7, 'the task "a" knows no \'computs\' "computes"?'),
    (
        "y8 of a condition",
        flow(task("a", "conditions: [{objective: max, tag_key: t, tagkey: 1}]")),
        "W-KEY-UNKNOWN",
        7,
        "tagkey tag_key",
    ),
    ("y8 of a relation", flow(A, B, relations=(("a", "b, label: x"),)), "W-KEY-UNKNOWN", 12, "label"),
    ("y8 of a parameter", flow(task("a", "params: [{key: k, vaule: 1}]")), "W-KEY-UNKNOWN", 7, '"value"?'),
    ("y8 at the top", flow(A, top=("recuring: x",)), "W-KEY-UNKNOWN", 2, '"recurring"?'),
    ("y9 flow", "tasks: []\nrelations: []\n", "E-KEY-MISSING", 1, "the flow lacks 'flow'"),
    ("y9 flow is empty", flow(A).replace("flow: F", "flow:"), "E-KEY-MISSING", 1, "flow"),
    ("y9 tasks", "flow: F\nrelations: []\n", "E-KEY-MISSING", 1, "tasks"),
    ("y9 relations", "flow: F\ntasks:\n" + A, "E-KEY-MISSING", 1, "relations"),
    ("y9 title", flow(A.replace("- title: a", "- icon: a")), "E-KEY-MISSING", 3, "task 1 lacks 'title'"),
    ("y9 type", exec_without("type"), "E-KEY-MISSING", 3, "the task \"a\" lacks 'type'"),
    ("y9 input", exec_without("input"), "E-KEY-MISSING", 3, "the task \"a\" lacks 'input'"),
    ("y9 computes", exec_without("computes"), "W-CHANGED", 3, 'the task "a" compute template'),
    ("y9 computes is empty", flow(A.replace("[m]", "[]")), "W-CHANGED", 6, "compute template"),
    ("y9 dataset", data("-dataset"), "E-KEY-MISSING", 3, "the task \"d\" lacks 'dataset'"),
    ("y9 file_name", deploy("-file_name"), "E-KEY-MISSING", 3, "file_name"),
    ("y9 function_name", deploy("function_name: ''"), "E-KEY-MISSING", 3, "function_name"),
    ("y9 endpoint", deploy("-endpoint_title"), "E-KEY-MISSING", 3, "endpoint_title endpoint_id"),
    ("y9 min_replica", deploy("-min_replica"), "E-KEY-MISSING", 3, "min_replica"),
    (
        "y9 key of a parameter",
        flow(task("a", "params: [{value: 1}]")),
        "E-KEY-MISSING",
        7,
        'parameter 1 of the task "a"',
    ),
    ("y9 from", "flow: F\ntasks:\n" + A + "\nrelations:\n- to: a\n", "E-KEY-MISSING", 8, "relation 1 lacks 'from'"),
    ("y10", flow(A.replace("exec", "train")), "E-ENUM", 4, "'train' data, exec deploy"),
    ("y10 by case", flow(A.replace("exec", "Exec")), "E-ENUM", 4, 'Did you mean "exec"?'),
    (
        "y11",
        flow(A, top=("schedule: 31.01.2031 16:25", 'recurring: "30 * * * *"')),
        "E-CONFLICT",
        3,
        "schedule recurring",
    ),
    ("y12", deploy("endpoint_id: old"), "W-CHANGED", 5, "endpoint_title endpoint_id old"),
    ("y13", data("data_commit: abc", "data_query: q"), "E-CONFLICT", 7, 'the task "d" data_commit data_query'),
    ("y14 no such day", flow(A, top=("schedule: 31.02.2031 16:25",)), "E-DATE", 2, "31.02.2031 16:25"),
    ("y14 no such time", flow(A, top=("schedule: 31.01.2031 25:61",)), "E-DATE", 2, "25:61"),
    ("y14 past", flow(A, top=("schedule: 31.01.2021 4:25PM",)), "W-DATE-PAST", 2, "31.01.2021 4:25PM"),
    ("73 a cron of four fields", flow(A, top=("recurring: '30 * * *'",)), "E-TYPE", 2, "'30 * * *' 4 fields"),
    (
        "y15 unknown end",
        flow(A, task("train"), relations=(("a", "trian"),)),
        "E-REF",
        12,
        'relation 1 "trian" "train"?',
    ),
    ("y15 itself", flow(A, relations=(("a", "a"),)), "E-EDGE-SELF", 8, '"a" itself'),
    ("y15 twice", flow(A, B, relations=(("a", "b"), ("a", "b"))), "W-CHANGED", 13, "relation 2 line 12"),
    ("y16", flow(A, B, relations=(("a", "b"), ("b", "a"))), "E-CYCLE", 13, "a -> b -> a"),
    ("y17 too many", deploy("max_replica: 1000000000"), "E-RANGE", 10, "max_replica 1000000000"),
    ("y17 below zero", deploy("min_replica: -1"), "E-RANGE", 10, "min_replica -1"),
    ("y17 a word", deploy("min_replica: two"), "E-RANGE", 10, "'two'"),
    ("y17 exchanged", deploy("min_replica: 3"), "E-RANGE", 10, "3 max_replica (2)"),
    ("y17 a share", deploy("min_replica: 1.5"), "E-RANGE", 10, "1.5"),
    ("y18 leads out", flow(task("a", "mount_folders: ['10.0.0.7:/../../']")), "E-MOUNT", 7, "10.0.0.7:/../../"),
    ("y18 without colon", flow(task("a", "mount_folders: [10.0.0.7/data]")), "E-MOUNT", 7, "10.0.0.7/data"),
    ("15 a network folder", flow(task("a", "mount_folders: ['10.0.0.7:/data']")), "W-NOT-HERE", 7, "10.0.0.7:/data"),
    ("57 a title of other characters", deploy("endpoint_title: my endpoint"), "E-TYPE", 10, "letters, digits hyphens"),
    ("59 another language", deploy("env_setup: julia"), "E-ENUM", 11, "'julia' python_3 r_endpoint"),
    ("61 a variable without value", deploy("config_vars: [WORKERS]"), "E-TYPE", 11, "'WORKERS'"),
    ("139 one folder", flow(task("my task"), task("My-Task")), "E-NAME-COLLIDES", 7, '"My-Task" "my task"'),
    ("139 twice", flow(A, A), "E-NODE-DUP", 7, '"a" line 3'),
    ("a title that is no folder", flow(task("a/b")), "E-NAME-CHARS", 3, "a/b"),
    (
        "an objective",
        flow(task("a", "conditions: [{objective: most, tag_key: t}]")),
        "E-ENUM",
        7,
        "'most' human_validation",
    ),
    ("50 no tag", flow(task("a", "conditions: [{objective: max}]")), "E-KEY-MISSING", 7, "condition 1 tag_key"),
    ("50 no target", flow(task("a", "conditions: [{objective: gt, tag_key: t}]")), "E-KEY-MISSING", 7, "target"),
    (
        "50 a target that is no number",
        flow(task("a", "conditions: [{objective: lt, tag_key: t, target: '9'}]")),
        "E-TYPE",
        7,
        "should be a number",
    ),
    (
        "50 a task that is none",
        flow(task("ab", "conditions: [{objective: max, tag_key: t, task: abc}]")),
        "E-REF",
        7,
        '"abc" "ab"?',
    ),
    ("52 nobody", flow(task("a", "conditions: [{objective: human_validation}]")), "E-KEY-MISSING", 7, "value"),
    (
        "52 a comma too many",
        flow(task("a", "conditions: [{objective: human_validation, value: 'x,'}]")),
        "E-APPROVERS",
        7,
        "'x,'",
    ),
    (
        "52 a tag beside it",
        flow(task("a", "conditions: [{objective: human_validation, value: x, tag_key: t}]")),
        "W-CHANGED",
        7,
        "tag_key no effect",
    ),
    (
        "48 a target of max",
        flow(task("a", "conditions: [{objective: max, tag_key: t, target: 3}]")),
        "W-CHANGED",
        7,
        "no effect",
    ),
    (
        "a condition twice",
        flow(task("a", "conditions: [{objective: max, tag_key: t}, {objective: max, tag_key: t}]")),
        "W-CHANGED",
        7,
        "condition 2 twice",
    ),
    ("a relation to a dataset", flow(A, "\n".join(DATA), relations=(("a", "d"),)), "E-CONFLICT", 11, '"d" dataset'),
    ("no task", "flow: F\ntasks: []\nrelations: []\n", "E-PIPELINE-EMPTY", 2, ""),
    ("two commands", flow(task("a", "command: x")), "E-CONFLICT", 7, "input command"),
    ("a command of the other dialect", flow(A.replace("input", "command")), "W-CHANGED", 5, "`command` `input:`"),
    ("an image", flow(task("a", "image: 'a b'")), "E-IMAGE-REF", 7, "a b"),
    ("an image that changes", flow(task("a", "image: python:latest")), "W-LATEST", 7, "python:latest"),
    ("a branch", flow(task("a", "git_branch: 'a b'")), "E-GIT", 7, "a b"),
    ("an @ in a branch", flow(task("a", "git_branch: a@b")), "E-GIT", 7, "'a@b' git_commit"),
    ("an @ in a dataset", data("dataset: s@1"), "E-TYPE", 5, "@ data_commit"),
    ("a place that is no pixel", flow(task("a", "top: -3")), "W-KEPT", 7, "top"),
    ("y5 a title that is a truth value", flow(task("true")), "E-TYPE", 3, "is true Quote"),
    ("y5 a truth value that is a number", flow(task("a", "prerun: 1")), "E-TYPE", 7, "boolean"),
    (
        "y5 a number with a 0 in front",
        flow(task("a", "params: [{key: k, value: 012}]")),
        "W-CHANGED",
        7,
        "012 stays text",
    ),
    ("params as a mapping", flow(task("a", "params: {k: 1}")), "W-CHANGED", 7, "mapping list"),
    ("params as a text", flow(task("a", "params: k=1")), "E-TYPE", 7, "list"),
    ("a parameter twice", flow(task("a", "params: [{key: k, value: 1}, {key: k, value: 2}]")), "E-PARAM-TWICE", 7, "k"),
    ("a key that is none", flow(task("a", "params: [{key: '--k', value: 1}]")), "E-PARAM-NAME", 7, "--k"),
    ("a value that is a mapping", flow(task("a", "params: [{key: k, value: {x: 1}}]")), "E-TYPE", 7, "{{ task.tag }}"),
    ("value and values", flow(task("a", "params: [{key: k, value: 1, values: [2]}]")), "E-CONFLICT", 7, "values"),
    ("tasks as a mapping", "flow: F\ntasks: {a: 1}\nrelations: []\n", "E-TYPE", 2, "list"),
    ("a task as a text", "flow: F\ntasks: [a]\nrelations: []\n", "E-TYPE", 2, "task 1 no mapping"),
]


@pytest.mark.parametrize(("row", "text", "code", "line", "words"), FAULTS, ids=[row for row, *_ in FAULTS])
def test_a_fault_is_told_once_with_its_line(row: str, text: str, code: str, line: int, words: str) -> None:
    _, records = read(text)
    (found,) = [one.problem for one in records if (one.problem.code, one.path[-9:]) != ("W-KEPT", ".computes")]
    assert (found.code, found.place.line) == (code, line), found
    said = f"{found.message} {found.hint}"
    assert [word for word in words.split() if word not in said] == [], said


def test_nothing_is_taken_over_where_there_is_an_error_and_all_of_them_are_told() -> None:
    text = flow(A.replace("exec", "train"), task("b", "prerun: 3"), relations=(("a", "c"),))
    found, records = read(text)
    assert found == []
    assert [one.problem.code for one in records if one.problem.is_error] == ["E-ENUM", "E-TYPE", "E-REF"]


def test_row_y16_a_cycle_of_500_is_told_as_a_path() -> None:
    titles = [f"t{number}" for number in range(500)]
    arrows = tuple(zip(titles, [*titles[1:], titles[0]], strict=True))
    _, records = read(flow(*map(task, titles), relations=arrows))
    (found,) = [record.problem for record in records if record.problem.is_error]
    assert found.code == "E-CYCLE"
    assert found.message.count(" -> ") == 500


def test_row_50_an_approval_may_hold_the_empty_fields_of_a_test() -> None:
    asked = "conditions: [{objective: human_validation, value: x, target: 0.0, task: null, tag_key: ''}]"
    assert [code for code, *_ in told(flow(task("a", asked)))] == ["W-KEPT"]


def test_row_139_two_of_one_title_in_one_line() -> None:
    one = '{"title": "a", "type": "exec", "input": "run", "computes": ["m"]}'
    codes = [code for code, *_ in told(f'{{"flow": "F", "tasks": [{one}, {one}], "relations": []}}')]
    assert "E-NODE-DUP" in codes


def test_row_y8_strictly_an_unknown_key_is_an_error() -> None:
    codes = [code for code, *_ in told(flow(task("a", "computs: [m]", "params: [{key: k, x: 1}]")), strict=True)]
    assert codes.count("E-KEY-UNKNOWN") == 2


def test_row_y17_the_faulty_task_is_named() -> None:
    _, records = read(deploy("min_replica: two"))
    (found,) = [record.problem for record in records if record.problem.is_error]
    assert found.place.node == "d"


@pytest.mark.parametrize("text", ["flow: F\ntasks:\nrelations:\n", "- a\n", "flow: []\ntasks: x\nrelations: 3\n"])
def test_any_document_is_answered_by_records(text: str) -> None:
    found, records = read(text)
    assert found == []
    assert any(record.problem.is_error for record in records)


def test_the_example_of_the_other_tests_is_sound() -> None:
    assert [code for code, *_ in told(FLOW) if code.startswith("E-")] == []
