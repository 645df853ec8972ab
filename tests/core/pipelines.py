"""Random pipelines for property tests, and a slow oracle that says which node runs there must be."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from dagbook.runner.core.model import Node, Pipeline


@st.composite
def pipelines(draw: st.DrawFn, most_nodes: int = 7, gathers: bool = True) -> Pipeline:
    """Acyclic pipelines; each node comes after some of the earlier ones and may have a grid of two or three values."""
    size = draw(st.integers(1, most_nodes))
    nodes = []
    for number in range(size):
        earlier = [f"n{other}" for other in range(number)]
        after = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
        values = draw(st.sampled_from([0, 0, 2, 3]))
        grid = {"x": list(range(values))} if values else {}
        gather = [title for title in after if gathers and draw(st.sampled_from([False, False, True]))]
        retries = draw(st.integers(0, 2))
        nodes.append(Node(title=f"n{number}", after=tuple(after), gather=tuple(gather), grid=grid, retries=retries))
    return Pipeline(nodes=tuple(nodes))


def oracle(pipeline: Pipeline) -> dict[str, set[frozenset[tuple[str, int]]]]:
    """By node, each of its runs as the set of (ancestor or itself, permutation) choices, found by brute force.

    A run is one permutation for every node of the ancestry that is not behind a gathered edge; runs are the same when
    they agree on all nodes that have more than one.
    """
    parents = {node.title: set(node.after) - set(node.gather) for node in pipeline.nodes}
    sizes = {node.title: max(1, len(node.grid.get("x", []))) for node in pipeline.nodes}
    found = {}
    for title in parents:
        ancestry = sorted(_ancestry(title, parents))
        choices = itertools.product(*(range(1, sizes[name] + 1) for name in ancestry))
        found[title] = {
            frozenset((name, n) for name, n in zip(ancestry, choice, strict=True) if sizes[name] > 1)
            for choice in choices
        }
    return found


def _ancestry(title: str, parents: dict[str, set[str]]) -> set[str]:
    found = {title}
    for parent in parents[title]:
        found |= _ancestry(parent, parents)
    return found
