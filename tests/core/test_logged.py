"""Conditions on tags that nobody seems to log: told where the code names all that it logs, and only there."""

from __future__ import annotations

import pytest

from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.logged import unlogged_problems
from dagbook.runner.core.model import Kind, Node, Pipeline


def told(code: str, kind: Kind = Kind.CELL, tag: str = "acuracy", shared: tuple[str, ...] = ()) -> list[str]:
    train = Node(title="train", source=code, kind=kind, grid={"lr": [1, 2]})
    when = (Condition(objective=Objective.MAX, tag=tag),)
    best = Node(title="best", source="1", after=("train",), when=when)
    found = unlogged_problems(Pipeline(name="flow", nodes=(train, best), shared=shared))
    return [f"{one.code} {one.hint}" for one in found]


NEAREST = ['W-TAG-UNLOGGED Did you mean "accuracy"?']


@pytest.mark.parametrize(
    "code",
    [
        "dagbook.log_tag('accuracy', 1)",
        'log_metric(\n    "accuracy", x, step=3)',
        "print(f'dagbook_tag_accuracy: {x}')",
        "print('cnvrg_tag_accuracy:', x)",
        "print(f'dagbook_metric_accuracy@{step}: {x}')",
    ],
)
@pytest.mark.parametrize("kind", [Kind.CELL, Kind.COMMAND])
def test_a_name_that_only_looks_like_one_that_is_logged_is_told(code: str, kind: Kind) -> None:
    assert told(code, kind) == NEAREST
    assert told(code, kind, "accuracy") == told(code, kind, "lr") == []


def test_what_shared_cells_log_counts() -> None:
    assert told("score()", shared=("def score(): dagbook.log_tag('accuracy', 1)",)) == NEAREST
    assert told("dagbook.log_tag('a', 1)", shared=("def score(): dagbook.log_tag('acuracy', 1)",)) == []


@pytest.mark.parametrize(
    "code",
    [
        "print(1)",
        "dagbook.log_tag('accuracy', 1)\nfor name in names: dagbook.log_tag(name, 1)",
        "dagbook.log_tag(f'acc_{n}', 1)\ndagbook.log_tag('accuracy', 1)",
        "print('dagbook_tag_accuracy: 1')\nprint('dagbook_tag_' + name)",
        "print(f'dagbook_tag_{name}: 1')\nprint('dagbook_tag_accuracy: 1')",
        "echo dagbook_tag_$NAME: 1; echo dagbook_tag_accuracy: 1",
        "dagbook.log_tag('accuracy', 1)\nexperiment.log_metrics(scores)",
        "dagbook.log_tag('accuracy', 1)\nsb.glue('acuracy', 1)",
    ],
)
def test_where_other_names_may_be_logged_nothing_is_told(code: str) -> None:
    assert told(code) == []
