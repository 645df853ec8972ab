"""A plan for people and for programs: what would run, what is up to date, and why not."""

from __future__ import annotations

from typing import Any

from .core.graph import graph_of
from .core.lifecycle import NodeRun, State
from .core.model import Pipeline
from .core.planning import Planned
from .diagram import tree
from .records.cache import PROJECT
from .view import MOST_DRAWN, label
from .view_json import json_values

MOST_STEPS = 40
_NEVER = "it has not been run yet"
_LEAVE_OUT = "Each node sees the project's files. What none needs is left out by .gitignore, or by --code DIR."


def step_of(planned: Planned, run: NodeRun) -> tuple[str, str]:
    """The state of a step (run, cached, wait) and why."""
    if run.state is State.WAITING:
        return "wait", run.reason
    if run.state is State.SKIPPED:
        return "wait", f"it would be skipped: {run.reason}"
    if asks := planned.asks.get(run.id):
        return "wait", asks
    if run.state is State.CACHED:
        return "cached", run.reason
    if run.state is State.FAILED:
        return "run", f"it would fail: {run.reason}"
    return "run", planned.why.get(run.id) or _NEVER


def plan_json(pipeline: Pipeline, planned: Planned) -> dict[str, Any]:
    """A plan as `--json` prints it: what is known of nodes, edges, node runs and routes, and each step."""
    graph = graph_of(pipeline)
    steps = []
    for run in planned.run.node_runs.values():
        state, why = step_of(planned, run)
        steps.append(
            {
                "node": run.node,
                "id": run.id,
                "route": {title: json_values(chosen) for title, chosen in run.created.route.items()},
                "params": json_values(run.created.params),
                "state": state,
                "why": why,
            }
        )
    return {
        "nodes": len(graph),
        "edges": sum(map(len, graph.values())),
        "node_run_count": len(planned.known),
        "route_count": planned.routes,
        "unknown": planned.unknown,
        "steps": steps,
    }


def plan_text(pipeline: Pipeline, planned: Planned) -> str:
    """A plan for people: the tree, the steps where there is something to say of them, and the counts."""
    edges = sum(map(len, graph_of(pipeline).values()))
    whole = len(pipeline.nodes) <= MOST_DRAWN
    lines = [tree(pipeline) if whole else f"{len(pipeline.nodes):,} nodes, {edges:,} edges", ""]
    steps = [(run, *step_of(planned, run)) for run in planned.run.node_runs.values()]
    told = [(run, state, why) for run, state, why in steps if why != _NEVER]
    width = max((len(label(run)) for run, _, _ in told[:MOST_STEPS]), default=0)
    lines += [f"{state:<6}  {label(run):<{width}}  {why}".rstrip() for run, state, why in told[:MOST_STEPS]]
    if len(told) > MOST_STEPS:
        lines.append(f"… and {len(told) - MOST_STEPS:,} more")
    lines += ["", _LEAVE_OUT] if any(PROJECT in why for _, state, why in told if state == "run") else []
    lines += [""] if told else []
    cached = sum(state == "cached" for _, state, _ in steps)
    starts = len(planned.known) - cached
    if not starts and not planned.unknown:
        lines.append(f"Nothing would be started: {cached} of {cached} up to date.")
        return "\n".join(lines)
    lines.append(f"{_plural(starts, 'node run')} would be started, along {_plural(planned.routes, 'route')} in all.")
    if cached:
        lines.append(f"{cached} of {len(planned.known)} up to date.")
    if planned.unknown:
        names = ", ".join(f'"{title}"' for title in planned.unknown)
        lines.append(f"How often, and on what, these run is known when the run comes to them: {names}.")
    return "\n".join(lines)


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
