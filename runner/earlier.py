"""Earlier results for the nodes of a pipeline that are not to run, because only a part of it was asked for."""

from __future__ import annotations

from .core.errors import problem, raise_errors
from .core.events import Earlier
from .core.lifecycle import PASSED, NodeRun, State
from .core.model import Pipeline
from .core.names import slug_of
from .core.planning import planner
from .records.store import Store
from .records.verify import check


def find_earlier(store: Store, pipeline: Pipeline, reused: frozenset[str]) -> dict[str, Earlier]:
    """The latest results of the node runs that are not to run. Raises PipelineError (E-NO-EARLIER)."""
    if not reused:
        return {}
    planned = planner(pipeline, reused).run.node_runs.values()
    wanted = {run.id: run.created for run in planned if run.node in reused and run.state is not State.WAITING}
    found: dict[str, Earlier] = {}
    for row in store.runs(most=50, pipeline=pipeline.name):
        for run in store.state_of(row.id).node_runs.values():
            # Of what only the run decides (conditions, values in tags) the latest result is taken, whatever it was.
            known = wanted.get(run.id)
            same = run.node in reused and (known is None or known.params == run.created.params)
            if same and run.id not in found and _is_kept(store, run):
                origin = {"run": row.id, "node_run": run.id, "attempt": run.attempt}
                found[run.id] = Earlier({"from": origin, **run.detail}, run.tags, run.metrics, run.images)
    missing = {created.node: None for id, created in wanted.items() if id not in found}
    raise_errors(problem("E-NO-EARLIER", node=title, slug=slug_of(title)) for title in missing)
    return found


def _is_kept(store: Store, run: NodeRun) -> bool:
    """True when the result of a node run that passed is in the store as it was; a damaged one is set aside."""
    digest = str(run.detail.get("artifact", ""))
    return run.state in PASSED and bool(digest) and check(store.artifacts / digest[:2] / digest) is None
