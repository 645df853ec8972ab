"""Values given from outside to a pipeline that is a file: to its parameters, or to those of one node (`NODE.NAME`)."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.errors import PipelineError, nearest, problem
from ..core.model import Node, Pipeline
from ..core.values import Value, check_value
from .parameter_cell import Parameter


def parameters_of(pipeline: Pipeline) -> dict[str, Parameter]:
    """The parameters that a pipeline has: its own, and those of its only node where that stands for a step."""
    own = {name: Parameter(name, value, type=type(value).__name__) for name, value in pipeline.parameters.items()}
    if "alone" not in pipeline.origin or len(pipeline.nodes) != 1:
        return own
    (node,) = pipeline.nodes
    found = {name: node.params.get(name) for name in _names(node)}
    return {name: Parameter(name, value) for name, value in found.items()} | own


def with_values(pipeline: Pipeline, given: Mapping[str, Value]) -> Pipeline:
    """The pipeline with these values (`-p`).

    Raises PipelineError: E-PARAM-UNKNOWN with the nearest name, E-PARAM-TYPE and E-PARAM-VALUE.
    """
    own, of_nodes, faults = dict(pipeline.parameters), dict[str, dict[str, Value]](), []
    alone = "alone" in pipeline.origin and len(pipeline.nodes) == 1
    reachable = {f"{node.title}.{name}": (node, name) for node in pipeline.nodes for name in _names(node)}
    reachable |= {f"{node.slug}.{name}": (node, name) for node in pipeline.nodes for name in _names(node)}
    if alone:
        reachable |= {name: (pipeline.nodes[0], name) for name in _names(pipeline.nodes[0])}
    for name, value in given.items():
        try:
            if name in own:
                own[name] = check_value(name, value)
            elif name in reachable:
                node, inner = reachable[name]
                of_nodes.setdefault(node.title, {})[inner] = check_value(inner, value)
            else:
                known = nearest(name, [*own, *reachable])
                faults.append(problem("E-PARAM-UNKNOWN", name=name, nearest=known))
        except PipelineError as error:
            faults += error.problems
    if faults:
        raise PipelineError(*faults)
    nodes = tuple(_set(node, of_nodes.get(node.title, {})) for node in pipeline.nodes)
    return pipeline.model_copy(update={"parameters": own, "nodes": nodes})


def _names(node: Node) -> list[str]:
    return list(dict.fromkeys([*node.params, *(argument.name for argument in node.arguments)]))


def _set(node: Node, values: Mapping[str, Value]) -> Node:
    return node.model_copy(update={"params": {**node.params, **values}}) if values else node
