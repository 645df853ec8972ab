"""What contracts of other systems mean for a pipeline as a whole, before it is planned: their files in the project,
their machines, their gates, in dagbook's own terms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from ..core.dialect import Dialect, Moment, Reaction, Setup
from ..core.edge import Port
from ..core.model import ANYBODY, ExecutorName, Node, OnError, Pipeline
from ..core.names import slug_of


def with_contracts(pipeline: Pipeline, folder: Path, templates: Collection[str], executor: str) -> Pipeline:
    """The pipeline with what its nodes' contracts say told in dagbook's terms; others' nodes stay as they are.

    `templates` are the compute templates that there are: those of another system's machines mean nothing here.
    """
    if not any(node.dialect for node in pipeline.nodes):
        return pipeline
    gates = _gates(pipeline)
    nodes = tuple(
        _told(node, folder, templates, executor, gates.get(node.slug, False), _given(pipeline, node))
        if node.dialect
        else _gated(node, gates.get(node.slug, False))
        for node in pipeline.nodes
    )
    return pipeline.model_copy(update={"nodes": nodes})


def _told(
    node: Node, folder: Path, templates: Collection[str], executor: str, gated: bool, given: Mapping[str, str]
) -> Node:
    facts: dict[str, object] = {}
    if node.compute is not None:
        facts["compute"] = tuple(name for name in node.compute if name in templates) or None
    if node.image and (node.executor or executor) == ExecutorName.PROCESS:
        facts["image"] = None
    if node.dialect is Dialect.CNVRG:
        facts |= _installed(node, folder)
    if gated and not node.approve:
        facts["approve"] = (ANYBODY,)
    if given:
        facts["env"] = {**node.env, **given}
    if node.dialect is Dialect.VALOHAI and node.on_error is None:
        facts["on_error"] = OnError.STOP_ALL
    return node.model_copy(update=facts) if facts else node


def _gated(node: Node, gated: bool) -> Node:
    return node.model_copy(update={"approve": (ANYBODY,)}) if gated and not node.approve else node


def _installed(node: Node, folder: Path) -> dict[str, object]:
    """requirements.txt and prerun.sh of the project go into the node's image, where they are there and wanted."""
    setup, found = node.setup or Setup(), {}
    if setup.requirements and node.requirements is None and (folder / "requirements.txt").is_file():
        found["requirements"] = ("requirements.txt",)
    if setup.prerun and node.prerun is None and (folder / "prerun.sh").is_file():
        found["prerun"] = "prerun.sh"  # type: ignore[assignment]
    return dict(found)


def _gates(pipeline: Pipeline) -> dict[str, bool]:
    """By slug the nodes that somebody must let start: one that asks when it starts, and those after one that asks at
    its end."""
    found = {}
    for node in pipeline.nodes:
        for action in node.actions:
            if Reaction.APPROVAL not in action.then:
                continue  # one with a test is asked for always: rather once too often than not
            if Moment.STARTING in action.when:
                found[node.slug] = True
            if Moment.COMPLETE in action.when:
                found |= dict.fromkeys(_after(pipeline, node), True)
    return found


def _after(pipeline: Pipeline, node: Node) -> list[str]:
    named = [one.slug for one in pipeline.nodes if node.slug in map(slug_of, one.after)]
    return named + [slug_of(edge.target) for edge in pipeline.all_edges if slug_of(edge.source) == node.slug]


def _given(pipeline: Pipeline, node: Node) -> dict[str, str]:
    """Variables that edges bring from the environments of other nodes."""
    found = {}
    for edge in pipeline.edges_into(node.title):
        if edge.target_port is Port.ENVIRONMENT and edge.source_port is Port.ENVIRONMENT:
            source = pipeline.node(edge.source).env
            if edge.source_key in source:
                found[edge.target_key] = source[edge.source_key]
    return found
