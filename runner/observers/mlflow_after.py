"""Sending a run to MLflow that nobody runs."""

from __future__ import annotations

from ..core.errors import MachineError, PipelineError, problem
from ..core.model import Pipeline
from ..records.follow import Follower
from ..records.processes import alive
from ..records.store import RunRow, Store
from .contract import Sight
from .mlflow_mirror import Mirror, words_of


def send(store: Store, row: RunRow, mirror: Mirror) -> tuple[int, int]:
    """Send what MLflow does not have of a run; how many attempts that were, and how many were there.

    Raises PipelineError (E-RUN-LIVE) for a run that goes on, MachineError (E-MLFLOW) where MLflow does not take it.
    """
    if row.ended is None and alive(row.process):
        raise PipelineError(problem("E-RUN-LIVE", run=row.id, pid=row.process["pid"], host=row.process["host"]))
    follower = Follower(store, row.id, journals=False)
    follower.update()
    told: list[str] = []
    pipeline = Pipeline.model_validate(row.record["pipeline"])
    try:
        return mirror.send_all(Sight(store, row.id, pipeline, follower, told.append))
    except Exception as error:
        what = f"{mirror.place} does not take it: {words_of(error)}"
        raise MachineError(problem("E-MLFLOW", what=what, hint="Try it again when it answers.")) from None
