"""The pipeline of the vendor's documentation: as printed, mended, and as the body of the API call."""

from __future__ import annotations

import json

import pytest

from dagbook.runner.core.dialect import Dialect
from dagbook.runner.core.edge import Port
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Kind
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Counts, Ledger
from dagbook.runner.formats.valohai import is_valohai, python_literal_document, read_valohai, repair
from tests.formats.valohai.files import DATA, call, read, sound, written

PRINTED = (DATA / "valohai_three_trainings.yaml").read_text(encoding="utf-8")
CALL = (DATA / "valohai_three_trainings.json").read_text(encoding="utf-8")
KINDS = {"output -> input": 21, "output -> file": 1, "parameter -> parameter": 1}


def mended() -> str:
    """The printed pipeline, mended."""
    made = repair(PRINTED)
    assert made is not None
    return made[0]


def test_row_136_the_printed_pipeline_is_no_yaml_and_the_hint_says_what_to_do() -> None:
    """With line and column."""
    with pytest.raises(PipelineError) as caught:
        documents_of(PRINTED, "valohai.yaml")
    (found,) = caught.value.problems
    assert (found.code, found.place.line, found.place.column) == ("E-YAML-SYNTAX", 8, 13)
    assert "--repair" in found.hint


def test_row_136_mending_moves_the_keys_of_each_node_and_says_so() -> None:
    """22 keys, each two columns to the left; the inputs stay below their override."""
    made = repair(PRINTED)
    assert made is not None
    text, moved = made
    assert len(moved) == 22
    before, after = PRINTED.split("\n"), text.split("\n")
    changed = [number for number, (one, other) in enumerate(zip(before, after, strict=True), 1) if one != other]
    assert changed == [line for line, _ in moved]
    assert all(before[line - 1] == "  " + after[line - 1] for line in changed)
    assert all("two columns to the left" in what for _, what in moved)
    assert "        inputs:" in after


def test_row_137_it_has_nine_nodes_and_23_edges_one_of_which_has_no_effect() -> None:
    """The one from a parameter to itself is told, left out and counted."""
    found, ledger = read(mended())
    ((pipeline, counts),) = found
    assert counts == Counts(9, 23, KINDS)
    assert (len(pipeline.nodes), len(pipeline.edges)) == (9, 22)
    (record,) = [one for one in ledger.records if one.done == "left out"]
    assert (record.problem.code, record.path) == ("W-CHANGED", "[0].pipeline.edges[22]")


def test_row_76_nodes_are_executions_and_a_deployment() -> None:
    """What is not in the file is told once for each node, and is no error yet."""
    (pipeline,) = sound(mended())
    assert [node.kind for node in pipeline.nodes] == [Kind.COMMAND] * 8 + [Kind.DEPLOY]
    assert {node.dialect for node in pipeline.nodes} == {Dialect.VALOHAI}
    assert all(node.unresolved for node in pipeline.nodes)
    assert [one.problem.code for one in read(mended())[1].records].count("W-REF") == 9


def test_row_84_an_override_empties_the_inputs_of_a_step() -> None:
    """One step is used by three nodes, whose inputs are to come from edges."""
    (pipeline,) = sound(mended())
    train = pipeline.node("train1-node")
    assert [(slot.name, slot.default) for slot in train.slots] == [
        ("training-set-images", ()),
        ("training-set-labels", ()),
        ("test-set-images", ()),
        ("test-set-labels", ()),
    ]


def test_row_85_a_deployment_node_names_its_deployment_and_endpoints() -> None:
    """And gets its file by an edge, whose key has a dot."""
    (pipeline,) = sound(mended())
    serving = pipeline.node("deploy-node").serving
    assert serving is not None
    assert (serving.deployment, serving.endpoints) == ("MyDeployment", ("predict-digit",))
    (edge,) = [one for one in pipeline.edges if one.target_port is Port.FILE]
    assert (edge.source_key, edge.target_key) == ("model*", "predict-digit.model")


def test_row_82_several_edges_fill_one_input() -> None:
    """Three evaluations give predictions and models."""
    (pipeline,) = sound(mended())
    into = [edge.target_key for edge in pipeline.edges_into("find-best-model-node")]
    assert sorted(into) == ["models"] * 3 + ["predictions"] * 3


def test_row_83_keys_of_edges_are_globs() -> None:
    """Cut at the first two dots only."""
    (pipeline,) = sound(mended())
    assert {"*train-images*", "*.json", "model*"} <= {edge.source_key for edge in pipeline.edges}


def test_it_comes_back_from_its_own_format() -> None:
    """Written and read again it is equal, with the edge that has no effect."""
    pipelines = sound(mended())
    again, _ = read(written(pipelines))
    assert ([one for one, _ in again], again[0][1]) == (pipelines, read(mended())[0][0][1])


def test_rows_92_to_96_the_body_of_the_call_is_read() -> None:
    """Nine nodes and 22 edges; the title is the pipeline's, the ids are kept."""
    found, ledger = read(CALL)
    assert not ledger.failed
    ((pipeline, counts),) = found
    assert counts == Counts(9, 22, {"output -> input": 21, "output -> file": 1})
    assert pipeline.name == "Three-Trainings Pipeline"
    assert pipeline.origin["valohai"]["call"]["project"].startswith("01756e9b")


def test_row_94_templates_give_inputs_parameters_and_limits() -> None:
    """The last three keys may be absent; a limit of 0 is none."""
    (pipeline,) = sound(CALL)
    first, train = pipeline.nodes[0], pipeline.node("train2-node")
    assert first.slots[0].default[0].endswith("train-images-idx3-ubyte.gz")
    assert train.params == {"max_steps": 300, "learning_rate": 0.001, "dropout": 0.9, "batch_size": 200}
    assert (first.timeout, train.timeout) == (None, None)


def test_row_97_parameters_of_a_call_are_typed_by_their_values() -> None:
    """Truth, whole numbers, numbers, texts; `[]` is an input that an edge fills."""
    (pipeline,) = sound(CALL)
    types = {
        one.name: str(one.type)
        for one in (*pipeline.node("train1-node").arguments, *pipeline.node("evaluate1-node").arguments)
    }
    assert types["max_steps"] == "integer"
    assert types["dropout"] == "float"
    assert types["output-best-model"] == "flag"
    assert types["model-dir"] == "string"
    assert pipeline.node("evaluate1-node").params["model-dir"] == "/valohai/inputs/model/"
    assert pipeline.node("evaluate1-node").slots[0].default == ()


def test_row_95_and_138_a_deployment_of_a_call_is_an_id() -> None:
    """Which is known to Valohai only; its enabled endpoints are read."""
    (pipeline,) = sound(CALL)
    serving = pipeline.node("deploy-node").serving
    assert serving is not None
    assert serving.deployment == "01756f96-4144-265a-611d-cf306e1768ff"
    assert serving.endpoints == ("predict-digit",)
    assert "Valohai only" in pipeline.node("deploy-node").unresolved[0]


def test_rows_92_to_96_the_call_comes_back() -> None:
    """Written it says the same, but for keys that say nothing; and read again it is equal."""
    (pipeline,) = sound(CALL)
    assert sound(call(pipeline)) == [pipeline]
    said, printed = json.loads(call(pipeline)), json.loads(CALL)
    for one in printed["nodes"]:
        for key, nothing in (("time_limit", 0), ("environment_variables", {})):
            if one.get("template", {}).get(key) == nothing:
                del one["template"][key]
    assert said == printed


def test_row_93_the_call_can_be_written_as_yaml() -> None:
    """The pipeline is the same, with what only the call has kept for the way back."""
    (pipeline,) = sound(CALL)
    (again,) = sound(written([pipeline]))
    assert [node.title for node in again.nodes] == [node.title for node in pipeline.nodes]
    assert again.edges == pipeline.edges


def test_row_96_a_body_of_python_is_read_as_a_literal() -> None:
    """True and None as Python spells them; nothing is executed, and the places are known."""
    text = CALL.replace("true", "True").replace('"project"', '"tags": None,\n  "project"')
    (document,) = python_literal_document(text)
    assert is_valohai([document])
    ((pipeline, counts),) = read_valohai([document], Ledger("call.py"))
    assert (len(pipeline.nodes), counts.edges) == (9, 22)
    assert document.at(["nodes", 0, "name"]).line == document.at(["nodes", 0]).line + 1


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "{'a': open('x')}",
        "{1: 2}",
        "'text'",
        "[",
        "a: b",
        "(" * 500,
        "{**{}}",
        "{'a': b''}",
    ],
)
def test_what_is_no_literal_is_not_read(text: str) -> None:
    """No document comes of it, and no exception."""
    assert python_literal_document(text) == []
