"""Parts of what the inspector tells: attempts, conditions, environment, limits, what was printed and shown."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import view
from ..cell_view import own_outputs
from ..core.binding import Binding, choice_of
from ..core.conditions import fault, settled
from ..core.edge import COMPARING, Condition
from ..core.environment import own_variables, upstream_variables
from ..core.errors import PipelineError
from ..core.graph import graph_of
from ..core.lifecycle import ENDED, PASSED, Answered, Changed, Created, NodeRun, State
from ..core.masking import MASK, looks_secret, masked
from ..core.model import Node, Pipeline
from ..core.names import slug_of
from ..core.templates import has_reference
from ..core.upstream import NoInput
from ..core.values import from_json, shown
from ..executors.pictures import image_in, name_of
from ..records.below import read_below
from ..records.follow import Follower, Watched
from .inspector_values import Approval, Attempt, Failure, Named, Picture, Verdict
from .output_html import LARGEST_PICTURE

MOST_VERDICTS = 50
MOST_OUTPUTS = 20
LOG_LINES = 200
LARGEST_NOTEBOOK = 20_000_000  # bytes of one that is searched for its failing cell

Outputs = tuple[tuple[int, Mapping[str, Any]], ...]


def attempts_of(watched: Watched, follower: Follower, now: float) -> tuple[Attempt, ...]:
    """The tries of a node run, the first one first; those before a resumption too."""
    found: dict[int, Attempt] = {}
    began = 0.0
    for at, fact in watched.story:
        if not isinstance(fact, Changed) or not fact.attempt:
            continue
        if fact.state is State.STARTING:
            began = at
        over = fact.state in ENDED
        notebook = _notebook(follower, watched.run.id, fact.attempt)
        found[fact.attempt] = Attempt(
            fact.attempt, fact.state, max((at if over else now) - began, 0.0), fact.reason, notebook
        )
    return tuple(found[number] for number in sorted(found))


def _notebook(follower: Follower, id: str, attempt: int) -> str:
    path = follower.store.attempt_folder(follower.row.id, id, attempt) / "notebook.ipynb"
    return str(path) if path.exists() else ""


def created_at(watched: Watched) -> float | None:
    """When the node run came to be."""
    return next((at for at, fact in reversed(watched.story) if isinstance(fact, Created)), None)


def approval_of(watched: Watched) -> Approval | None:
    """Whom it asks or asked, and the answer; None for a node run that asks nobody."""
    run, answer = watched.run, watched.run.answer
    asked = tuple(str(user) for user in run.detail.get("approvers") or _asked_before(watched))
    if answer is None:
        return Approval(asked) if asked else None
    at = next((at for at, fact in reversed(watched.story) if isinstance(fact, Answered)), None)
    return Approval(asked, answer.approved, answer.by, answer.how, at)


def _asked_before(watched: Watched) -> list[str]:
    """The users asked, as its story tells: a new attempt begins with clean details."""
    for _at, fact in reversed(watched.story):
        if isinstance(fact, Changed) and "approvers" in fact.detail:
            return list(fact.detail["approvers"])
    return []


def parameters_of(pipeline: Pipeline, node: Node, run: NodeRun) -> tuple[Named, ...]:
    """Its parameters with where each comes from: a grid, the pipeline, an edge, a tag of a node before it."""
    filled = {edge.target_key: str(edge) for edge in pipeline.edges_into(node.title) if edge.target_port == "parameter"}
    found = []
    for name, value in run.created.params.items():
        written = node.params.get(name)
        if name in node.grid:
            origin = "grid"
        elif name in filled:
            origin = filled[name]
        elif isinstance(written, str) and written != value and "{" in written:
            origin = written
        else:
            origin = "pipeline" if name in node.uses and name not in node.params else "node"
        found.append(Named(name, masked(name, value), origin))
    return tuple(found)


def verdicts_of(pipeline: Pipeline, node: Node, run: NodeRun, follower: Follower) -> tuple[list[Verdict], int]:
    """What the node's conditions say of each run that they test, those on this route first; and how many more."""
    runs = follower.so_far.node_runs.values()
    on_route = set(run.created.before())
    chosen = {id for one in runs if one.node == node.title for id in one.created.before()}
    conditions = [settled(pipeline, node, one, graph_of(pipeline)[node.title]) for one in node.when]
    found = [
        _verdict(condition, conditions, one, one.id in chosen, one.id in on_route)
        for condition in conditions
        for one in runs
        if one.node in condition.tasks
    ]
    found.sort(key=lambda verdict: not verdict.here)
    return found[:MOST_VERDICTS], max(len(found) - MOST_VERDICTS, 0)


def _verdict(condition: Condition, others: list[Condition], run: NodeRun, chosen: bool, here: bool) -> Verdict:
    value = masked(condition.tag, run.tags[condition.tag]) if condition.tag in run.tags else ""
    passed: bool | None = None
    why = ""
    if run.state in ENDED:
        why = fault(condition, run).removeprefix(f"{run.id} ")
        passed = not why
        if passed and condition.objective in COMPARING:
            passed = chosen
            missed = (one for one in others if one is not condition and run.node in one.tasks and fault(one, run))
            why = "" if chosen else next((f"it misses {one}" for one in missed), "another run wins")
        elif value and why == f"has {condition.tag} {value}":
            why = ""  # the value says it
    alone = len(condition.tasks) == 1  # then the condition names the node
    label = (view.route_words(run.created.route) if alone else "") or view.label(run)
    return Verdict(str(condition), run.id, label, value, passed, why, here)


def environment_of(pipeline: Pipeline, node: Node, run: NodeRun, follower: Follower) -> tuple[Named, ...]:
    """The variables that the node run is given, by people and by dagbook, as far as they do not lie on the machine."""
    project = dict((follower.row.record.get("settings") or {}).get("env") or {})
    said = {**pipeline.defaults.env, **node.env}
    if has_reference(list(said.values())):
        with contextlib.suppress(NoInput, PipelineError, KeyError):  # a tag that is not there, or not yet
            said = Binding(pipeline, follower.so_far).environment(node, choice_of(run.created))
    runs = follower.so_far.node_runs
    before = {slug_of(title): runs[id] for title, id in run.created.parents.items() if id in runs}
    tags = {slug: one.tags for slug, one in before.items() if one.state in PASSED}
    upstream, _ = upstream_variables(tags)
    found = [Named(name, masked(name, value), "project") for name, value in project.items() if name not in said]
    found += [Named(n, masked(n, v), "node" if n in node.env else "pipeline") for n, v in said.items()]
    found += [Named(n, masked(n, v), "own parameter") for n, v in _ours(own_variables(run.created.params))]
    found += [Named(n, masked(n, v), "tag before it") for n, v in _ours(upstream)]
    return tuple(found)


def _ours(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Those that begin with DAGBOOK: each has a twin for cnvrg's users."""
    return ((name, value) for name, value in variables.items() if name.startswith("DAGBOOK_"))


def limits_of(pipeline: Pipeline, node: Node) -> tuple[Named, ...]:
    """What the node may take and what happens when it fails, its own words before the pipeline's."""
    found = []
    for name in ("cpus", "memory", "gpus", "timeout", "retries", "on_error", "network"):
        for origin, value in (("node", getattr(node, name)), ("pipeline", getattr(pipeline.defaults, name))):
            if value is not None:
                found.append(Named(name.replace("_", " "), _limit(name, value), origin))
                break
    return tuple(found)


def _limit(name: str, value: Any) -> str:
    if name == "memory":
        return view.size(value)
    if name == "timeout":
        return view.age(value)
    return ("yes" if value else "no") if name == "network" else str(value)


def used_of(run: NodeRun) -> tuple[Named, ...]:
    """What its latest attempt took of the machine, as far as it is known."""
    used = run.detail.get("used") or {}
    words = {"cpu_s": ("CPU time", view.age), "memory_bytes": ("memory, at most", view.size)}
    found = [Named(words[name][0], words[name][1](used[name])) for name in words if name in used]
    if "overhead_s" in run.detail and run.state is not State.CACHED:
        found.append(Named("start and end", view.age(run.detail["overhead_s"])))
    return (*found, *_parts_of(run))


def _parts_of(run: NodeRun) -> tuple[Named, ...]:
    """How many datums, or executions of a search, came to which end; `dagbook datums` tells of each."""
    counts = dict(run.detail.get("parts") or {})
    total = counts.pop("total", 0)
    told = [f"{count:,} {state}" for state, count in counts.items() if count]
    return (Named("parts", f"{total:,}: {', '.join(told)}" if told else f"{total:,}"),) if total else ()


def tags_of(run: NodeRun) -> tuple[Named, ...]:
    """What it logged, without its parameters."""
    logged = {name: value for name, value in run.tags.items() if name not in run.created.params}
    return tuple(Named(n, masked(n, v), "metric" if n in run.metrics else "tag") for n, v in logged.items())


def pictures_of(run: NodeRun, follower: Follower) -> tuple[Picture, ...]:
    """The images that it logged: of each series the last."""
    folder = follower.folder_of(run)
    found = []
    for name, images in run.images.items():
        step, file = images[-1]
        if not Path(file).is_absolute() and ".." not in Path(file).parts:
            found.append(Picture(name, len(images), step, folder / file, follower.store.folder))
    return tuple(found)


def failure_of(run: NodeRun, store: Path) -> Failure | None:
    """The exception that ended it, with the place of its cell in the executed notebook, if that is in the `store`."""
    error = run.detail.get("error")
    if not error:
        return None
    given = error["cell"] + 1 if error.get("cell") is not None else None
    cell = _failing_cell(run.detail.get("notebook"), store) or given
    traceback, hint = tuple(map(str, error["traceback"])), str(run.detail.get("advice", ""))
    return Failure(str(error["name"]), str(error["message"]), traceback, cell, hint)


def _failing_cell(notebook: str | None, store: Path) -> int | None:
    """Where the first cell stands that shows an error; papermill adds cells, so that what was given does not tell."""
    try:
        inside = Path(str(notebook)).relative_to(store)
        cells = json.loads(read_below(store, inside.parts, LARGEST_NOTEBOOK))["cells"]
        shown = ((n, out) for n, cell in enumerate(cells, 1) for out in cell.get("outputs", ()))
        return next((n for n, out in shown if out["output_type"] == "error"), None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # it may come from elsewhere
        return None


def log_of(watched: Watched) -> tuple[str, int]:
    """The last lines that it printed, whichever cell did, and how many were before."""
    streams = [output for output in own_outputs(watched) if output["output_type"] == "stream"]
    lines = "".join(str(output["text"]) for output in streams).splitlines()
    return "\n".join(lines[-LOG_LINES:]), max(len(lines) - LOG_LINES, 0)


def outputs_of(watched: Watched, pictures: Sequence[Picture] = ()) -> tuple[Outputs, int]:
    """What it displayed, the last of it, each with the number of its cell (1-based); and how many were before.

    What is shown as one of the `pictures` that it logged is left out.
    """
    contents = {one.name: (one.step, content) for one in pictures if (content := _content(one)) is not None}
    found = []
    for cell, outputs in sorted(watched.outputs.items()):
        for output in outputs:
            data = output.get("data") or {}
            told = any(not mime.startswith("application/vnd.dagbook.") for mime in data)
            if told and not _is_among(output, contents):
                found.append((cell + 1, output))
    return tuple(found[-MOST_OUTPUTS:]), max(len(found) - MOST_OUTPUTS, 0)


def _content(picture: Picture) -> bytes | None:
    try:
        return read_below(picture.store, picture.file.relative_to(picture.store).parts, LARGEST_PICTURE)
    except (OSError, ValueError):
        return None


def _is_among(output: Mapping[str, Any], contents: Mapping[str, tuple[float, bytes]]) -> bool:
    """Whether a display is that of an image logged, or shows the same one, as a figure that is logged and shown."""
    if not contents:
        return False
    named = name_of(output.get("metadata") or {})
    if named and named[0] in contents:
        return named[1] is None or named[1] == contents[named[0]][0]
    image = image_in(output.get("data") or {})
    return image is not None and any(image == content for _, content in contents.values())


def recorded_pipeline(follower: Follower) -> Pipeline:
    """The pipeline as it was when the run began, or began again."""
    return Pipeline.model_validate(follower.row.record["pipeline"])


def parameters_defined(pipeline: Pipeline, node: Node) -> tuple[Named, ...]:
    """The node's parameters that are no grid, as they are written."""
    found = []
    for name, value in pipeline.parameters_of(node).items():
        origin = "node" if name in node.params else "pipeline" if name in node.uses else "edge"
        found.append(Named(name, masked(name, from_json(value)), origin))
    return tuple(found)


def grid_defined(node: Node) -> tuple[Named, ...]:
    """The node's grids, as they are written."""
    return tuple(
        Named(name, MASK if looks_secret(name) else ", ".join(map(shown, values))) for name, values in node.grid.items()
    )
