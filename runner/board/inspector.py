"""The inspector: all facts of one node run, of a node before any run, of all runs of a node. `inspector_html` draws it.

Pure, but for looking at what the run left in the store: lists of artifacts, the executed notebook of what failed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from ..core.edge import COMPARING, Edge
from ..core.graph import children_of, graph_of
from ..core.lifecycle import BROKEN, ENDED, NodeRun, State
from ..core.masking import masked
from ..core.model import Kind, Node, Pipeline
from ..core.nested import pipeline_in
from ..core.routes import count, gathered_by
from ..core.values import Value, shown
from ..diagram import tree
from ..formats.commands import command, deciding
from ..records.follow import Follower, Watched
from ..view import route_words, tally
from . import inspector_facts as facts
from .artifact_listing import artifact_listing
from .inspector_values import Command, GroupRow, Inspected, InspectedGroup, InspectedNode, Named

MOST_ROWS = 200
MOST_CURVES = 12  # runs of a node whose metrics are drawn over one another
SOURCE_LINES = 200


def inspect_run(follower: Follower, node_run_id: str, now: float, pipeline: Pipeline | None = None) -> Inspected:
    """All that is known at `now` (seconds since the epoch) of one node run.

    `pipeline` is that of the run; whoever inspects many gives it, so that it is read once. Raises KeyError for an id
    that the run does not know, or not yet.
    """
    pipeline = pipeline or facts.recorded_pipeline(follower)
    watched = follower.watched[node_run_id]
    run = watched.run
    node = pipeline.node(run.node)
    verdicts, more_verdicts = facts.verdicts_of(pipeline, node, run, follower) if node.when else ([], 0)
    log, earlier_lines = facts.log_of(watched)
    pictures = facts.pictures_of(run, follower)
    outputs, earlier_outputs = facts.outputs_of(watched, pictures)
    failed = run.state in BROKEN
    return Inspected(
        run=follower.row.id,
        id=run.id,
        title=run.node,
        route=route_words(run.created.route),
        kind=str(node.kind),
        state=run.state,
        line=_line(watched),
        reason=run.reason,
        created=facts.created_at(watched),
        began=watched.began,
        ended=watched.ended,
        seconds=watched.seconds(now),
        progress=(watched.cell + 1, watched.cells) if run.state is State.RUNNING and watched.cells else None,
        attempts=facts.attempts_of(watched, follower, now),
        parameters=facts.parameters_of(pipeline, node, run),
        tags=facts.tags_of(run),
        metrics=dict(run.metrics),
        pictures=pictures,
        artifact=artifact_listing(run, follower.store.artifacts),
        image=_image(run),
        executor=str(run.detail.get("executor") or ""),
        limits=facts.limits_of(pipeline, node),
        used=facts.used_of(run),
        environment=facts.environment_of(pipeline, node, run, follower),
        cached=_cached(run),
        because=run.created.because,
        verdicts=tuple(verdicts),
        verdicts_left_out=more_verdicts,
        approval=facts.approval_of(watched),
        failure=facts.failure_of(run, follower.store.folder) if failed else None,
        warnings=tuple(map(str, run.detail.get("warnings") or ())),
        log=log,
        log_left_out=earlier_lines,
        outputs=outputs,
        outputs_left_out=earlier_outputs,
        notebook=str(run.detail.get("notebook") or ""),
        parents=tuple(dict.fromkeys(run.created.before())),
        nested="{run} of {pipeline}".format(**run.detail["nested"]) if run.detail.get("nested") else "",
        commands=_commands(follower, run),
    )


def _line(watched: Watched) -> str:
    """`attempt 2 · kept from before the run was resumed`: what the state alone does not tell."""
    parts = [f"attempt {watched.run.attempt}"] if watched.run.attempt > 1 else []
    return " · ".join([*parts, *(["kept from before the run was resumed"] if watched.kept else [])])


def _image(run: NodeRun) -> tuple[Named, ...]:
    image = run.detail.get("image") or {}
    return tuple(Named(name, str(image[name])) for name in ("reference", "digest") if image.get(name))


def _cached(run: NodeRun) -> str:
    """Why an earlier result stands for it, or why none does; empty while nobody has looked."""
    why = str(run.detail.get("why") or "")
    if run.state is State.CACHED:
        return f"An earlier result stands for it: {run.reason}" if run.reason else "An earlier result stands for it"
    return f"It was run: {why}" if why else ""


def _commands(follower: Follower, run: NodeRun) -> tuple[Command, ...]:
    """What can be typed about this node run now."""
    store, row = follower.store.folder, follower.row
    found = []
    if run.state is State.PENDING_APPROVAL:
        users = run.detail.get("approvers") or ["USER"]
        magic = _magic("approve", run.id, "--by", str(users[0]), "--run", row.id)
        found.append(Command("decide", deciding(store, row.id, run), magic))
    if nested := run.detail.get("nested"):
        shown = command(store, "show", nested["run"])
        found.append(Command("look into its run", shown, _magic("show", nested["run"])))
    if run.detail.get("kept"):
        attach = command(store, "attach", row.id, run.id)
        found.append(Command("go into its kernel", attach, _magic("attach", run.id, "--run", row.id)))
    if run.state in ENDED and run.state is not State.SKIPPED and follower.over:
        found.append(Command("run it again", command(store, "retry", row.id, "--node", run.node)))
    if run.attempt or run.state is State.CACHED:
        found.append(Command("what it printed", command(store, "logs", row.id, run.id)))
    return tuple(found)


def _magic(verb: str, *words: str) -> str:
    return f"%pipeline_{verb} {shlex.join(words)}"


def inspect_node(pipeline: Pipeline, title: str) -> InspectedNode:
    """The definition of the node with this title or slug, before any run. Raises KeyError for an unknown one."""
    node, graph = pipeline.node(title), graph_of(pipeline)
    lines = _source(node).splitlines()
    env = {**pipeline.defaults.env, **node.env}
    return InspectedNode(
        title=node.title,
        kind=str(node.kind),
        cell=node.cell,
        expected=count(pipeline).by_node[node.title],
        options=_options(pipeline, node),
        parameters=facts.parameters_defined(pipeline, node),
        grid=facts.grid_defined(node),
        conditions=tuple(map(str, node.when)),
        approve=node.approve,
        before=tuple(Named(parent, _carried(pipeline, node, parent)) for parent in graph[node.title]),
        after=children_of(graph)[node.title],
        environment=tuple(
            Named(name, masked(name, value), "node" if name in node.env else "pipeline") for name, value in env.items()
        ),
        source="\n".join(lines[:SOURCE_LINES]),
        source_left_out=max(len(lines) - SOURCE_LINES, 0),
    )


def _source(node: Node) -> str:
    """The node's code; a notebook's text is JSON that nobody reads, and a pipeline is told as a tree."""
    if node.kind is Kind.PIPELINE:
        return tree(pipeline_in(node)) if node.source else ""
    return "" if node.kind in (Kind.NOTEBOOK, Kind.DATA) else node.source


def _options(pipeline: Pipeline, node: Node) -> tuple[Named, ...]:
    """What is said of the node besides parameters and edges, its own words before the pipeline's."""
    found = [Named("path", node.path)] if node.path else []
    found += [Named("url", masked("url", node.url))] if node.url else []
    found += [Named("artifacts", ", ".join(node.artifacts))] if node.artifacts else []
    for name in ("image", "requirements", "prerun", "kernel", "executor", "compute", "git", "cache"):
        for origin, value in (("node", getattr(node, name)), ("pipeline", getattr(pipeline.defaults, name))):
            if value is not None:
                words = ", ".join(value) if isinstance(value, tuple) else shown(value)
                found.append(Named(name, masked(name, words), origin))
                break
    found += [Named("single", "it runs once, whatever its parents' grids")] if node.single else []
    return (*found, *facts.limits_of(pipeline, node))


def _carried(pipeline: Pipeline, node: Node, parent: str) -> str:
    """What comes from a parent: edges in words, all its runs at once, its end alone, or its whole artifact."""
    source = pipeline.node(parent)
    edges = [_edge_words(edge) for edge in pipeline.edges_into(node.title) if pipeline.node(edge.source) is source]
    if node.single and source.kind is not Kind.DATA:
        return "only its end"
    if source.slug in gathered_by(node):
        edges.append("all its runs at once")
    return ", ".join(edges) or "its files"


def _edge_words(edge: Edge) -> str:
    return f"{edge.source_port} {edge.source_key} → {edge.target_port} {edge.target_key}"


def inspect_group(follower: Follower, title: str, now: float | None = None) -> InspectedGroup:
    """All runs of the node with this title, in order of their routes; `now` for durations of what still runs.

    Raises KeyError when the run's pipeline has no such node.
    """
    pipeline = facts.recorded_pipeline(follower)
    title = pipeline.node(title).title
    several = [one for one in follower.listed() if one.run.node == title]
    values = {one.run.id: _told_apart(one.run) for one in several}
    tags = {one.run.id: {tag.name: tag.value for tag in facts.tags_of(one.run)} for one in several}
    choosing = {node.title for node in pipeline.nodes if any(one.objective in COMPARING for one in node.when)}
    runs = follower.so_far.node_runs.values()
    chosen = {id for run in runs if run.node in choosing for id in run.created.before()}
    over = now if now is not None else follower.row.ended or follower.row.started
    rows = [
        GroupRow(
            one.run.id, one.run.state, values[one.run.id], one.seconds(over), tags[one.run.id], one.run.id in chosen
        )
        for one in several[:MOST_ROWS]
    ]
    return InspectedGroup(
        title=title,
        states=tally(one.run.state for one in several),
        columns=_names(values.values()),
        tags=_names(tags.values()),
        rows=tuple(rows),
        left_out=max(len(several) - MOST_ROWS, 0),
        metrics=_curves(several[:MOST_CURVES]),
    )


def _told_apart(run: NodeRun) -> dict[str, str]:
    """What tells this run from the node's others: the values of its route, and its own parameters."""
    chosen = {name: value for values in run.created.route.values() for name, value in values.items()}
    return {name: masked(name, value) for name, value in {**chosen, **run.created.params}.items()}


def _names(several: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in several for name in one))


def _curves(several: list[Watched]) -> dict[str, dict[str, list[tuple[float, Value]]]]:
    found: dict[str, dict[str, list[tuple[float, Value]]]] = {}
    for one in several:
        for name, points in one.run.metrics.items():
            words = route_words(one.run.created.route) or one.run.id
            found.setdefault(name, {})[words] = list(points)
    return found
