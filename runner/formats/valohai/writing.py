"""Pipelines as a `valohai.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...core.edge import Edge
from ...core.model import Kind, Node, OnError, Pipeline
from ..imported import Ledger
from ..yaml_text import yaml_text
from .adapting import adapted
from .spot import ALONE, Document, kept_in, plain
from .step_writing import STEP_ONLY, base_of, commonest, in_order, is_retried_by_word, override_between, step_of
from .task_writing import task_of
from .unsaid import tell_unsaid

FORMAT = "a valohai.yaml"


def write_valohai(pipelines: Sequence[Pipeline], ledger: Ledger) -> str:
    """The text of a `valohai.yaml`: steps, tasks, what else was in the file, pipelines.

    What it cannot say is taken down.
    """
    for pipeline in pipelines:
        tell_unsaid(pipeline, ledger, FORMAT)
    pipelines = [adapted(pipeline) for pipeline in pipelines]
    runs = [node for pipeline in pipelines for node in pipeline.nodes if node.kind is Kind.COMMAND]
    steps = _Steps(runs, ledger)
    tasks = _Tasks(runs, steps)
    rest = [one for pipeline in pipelines for one in kept_in(pipeline.origin).get("rest", ())]
    real = [pipeline for pipeline in pipelines if ALONE not in pipeline.origin]
    items: list[Document] = [{"step": one} for one in steps.written]
    items += [{"task": one} for one in tasks.written]
    items += rest
    items += [{"pipeline": _pipeline(one, steps, tasks)} for one in real]
    return re.sub(r"(?m)^  ", "", yaml_text(items)) if items else "[]\n"  # the outermost list stands at the margin


class _Steps:
    """The steps of a file: one for all nodes that can share it, others for the rest."""

    def __init__(self, nodes: Sequence[Node], ledger: Ledger) -> None:
        self.written: list[Document] = []
        self._ledger = ledger
        self._of: dict[int, tuple[str, Document]] = {}
        groups: dict[str, list[Node]] = {}
        for node in nodes:
            groups.setdefault(step_of(node)["name"], []).append(node)
        self._names = set(groups)
        for name, members in groups.items():
            self._write(name, members)

    def of(self, node: Node) -> tuple[str, Document]:
        """The name of the node's step, and what the node's override says."""
        return self._of[id(node)]

    def _write(self, name: str, members: Sequence[Node]) -> None:
        defined = [node for node in members if not is_undefined(node)]
        if defined:
            base = commonest([base_of(node) for node in defined])
            self.written.append(base)
            for node in defined:
                override = override_between(base, node)
                self._of[id(node)] = (name, override) if override is not None else (self._own(name, node), {})
        for node in members:
            if is_undefined(node):
                self._of[id(node)] = name, self._whole_override(node)

    def _own(self, name: str, node: Node) -> str:
        """A step for this node alone."""
        own = {**step_of(node), "name": self._free(f"{name} ({node.title})")}
        self.written.append(own)
        return str(own["name"])

    def _whole_override(self, node: Node) -> Document:
        """All that a node can say of a step that is defined elsewhere."""
        told = {key: one for key, one in step_of(node).items() if key != "name"}
        for key in sorted(told.keys() & STEP_ONLY):
            what = f'{key} of "{node.title}", whose step is defined elsewhere,'
            self._ledger.note("W-EXPORT", None, ("nodes",), "left out", node.title, what=what, format=FORMAT)
        return {key: one for key, one in told.items() if key not in STEP_ONLY}

    def _free(self, name: str) -> str:
        made, number = name, 1
        while made in self._names:
            number += 1
            made = f"{name} {number}"
        self._names.add(made)
        return made


def is_undefined(node: Node) -> bool:
    """Whether the file that the node was read from does not define its step."""
    return bool(kept_in(node.origin).get("undefined"))


class _Tasks:
    """The tasks of a file: nodes whose searches are equal share one."""

    def __init__(self, nodes: Sequence[Node], steps: _Steps) -> None:
        self.written: list[Document] = []
        self._of: dict[int, str] = {}
        for node in nodes:
            kept = kept_in(node.origin).get("task", {})
            if node.search is None or (not kept.get("name") and node.search == type(node.search)()):
                continue
            if kept.get("undefined"):
                continue
            self._of[id(node)] = self._write(node, steps.of(node)[0], kept)

    def of(self, node: Node) -> str | None:
        """The name of the task of a node, if it has one."""
        if node.search is None:
            return None
        return self._of.get(id(node)) or kept_in(node.origin).get("task", {}).get("name")

    def _write(self, node: Node, step: str, kept: Document) -> str:
        assert node.search is not None
        name = kept.get("name") or node.title
        told = task_of(name, step, node.search, kept)
        known = {one["name"]: one for one in self.written}
        while name in known and known[name] != told:
            name = f"{name} ({node.title})"
            told = {**told, "name": name}
        if name not in known:
            self.written.append(told)
        return str(name)


def _pipeline(pipeline: Pipeline, steps: _Steps, tasks: _Tasks) -> Document:
    kept = kept_in(pipeline.origin)
    names = {node.title: name_of(node) for node in pipeline.nodes}
    told: Document = {
        "name": pipeline.name,
        **kept.get("keys", {}),
        "parameters": [_parameter(pipeline, name, names) for name in pipeline.parameters],
    }
    told = {name: one for name, one in told.items() if one != []}
    nodes = [_node(node, pipeline, steps, tasks) for node in pipeline.nodes if node.kind in (Kind.COMMAND, Kind.DEPLOY)]
    edges = [_edge(one, names, kept.get("configurations", {})) for one in pipeline.all_edges]
    edges += [_after(pipeline, node, title, names) for node in pipeline.nodes for title in node.after]
    edges += [{"source": source, "target": target} for source, target in kept.get("left-out", ())]
    return {**told, "nodes": nodes, "edges": edges}


def name_of(node: Node) -> str:
    """What the node is called in the file."""
    return str(kept_in(node.origin).get("name") or node.title.replace(".", "_"))


def _parameter(pipeline: Pipeline, name: str, names: dict[str, str]) -> Document:
    kept = dict(kept_in(pipeline.origin).get("parameters", {}).get(name, {}))
    told: Document = {"name": name}
    value = plain(pipeline.parameters[name])
    if not kept.pop("without-default", False) and value is not None:
        told["default"] = value
    targets = [f"{names.get(title, title)}.parameter.{key}" for title, key in pipeline.targets.get(name, ())]
    targets += [f"{name_of(node)}.parameter.{name}" for node in pipeline.nodes if name in node.uses]
    return {**told, **({"targets": targets} if targets else {}), **kept}


def _edge(edge: Edge, names: dict[str, str], configurations: Document) -> Document:
    source = f"{names.get(edge.source, edge.source)}.{edge.source_port}.{edge.source_key}"
    target = f"{names.get(edge.target, edge.target)}.{edge.target_port}.{edge.target_key}"
    told: Document = {"source": source, "target": target}
    if str(edge) in configurations:
        told["configuration"] = configurations[str(edge)]
    return told


def _after(pipeline: Pipeline, node: Node, title: str, names: dict[str, str]) -> Document:
    known = {one.slug: name_of(one) for one in pipeline.nodes}
    before = pipeline.node(title).slug if title in names else title
    return {"source": f"{known.get(before, before)}.dependency.order", "target": f"{name_of(node)}.dependency.order"}


def _node(node: Node, pipeline: Pipeline, steps: _Steps, tasks: _Tasks) -> Document:
    kept = kept_in(node.origin)
    told: Document = {"name": name_of(node)}
    if node.kind is Kind.DEPLOY:
        told |= _deployment(node)
    else:
        step, override = steps.of(node)
        task = tasks.of(node)
        told["type"] = "execution" if node.search is None else "task"
        told |= {"task": task} if task else {"step": step}
        if override or "override" in kept:
            told["override"] = override
        told["commit"] = kept.get("commit")
        told["edge-merge-mode"] = str(node.edge_merge) if node.edge_merge else None
    told["on-error"] = _on_error(node, pipeline)
    told["actions"] = [action_of(one) for one in node.actions] + list(kept.get("actions", ()))
    told |= kept.get("node-keys", {})
    return in_order({name: one for name, one in told.items() if one is not None and one != []}, ("name", "type"))


def _deployment(node: Node) -> Document:
    serving = node.serving
    name = (serving.deployment or serving.endpoint or serving.updates) if serving else None
    told: Document = {"type": "deployment", "deployment": name or node.title}
    return told | ({"endpoints": list(serving.endpoints)} if serving and serving.endpoints else {})


def _on_error(node: Node, pipeline: Pipeline) -> str | None:
    """What a failure means, where it is not as usual there; usual here is something else."""
    if is_retried_by_word(node):
        return "retry"
    said = node.on_error or pipeline.defaults.on_error or OnError.STOP_NEXT
    return None if said is OnError.STOP_ALL else str(said)


def action_of(action: Any) -> Document:
    """An action as plain values."""
    told: Document = {"when": list(map(str, action.when)), "then": list(map(str, action.then))}
    return {"when": told["when"], **({"if": list(action.test)} if action.test else {}), "then": told["then"]}
