"""Earlier results for the nodes of a pipeline that are not to run, because only a part of it was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from .core.errors import problem, raise_errors
from .core.events import Earlier
from .core.lifecycle import PASSED, NodeRun, State
from .core.model import Pipeline
from .core.names import slug_of
from .core.planning import planner
from .core.reuse import Candidate, candidate_of
from .core.upstream import is_foreseen
from .records.content import CannotHash
from .records.store import Store
from .records.verify import check


def find_earlier(store: Store, pipeline: Pipeline, reused: frozenset[str]) -> Mapping[str, Sequence[Candidate]]:
    """By id, the results that may stand for the node runs that are not to run, the newest first.

    Raises PipelineError (E-NO-EARLIER) for what surely lacks one; of the rest, only the run can tell.
    """
    if not reused:
        return {}
    found = _collect(store, pipeline.name, reused)
    planned = planner(pipeline, reused, found).run.node_runs.values()
    stand = [run for run in planned if run.node in reused and run.state is State.CACHED]
    missing = dict.fromkeys(run.node for run in stand if is_foreseen(run))
    raise_errors(problem("E-NO-EARLIER", node=title, slug=slug_of(title)) for title in missing)
    return found


def _collect(store: Store, pipeline: str, reused: frozenset[str]) -> dict[str, list[Candidate]]:
    """The results of the latest runs that are in the store as they were; a damaged one is set aside."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    sound: dict[str, bool] = {}
    for row in store.runs(most=50, pipeline=pipeline):
        node_runs = store.state_of(row.id).node_runs
        for run in node_runs.values():
            digest = str(run.detail.get("artifact", ""))
            if run.node not in reused or run.state not in PASSED or not digest:
                continue
            one = candidate_of(run, node_runs, _earlier(row.id, run))
            if any(newer.same_as(one) for newer in found[run.id]):
                continue  # there is a newer result of the same
            if digest not in sound:
                sound[digest] = _is_sound(store.artifacts / digest[:2] / digest)
            if sound[digest]:
                found[run.id].append(one)
    return dict(found)


def _is_sound(artifact: Path) -> bool:
    try:
        return check(artifact) is None
    except CannotHash:  # it stays, for who can
        return False


def _earlier(row: str, run: NodeRun) -> Earlier:
    origin = {"run": row, "node_run": run.id, "attempt": run.attempt}
    return Earlier({"from": origin, **run.detail}, run.tags, run.metrics, run.images)
