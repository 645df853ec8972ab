"""Reading the body of the API call that creates a pipeline."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ...core.dialect import Dialect, Serving
from ...core.errors import Place
from ...core.model import Kind, Node, Pipeline
from ...core.names import slug_of
from ..documents import Entry
from ..imported import Counts, Ledger
from .call_schemas import Call, CallDeployment, CallEdge, CallExecution, CallParameter, EndpointConfig, Expression
from .edges import Edges, end_of, take
from .items import Items
from .nodes import common_fields, node_of, title_of
from .reading import all_sound, with_reasons
from .schemas import AnyNode, EdgeWords, NodeType, OnErrorWord
from .spot import VALOHAI, Document, Spot, kept_in, named_word, plain, said
from .targets import Targets, target_of
from .targets import take as take_parameter
from .templates import TemplateRead, read_template

_FOREIGN = ("dagbook", "cells", "flow", "tasks", "transform")


def is_call(document: Entry) -> bool:
    """Whether a document is the body of a call: a mapping with lists of nodes and edges."""
    said = document.value
    if not isinstance(said, dict) or any(key in said for key in _FOREIGN):
        return False
    return all(key in said and isinstance(said[key].value, list) for key in ("nodes", "edges"))


def read_valohai_api(document: Entry, ledger: Ledger, project: Items | None = None) -> tuple[Pipeline, Counts] | None:
    """The pipeline that a call creates; None and its faults are taken down.

    A template with image and command is all that is needed; the steps of others are looked for in `project`, the
    items of the project's `valohai.yaml`.
    """
    spot = Spot(document, (), ledger, "the call")
    call = spot.read(Call)
    if call is None:
        return None
    nodes, places = _nodes(spot, project)
    edges = _edges(spot.items("edges"), nodes)
    targets = _targets(spot, nodes)
    _tell_commits(spot, nodes)
    kept = {
        "call": said(call, "title", "nodes", "edges", "parameters"),
        "parameters": targets.kept,
        "left-out": edges.left_out,
        "configurations": edges.configurations,
    }
    kept = {name: one for name, one in kept.items() if one}
    read = [node for node in nodes.values() if node is not None]
    pipeline = spot.attempt(
        lambda: Pipeline(
            name=call.title,
            nodes=tuple(with_reasons(node, edges.unresolved.get(node.title, ())) for node in read),
            edges=tuple(edges.made),
            parameters=targets.values,
            targets=targets.targets,
            origin={VALOHAI: kept} if kept else {},
        )
    )
    if pipeline is None or not all_sound(spot, pipeline, places) or ledger.failed:
        return None
    return pipeline, Counts.of(len(nodes), edges.kinds)


def _nodes(spot: Spot, project: Items | None) -> tuple[dict[str, Node | None], dict[str, Place]]:
    """The nodes by the names of the call, None for those that could not be read; and their places by slug."""
    nodes: dict[str, Node | None] = {}
    places: dict[str, Place] = {}
    for one in spot.items("nodes"):
        name = named_word(one, "name")
        node = _node(one.called(f'the node "{name}"' if name else f"node {one.path[-1]}", name), project)
        if name in nodes:
            one.note("E-NODE-DUP", "not read", "name", title=name, other="earlier")
        nodes[name or f"node {one.path[-1]}"] = node
        if node is not None:
            places.setdefault(slug_of(node.title), one.place("name"))
    return nodes, places


def _tell_commits(spot: Spot, nodes: dict[str, Node | None]) -> None:
    """Tell once that the code of a commit is asked for, and that of this folder is run."""
    able = [node for node in nodes.values() if node is not None and not node.unresolved]
    commits = {kept_in(node.origin).get("template", {}).get("commit") for node in able} - {None}
    if commits:
        what = f"the code of commit {', '.join(sorted(commits))} is asked for"
        hint = "Check that commit out first, if it is another one."
        spot.note("W-CHANGED", "the code beside the file is run", "nodes", what=what, hint=hint)


def _node(spot: Spot, project: Items | None) -> Node | None:
    word = (named_word(spot, "type") or "").strip().lower()
    if word == NodeType.DEPLOYMENT:
        served = spot.read(CallDeployment)
        return _deployment(spot, served) if served else None
    if word in (NodeType.EXECUTION, NodeType.TASK):
        told = spot.read(CallExecution)
        return _execution(spot, told, project) if told else None
    spot.read(AnyNode)  # takes down what is wrong with the type
    return None


def _execution(spot: Spot, told: CallExecution, project: Items | None) -> Node | None:
    earlier = {key: plain(one) for key in ("reuse-execution-id", "mimic") if (one := _of(told, key)) is not None}
    read: TemplateRead | None
    if told.template is None and earlier:
        what = f"{spot.what}, which takes an earlier execution again,"
        spot.note("W-NOT-HERE", "kept", what=what, hint="Give it a template with a step.")
        read = TemplateRead.empty(told.name, "it takes an execution of Valohai's again")
    elif told.template is None:
        spot.note("E-KEY-MISSING", "not read", where=spot.what, key="template", hint="Write what it runs.")
        return None
    else:
        inner = spot.inner("template", what=f"the template of {spot.what}")
        read = read_template(inner, told.type is NodeType.TASK, project)
    if read is None:
        return None
    search = read.search if told.type is NodeType.TASK else None
    fields = {"search": search, "edge_merge": told.edge_merge_mode, "unresolved": read.unresolved}
    return node_of(spot, told, read.ready, {**read.kept, **({"earlier": earlier} if earlier else {})}, fields)


def _of(told: CallExecution, key: str) -> Any:
    return getattr(told, key.replace("-", "_"))


def _deployment(spot: Spot, told: CallDeployment) -> Node | None:
    if told.on_error is OnErrorWord.RETRY:
        hint = "Write stop-all, stop-next or continue."
        spot.note("E-CONFLICT", "not read", "on_error", what=f"{spot.what} cannot be retried", hint=hint)
        return None
    what = f"the deployment {told.deployment!r} of {spot.what} is known to Valohai only"
    spot.note("W-REF", "kept", "deployment", what=what, nearest="Name a deployment of the valohai.yaml.")
    title = spot.attempt(lambda: title_of(spot, told.name), "name")
    if title is None:
        return None
    configs = told.endpoint_configurations
    common, kept = common_fields(spot, told)
    others = {name: one for name, config in configs.items() if (one := _config(config))}
    kept |= {"endpoints": others, "template": {"commit": told.commit} if told.commit else {}}
    kept |= {"name": told.name} if title != told.name else {}
    kept = {name: one for name, one in kept.items() if one}
    return spot.attempt(
        lambda: Node(
            title=title,
            kind=Kind.DEPLOY,
            dialect=Dialect.VALOHAI,
            serving=Serving(
                deployment=told.deployment,
                endpoints=tuple(name for name, config in configs.items() if config.enabled),
            ),
            unresolved=(f"the deployment {told.deployment!r} is known to Valohai only",),
            origin={VALOHAI: kept} if kept else {},
            **common,
        )
    )


def _config(config: EndpointConfig) -> Document:
    """What else is said of an endpoint, and that it is off."""
    return said(config)


def _edges(spots: list[Spot], nodes: dict[str, Node | None]) -> Edges:
    found = Edges()
    for spot in spots:
        spot = spot.called(f"edge {int(spot.path[-1]) + 1}")
        told = spot.read(CallEdge)
        if told is None:
            continue
        sides = {
            "source": (told.source_node, told.source_type, told.source_key),
            "target": (told.target_node, told.target_type, told.target_key),
        }
        ends = [
            end_of(spot, (f"{side}_node",), name, word.lower().replace("_", "-"), key, nodes)
            for side, (name, word, key) in sides.items()
        ]
        source, target = (".".join(parts) for parts in sides.values())
        words = EdgeWords(source=source, target=target, configuration=told.configuration)
        if ends[0] and ends[1]:
            take(spot.called(f"the edge {source} -> {target}"), words, ends[0], ends[1], nodes, found)
    return found


def _targets(spot: Spot, nodes: dict[str, Node | None]) -> Targets:
    found = Targets()
    named = spot.entry.value.get("parameters")
    for name in named.value if named is not None and isinstance(named.value, dict) else ():
        inner = spot.inner("parameters", name, what=f'the pipeline parameter "{name}"')
        told = inner.read(CallParameter)
        if told is None:
            continue
        config = told.config if isinstance(told.config, dict) else {}
        texts = config.get("targets") or []
        texts = texts if isinstance(texts, list) else [texts]
        words = [text for text in texts if isinstance(text, str)]
        reached = [end for text in words if (end := target_of(inner, text, nodes, announced=False))]
        fine, value = _value(inner, told.expression)
        take_parameter(inner, found, name, value, reached, nodes)
        extra = {key: plain(one) for key, one in config.items() if key not in ("name", "targets", "default")}
        extra |= {} if fine else {"expression": plain(told.expression)}
        extra |= plain(told.model_extra or {})
        if extra:
            found.kept.setdefault(name, {}).update(extra)
    return found


def _value(spot: Spot, expression: Any) -> tuple[bool, Any]:
    """Whether an expression is one value, and the value."""
    if not isinstance(expression, dict):
        return True, expression
    try:
        told = Expression.model_validate(expression)
    except ValidationError:
        told = None
    if told is not None and told.style == "single":
        return True, told.rules.value
    hint = "Give it one value."
    spot.note("W-NOT-HERE", "kept for export", "expression", what=f"the expression of {spot.what}", hint=hint)
    return False, None
