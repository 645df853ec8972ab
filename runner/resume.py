"""Resuming: an ended or waiting run begins again under its own id, and keeps what is done.

What was asked of it is read from its record, so the notebook may have changed meanwhile; parameters may be changed,
and then exactly what depends on them runs again. Rules: docs/semantics.md, "States".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .asked import Asked
from .core.errors import PipelineError, Place, problem, raise_errors
from .core.lifecycle import PASSED, NodeRun, RunSoFar, RunState, so_far
from .core.model import Pipeline
from .core.values import Value, from_json, to_json
from .formats.given_values import with_values
from .formats.notebook import Parameter, read_notebook
from .formats.pipeline_file import is_notebook
from .formats.settings import said_by_environment
from .plan import Plan
from .records import clock
from .records.code import Snapshot, is_sound
from .records.content import CannotHash
from .records.processes import alive, user_name
from .records.run_rows import SNAPSHOT
from .records.settling import settle
from .records.store import RunRow, Store
from .records.verify import verify


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run to go on with: what it came to, how many facts tell that, and which of its results are still there."""

    row: RunRow
    so_far: RunSoFar
    recorded: int
    intact: frozenset[str]
    by: str
    parameters: Mapping[str, Value]


def resume_from(
    store: Store,
    run: str,
    parameters: Mapping[str, Any] | None = None,
    force: Iterable[str] = (),
    how: str = "dagbook resume",
    **settings: Any,
) -> tuple[Resumption, Asked, Snapshot | None]:
    """What resuming the run `run` means: its state, what to ask for, and the project snapshot that it had.

    `parameters` (as JSON) take the place of the recorded ones; node runs of the titles in `force` run again;
    `settings` are fields of `Asked` given anew. Raises PipelineError (E-RUN-LIVE, E-RESUME, E-PARAM-…).
    """
    row = store.run(run)
    settle(store, row)
    row = store.run(row.id)
    _check(row)
    entries = store.facts(row.id)
    state = so_far(entry.fact for entry in entries)
    given = {name: from_json(value) for name, value in (parameters or {}).items()}
    asked = _asked(row, _known(row, store) if given else {}, given, tuple(force), settings)
    intact = frozenset(run.id for run in [*state.past.values(), *state.node_runs.values()] if _is_intact(store, run))
    by = f"{user_name()} with {how}"
    return Resumption(row, state, len(entries), intact, by, given), asked, _code(row, store)


def _check(row: RunRow) -> None:
    if row.ended is None and alive(row.process):
        process = row.process
        raise PipelineError(problem("E-RUN-LIVE", run=row.id, pid=process["pid"], host=process["host"]))
    if row.state is RunState.REJECTED:
        why, hint = f"it was rejected ({row.reason}), and that is final", "Start a new run."
        raise PipelineError(problem("E-RESUME", run=row.id, why=why, hint=hint))


def is_done(store: Store, row: RunRow) -> bool:
    """True when there is nothing to go on with: the run succeeded, and what it left is in the store as it was.

    That an image, a package or a dataset is another one by now is a reason for a new run, not for this one.
    """
    if row.state is not RunState.SUCCEEDED:
        return False
    left = so_far(entry.fact for entry in store.facts(row.id)).node_runs.values()
    return all(_is_intact(store, run) for run in left if run.state in PASSED and not run.detail.get("dataset"))


def _known(row: RunRow, store: Store) -> Mapping[str, Parameter]:
    """What the notebook of a run said of its parameters when the run began; nothing where it is not known."""
    kept, file = store.folder / "runs" / row.id / SNAPSHOT, row.record["file"]
    try:
        return read_notebook(kept).parameters if file and is_notebook(Path(file)) else {}
    except PipelineError:
        return {}


def _asked(
    row: RunRow,
    known: Mapping[str, Parameter],
    given: Mapping[str, Value],
    force: tuple[str, ...],
    settings: Mapping[str, Any],
) -> Asked:
    record = row.record
    pipeline = Pipeline.model_validate(record["pipeline"])
    if given:
        pipeline, faults = with_values(pipeline, known, given, Path(record["folder"]))
        raise_errors(one.at(Place(file=record["file"])) for one in faults)
    # Templates of compute are applied already, in what was recorded.
    plain = {"compute": None}
    pipeline = pipeline.model_copy(
        update={
            "nodes": tuple(node.model_copy(update=plain) for node in pipeline.nodes),
            "defaults": pipeline.defaults.model_copy(update=plain),
        }
    )
    kept = {name: value for name, value in record["settings"].items() if name in Asked.model_fields}
    more = {"force": force, "waits": True, "keep_failed": False, **settings}
    if not record.get("code"):
        more["code"] = "none"  # it began without project files, and goes on without
    if allowed := said_by_environment("allowed_images"):  # what is not allowed here by now is not run here again
        kept |= allowed
        kept["origins"] = {**kept.get("origins", {}), "allowed_images": "DAGBOOK_ALLOWED_IMAGES"}
    place = {"folder": record["folder"], "file": record["file"], "codes": record.get("codes", {})}
    return Asked.model_validate({**kept, **place, **more, "pipeline": pipeline})


def _is_intact(store: Store, run: NodeRun) -> bool:
    """True when the result of a node run that passed is in the store as it was."""
    if run.state not in PASSED or run.detail.get("dataset"):  # a dataset is looked at again: it may have changed
        return False
    digest = str(run.detail.get("artifact", ""))
    try:
        return bool(digest) and not verify(store.artifacts / digest[:2] / digest)
    except CannotHash:  # it stays, for who can
        return False


def _code(row: RunRow, store: Store) -> Snapshot | None:
    """The project snapshot that the run began with. Raises PipelineError (E-RESUME) when it is not what it was."""
    digest = row.record.get("code")
    if not digest:
        return None
    if not is_sound(store.code / digest):
        why = f"the project files that it began with ({store.code / digest}) are gone or damaged"
        hint = "Start a new run; what is up to date is kept."
        raise PipelineError(problem("E-RESUME", run=row.id, why=why, hint=hint))
    return Snapshot(digest, store.code / digest, 0)


def claim(store: Store, resumed: Resumption, plan: Plan, process: Mapping[str, Any]) -> None:
    """Make this process the one that runs it. Raises PipelineError (E-RUN-LIVE, E-RESUME) when another was faster."""
    row = resumed.row
    again = {
        "at": clock.now(),
        "by": resumed.by,
        "parameters": {name: to_json(value) for name, value in resumed.parameters.items()},
        "forced": sorted(plan.forced),
    }
    record = {**row.record, "pipeline": plan.pipeline.model_dump(mode="json")}
    record |= {"images": {**record.get("images", {}), **_images(plan)}, "resumed": [*record.get("resumed", []), again]}
    if plan.asked.around:  # what is before it may be something else by now
        around = plan.asked.around.model_dump(mode="json")
        record |= {"settings": {**row.record.get("settings", {}), "around": around}}
    if not store.claim(row.id, row.process, resumed.recorded, process, record):
        now = store.run(row.id)
        _check(now)
        why, hint = "somebody else ended or resumed it at the same moment", f"Look at it: dagbook show {row.id}"
        raise PipelineError(problem("E-RESUME", run=row.id, why=why, hint=hint))


def _images(plan: Plan) -> dict[str, Any]:
    return {title: {"reference": one.reference, "digest": one.digest} for title, one in plan.runtimes.items()}
