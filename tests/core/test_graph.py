"""What is wrong with a pipeline as a whole: edges, cycles, names, environment; and parts of it."""

from __future__ import annotations

import pytest
from hypothesis import given

from dagbook.runner.core.check import check
from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.core.graph import graph_of, in_order, select
from dagbook.runner.core.model import Node, Pipeline
from tests.core.pipelines import pipelines


def found(*nodes: Node, **more: object) -> list[Problem]:
    return check(Pipeline(nodes=nodes, **more))  # type: ignore[arg-type]


def codes(*nodes: Node) -> list[str]:
    return [one.code for one in found(*nodes)]


def test_M5_a_node_defined_later_may_come_before() -> None:
    assert found(Node(title="b", after=("a",)), Node(title="a")) == []


def test_M5_Y15_an_edge_to_nothing_names_the_nearest_title() -> None:
    (one,) = found(Node(title="Train model", cell=2), Node(title="report", after=("train modle",), cell=3))
    assert (one.code, one.place.cell, one.place.node) == ("E-EDGE-UNKNOWN", 3, "report")
    assert one.hint == 'Did you mean "Train model"?'


def test_Y15_an_edge_to_itself_and_an_edge_named_twice() -> None:
    assert codes(Node(title="a", after=("a",))) == ["E-EDGE-SELF"]
    pair = (Node(title="a"), Node(title="b", after=("a", "A")))
    assert codes(*pair) == ["W-EDGE-DUP"]
    assert graph_of(Pipeline(nodes=pair)) == {"a": (), "b": ("a",)}


@pytest.mark.parametrize("size", [2, 3, 500])
def test_Y16_a_cycle_is_told_with_its_path(size: int) -> None:
    nodes = [Node(title=f"n{i}", after=(f"n{(i - 1) % size}",)) for i in range(size)]
    (one,) = found(*nodes, Node(title="apart"))
    path = one.message.split(": ")[1].split(" -> ")
    assert one.code == "E-CYCLE"
    assert path == [f"n{i}" for i in range(size)] + ["n0"]


def test_N1_two_titles_of_one_folder_are_refused_naming_both() -> None:
    (one,) = found(Node(title="Train Model"), Node(title="train_model"))
    assert one.code == "E-NAME-COLLIDES"
    assert '"train_model" and "Train Model" would both be mounted at /input/train_model' in one.message


def test_N6_two_tags_that_would_be_one_variable_are_refused_at_plan() -> None:
    """Task a_b with parameter c, task a with parameter b_c: both CNVRG_A_B_C."""
    (one,) = found(
        Node(title="a_b", params={"c": 1}),
        Node(title="a", params={"b_c": 2}),
        Node(title="both", after=("a_b", "a")),
    )
    assert one.code == "E-ENV-COLLIDES"
    assert "CNVRG_A_B_C" in one.message


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "PYTHONSTARTUP", "INPUT_X", "DAGBOOK_OUTPUT", "CNVRG_TAG_X"])
def test_N7_reserved_variables_are_refused_in_env(name: str) -> None:
    assert codes(Node(title="a", env={name: "x"})) == ["E-ENV-RESERVED"]


@pytest.mark.parametrize("name", ["1st", "a=b", "a b", ""])
def test_N7_names_that_no_variable_can_have_are_refused(name: str) -> None:
    assert codes(Node(title="a", env={name: "x"})) == ["E-ENV-NAME"]


def test_a_parameter_that_only_differs_in_what_a_variable_loses_is_refused() -> None:
    assert codes(Node(title="a", params={"lr": 1, "LR": 2})) == ["E-ENV-COLLIDES"]


def test_a_parameter_that_is_both_single_and_a_grid_is_refused() -> None:
    assert codes(Node(title="a", params={"x": 1}, grid={"x": [1, 2]})) == ["E-PARAM-TWICE"]


def test_a_pipeline_parameter_that_is_not_there_is_told_with_the_nearest() -> None:
    (one,) = found(Node(title="a", uses=("epoch",)), parameters={"epochs": 3})
    assert one.code == "E-PARAM-MISSING"
    assert '"epochs"' in one.hint


def test_an_empty_pipeline_says_how_to_begin() -> None:
    (one,) = found()
    assert "%%pipeline_node" in one.hint


@given(pipelines())
def test_parents_stand_before_their_children_in_order(pipeline: Pipeline) -> None:
    graph = graph_of(pipeline)
    order = in_order(graph)
    assert sorted(order) == sorted(graph)
    assert all(order.index(parent) < order.index(title) for title, parents in graph.items() for parent in parents)


FLOW = Pipeline(
    nodes=(
        Node(title="a"),
        Node(title="b", after=("a",)),
        Node(title="c", after=("a",)),
        Node(title="d", after=("b", "c")),
        Node(title="e"),
    )
)


@pytest.mark.parametrize(
    ("choice", "runs", "reused"),
    [
        ({"until": ["b"]}, {"a", "b"}, set()),
        ({"start": ["b"]}, {"b", "d"}, {"a", "c"}),
        ({"start": ["b"], "until": ["b"]}, {"b"}, {"a"}),
        ({"nodes": ["D"]}, {"d"}, {"a", "b", "c"}),
        ({}, {"a", "b", "c", "d", "e"}, set()),
    ],
)
def test_parts_are_chosen_with_what_they_need(choice: dict[str, list[str]], runs: set[str], reused: set[str]) -> None:
    part, kept = select(FLOW, **choice)
    assert kept == reused
    assert {node.title for node in part.nodes} == runs | reused


def test_a_part_that_does_not_exist_is_told() -> None:
    with pytest.raises(PipelineError, match="Did you mean"):
        select(FLOW, nodes=["aa"])
    with pytest.raises(PipelineError, match="between --from and --until"):
        select(FLOW, start=["d"], until=["a"])


def test_a_changed_copy_of_a_pipeline_knows_its_own_nodes_and_edges() -> None:
    """Also when the original was asked for its own before."""
    first = Pipeline(nodes=(Node(title="a"), Node(title="b", after=("a",))))
    assert first.node("b").after == ("a",)
    assert graph_of(first) == {"a": (), "b": ("a",)}
    changed = first.model_copy(update={"nodes": (Node(title="a", source="x"), Node(title="c", after=("a",)))})
    assert changed.node("a").source == "x"
    assert graph_of(changed) == {"a": (), "c": ("a",)}
    assert graph_of(first) == {"a": (), "b": ("a",)}
    with pytest.raises(KeyError):
        changed.node("b")
