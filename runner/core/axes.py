"""Axes of values: what makes a node run more than once.

A grid is an axis; so will be the items of an upstream tag, a Valohai task and datums: they differ in where their
values come from, and in whether their values go on into the routes below (open) or are merged (closed).
Rules: docs/semantics.md, "Routes".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from .model import Node, Pipeline
from .values import Value


def permutations(pipeline: Pipeline, node: Node) -> Iterator[tuple[dict[str, Value], dict[str, Value]]]:
    """Each permutation of the node's own axes: (all its parameters, those that a grid chose).

    In the order written, the last key changing fastest. One permutation when nothing is a grid.
    """
    single = pipeline.parameters_of(node)
    for values in itertools.product(*node.grid.values()):
        chosen = dict(zip(node.grid, values, strict=True))
        yield {**single, **chosen}, chosen


def permutation_count(node: Node) -> int:
    """X of N = X * Y: the number of the node's own permutations."""
    return math.prod(len(values) for values in node.grid.values())


def is_axis(node: Node) -> bool:
    """True when the node has an open axis of its own, which goes on into the routes below it."""
    return bool(node.grid)
