"""What a pipeline says and a cnvrg file cannot."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.edge import Port
from ...core.model import Kind, Node, Pipeline
from ..imported import Ledger
from .schemas import Dialect

_NODE: Mapping[str, str] = {
    "gather": "--gather",
    "requirements": "its own list of requirements",
    "prerun": "its own prerun script",
    "kernel": "its kernel",
    "cpus": "its number of cores",
    "memory": "its amount of memory",
    "gpus": "its number of GPUs",
    "env": "its environment variables",
    "timeout": "its timeout",
    "on_error": "--on-error",
    "network": "--network",
    "executor": "its executor",
    "cache": "--cache",
    "slots": "its input slots",
    "edge_merge": "how edges and slots are merged",
    "transform": "its command in words",
    "secrets": "its secrets",
    "actions": "its actions",
    "search": "its search",
    "datums": "its datums",
    "publishes": "the dataset that it publishes",
    "silence": "its timeout without output",
    "stop": "its stop condition",
    "pin": "--pin",
}
_PIPELINE: Mapping[str, str] = {
    "shared": "the cells that all nodes share",
    "defaults": "what %pipeline says for all nodes",
}


def tell_unsaid(pipeline: Pipeline, dialect: Dialect, ledger: Ledger) -> None:
    """Take down each thing of the pipeline that has no place in a cnvrg file. Code that would be lost is an error."""
    for number, node in enumerate(pipeline.nodes):
        path = ("tasks", number)
        if node.kind in (Kind.CELL, Kind.NOTEBOOK):
            facts = {"what": f'the {node.kind} "{node.title}"', "format": "a cnvrg file"}
            ledger.note("E-EXPORT", None, path, "not written", node.title, **facts)
            continue
        for what in _of(node):
            facts = {"what": f'{what} of "{node.title}"', "format": "a cnvrg file"}
            ledger.note("W-EXPORT", None, path, "left out", node.title, **facts)
    usual = Pipeline()
    for name, what in _PIPELINE.items():
        if getattr(pipeline, name) != getattr(usual, name):
            ledger.note("W-EXPORT", None, (), "left out", what=what, format="a cnvrg file")
    for edge in pipeline.all_edges:
        if edge.target_port is not Port.PARAMETER:
            facts = {"what": f"the edge {edge}", "format": "a cnvrg file"}
            ledger.note("W-EXPORT", None, ("relations",), "written as a relation", **facts)
    lacking = [node.title for node in pipeline.nodes if node.kind is not Kind.DATA and not node.compute]
    if lacking and dialect is Dialect.FLOW:
        what = f"cnvrg wants a compute template for each task, and none is named for {', '.join(lacking[:5])}"
        what += f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        ledger.note("W-CHANGED", None, ("tasks",), "written without", what=what, hint="Add --compute NAME.")


def _of(node: Node) -> list[str]:
    usual = type(node).model_fields
    found = [
        what
        for name, what in _NODE.items()
        if getattr(node, name) != usual[name].get_default(call_default_factory=True)
    ]
    if node.retries is not None and node.retries > 1:
        found.append(f"{node.retries} retries, more than one,")
    if node.kind is Kind.DEPLOY and (node.params or node.grid):
        found.append("the parameters")
    serving = node.serving
    if serving is not None and (serving.deployment or serving.endpoints):
        found.append("the deployment and its endpoints")
    return found
