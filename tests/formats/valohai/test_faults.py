"""What is wrong with a valohai.yaml: each fault is told at its place, and no file ends in a traceback."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.formats.documents import bare, documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.valohai import (
    is_valohai,
    read_items,
    read_valohai,
    read_valohai_api,
    write_valohai,
    write_valohai_api,
)
from tests.formats.valohai.files import DATA, FILE, STEP, call, codes, kitchen, read, sound, told


def pipeline(nodes: str = "{name: a, type: execution, step: s}", edges: str = "", more: str = "") -> str:
    """A file with one step and one pipeline."""
    return f"{STEP}- pipeline: {{name: p, nodes: [{nodes}], edges: [{edges}]{more}}}\n"


TWO = "{name: a, type: execution, step: s}, {name: b, type: execution, step: s}"


def step(*said: str) -> str:
    """A file with one step that says these things."""
    return f"- step: {{name: s, image: i, command: c, {', '.join(said)}}}"


FAULTS = [
    (step("parameters: [{name: p, type: integer, default: x}]"), "E-TYPE", "should be a whole number"),
    (step("parameters: [{name: p, type: integer, default: 1.5}]"), "E-TYPE", "should be a whole number"),
    (step("parameters: [{name: p, type: float, default: x}]"), "E-TYPE", "should be a number"),
    (step("parameters: [{name: p, type: flag, default: 3}]"), "E-TYPE", "true or false"),
    (step("parameters: [{name: p, default: true}]"), "E-TYPE", "Quote it"),
    (step("parameters: [{name: p, default: [a]}]"), "E-TYPE", "multiple: repeat"),
    (step("parameters: [{name: p, default: {a: b}}]"), "E-TYPE", "single value"),
    (step("parameters: [{name: p, type: flag, multiple: repeat}]"), "E-CONFLICT", "flag"),
    (step("parameters: [{name: p, type: integer, min: 3, default: 2}]"), "E-RANGE", "3 is the least"),
    (step("parameters: [{name: p, type: float, max: 3, default: 3.5}]"), "E-RANGE", "3 is the most"),
    (step("parameters: [{name: p, choices: [a, b], default: c}]"), "E-RANGE", "none of a, b"),
    (
        step("parameters: [{name: p, multiple: repeat, type: integer, max: 2, default: [1, 3]}]"),
        "E-RANGE",
        "2 is the most",
    ),
    (step("parameters: [{name: p, type: number}]"), "E-ENUM", "string"),
    (step("parameters: [{type: string}]"), "E-KEY-MISSING", "name"),
    (step("parameters: {p: 1}"), "E-TYPE", "parameters"),
    (step("parameters: [{name: 'a$b', default: 1}]"), "E-PARAM-NAME", "a$b"),
    (step("inputs: [{name: ../up}]"), "E-SLOT", "../up"),
    (step("inputs: [{name: i, keep-directories: some}]"), "E-TYPE", "none, suffix, full"),
    (step("inputs: [{name: " + "i" * 65 + "}]"), "E-TYPE", "64"),
    (step("time-limit: soon"), "E-TYPE", "duration"),
    (step("time-limit: -1"), "E-TYPE", "between 0"),
    (step("resources: {cpu: {max: 0}}"), "E-RANGE", "greater than 0"),
    (step("resources: {memory: {max: lots}}"), "E-TYPE", "number"),
    (step("environment-variables: [{default: x}]"), "E-KEY-MISSING", "name"),
    ("- step: {name: s, image: i}", "E-KEY-MISSING", "command"),
    ("- step: {name: s, command: c}", "E-KEY-MISSING", "image"),
    ("- step: {name: s, image: 'two words', command: c}", "E-IMAGE-REF", "two words"),
    ("- step: {name: s, image: i, command: [echo: a]}", "E-TYPE", "list of texts"),
    ("- step:\n  name: s", "E-TYPE", "deeper"),
    ("- step: {name: s, image: i, command: c}\n- 5", "E-TYPE", "no mapping"),
    (STEP + "- task: {name: t, step: s}", "E-KEY-MISSING", "parameters"),
    (STEP + "- task: {name: t, step: s, type: guess, parameters: []}", "E-ENUM", "grid_search"),
    (
        STEP + "- task: {name: t, step: s, parameters: [{name: p, style: linear, rules: {start: 1}}]}",
        "E-KEY-MISSING",
        "end",
    ),
    (
        STEP + "- task: {name: t, step: s, parameters: [{name: p, style: multiple, rules: {items: []}}]}",
        "E-RANGE",
        "no items",
    ),
    (STEP + "- task: {name: t, step: s, parameters: [{name: q, style: single, rules: {value: 1}}]}", "E-REF", "'q'"),
    (STEP + "- task: {name: t, step: s, type: manual_search, parameter-sets: [{q: 1}]}", "E-REF", "'q'"),
    ("- endpoint: {name: e1, image: i}\n" + STEP, "E-CONFLICT", "server-command"),
    ("- endpoint: {name: e1, image: i, wsgi: a, port: 80}\n" + STEP, "E-RANGE", "1025"),
    (pipeline("{name: a, type: execution}"), "E-KEY-MISSING", "step"),
    (pipeline("{name: a, type: execution, task: t}"), "E-CONFLICT", "type: task"),
    (pipeline("{name: a, type: task, task: t, step: s}"), "E-CONFLICT", "a step and a task"),
    (pipeline("{name: a, type: job, step: s}"), "E-ENUM", "execution"),
    (pipeline("{name: a, step: s}"), "E-KEY-MISSING", "type"),
    (pipeline("{type: execution, step: s}"), "E-KEY-MISSING", "name"),
    (pipeline("{name: a.b, type: execution, step: s}"), "E-VALUE", "dot"),
    (pipeline("{name: 'a/b', type: execution, step: s}"), "E-NAME-CHARS", "a/b"),
    (pipeline(TWO.replace("name: b", "name: a")), "E-NODE-DUP", "twice"),
    (pipeline(TWO.replace("name: b", "name: A")), "E-NAME-COLLIDES", "/input/a"),
    (pipeline("{name: a, type: execution, step: s, on-error: shrug}"), "E-ENUM", "stop-all"),
    (pipeline("{name: a, type: execution, step: s, actions: [{when: node-complete}]}"), "E-KEY-MISSING", "then"),
    (pipeline("{name: a, type: deployment}"), "E-KEY-MISSING", "deployment"),
    (pipeline("{name: a, type: deployment, deployment: d, on-error: retry}"), "E-CONFLICT", "retried"),
    (pipeline("{name: a, type: execution, step: s, override: {inputs: [{name: x}]}}"), "E-REF", "'x'"),
    (pipeline("{name: a, type: execution, step: s, override: {parameters: [{name: x}]}}"), "E-REF", "'x'"),
    (pipeline(edges="[a.output.x]"), "E-EDGE-FORM", "1 ends"),
    (pipeline(TWO, "[a.output.*, b.input.i, c]"), "E-EDGE-FORM", "3 ends"),
    (pipeline(TWO, "[a.output, b.input.i]"), "E-EDGE-FORM", "2 of the three parts"),
    (pipeline(TWO, "[a.output.*, 5]"), "E-EDGE-FORM", "two texts"),
    (pipeline(TWO, "5"), "E-EDGE-FORM", "two texts"),
    (pipeline(TWO, "[c.output.*, b.input.i]"), "E-REF", "'c'"),
    (pipeline(TWO, "[a.result.*, b.input.i]"), "E-REF", "'result'"),
    (pipeline(TWO, "[a.output.*, a.input.i]"), "E-EDGE-SELF", '"a"'),
    (pipeline(TWO, "[a.output.*, b.input.i], [b.output.*, a.input.i]"), "E-CYCLE", "a -> b -> a"),
    (pipeline(TWO, "[a.parameter.p, b.parameter.p], [a.metadata.m, b.parameter.p]"), "E-PARAM-TWICE", "p"),
    (
        pipeline(more=", parameters: [{name: x, target: a.parameter.p, targets: [a.parameter.p]}]"),
        "E-CONFLICT",
        "target",
    ),
    (pipeline(more=", parameters: [{name: x, target: a.parameter.q}]"), "E-REF", "'q'"),
    (pipeline(more=", parameters: [{name: x, target: z.parameter.p}]"), "E-REF", "'z'"),
    (pipeline(more=", parameters: [{name: x, target: a.input.i}]"), "E-REF", "'i'"),
    (pipeline(more=", parameters: [{name: x, target: p}]"), "E-REF", "node.parameter.name"),
    (pipeline(nodes=""), "E-KEY-MISSING", "nodes"),
    ("- pipeline: {name: p, nodes: []}", "E-KEY-MISSING", "edges"),
]


@pytest.mark.parametrize(("text", "code", "said"), FAULTS, ids=range(len(FAULTS)))
def test_row_y19_a_fault_is_told_at_its_place(text: str, code: str, said: str) -> None:
    """One code, with what is wrong, and the line and column; nothing comes of the file."""
    found, ledger = read(text)
    assert ledger.failed
    assert found == []
    errors = [record.problem for record in ledger.records if record.problem.is_error]
    assert code in [one.code for one in errors]
    assert said in "\n".join(one.describe() for one in errors)
    assert all(one.place.line and one.place.column for one in errors)


def test_row_y8_an_unknown_key_is_told_with_the_nearest() -> None:
    """A warning, and kept; an error when that was asked for."""
    text = step("enviroment: big")
    assert 'Did you mean "environment"?' in told(text)
    assert codes(text) == ["W-KEY-UNKNOWN"]
    assert read(text, strict=True)[1].failed


def test_row_y20_what_is_not_defined_is_told_and_stays() -> None:
    """A step, a task, a deployment: the node is there, and says why it cannot run."""
    nodes = "{name: a, type: execution, step: Z}, {name: b, type: task, task: T}"
    nodes += ", {name: c, type: deployment, deployment: D}"
    (one,) = [each for each in sound(pipeline(nodes)) if "alone" not in each.origin]
    assert [node.unresolved for node in one.nodes] == [
        (f"the step 'Z' is not defined in {FILE}",),
        (f"the task 'T' is not defined in {FILE}",),
        (f"the deployment 'D' is not defined in {FILE}",),
    ]
    assert codes(pipeline(nodes)) == ["W-REF"] * 3


def test_row_y20_a_step_that_is_broken_is_not_called_missing() -> None:
    """Its own fault is enough."""
    text = pipeline().replace("image: 'python:3.12'", "image: [x]")
    assert codes(text) == ["E-TYPE"]


def test_a_distributed_task_is_kept_and_cannot_run() -> None:
    """As its executions would have to talk to each other."""
    text = STEP + "- task: {name: t, step: s, type: distributed, parameters: []}"
    assert "distributed" in sound(text)[1].nodes[0].unresolved[0]
    assert "W-NOT-HERE" in codes(text)


def test_of_two_with_one_name_the_later_counts() -> None:
    """The earlier one is told."""
    text = "- step: {name: s, image: i, command: first}\n- step: {name: s, image: i, command: second}"
    assert [one.nodes[0].source for one in sound(text)] == ["second"]
    assert "defined again below" in told(text)


def test_an_odd_edge_is_kept_and_its_node_cannot_run() -> None:
    """There is no way from an output to a parameter."""
    found = sound(pipeline(TWO, "[a.output.*, b.parameter.p]"))[0]
    assert "from output to parameter" in found.node("b").unresolved[0]


def test_an_edge_into_what_a_step_does_not_have_is_told_with_the_nearest() -> None:
    """It may be misspelled, and is followed."""
    text = (
        STEP.replace("name: i}", "name: images}")
        + "- pipeline: {name: p, nodes: ["
        + TWO
        + "], edges: [[a.output.*, b.input.imags]]}"
    )
    assert 'Did you mean "images"?' in told(text)


def test_several_documents_are_refused() -> None:
    """A file is one list."""
    assert "E-YAML-MULTI" in codes(f"{STEP}---\n{STEP}")


@pytest.mark.parametrize(
    "text",
    [
        "- pipeline: {name: p}\n  transform: {cmd: [a]}\n  input: {pfs: {repo: r}}",
        "flow: f\ntasks: []",
        "dagbook: 1\nnodes: []\nedges: []",
        "[]",
        "- a",
        "step: s",
        "5",
        "nodes: []",
        "nodes: {}\nedges: []",
    ],
)
def test_other_files_are_not_taken_for_valohais(text: str) -> None:
    """Which is decided by their content."""
    assert not is_valohai(documents_of(text, FILE))


CALLS = [
    ('{"nodes": [5], "edges": []}', "E-TYPE"),
    ('{"nodes": [{"name": "a", "type": "execution"}], "edges": []}', "E-KEY-MISSING"),
    ('{"nodes": [{"name": "a", "type": "x"}], "edges": []}', "E-ENUM"),
    ('{"nodes": [{"name": "a", "type": "execution", "template": []}], "edges": []}', "E-TYPE"),
    (
        '{"nodes": [{"name": "a", "type": "execution", "template": {"parameters": {"a$": 1}}}], "edges": []}',
        "E-PARAM-NAME",
    ),
    (
        '{"nodes": [{"name": "a", "type": "task", "template": {"parameters": {"x": {"style": "odd"}}}}], "edges": []}',
        "E-TYPE",
    ),
    (
        '{"nodes": [{"name": "a", "type": "execution", "template": {}}], "edges": [{"source_node": "a"}]}',
        "E-KEY-MISSING",
    ),
    ('{"nodes": [], "edges": []}', "E-KEY-MISSING"),
]


@pytest.mark.parametrize(("text", "code"), CALLS)
def test_row_98_a_faulty_call_is_told(text: str, code: str) -> None:
    """By the same codes."""
    found, ledger = read(text)
    assert found == []
    assert code in [record.problem.code for record in ledger.records]


def test_row_94_a_template_is_completed_by_the_project() -> None:
    """Its step is looked for in the project's file; a template of image and command needs none."""
    project = read_items(documents_of(kitchen(), FILE)[0], Ledger(FILE))
    template = '{"step": "bake", "parameters": {"heat": 200}}'
    text = f'{{"edges": [], "nodes": [{{"name": "a", "type": "execution", "template": {template}}}]}}'
    made = read_valohai_api(documents_of(text, "c.json")[0], Ledger("c.json"), project)
    assert made is not None
    (node,) = made[0].nodes
    assert (node.params, node.unresolved, node.source[:6]) == ({"heat": 200, "name": "loaf"}, (), "python")
    alone = text.replace('"step": "bake"', '"step": "bake", "image": "i", "command": ["a", "b"]')
    (node,) = sound(alone)[0].nodes
    assert (node.unresolved, node.command_lines) == ((), (1, 1))


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        found += _paths(one, (*at, key))
    return found


ODD: list[Any] = [
    None,
    "",
    "a.b.c",
    0,
    -1,
    1e400,
    True,
    [],
    {},
    [[]],
    {"a": None},
    ["x", 5],
    "\u0000",
    "x" * 200,
    {"name": "s"},
]


def _mutant(whole: Any, random_: random.Random) -> Any:
    changed = copy.deepcopy(whole)
    for _ in range(random_.choice((1, 1, 2))):
        path = random_.choice(_paths(changed))
        here = changed
        for key in path[:-1]:
            here = here[key]
        if random_.random() < 0.3:
            del here[path[-1]]
        else:
            here[path[-1]] = random_.choice(ODD)
        if not _paths(changed):
            break
    return changed


@pytest.mark.parametrize("seed", range(250))
def test_no_broken_file_ends_in_a_traceback(seed: int) -> None:
    """Whatever is deleted from a sound file or replaced in it: there is a report, and what is read can be written."""
    random_ = random.Random(seed)
    is_call = seed % 3 == 0
    source = (DATA / "valohai_three_trainings.json").read_text() if is_call and seed % 2 else kitchen()
    if is_call and not seed % 2:
        source = call(sound(kitchen())[0])
    plain = bare(documents_of(source, FILE)[0].plain())
    try:
        documents = documents_of(json.dumps(_mutant(plain, random_)), FILE)
    except PipelineError:
        return  # a text that is no YAML
    if not is_valohai(documents):
        return
    ledger = Ledger(FILE)
    pipelines = [one for one, _ in read_valohai(documents, ledger)]
    assert pipelines or ledger.records or not documents[0].value
    if pipelines and not ledger.failed:
        again = write_valohai(pipelines, Ledger(FILE))
        write_valohai_api(pipelines, Ledger(FILE))
        if not is_call and not any("alone" in one.origin for one in pipelines[:1]):
            known, ledger = Ledger(FILE), Ledger(FILE)
            assert [one for one, _ in read_valohai(documents_of(again, FILE), known)] == pipelines
