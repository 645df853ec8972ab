"""Pipelines of dagbook's own as cnvrg flows: what is said otherwise there, and what has no place and is told."""

from __future__ import annotations

from typing import Any

import pytest

from dagbook.runner.core.dialect import Serving
from dagbook.runner.core.edge import Condition, Edge, Objective, Port
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Defaults, Kind, Node, Pipeline
from dagbook.runner.formats.cnvrg import write_cnvrg
from dagbook.runner.formats.imported import Ledger, Record

from .reading import sound


def command(title: str, **said: Any) -> Node:
    return Node(**{"title": title, "kind": Kind.COMMAND, "source": "run", "compute": ("m",), **said})


def written(*nodes: Node, **said: Any) -> tuple[Pipeline, list[Record]]:
    """What is read again from the file, and what was told while it was written."""
    ledger = Ledger("f")
    text = write_cnvrg([Pipeline(nodes=nodes, **said)], ledger)
    return sound(text), ledger.records


def test_a_command_with_a_grid_is_an_exec_task() -> None:
    found, records = written(command("a"), command("b", after=("a",), params={"n": 1}, grid={"lr": [0.1, 0.2]}))
    assert records == []
    assert found.nodes[1].after == ("a",)
    assert (found.nodes[1].params, found.nodes[1].grid) == ({"n": 1}, {"lr": [0.1, 0.2]})


def test_parameters_that_are_taken_from_the_pipeline_are_written_as_values() -> None:
    found, records = written(command("a", uses=("n",)), parameters={"n": 3})
    assert (found.nodes[0].params, records) == ({"n": 3}, [])


def test_an_edge_between_parameters_is_a_reference() -> None:
    edge = Edge(
        source="a",
        source_port=Port.METADATA,
        source_key="best",
        target="b",
        target_port=Port.PARAMETER,
        target_key="n",
    )
    found, records = written(command("a"), command("b"), edges=(edge,))
    assert (found.nodes[1].after, found.nodes[1].params) == (("a",), {"n": "{{ a.best }}"})
    assert records == []


def when(*tasks: str, objective: Objective = Objective.GT, tag: str = "t") -> Condition:
    return Condition(objective=objective, tag=tag, tasks=tasks, target=None if objective is Objective.MAX else 1)


CONDITIONS = [
    pytest.param(when(), [((), "t")], id="all"),
    pytest.param(when("a", "b"), [((), "t")], id="all of them by name"),
    pytest.param(when(tag="a.t"), [(("a",), "t")], id="one in front of the tag"),
    pytest.param(when("b", "c", objective=Objective.GT), [(("b",), "t"), (("c",), "t")], id="several, one by one"),
]


@pytest.mark.parametrize(("condition", "tests"), CONDITIONS)
def test_rows_44_50_a_condition_is_of_one_task_or_of_all(condition: Condition, tests: list[Any]) -> None:
    third = () if "c" not in condition.tasks else (command("c"),)
    after = ("a", "b", "c") if third else ("a", "b")
    found, records = written(command("a"), command("b"), *third, command("z", after=after, when=(condition,)))
    assert [(one.tasks, one.tag) for one in found.node("z").when] == tests
    assert records == []


def test_a_comparison_of_some_tasks_has_no_place_and_is_told() -> None:
    compared = when("a", "b", objective=Objective.MAX)
    nodes = [command(title) for title in "abc"]
    found, records = written(*nodes, command("z", after=("a", "b", "c"), when=(compared,)))
    assert found.node("z").when == ()
    assert [(one.problem.code, one.path, one.done) for one in records] == [
        ("W-EXPORT", "tasks[3].conditions", "left out")
    ]


def test_data_that_is_no_dataset_is_named_after_its_title() -> None:
    found, records = written(Node(title="My Sales", kind=Kind.DATA, path="sales.csv"))
    assert found.nodes[0].dataset == "My_Sales"
    assert [(one.problem.code, one.path) for one in records] == [("W-EXPORT", "tasks[0].dataset")]


UNSAID: list[dict[str, Any]] = [
    {"gather": ("a",)},
    {"env": {"X": "1"}},
    {"cpus": 2.0},
    {"memory": 2**30},
    {"timeout": 60.0},
    {"retries": 3},
    {"kernel": "ir"},
    {"git": "https://git.example.org/team/model.git@v1"},
    {"params": {"n": ""}},
    {"when": (when(objective=Objective.NE),)},
]


@pytest.mark.parametrize("said", UNSAID, ids=[next(iter(one)) for one in UNSAID])
def test_what_has_no_place_is_told_once_with_the_node(said: dict[str, Any]) -> None:
    _, records = written(command("a"), command("z", after=("a",), **said))
    assert [(one.problem.code, one.problem.place.node) for one in records] == [("W-EXPORT", "z")]
    assert '"z"' in records[0].problem.message


def test_what_all_nodes_share_has_no_place() -> None:
    _, records = written(command("a"), shared=("import x",), defaults=Defaults(timeout=60))
    assert [one.problem.code for one in records] == ["W-EXPORT", "W-EXPORT"]


def test_what_is_said_for_all_nodes_is_said_for_each_task() -> None:
    defaults = Defaults(image="i:1", compute=("large",), git=".@v1", retries=1)
    found, records = written(command("a", compute=None), command("b", image="j:1"), defaults=defaults)
    a, b = found.nodes
    assert (a.image, a.compute, a.git, a.retries) == ("i:1", ("large",), ".@v1", 1)
    assert (b.image, b.compute) == ("j:1", ("m",))
    assert records == []


def test_a_cell_is_an_error_as_its_code_would_be_lost() -> None:
    ledger = Ledger("f")
    write_cnvrg([Pipeline(nodes=(Node(title="cell", source="x = 1", compute=("m",)),))], ledger)
    assert [(one.problem.code, one.problem.place.node) for one in ledger.records] == [("E-EXPORT", "cell")]


def test_row_10_tasks_without_compute_templates_are_told_at_once() -> None:
    _, records = written(command("a", compute=None), command("b", compute=None))
    assert [one.problem.code for one in records] == ["W-CHANGED"]
    assert "a, b" in records[0].problem.message


def test_an_endpoint_of_another_system_is_told() -> None:
    ledger = Ledger("f")
    serving = Serving(endpoint="e", file="f", function="g", least=1, most=1, deployment="d")
    write_cnvrg([Pipeline(nodes=(Node(title="d", kind=Kind.DEPLOY, compute=("m",), serving=serving),))], ledger)
    assert [one.problem.code for one in ledger.records] == ["W-EXPORT"]


def test_a_pipeline_that_is_not_sound_is_refused() -> None:
    with pytest.raises(PipelineError, match="E-EDGE-UNKNOWN"):
        write_cnvrg([Pipeline(nodes=(command("a", after=("b",)),))], Ledger("f"))


def test_a_text_of_several_lines_is_a_block_and_doubtful_words_are_quoted() -> None:
    nodes = (command("a", source="one\ntwo\n", params={"k": "no", "m": "1:30"}),)
    text = write_cnvrg([Pipeline(name="12", nodes=nodes)], Ledger("f"))
    assert "input: |\n      one\n      two\n" in text
    assert "value: 'no'" in text
    assert "value: '1:30'" in text
    assert text.startswith("flow: '12'\n")


@pytest.mark.parametrize("origin", [{"cnvrg": "text"}, {"cnvrg": None}, {"cnvrg": [1]}, {"cnvrg_param_types": 3}])
def test_an_origin_that_somebody_broke_is_passed_over(origin: dict[str, Any]) -> None:
    found, _ = written(command("a", params={"k": 1}, origin=origin), origin=origin)
    assert found.nodes[0].params == {"k": 1}
