"""The input of a node as a spec writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...core.dialect import DatumInput, DatumKind
from ...core.model import Node, Pipeline
from ...core.names import slug_of
from .inputs import key_of
from .reading import LONGEST_NAME
from .repos import MASTER


def repo_name(node: Node) -> str:
    """The name of the repository that holds what the node leaves, or of the dataset that it is."""
    if node.dataset:
        return node.dataset.partition("@")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", node.title).strip("-_")[:LONGEST_NAME] or "pipeline"


def mapping(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A copy of the mapping of this name; an empty one when there is none."""
    found = values.get(name)
    return dict(found) if isinstance(found, dict) else {}


class InputWriter:
    """Writes the inputs of one pipeline's nodes; `cannot(what, node title, path)` takes down what has no place."""

    def __init__(self, pipeline: Pipeline, cannot: Callable[..., None]) -> None:
        self._nodes = {node.slug: node for node in pipeline.nodes}
        self._cannot = cannot

    def said(self, node: Node) -> dict[str, Any]:
        """`input`, or nothing for a node without one, such as a spout."""
        source = node.datums.input if node.datums else self._all_before(node)
        named = {slug_of(repo) for repo in _repos_in(source)}
        for title in node.after:
            if slug_of(title) not in named:
                self._cannot(f'waiting for "{title}" without taking its files', node.title, ["after"])
        if source.kind not in (DatumKind.GLOB, DatumKind.CRON) and not source.parts:
            if "spout" not in node.origin:
                self._cannot(f'"{node.title}", which takes no files,', node.title, ["datums", "input"], needed=True)
            return {}
        return {"input": self._input(source, node, "")}

    def _input(self, source: DatumInput, node: Node, position: str) -> dict[str, Any]:
        extras = mapping(mapping(node.origin, "inputs"), key_of(position, source.name))
        if source.kind is DatumKind.GLOB:
            return {"pfs": self._pfs(source, extras)}
        if source.kind is DatumKind.CRON:
            repo = {"repo": source.repo} if source.repo else {}
            return {"cron": {"name": source.name, "spec": source.spec, **repo, **extras}}
        parts = enumerate(source.parts)
        return {str(source.kind): [self._input(part, node, f"{position}.{n}".strip(".")) for n, part in parts]}

    def _pfs(self, source: DatumInput, extras: dict[str, Any]) -> dict[str, Any]:
        node = self._nodes.get(slug_of(source.repo))
        repo = repo_name(node) if node else source.repo
        said: dict[str, Any] = {"name": source.name} if source.name not in ("", repo) else {}
        said["repo"] = repo
        trigger, branch = extras.pop("trigger", None), extras.pop("branch", None)
        if isinstance(trigger, dict):
            said |= {"branch": branch} if branch else {}
            extras["trigger"] = {"branch": source.branch, **trigger} if source.branch != MASTER else trigger
        elif source.branch != MASTER:
            said["branch"] = source.branch
        said["glob"] = source.glob
        fields = ("join_on", "outer_join", "group_by", "lazy", "empty_files")
        return said | {name: getattr(source, name) for name in fields if getattr(source, name)} | extras

    def _all_before(self, node: Node) -> DatumInput:
        """The whole output of each node before it, all at once."""
        parts = []
        for title in node.after:
            before = self._nodes.get(slug_of(title))
            of = (before.dataset or before.publishes or "") if before else ""
            parts.append(DatumInput(name=slug_of(title), repo=title, branch=of.partition("@")[2] or MASTER))
        return parts[0] if len(parts) == 1 else DatumInput(kind=DatumKind.CROSS, parts=tuple(parts))


def _repos_in(source: DatumInput) -> list[str]:
    if source.kind is DatumKind.GLOB:
        return [source.repo]
    return [repo for part in source.parts for repo in _repos_in(part)]
