"""Random pipelines for property tests, and a slow oracle that says which node runs there must be."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from dagbook.runner.core.edge import COMPARING, Condition, Objective
from dagbook.runner.core.model import Node, OnError, Pipeline


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


OBJECTIVES = [*Objective, Objective.MAX, Objective.MIN, Objective.GT]  # the usual ones more often


@st.composite
def flows(draw: st.DrawFn, most_nodes: int = 6, approvals: bool = False) -> Pipeline:
    """Acyclic pipelines of everything: grids, `| hyper`, references, gathers, single nodes, conditions, failures.

    Tags are those of `world.outcome_of`. The nodes are defined in any order.
    """
    size = draw(st.integers(1, most_nodes))
    nodes = [draw(_flow_nodes(number, approvals)) for number in range(size)]
    return Pipeline(nodes=tuple(draw(st.permutations(nodes)) if draw(st.booleans()) else nodes))


@st.composite
def _flow_nodes(draw: st.DrawFn, number: int, approvals: bool) -> Node:
    earlier = [f"n{other}" for other in range(number)]
    after = tuple(draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True))) if earlier else ()
    values = draw(st.sampled_from([0, 0, 0, 2, 2, 3]))
    single = bool(after) and draw(st.sampled_from([False] * 5 + [True]))
    gather: tuple[str, ...] = ()
    params: dict[str, str] = {}
    when: tuple[Condition, ...] = ()
    if after and not single:
        gather = tuple(title for title in after if draw(st.sampled_from([False, False, False, True])))
        when = tuple(draw(st.lists(_conditions(after), max_size=2))) if draw(st.booleans()) else ()
        wanted = draw(st.sampled_from([after[0], after[-1], *earlier]))
        kind = draw(st.sampled_from(["", "", "", "m", "l | hyper"]))
        params = {"p": f"{{{{ {wanted}.{kind} }}}}"} if kind else {}
    return Node(
        title=f"n{number}",
        after=after,
        gather=gather,
        single=single,
        grid={"x": list(range(values))} if values else {},
        params=params,
        when=when,
        retries=draw(st.integers(0, 1)),
        on_error=draw(st.sampled_from([None, None, OnError.CONTINUE])),
        approve=("leah",) if approvals and draw(st.sampled_from([False, False, True])) else (),
    )


@st.composite
def _conditions(draw: st.DrawFn, after: tuple[str, ...]) -> Condition:
    objective = draw(st.sampled_from(OBJECTIVES))
    tasks = tuple(draw(st.lists(st.sampled_from(after), unique=True)))
    texts = ["high"] if objective in (Objective.EQ, Objective.NE) else []
    target = None if objective in COMPARING else draw(st.sampled_from([1, 2, 0.5, *texts]))
    return Condition(objective=objective, tag="m", tasks=tasks, target=target)
