"""The items of a `valohai.yaml`: its steps, tasks, endpoints and deployments by name, its pipelines, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...core.dialect import Search
from ...core.errors import nearest
from ..documents import Entry, bare
from ..imported import Ledger
from .schemas import Deployment, Endpoint, Task
from .spot import Document, Spot, named_word, said
from .steps import step_document
from .tasks import check_task

KINDS = ("step", "task", "endpoint", "pipeline", "blueprint", "deployment")
_FOREIGN = ("transform", "input", "dagbook")  # keys beside `pipeline` in files of other systems


@dataclass
class Items:
    """What a file holds. What could not be read is in `broken`, so that nobody says it is missing."""

    steps: dict[str, Document] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    searches: dict[str, Search] = field(default_factory=dict)  # of the tasks
    task_spots: dict[str, Spot] = field(default_factory=dict)
    step_spots: dict[str, Spot] = field(default_factory=dict)
    deployments: set[str] = field(default_factory=set)
    endpoints: set[str] = field(default_factory=set)
    pipelines: list[Spot] = field(default_factory=list)
    rest: list[Document] = field(default_factory=list)  # endpoints, deployments, and what nobody knows
    broken: set[str] = field(default_factory=set)

    def missing(self, kind: str, name: str) -> bool:
        """Whether the file defines no such step, task or deployment."""
        known: Mapping[str, object] = {"step": self.steps, "task": self.tasks, "deployment": self.deployments}
        return name not in known[kind] and f"{kind} {name}" not in self.broken  # type: ignore[operator]


def is_list_of_items(root: Entry) -> bool:
    """Whether a document is a list of Valohai's items."""
    items = root.value if isinstance(root.value, list) else []
    return any(map(_is_item, items)) and not any(map(_is_foreign, items))


def _is_item(entry: Entry) -> bool:
    return isinstance(entry.value, dict) and any(kind in entry.value for kind in KINDS)


def _is_foreign(entry: Entry) -> bool:
    return isinstance(entry.value, dict) and any(key in entry.value for key in _FOREIGN)


def items_of(root: Entry, ledger: Ledger) -> Items:
    """The items of a file; of two with one name the later counts."""
    found = Items()
    spots: list[tuple[str, Spot]] = []
    if not isinstance(root.value, list):
        facts = {"where": "the file", "what": "is no list", "hint": "Begin each step and each pipeline with `- `."}
        ledger.note("E-TYPE", root, (), "not read", None, **facts)
        return found
    for number, entry in enumerate(root.value):
        spots += _kinds_in(Spot(entry, (number,), ledger, f"item {number + 1}"), found)
    for kind, spot in _last_of_each_name(spots):
        _TAKERS[kind](found, spot)
    return found


def _kinds_in(spot: Spot, found: Items) -> list[tuple[str, Spot]]:
    """The items that one mapping of the list holds: usually one."""
    if not isinstance(spot.entry.value, dict) or not spot.entry.value:
        hint = "Write `- step:` or `- pipeline:`, and what belongs to it below."
        spot.note("E-TYPE", "not read", where=spot.what, what="is no mapping", hint=hint)
        return []
    known = []
    for key in spot.entry.value:
        inner = spot.inner(key)
        if key not in KINDS:
            code = "E-KEY-UNKNOWN" if spot.ledger.strict else "W-KEY-UNKNOWN"
            spot.note(code, "kept for export", key, where=spot.what, key=key, nearest=nearest(key, KINDS))
            found.rest.append({key: bare(inner.entry.plain())})
        elif not isinstance(inner.entry.value, dict):
            hint = f"What belongs to the {key} must stand deeper than `{key}:`."
            inner.note("E-TYPE", "not read", where=f"{spot.what}, {key},", what="is no mapping", hint=hint)
        else:
            kind = "pipeline" if key == "blueprint" else key
            name = named_word(inner, "name")
            known.append((kind, inner.called(f'the {kind} "{name}"' if name else f"the {kind} in {spot.what}")))
    return known


def _last_of_each_name(spots: Sequence[tuple[str, Spot]]) -> list[tuple[str, Spot]]:
    last = {(kind, named_word(spot, "name") or spot.path): spot for kind, spot in spots}
    for kind, spot in spots:
        if last[kind, named_word(spot, "name") or spot.path] is not spot:
            what = f"{spot.what} is defined again below, and that one counts"
            spot.note("W-CHANGED", "left out", what=what, hint="Take one of the two away.")
    return [(kind, spot) for kind, spot in spots if last[kind, named_word(spot, "name") or spot.path] is spot]


def _take_step(found: Items, spot: Spot) -> None:
    document = step_document(spot)
    if document is None:
        found.broken.add(f"step {named_word(spot, 'name')}")
    else:
        name = str(document["name"])
        found.steps[name], found.step_spots[name] = document, spot


def _take_task(found: Items, spot: Spot) -> None:
    task = check_task(spot)
    if task is None:
        found.broken.add(f"task {named_word(spot, 'name')}")
    else:
        found.tasks[task.name], found.task_spots[task.name] = task, spot


def _take_endpoint(found: Items, spot: Spot) -> None:
    endpoint = spot.read(Endpoint)
    if endpoint is None:
        return
    if (endpoint.server_command is None) == (endpoint.wsgi is None):
        hint = "Say which command serves, or which WSGI application."
        spot.note("E-CONFLICT", "not read", what=f"{spot.what} needs either server-command or wsgi", hint=hint)
    found.endpoints.add(endpoint.name)
    found.rest.append({"endpoint": said(endpoint)})
    spot.note("W-KEPT", "kept for export", what=spot.what)


def _take_deployment(found: Items, spot: Spot) -> None:
    deployment = spot.read(Deployment)
    if deployment is None:
        found.broken.add(f"deployment {named_word(spot, 'name')}")
        return
    found.deployments.add(deployment.name)
    found.rest.append({"deployment": said(deployment)})
    if deployment.defaults is not None:
        spot.note("W-KEPT", "kept for export", "defaults", what=f"defaults of {spot.what}")


_TAKERS: Mapping[str, Callable[[Items, Spot], None]] = {
    "step": _take_step,
    "task": _take_task,
    "endpoint": _take_endpoint,
    "deployment": _take_deployment,
    "pipeline": lambda found, spot: found.pipelines.append(spot),
}
