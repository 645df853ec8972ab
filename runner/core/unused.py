"""What stands in a pipeline and leads nowhere: datasets that no node takes, nodes without any other node."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Problem, problem
from .graph import children_of, graph_of
from .model import Kind, Pipeline


def unused_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """W-DATA-UNUSED and W-NODE-ALONE, for a pipeline of sound structure.

    A node is alone only where others are connected. Pipelines of other systems are as they are.
    """
    if any(node.dialect for node in pipeline.nodes):
        return
    graph = graph_of(pipeline)
    children = children_of(graph)
    connected = any(graph.values())
    for node in pipeline.nodes:
        if node.kind is Kind.DATA and not children[node.title]:
            yield problem("W-DATA-UNUSED", node.place, node=node.title)
        elif node.kind is not Kind.DATA and connected and not children[node.title] and not graph[node.title]:
            yield problem("W-NODE-ALONE", node.place, node=node.title)
