"""What a run would do now: planning, with earlier results looked up where there is a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .asked import Asked
from .core.errors import Problem, raise_errors
from .core.events import Earlier
from .core.lifecycle import NodeRun, RunSoFar
from .core.model import Pipeline
from .core.planning import Planned, planner
from .jobs import Jobs
from .plan import check_asked, prepare
from .records.store import Store
from .results import Results
from .secret_lookup import find_secrets


def forecast(
    asked: Asked, store: Path, tell: Callable[[str], None]
) -> tuple[Pipeline, Planned, dict[str, str], list[Problem]]:
    """The part of the pipeline that was asked for, what a run of it would do, the compute templates that nodes get,
    and warnings. Nothing is run and nothing recorded; images that are to be made are made, as a run would.

    Raises PipelineError, MachineError as a run would.
    """
    from .executors.resources import resource_problems, with_computes

    pipeline, reused, warnings = check_asked(asked)
    if not store.is_dir():  # nothing ever ran: there is no need to look at images
        pipeline, computes = with_computes(pipeline, asked.computes, asked.executor, reused)
        raise_errors(resource_problems(pipeline, asked.executor, reused))
        _, said = find_secrets(asked, pipeline, [node for node in pipeline.nodes if node.title not in reused])
        return pipeline, planner(pipeline, reused), computes, warnings + said
    plan, opened = prepare(asked, lambda: Store(store, create=False), tell)
    found: list[Results] = []

    def look(run: RunSoFar, node_run: NodeRun) -> tuple[Earlier | None, str]:
        if not found:
            jobs = Jobs(plan, opened, "", run)
            found.append(Results(plan, opened, jobs, "", tell, remembers=False))
        return found[0].find(node_run)

    planned = planner(plan.pipeline, plan.reused, plan.earlier, looks=plan.looks, look=look)
    for title in plan.forced:
        planned.why |= {run.id: "--force" for run in planned.run.node_runs.values() if run.node == title}
    return plan.pipeline, planned, dict(plan.computes), list(plan.warnings)
