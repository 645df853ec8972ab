"""What pictures of a pipeline need to know of its definition: worked out once, used for each picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.conditions import settled
from ..core.edge import Condition, Objective, Port
from ..core.errors import PipelineError
from ..core.graph import Graph, graph_of
from ..core.masking import masked_in_full
from ..core.model import Kind, Node, Pipeline
from ..core.names import slug_of
from ..core.routes import Counts, count, gathered_by


@dataclass(frozen=True, slots=True)
class Outline:
    """A pipeline's graph and counts, and by title the settled conditions and the condition that looks at the node."""

    pipeline: Pipeline
    graph: Graph
    counts: Counts
    conditions: Mapping[str, tuple[Condition, ...]]
    tested: Mapping[str, Condition]

    def runs(self, title: str) -> int | None:
        """How often the node runs; None where only the run decides."""
        return self.counts.by_node.get(title)


def outline_of(pipeline: Pipeline) -> Outline:
    """The outline of a pipeline that `check` found sound."""
    graph = graph_of(pipeline)
    conditions = {node.title: _conditions(pipeline, node, graph[node.title]) for node in pipeline.nodes if node.when}
    tested: dict[str, Condition] = {}
    for found in conditions.values():
        for condition in found:
            for title in condition.tasks:
                known = tested.get(title)
                if known is None or _compares(condition) > _compares(known):
                    tested[title] = condition
    return Outline(pipeline, graph, count(pipeline), conditions, tested)


def _compares(condition: Condition) -> bool:
    return condition.objective in (Objective.MAX, Objective.MIN)


def _conditions(pipeline: Pipeline, node: Node, parents: Sequence[str]) -> tuple[Condition, ...]:
    try:
        return tuple(settled(pipeline, node, condition, parents) for condition in node.when)
    except PipelineError:  # a picture is also drawn of what is still being built
        return ()


def edge_label(outline: Outline, source: str, target: str) -> str:
    """What goes along an edge, where it is not plainly the whole artifact of what must come before."""
    pipeline = outline.pipeline
    node, before = pipeline.node(target), pipeline.node(source)
    words = []
    for edge in pipeline.edges_into(target):
        if slug_of(edge.source) == before.slug:
            to_slot = edge.target_port is Port.INPUT
            same = edge.source_key == edge.target_key
            words.append(edge.target_key if same and not to_slot else f"{edge.source_key} → {edge.target_key}")
    conditions = outline.conditions.get(target, ())
    words += [condition_words(condition) for condition in conditions if source in condition.tasks]
    if before.slug in gathered_by(node):
        words.append("all runs")
    if node.single and before.kind is not Kind.DATA:
        words.append("waits only")
    return ", ".join(dict.fromkeys(words))


_SIGNS = {
    Objective.GT: ">",
    Objective.LT: "<",
    Objective.GE: "≥",
    Objective.LE: "≤",
    Objective.EQ: "=",
    Objective.NE: "≠",
}


def condition_words(condition: Condition) -> str:
    """A condition as a label: `max accuracy`, `accuracy > 0.5`."""
    if condition.objective in _SIGNS:
        return f"{condition.tag} {_SIGNS[condition.objective]} {masked_in_full(condition.tag, condition.target)}"
    return f"{condition.objective} {condition.tag}"
