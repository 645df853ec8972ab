"""A pipeline as the body of the API call that creates it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...core.dialect import Search
from ...core.edge import Edge
from ...core.model import Kind, Node, OnError, Pipeline
from ..imported import Ledger
from .adapting import adapted
from .spot import Document, by_name, kept_in, plain, whole
from .step_writing import is_retried_by_word, step_of
from .task_writing import rules_of
from .unsaid import tell_unsaid
from .writing import action_of, name_of

FORMAT = "an API call of Valohai's"
_SAME = ("image", "command", "environment", "environment-variable-groups", "stop-condition")
_NO_PLACE = (  # keys of a step that a template has no place for
    *("mounts", "cache-volumes", "resources", "upload-store", "runtime-config-preset", "source-path"),
)


def write_valohai_api(pipelines: Sequence[Pipeline], ledger: Ledger) -> str:
    """The body of the call that creates the first of these pipelines, as JSON; what it cannot say is taken down."""
    pipeline = pipelines[0]
    tell_unsaid(pipeline, ledger, FORMAT)
    pipeline = adapted(pipeline)
    kept = kept_in(pipeline.origin)
    names = {node.title: name_of(node) for node in pipeline.nodes}
    call = dict(kept.get("call", {}))
    body: Document = {
        "edges": [_edge(one, names, kept.get("configurations", {})) for one in pipeline.all_edges],
        "nodes": [_node(node, pipeline, ledger) for node in pipeline.nodes if node.kind in (Kind.COMMAND, Kind.DEPLOY)],
        "project": call.pop("project", None),
        "title": pipeline.name,
        **_snake(call),
    }
    body["edges"] += [_written(source, target) for source, target in kept.get("left-out", ())]
    for node in pipeline.nodes:
        body["edges"] += [
            _written(f"{names.get(title, title)}.dependency.order", f"{name_of(node)}.dependency.order")
            for title in node.after
        ]
    if pipeline.parameters:
        body["parameters"] = {name: _parameter(pipeline, name, names) for name in pipeline.parameters}
    lacking = ["the project's id"] if body["project"] is None else []
    lacking += (
        ["the commit"] if any("commit" not in node.get("template", {"commit": ""}) for node in body["nodes"]) else []
    )
    if lacking:
        what = f"{' and '.join(lacking)} must be filled in before the call is made"
        ledger.note("W-CHANGED", None, (), "left out", what=what, hint="They are known to Valohai.")
    body = {name: one for name, one in body.items() if one is not None}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _snake(told: Document) -> Document:
    return {name.replace("-", "_"): one for name, one in told.items()}


def _edge(edge: Edge, names: dict[str, str], configurations: Document) -> Document:
    told = {
        "source_node": names.get(edge.source, edge.source),
        "source_key": edge.source_key,
        "source_type": str(edge.source_port),
        "target_node": names.get(edge.target, edge.target),
        "target_type": str(edge.target_port),
        "target_key": edge.target_key,
    }
    return told | ({"configuration": configurations[str(edge)]} if str(edge) in configurations else {})


def _written(source: str, target: str) -> Document:
    told: Document = {}
    for side, text in (("source", source), ("target", target)):
        name, word, key = text.split(".", 2)
        told |= {f"{side}_node": name, f"{side}_type": word, f"{side}_key": key}
    return told


def _parameter(pipeline: Pipeline, name: str, names: dict[str, str]) -> Document:
    kept = dict(kept_in(pipeline.origin).get("parameters", {}).get(name, {}))
    value = plain(pipeline.parameters[name])
    no_default = kept.pop("without-default", False)
    targets = [f"{names.get(title, title)}.parameter.{key}" for title, key in pipeline.targets.get(name, ())]
    targets += [f"{name_of(node)}.parameter.{name}" for node in pipeline.nodes if name in node.uses]
    expression = {"style": "single", "rules": {"value": value}} if isinstance(value, list) else value
    expression = kept.pop("expression", None if no_default else expression)
    return {"config": {"name": name, "targets": targets, **kept}, "expression": expression}


def _node(node: Node, pipeline: Pipeline, ledger: Ledger) -> Document:
    kept = kept_in(node.origin)
    told: Document = {"name": name_of(node)}
    if node.kind is Kind.DEPLOY:
        told |= _deployment(node)
    else:
        told["type"] = "execution" if node.search is None else "task"
        if "earlier" in kept:
            told |= _snake(kept["earlier"])
        else:
            told["template"] = _template(node, ledger)
        told |= {"edge_merge_mode": str(node.edge_merge)} if node.edge_merge else {}
    said = node.on_error or pipeline.defaults.on_error or OnError.STOP_NEXT
    if is_retried_by_word(node):
        told["on_error"] = "retry"
    elif said is not OnError.STOP_ALL:
        told["on_error"] = str(said)
    actions = [action_of(one) for one in node.actions] + list(kept.get("actions", ()))
    told |= {"actions": actions} if actions else {}
    return told | _snake(kept.get("node-keys", {}))


def _deployment(node: Node) -> Document:
    kept, serving = kept_in(node.origin), node.serving
    others = kept.get("endpoints", {})
    name = (serving.deployment or serving.endpoint or serving.updates) if serving else None
    told: Document = {"type": "deployment", "deployment": name or node.title}
    served = serving.endpoints if serving else ()
    configurations = {one: {**others.get(one, {}), "enabled": True} for one in served}
    configurations |= {one: config for one, config in others.items() if one not in served}
    told["endpoint_configurations"] = configurations
    commit = kept.get("template", {}).get("commit")
    return told | ({"commit": commit} if commit else {})


def _template(node: Node, ledger: Ledger) -> Document:
    kept = kept_in(node.origin)
    others = dict(kept.get("template", {}))
    step = step_of(node)
    for key in _NO_PLACE:
        if key in step:
            facts = {"what": f'{key} of "{node.title}"', "format": FORMAT}
            ledger.note("W-EXPORT", None, ("nodes",), "left out", node.title, **facts)
    commit = others.pop("commit", kept.get("commit"))
    told: Document = {} if commit is None else {"commit": commit}
    told |= {"step": step["name"], **{key: step[key] for key in _SAME if key in step}}
    told["inputs"] = {slot.name: list(slot.default) for slot in node.slots}
    told["parameters"] = _values(node, step)
    told["environment-variables"] = dict(node.env)
    told |= {"time-limit": step["time-limit"]} if "time-limit" in step else {}
    runtime: Document = {key: step[key] for key in ("no-output-timeout", "autorestart") if key in step}
    runtime |= others.pop("runtime-config", {})
    told |= {"runtime-config": _snake(runtime)} if runtime else {}
    if node.search is not None:
        told |= _search(node.search, others.pop("configuration", {}))
    told |= others
    return _snake({key: one for key, one in told.items() if one != {} or key in ("inputs", "parameters")})


def _values(node: Node, step: Document) -> Document:
    """The values of the parameters; those that a search varies by its rules."""
    found: Document = {}
    for name, item in by_name(step.get("parameters", ())).items():
        is_flag = item.get("type") == "flag"
        found[name] = plain(node.params.get(name)) if name in node.params or is_flag else item.get("default")
    for name, rule in (node.search.rules if node.search else {}).items():
        found[name] = {"style": str(rule.style), "rules": rules_of(rule)}
    return found


def _search(search: Search, kept: Document) -> Document:
    configuration = {
        "execution_count": search.count,
        "optimization_target_metric": search.target_metric,
        "optimization_target_value": None if search.target_value is None else whole(search.target_value),
        **_snake(kept),
    }
    told: dict[str, Any] = {
        "type": str(search.kind),
        "on-child-error": str(search.on_child_error) if search.on_child_error else None,
        "maximum-queued-executions": search.at_once,
        "stop-expression": search.stop,
        "configuration": {name: one for name, one in configuration.items() if one is not None},
    }
    return {name: one for name, one in told.items() if one is not None}
