"""Which result of before stands for a node run that is not to run, because only a part of the pipeline was asked for.

It has the node run's own parameters. Of several, the newest that came from what the parents' runs hold now is taken;
else the newest of all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .events import Earlier
from .lifecycle import Created, NodeRun
from .values import Value, to_json


@dataclass(frozen=True, slots=True)
class Candidate:
    """A result of before, and as texts to compare: the parameters it had, and what its parents' runs held then."""

    params: str
    inputs: str
    earlier: Earlier

    def same_as(self, other: Candidate) -> bool:
        """True when both had the same parameters and inputs."""
        return (self.params, self.inputs) == (other.params, other.inputs)


def candidate_of(run: NodeRun, node_runs: Mapping[str, NodeRun], earlier: Earlier) -> Candidate:
    """`earlier`, the result of `run`, as a candidate; `node_runs` are those of its own run, by id."""
    return Candidate(_plain(run.created.params), _inputs(run.created, node_runs), earlier)


def choose(candidates: Iterable[Candidate], created: Created, node_runs: Mapping[str, NodeRun]) -> Earlier | None:
    """The one of the candidates, newest first, that stands for the node run `created`; None when none does."""
    params = _plain(created.params)
    fitting = [one for one in candidates if one.params == params]
    if len(fitting) > 1:
        inputs = _inputs(created, node_runs)
        fitting = [one for one in fitting if one.inputs == inputs] or fitting
    return fitting[0].earlier if fitting else None


def _inputs(created: Created, node_runs: Mapping[str, NodeRun]) -> str:
    runs = [node_runs[id] for id in created.before()]
    return json.dumps({run.id: [run.detail.get("artifact"), _plain(run.tags)] for run in runs}, sort_keys=True)


def _plain(values: Mapping[str, Value]) -> str:
    return json.dumps({name: to_json(value) for name, value in values.items()}, sort_keys=True)
