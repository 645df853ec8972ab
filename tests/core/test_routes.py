"""Counts of routes and node runs, with the seeds' own numbers where they apply to grids."""

from __future__ import annotations

import pytest
from hypothesis import given

from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.planning import planner
from dagbook.runner.core.routes import count, name_of
from tests.core.pipelines import oracle, pipelines


def grid(title: str, values: int, *after: str) -> Node:
    return Node(title=title, after=after, grid={"x": list(range(values))} if values > 1 else {})


@pytest.mark.parametrize(
    ("nodes", "routes", "node_runs"),
    [
        pytest.param([grid("a", 3), grid("b", 3, "a")], 9, 12, id="row 36: 3 then 3 = 9 routes"),
        pytest.param([grid("a", 2), grid("b", 3), grid("c", 5, "a", "b")], 30, 35, id="row 37: 2*3*5 = 30 routes"),
        pytest.param([grid("a", 1), grid("b", 1), grid("c", 1, "a", "b")], 1, 3, id="row 39: one route"),
        pytest.param(
            [grid("a", 2), grid("b", 1, "a"), grid("c", 1, "a"), grid("d", 1, "b", "c")], 2, 8, id="a diamond: 2 joins"
        ),
        pytest.param([grid("a", 2), grid("b", 3), grid("c", 1, "a", "b")], 6, 11, id="two grids that meet: 6"),
    ],
)
def test_routes_and_node_runs_are_counted(nodes: list[Node], routes: int, node_runs: int) -> None:
    pipeline = Pipeline(nodes=tuple(nodes))
    assert (count(pipeline).routes, count(pipeline).node_runs) == (routes, node_runs)
    assert len(planner(pipeline).run.node_runs) == node_runs


def test_a_grid_of_two_keys_is_their_product_in_the_order_written() -> None:
    """Row 34: one run per permutation; the last key changes fastest."""
    node = Node(title="train", grid={"lr": [0.1, 0.01], "depth": [3, 5]}, params={"epochs": 2})
    runs = planner(Pipeline(nodes=(node,))).run.node_runs
    assert list(runs) == ["train#1", "train#2", "train#3", "train#4"]
    assert [dict(run.created.params) for run in runs.values()] == [
        {"epochs": 2, "lr": 0.1, "depth": 3},
        {"epochs": 2, "lr": 0.1, "depth": 5},
        {"epochs": 2, "lr": 0.01, "depth": 3},
        {"epochs": 2, "lr": 0.01, "depth": 5},
    ]
    assert runs["train#3"].created.route == {"train": {"lr": 0.01, "depth": 3}}


@given(pipelines(most_nodes=6))
def test_counting_agrees_with_the_oracle(pipeline: Pipeline) -> None:
    counted = count(pipeline)
    assert dict(counted.by_node) == {title: len(runs) for title, runs in oracle(pipeline).items()}


def test_the_child_of_a_grid_point_bears_its_number() -> None:
    pipeline = Pipeline(nodes=(grid("train", 3), grid("evaluate", 1, "train")))
    runs = planner(pipeline).run.node_runs
    assert runs["evaluate#2"].created.parents == {"train": "train#2"}
    assert name_of("report", ()) == "report"
    assert name_of("score", (2, 1)) == "score#2.1"
