"""Foresight: which node runs will come to be, if what is under way succeeds.

The same expansion that finds a run's node runs is given each of them when it starts, as if it had succeeded. What
depends on tags that are not known yet is not foreseen. Nothing follows from it but that something is made ready: what
comes to be, and whether it may start, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from .expansion import Birth, Expansion
from .lifecycle import NodeRun, RunSoFar, State
from .model import Pipeline


class Foresight:
    """What would be, of one run. `run` holds its node runs as if all that was supposed had succeeded."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.run = RunSoFar()
        self._expansion = Expansion(pipeline, self.run, binds=False)
        self._supposed: set[str] = set()
        self._keep(self._expansion.roots())

    def suppose(self, run: NodeRun, attempt: int) -> list[NodeRun]:
        """Take it that this attempt of it will succeed; returns who comes to be when it does, each once."""
        if run.id in self._supposed:
            return []
        self._supposed.add(run.id)
        detail = {"foreseen": True}
        supposed = NodeRun(run.created, State.SUCCEEDED, max(attempt, 1), "", detail, dict(run.created.params))
        self.run.node_runs[run.id] = supposed
        return self._keep(self._expansion.after(supposed))

    def learn(self, run: NodeRun) -> None:
        """Take over what a node run that passed has left and logged."""
        if run.id in self._supposed:
            known = self.run.node_runs[run.id]
            known.attempt, known.detail, known.tags = run.attempt, run.detail, run.tags

    def _keep(self, births: Iterable[Birth]) -> list[NodeRun]:
        made = [NodeRun(birth.created, tags=dict(birth.created.params)) for birth in births if birth.state is None]
        self.run.node_runs |= {run.id: run for run in made}
        return made
