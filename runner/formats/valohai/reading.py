"""Reading a `valohai.yaml`: its pipelines, and its steps and tasks that no pipeline uses."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.errors import Place
from ...core.model import Node, Pipeline
from ...core.names import slug_of
from ...core.structure import structure_problems
from ..documents import Entry
from ..imported import Counts, Ledger
from .edges import read_edges
from .items import Items, is_list_of_items, items_of
from .nodes import free_title, node_of, read_node
from .schemas import PipelineFrame, Task
from .spot import ALONE, VALOHAI, Document, Spot, kept_in, named_word, said
from .step_nodes import kept_of
from .steps import settled
from .targets import read_targets
from .tasks import kept_task, search_of

Read = tuple[Pipeline, Counts]


def read_items(document: Entry, ledger: Ledger) -> Items:
    """The items of a file, tasks with their searches."""
    items = items_of(document, ledger)
    for name, task in list(items.tasks.items()):
        search = search_of(items.task_spots[name], task, items.steps.get(task.step))
        if search is None:
            items.broken.add(f"task {name}")
            del items.tasks[name]
        else:
            items.searches[name] = search
    return items


def read_list(document: Entry, ledger: Ledger) -> list[Read]:
    """What a list of items holds: first its pipelines, then what stands alone."""
    items = read_items(document, ledger)
    found = [made for spot in items.pipelines if (made := _pipeline(spot, items))]
    used = [kept_in(node.origin) for pipeline, _ in found for node in pipeline.nodes]
    if ledger.failed:
        return []
    steps = {kept.get("step") for kept in used if not kept.get("undefined")}  # one of another commit uses none here
    tasks = {kept["task"].get("name") for kept in used if "task" in kept and not kept["task"].get("undefined")}
    for number, name in enumerate((*items.steps, *items.tasks), 1):
        task = items.tasks[name] if number > len(items.steps) else None
        if name not in (tasks if task else steps) and (alone := _alone(items, name, task)):
            found.append((alone, Counts.of(1, ())))
    return [] if ledger.failed else _with_rest(found, items.rest)


def _with_rest(found: list[Read], rest: list[Document]) -> list[Read]:
    """The same, with what else the file holds in the origin of the first."""
    if not found or not rest:
        return found
    first, counts = found[0]
    kept = {**first.origin, VALOHAI: {**kept_in(first.origin), "rest": rest}}
    return [(first.model_copy(update={"origin": kept}), counts), *found[1:]]


def _alone(items: Items, name: str, task: Task | None) -> Pipeline | None:
    """A pipeline of the one node that runs a step, or a task."""
    kind = "task" if task else "step"
    spot = (items.task_spots if task else items.step_spots)[name]
    step = task.step if task else name
    why = []
    if step not in items.steps:
        what = f"the step {step!r} of {spot.what} is not defined in this file"
        spot.note("W-REF", "kept", "step", what=what, nearest="Write a `- step:` of that name.")
        why.append(f"the step {step!r} is not defined in {spot.ledger.file}")
    ready = settled(spot, step, items.steps.get(step), None)
    title = free_title(name, kind)
    if title != name:
        what = f"the name of {spot.what} cannot be a node's title"
        spot.note("W-CHANGED", f'read as "{title}"', "name", what=what, hint="")
    if ready is None:
        return None
    kept = kept_of(ready) | ({"name": name} if title != name else {})
    fields: Document = {"title": title}
    if task:
        kept["task"] = kept_task(task)
        fields["search"] = items.searches[name]
        if fields["search"].kind == "distributed":
            why.append("it is distributed: its executions would have to talk to each other")
    fields["unresolved"] = tuple(why)
    node = node_of(spot, None, ready, kept, fields)
    return None if node is None else Pipeline(name=name, nodes=(node,), origin={ALONE: kind})


def _pipeline(spot: Spot, items: Items) -> Read | None:
    frame = spot.read(PipelineFrame)
    if frame is None:
        return None
    nodes: dict[str, Node | None] = {}
    places: dict[str, Place] = {}
    read: list[Node] = []
    for one in spot.items("nodes"):
        node = read_node(one, items)
        nodes[named_word(one, "name") or f"node {one.path[-1]}"] = node
        if node is not None:
            read.append(node)
            places.setdefault(slug_of(node.title), one.place("name"))
    edges = read_edges(spot.items("edges"), nodes)
    targets = read_targets(spot.items("parameters"), nodes)
    kept: Document = {
        "keys": said(frame, "name", "nodes", "edges", "parameters"),
        "parameters": targets.kept,
        "left-out": edges.left_out,
        "configurations": edges.configurations,
    }
    kept = {name: one for name, one in kept.items() if one}
    pipeline = spot.attempt(
        lambda: Pipeline(
            name=frame.name,
            nodes=tuple(with_reasons(node, edges.unresolved.get(node.title, ())) for node in read),
            edges=tuple(edges.made),
            parameters=targets.values,
            targets=targets.targets,
            origin={VALOHAI: kept} if kept else {},
        )
    )
    if pipeline is None or not all_sound(spot, pipeline, places):
        return None
    return pipeline, Counts.of(len(nodes), edges.kinds)


def with_reasons(node: Node, reasons: Sequence[str]) -> Node:
    """The node with more reasons why it cannot run here."""
    return node.model_copy(update={"unresolved": (*node.unresolved, *reasons)}) if reasons else node


def all_sound(spot: Spot, pipeline: Pipeline, places: dict[str, Place]) -> bool:
    """Whether names, edges and parameters fit together; what does not is taken down, at the node that it is about."""
    errors = [one for one in structure_problems(pipeline) if one.is_error]
    for one in errors:
        known = places.get(slug_of(one.place.node or ""))
        spot.ledger.take(one.at(known or spot.place()), spot.path)
    if not pipeline.nodes and not spot.items("nodes"):
        hint = "List at least one node below `nodes:`."
        spot.note("E-KEY-MISSING", "not read", "nodes", where=spot.what, key="nodes", hint=hint)
    return bool(pipeline.nodes) and not errors


def is_list(documents: Sequence[Entry]) -> bool:
    """Whether the documents are one list of Valohai's items."""
    return len(documents) >= 1 and is_list_of_items(documents[0])
