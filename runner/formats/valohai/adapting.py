"""Nodes that were never Valohai's, as far as a step needs to announce what they get."""

from __future__ import annotations

from ...core.dialect import Dialect, Slot
from ...core.edge import Port
from ...core.model import Kind, Node, Pipeline


def adapted(pipeline: Pipeline) -> Pipeline:
    """The pipeline with input slots for what edges bring, and parameters for those that are taken by name."""
    return pipeline.model_copy(update={"nodes": tuple(_adapted(pipeline, node) for node in pipeline.nodes)})


def _adapted(pipeline: Pipeline, node: Node) -> Node:
    if node.dialect is Dialect.VALOHAI or node.kind is not Kind.COMMAND:
        return node
    taken = {name: pipeline.parameters[name] for name in node.uses if name in pipeline.parameters}
    known = {slot.name for slot in node.slots}
    edges = [edge for edge in pipeline.edges_into(node.title) if edge.target_port is Port.INPUT]
    slots = {edge.target_key: Slot(name=edge.target_key, optional=edge.optional) for edge in edges}
    new = tuple(slot for name, slot in slots.items() if name not in known)
    return node.model_copy(update={"params": {**taken, **node.params}, "slots": (*node.slots, *new)})
