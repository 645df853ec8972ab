"""The nodes of a Valohai pipeline: executions, tasks and deployments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...core.dialect import Action, Dialect, Moment, Reaction, Search, SearchKind, Serving
from ...core.errors import nearest
from ...core.model import Kind, Node, OnError
from ...core.names import LONGEST_SLUG, clean_title, slug_of
from .items import Items
from .schemas import ActionWords, AnyNode, DeploymentNode, ExecutionNode, NodeType, OnErrorWord, Task
from .spot import VALOHAI, Document, Spot, named_word, said
from .step_nodes import kept_of, step_fields
from .steps import Settled, settled
from .tasks import kept_task

_UNFIT_IN_TITLES = re.compile(r"[/\\:~\x00-\x1f]+")


def read_node(spot: Spot, items: Items) -> Node | None:
    """The node that a mapping tells; None and its faults are taken down."""
    name = named_word(spot, "name")
    spot = spot.called(f'the node "{name}"' if name else f"node {spot.path[-1]}", name)
    word = (named_word(spot, "type") or "").strip().lower()
    if word == NodeType.DEPLOYMENT:
        told = spot.read(DeploymentNode)
        return _deployment(spot, told, items) if told else None
    if word in (NodeType.EXECUTION, NodeType.TASK):
        run = spot.read(ExecutionNode)
        return _execution(spot, run, items) if run else None
    spot.read(AnyNode)  # takes down what is wrong with the type
    return None


def _names_one(spot: Spot, told: ExecutionNode) -> bool:
    """Whether the node names what it runs, and only once."""
    if told.type is NodeType.EXECUTION and told.task is not None:
        what = f"{spot.what} is an execution, and names a task"
        spot.note("E-CONFLICT", "not read", "task", what=what, hint="Write type: task.")
    elif told.step is None and told.task is None:
        spot.note("E-KEY-MISSING", "not read", where=spot.what, key="step", hint="Name the step that it runs.")
    elif told.step is not None and told.task is not None:
        what = f"{spot.what} has a step and a task"
        spot.note("E-CONFLICT", "not read", "task", what=what, hint="The task names its step; take the node's away.")
    else:
        return True
    return False


def _execution(spot: Spot, told: ExecutionNode, items: Items) -> Node | None:
    if not _names_one(spot, told):
        return None
    why, task = [], None
    name = told.step or ""
    if told.commit:
        why.append(f"its step is that of commit {told.commit}, which is not in this file")
        hint = "Give the node a step of this file, or run the rest without it."
        spot.note("W-NOT-HERE", "kept", "commit", what=f"{spot.what}, a step of commit {told.commit},", hint=hint)
    elif told.task and told.task not in items.tasks:
        why += _undefined(spot, items, "task", told.task, items.tasks)
    elif told.task:
        task = items.tasks[told.task]
        name = task.step
    if name and not why and name not in items.steps:
        why += _undefined(spot, items, "step", name, items.steps)
    step = None if why else items.steps.get(name)
    inner = spot.inner("override", what=f"the override of {spot.what}")
    ready = settled(inner, name, step, told.override)
    search = _search(told, task, items)
    if ready is None or (told.type is NodeType.TASK and search is None):
        return None
    if search and search.kind is SearchKind.DISTRIBUTED:
        why.append("it is distributed: its executions would have to talk to each other")
    kept = kept_of(ready) | ({"commit": told.commit} if told.commit else {})
    if told.type is NodeType.TASK:
        kept |= {"task": kept_task(task) if task else {"name": told.task, "undefined": True} if told.task else {}}
    fields = {"search": search, "edge_merge": told.edge_merge_mode, "unresolved": tuple(why)}
    return node_of(spot, told, ready, kept, fields)


def _undefined(spot: Spot, items: Items, kind: str, name: str, known: Mapping[str, object]) -> list[str]:
    """Why the node cannot run: what it names is defined nowhere; told, unless a fault of it was told already."""
    if items.missing(kind, name):
        what = f"the {kind} {name!r} of {spot.what} is not defined in this file"
        hint = nearest(name, known) if known else f"Write a `- {kind}:` of that name."
        spot.note("W-REF", "kept", kind, what=what, nearest=hint)
    return [f"the {kind} {name!r} is not defined in {spot.ledger.file}"]


def _search(told: ExecutionNode, task: Task | None, items: Items) -> Search | None:
    """The search of a task node; one that varies nothing where the node has a step."""
    if told.type is NodeType.EXECUTION:
        return None
    return items.searches.get(task.name) if task else Search()


def node_of(spot: Spot, told: AnyNode | None, ready: Settled, kept: Document, fields: Mapping[str, Any]) -> Node | None:
    """The node that runs a step; None and its faults are taken down. Without `told` it stands alone."""
    name = told.name if told else str(fields["title"])
    title = spot.attempt(lambda: title_of(spot, name), "name")
    if title is None:
        return None
    common, extra = common_fields(spot, told) if told else ({}, {})
    kept |= extra | ({"name": name} if title != name else {})
    from_step = spot.attempt(lambda: step_fields(ready))
    if from_step is None:
        return None
    retries = common.pop("retries", None) or from_step.pop("retries")
    every = {**from_step, **common, **fields, "retries": retries, "title": title, "origin": {VALOHAI: kept}}
    return spot.attempt(lambda: Node(**every))


def title_of(spot: Spot, name: str) -> str:
    """The title of a node. Raises PipelineError (E-NAME-*); a dot is taken down as an error."""
    if "." in name:
        what = f"{spot.what} has a dot in its name, and edges are cut at dots"
        spot.note("E-VALUE", "not read", "name", what=what, hint="Write - or _ instead.")
    return clean_title(name)


def free_title(name: str, otherwise: str) -> str:
    """A title for a step that stands alone, as near to its name as a title can be."""
    title = " ".join(_UNFIT_IN_TITLES.sub("-", name).split()).lstrip("-")
    fits = slug_of(title).strip("_") and len(slug_of(title)) <= LONGEST_SLUG and title.isprintable()
    return title if fits else otherwise


def common_fields(spot: Spot, told: AnyNode) -> tuple[dict[str, Any], Document]:
    """The fields of a node that have nothing to do with its step, and what of it only Valohai knows."""
    actions, unknown = [], []
    for number, one in enumerate(told.actions):
        made = _action(one)
        if made:
            actions.append(made)
        else:
            unknown.append(said(one))
            words = ", ".join((*one.when, *one.then))
            spot.note("W-KEPT", "kept for export", "actions", number, what=f"an action of {spot.what} ({words})")
    is_retried = told.on_error is OnErrorWord.RETRY
    fields = {
        "on_error": OnError.STOP_ALL if is_retried else OnError(told.on_error.value),
        "retries": 1 if is_retried else None,
        "actions": tuple(actions),
    }
    kept: Document = {"node-keys": _extra(told), "actions": unknown}
    kept |= {"on-error": "retry"} if is_retried else {}
    return fields, {name: one for name, one in kept.items() if one}


def _extra(told: AnyNode) -> Document:
    """Keys of a node that nobody knows, and the aliases of a deployment."""
    known = {field.alias or name for name, field in type(told).model_fields.items()}
    return {name: one for name, one in said(told).items() if name not in known or name == "aliases"}


def _action(told: ActionWords) -> Action | None:
    """The action, when all its words are known."""
    try:
        when = tuple(Moment(word.lower()) for word in told.when)
        return Action(when=when, test=told.test, then=tuple(map(Reaction, told.then)))
    except ValueError:
        return None


def _deployment(spot: Spot, told: DeploymentNode, items: Items) -> Node | None:
    if told.on_error is OnErrorWord.RETRY:
        hint = "Write stop-all, stop-next or continue."
        spot.note("E-CONFLICT", "not read", "on-error", what=f"{spot.what} cannot be retried", hint=hint)
        return None
    why = []
    if told.deployment not in items.deployments:
        why += _undefined(spot, items, "deployment", told.deployment, dict.fromkeys(items.deployments))
    title = spot.attempt(lambda: title_of(spot, told.name), "name")
    if title is None:
        return None
    if told.aliases:
        spot.note("W-KEPT", "kept for export", "aliases", what=f"aliases of {spot.what}")
    common, kept = common_fields(spot, told)
    kept |= {"name": told.name} if title != told.name else {}
    return spot.attempt(
        lambda: Node(
            title=title,
            kind=Kind.DEPLOY,
            dialect=Dialect.VALOHAI,
            serving=Serving(deployment=told.deployment, endpoints=told.endpoints),
            unresolved=tuple(why),
            origin={VALOHAI: kept} if kept else {},
            **common,
        )
    )
