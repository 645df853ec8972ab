"""Axes of values: what makes a node run more than once.

A grid is an axis, and so are the values in an upstream tag (`| hyper`); Valohai tasks and datums will be: they differ
in where their values come from, and in whether their values go on into the routes below (open) or are merged (closed).
Rules: docs/semantics.md, "Routes".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from .model import Node, Pipeline
from .templates import Filling, filled, hyper_values, is_hyper
from .values import Value


def permutations(
    pipeline: Pipeline, node: Node, titles: Sequence[str], filling: Filling
) -> Iterator[tuple[dict[str, Value], dict[str, Value]]]:
    """Each permutation of the node's own axes: (all its parameters, those that an axis chose).

    In the order written, the last key changing fastest; one permutation when nothing is an axis. References are
    filled by `filling`, which may raise.
    """
    single: dict[str, Value] = {}
    axes: dict[str, list[Value]] = {}
    for name, value in pipeline.parameters_of(node).items():
        if is_hyper(value):
            axes[name] = hyper_values(value, titles, filling)
        else:
            single[name] = filled(value, titles, filling)
    for name, values in node.grid.items():
        axes[name] = [filled(value, titles, filling) for value in values]
    for row in itertools.product(*axes.values()):
        chosen: dict[str, Value] = dict(zip(axes, row, strict=True))
        yield {**single, **chosen}, chosen


def hyper_parameters(pipeline: Pipeline, node: Node) -> list[str]:
    """The parameters of the node that run over the values in a tag."""
    return [name for name, value in pipeline.parameters_of(node).items() if is_hyper(value)]


def permutation_count(pipeline: Pipeline, node: Node) -> int | None:
    """X of N = X * Y: the number of the node's own permutations; None where an upstream tag decides it."""
    if hyper_parameters(pipeline, node):
        return None
    return math.prod(len(values) for values in node.grid.values())


def is_axis(pipeline: Pipeline, node: Node) -> bool:
    """True when the node has an open axis of its own, which goes on into the routes below it."""
    return bool(node.grid) or bool(hyper_parameters(pipeline, node))
