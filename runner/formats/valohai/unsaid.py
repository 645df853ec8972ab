"""What a pipeline says and a file of Valohai's cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.dialect import Dialect
from ...core.model import Kind, Node, Pipeline
from ..imported import Ledger
from .spot import kept_in

_ELSE: Mapping[str, str] = {  # what would make another pipeline of it, if it were left out
    "gather": "--gather",
    "grid": "its grid",
    "when": "its conditions",
    "transform": "its command in words",
    "datums": "its datums",
}
_NODE: Mapping[str, str] = {
    "after": "that it gets the whole artifact of a node",
    "requirements": "its own list of requirements",
    "prerun": "its own prerun script",
    "network": "--network",
    "executor": "its executor",
    "single": "--single",
    "approve": "who may let it start",
    "notify": "of which of its ends people are told",
    "cache": "--cache",
    "compute": "its compute templates",
    "git": "its Git repository",
    "secrets": "its secrets",
    "setup": "what is done before its command",
    "publishes": "the dataset that it publishes",
}
_PIPELINE: Mapping[str, str] = {
    "shared": "the cells that all nodes share",
    "schedule": "its schedule",
    "recurring": "its schedule",
}


def tell_unsaid(pipeline: Pipeline, ledger: Ledger, form: str) -> None:
    """Take down each thing of the pipeline that has no place in the file. Code that would be lost is an error."""
    for number, node in enumerate(pipeline.nodes):
        path = ("nodes", number)
        if node.kind not in (Kind.COMMAND, Kind.DEPLOY):
            facts = {"what": f'the {node.kind} "{node.title}"', "format": form}
            ledger.note("E-EXPORT", None, path, "not written", node.title, **facts)
            continue
        for name, what in _ELSE.items():
            if _is_said(node, name):
                facts = {"what": f'{what} of "{node.title}"', "format": form}
                ledger.note("E-EXPORT", None, path, "left out", node.title, **facts)
        for what in _of(node):
            facts = {"what": f'{what} of "{node.title}"', "format": form}
            ledger.note("W-EXPORT", None, path, "left out", node.title, **facts)
    lacking = [node.title for node in pipeline.nodes if _lacks_image(node)]
    if lacking:
        what = f"Valohai wants an image for each step, and none is named for {', '.join(lacking[:5])}"
        what += f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        ledger.note("W-CHANGED", None, (), "written without", what=what, hint="Add --image NAME.")
    usual = Pipeline()
    for name, what in _PIPELINE.items():
        if getattr(pipeline, name) != getattr(usual, name):
            ledger.note("W-EXPORT", None, (), "left out", what=what, format=form)
    if pipeline.defaults.model_copy(update={"on_error": None}) != usual.defaults:
        what = "what %pipeline says for all nodes"
        ledger.note("W-EXPORT", None, (), "left out", what=what, format=form)


def _lacks_image(node: Node) -> bool:
    return node.kind is Kind.COMMAND and not node.image and not kept_in(node.origin).get("undefined")


def _is_said(node: Node, name: str) -> bool:
    return bool(getattr(node, name) != type(node).model_fields[name].get_default(call_default_factory=True))


def _of(node: Node) -> Iterator[str]:
    yield from (what for name, what in _NODE.items() if _is_said(node, name))
    if node.dialect is not Dialect.VALOHAI and node.kind is Kind.COMMAND:
        yield "the folders and variables"
    if node.retries is not None and node.retries > 1:
        yield f"{node.retries} retries, more than one,"
    if node.kind is Kind.DEPLOY and node.serving and (node.serving.file or node.serving.function):
        yield "the function that is served"
