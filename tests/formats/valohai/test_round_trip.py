"""A valohai.yaml comes back from the pipelines that were read from it, and says what was changed in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valohai_yaml import parse
from valohai_yaml.lint import lint
from valohai_yaml.objs import Config, ExecutionNode
from valohai_yaml.objs.pipelines.override import Override

from dagbook.runner.core.arguments import command_of
from dagbook.runner.core.dialect import Dialect
from dagbook.runner.core.edge import Edge, Port
from dagbook.runner.core.model import Kind, Node, OnError, Pipeline
from dagbook.runner.formats.documents import bare, documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.native import read_native, write_native
from dagbook.runner.formats.valohai import write_valohai, write_valohai_api
from dagbook.runner.formats.yaml_text import yaml_text
from tests.formats.valohai.files import FILE, call, kitchen, node, read, sound, written

VARIANTS = {
    "alone": "- step: {name: s, image: i, command: [a, b]}",
    "one of many": "- step: {name: s, image: i, command: 'a'}\n- step: {name: t, image: i, command: 'b'}",
    "empty override": "- step: {name: s, image: i, command: a}\n"
    "- pipeline: {name: p, nodes: [{name: n, type: execution, step: s, override: {}}], edges: []}",
    "undefined task": "- pipeline: {name: p, nodes: [{name: n, type: task, task: t}], edges: []}",
    "task of nothing": "- task: {name: t, step: z, parameters: []}",
    "another commit's step of one name": "- step: {name: s, image: i, command: a}\n"
    "- pipeline: {name: p, nodes: [{name: n, type: execution, step: s, commit: abc}], edges: []}",
    "not restarted": "- step: {name: s, image: i, command: a, autorestart: false}",
    "spaces": "- step: {name: ' s  t ', image: i, command: a}",
}


def change(pipelines: list[Pipeline], title: str, **fields: Any) -> list[Pipeline]:
    """The pipelines with a node of the first one changed."""
    first = pipelines[0]
    nodes = tuple(one.model_copy(update=fields) if one.title == title else one for one in first.nodes)
    return [first.model_copy(update={"nodes": nodes}), *pipelines[1:]]


def same(pipelines: list[Pipeline]) -> bool:
    """Whether the pipelines come back equal, but for the names of their steps."""
    again = sound(written(pipelines))
    return [_plain(one) for one in again] == [_plain(one) for one in pipelines]


def _plain(pipeline: Pipeline) -> Any:
    nodes = tuple(one.model_copy(update={"origin": {}}) for one in pipeline.nodes)
    return pipeline.model_copy(update={"nodes": nodes})


def test_a_file_with_most_of_what_there_is_comes_back() -> None:
    """Equal pipelines, equal counts, and a second time the same text."""
    found, _ = read(kitchen())
    text = written([one for one, _ in found])
    again, ledger = read(text)
    assert not ledger.failed
    assert again == found
    assert written([one for one, _ in again]) == text


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS.keys())
def test_odd_files_come_back(text: str) -> None:
    """Each of them."""
    pipelines = sound(text)
    assert sound(written(pipelines)) == pipelines


def test_what_is_kept_is_told_again_when_it_is_read_again() -> None:
    """But for plurals, which are written as they are due."""
    first = [one.problem.code for one in read(kitchen())[1].records if "the type is called" not in one.problem.message]
    again = [one.problem.code for one in read(written(sound(kitchen())))[1].records]
    assert sorted(again) == sorted(first)


@pytest.mark.parametrize(
    ("title", "fields"),
    [
        ("collect", {"image": "python:3.11"}),
        ("collect", {"timeout": 60.0, "silence": None, "stop": "x > 1"}),
        ("collect", {"cpus": 8.0, "memory": 2**30, "gpus": 2}),
        ("collect", {"gpus": None}),
        ("collect", {"retries": None}),
        ("collect", {"on_error": OnError.CONTINUE}),
        ("collect", {"env": {"TASTE": "sweet"}}),
        ("collect", {"actions": ()}),
        ("second", {"params": {"heat": 200, "name": "x"}}),
        ("second", {"params": {"heat": 200, "name": "x", "fan": True}}),
        ("second", {"params": {"name": "x"}}),
        ("second", {"source": "echo other", "command_lines": ()}),
        ("second", {"timeout": 90.0}),
        ("second", {"slots": ()}),
        ("first", {"image": "python:3.12-slim"}),
        ("many", {"search": None}),
    ],
)
def test_a_changed_pipeline_makes_a_changed_file(title: str, fields: dict[str, Any]) -> None:
    """The change comes back, and other nodes of the same step are as before."""
    assert same(change(sound(kitchen()), title, **fields))


def test_a_changed_search_gets_a_task_of_its_own() -> None:
    """The task that others use stays as it is."""
    pipelines = sound(kitchen())
    search = pipelines[0].node("many").search
    assert search is not None
    changed = change(pipelines, "many", search=search.model_copy(update={"at_once": 5}))
    assert same(changed)


def test_row_84_nodes_share_a_step_and_differ_by_overrides() -> None:
    """A changed parameter is an override; what no override can say makes a step of its own."""
    text = written(change(sound(kitchen()), "second", params={"heat": 200, "name": "loaf"}))
    assert text.count("name: bake\n") == 1
    assert "bake (second)" not in text
    text = written(change(sound(kitchen()), "second", timeout=90.0))
    assert "bake (second)" in text


def test_what_is_written_is_sound_to_the_vendors_own_reader() -> None:
    """No error but for what was made up here; and the examples of overrides agree with its values."""
    made = [one for one in sound(kitchen()) if one.name != "secret"]
    result = lint(_without(written(made), "secret-sauce"), ansi_colors=False)
    assert [one["message"] for one in result.errors] == []


def _without(text: str, key: str) -> str:
    """The text without the item of this key."""
    return yaml_text([item for item in bare(documents_of(text, FILE)[0].plain()) if key not in item])


@pytest.mark.parametrize("title", ["collect", "first", "second"])
def test_row_84_the_vendors_reader_gets_the_same_values(title: str) -> None:
    """Defaults of parameters and inputs, once overrides are put over steps; and the command that is built of them."""
    config: Config = parse(_without(written(sound(kitchen())), "secret-sauce"), validate=True)
    made = sound(kitchen())[0].node(title)
    theirs = config.pipelines["daily bread"].get_node_by(name=title)
    assert isinstance(theirs, ExecutionNode)
    step = config.steps[theirs.step]
    template = Override.serialize_to_template(Override.merge_with_step(theirs.override, step))
    flags = {one.name for one in made.arguments if str(one.type) == "flag"}
    values = {name: one for name, one in template["parameters"].items() if one is not None and name not in flags}
    assert {name: one for name, one in made.params.items() if name not in flags} == values
    assert {slot.name: list(slot.default) for slot in made.slots} == template["inputs"]
    params = {**dict.fromkeys(step.parameters), **made.params}
    assert command_of(made, made.params) == " && ".join(step.build_command(params))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["alpha", "be-ta", "gam_ma"]),
                "type": st.sampled_from(["string", "integer", "float", "flag"]),
            },
            optional={
                "optional": st.booleans(),
                "pass-as": st.sampled_from(["-x {v}", "--{name} {value}", "{v}"]),
                "description": st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=5),
                "min": st.integers(-3, 0),
            },
        ),
        max_size=3,
        unique_by=lambda one: one["name"],
    ),
    st.dictionaries(
        st.sampled_from(["image", "environment", "time-limit", "stop-condition", "icon"]), st.just("10"), max_size=4
    ),
    st.one_of(
        st.text(st.characters(exclude_categories=["C"]), min_size=1),
        st.lists(st.sampled_from(["a", "b\nc", "d\n"]), min_size=1),
    ),
)
def test_any_step_comes_back(parameters: list[dict[str, Any]], keys: dict[str, str], command: Any) -> None:
    """Whatever it says of itself."""
    step = {"name": "s", "image": "i", "command": command, "parameters": parameters, **keys}
    pipelines = sound(yaml_text([{"step": step}]))
    assert sound(written(pipelines)) == pipelines


def test_all_pipelines_but_those_alone_come_back_from_the_call() -> None:
    """Written as a call and read, and written again, it says the same."""
    for pipeline in sound(kitchen()):
        if pipeline.name == "daily bread":
            text = call(pipeline)
            again = sound(text)
            assert json.loads(call(again[0])) == json.loads(text)
            assert list(map(str, again[0].edges)) == list(map(str, pipeline.edges))
            assert again[0].parameters == pipeline.parameters


def test_it_goes_through_dagbooks_own_format() -> None:
    """And back, with everything that only Valohai knows."""
    pipelines = sound(kitchen())
    ledger = Ledger(FILE)
    again = [one for one, _ in read_native(documents_of(write_native(pipelines), FILE), ledger)]
    assert not ledger.failed
    assert written(again) == written(pipelines)


def native() -> Pipeline:
    """A pipeline that was never Valohai's."""
    nodes = (
        Node(title="Make it", kind=Kind.COMMAND, source="make", image="busybox:1.36", params={"n": 3}),
        Node(title="Use it", kind=Kind.COMMAND, source="use", image="busybox:1.36", after=("Make it",), uses=("x",)),
    )
    edge = Edge(
        source="Make it",
        source_port=Port.OUTPUT,
        source_key="*",
        target="Use it",
        target_port=Port.INPUT,
        target_key="i",
    )
    return Pipeline(name="mine", nodes=nodes, edges=(edge,), parameters={"x": 1})


def test_a_pipeline_of_dagbooks_own_can_be_written() -> None:
    """Order becomes dependency edges, parameters have targets; what has no place there is told."""
    ledger = Ledger(FILE)
    text = write_valohai([native()], ledger)
    (pipeline,) = sound(text)
    assert {str(edge) for edge in pipeline.edges} == {
        "Make it.output.* -> Use it.input.i",
        "Make it.dependency.order -> Use it.dependency.order",
    }
    assert pipeline.targets == {"x": (("Use it", "x"),)}
    assert all(one.dialect is Dialect.VALOHAI and one.on_error is OnError.STOP_NEXT for one in pipeline.nodes)
    assert not ledger.failed
    assert 'the folders and variables of "Make it"' in ledger.records[0].problem.message
    assert not lint(text, ansi_colors=False).error_count


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Node(title="c", source="1"), 'the cell "c"'),
        (Node(title="c", kind=Kind.COMMAND, image="i", source="a", grid={"x": [1, 2]}), "its grid"),
    ],
)
@pytest.mark.parametrize("write", [write_valohai, write_valohai_api])
def test_what_would_make_another_pipeline_is_an_error(made: Node, said: str, write: Any) -> None:
    """Code, and what a node is multiplied by."""
    ledger = Ledger(FILE)
    write([Pipeline(nodes=(made,))], ledger)
    assert ledger.failed
    assert said in "\n".join(one.problem.message for one in ledger.records)


def test_a_call_says_what_must_be_filled_in() -> None:
    """The project and the commit are known to Valohai only; what a template has no place for is told."""
    ledger = Ledger(FILE)
    write_valohai_api(sound(kitchen())[:1], ledger)
    said = [one.problem.message for one in ledger.records]
    assert any("the project's id and the commit must be filled in" in one for one in said)
    assert any(one.startswith('mounts of "collect"') for one in said)


def test_row_88_a_command_with_odd_characters_comes_back() -> None:
    """As it was."""
    for command in ("'a: #b'", '"\\ttab"', "|\n      x\n\n      y\n", '"trailing \\n"'):
        made = node(command=command)
        assert sound(written([Pipeline(name="s", nodes=(made,), origin={"alone": "step"})]))[0].nodes[0] == made
