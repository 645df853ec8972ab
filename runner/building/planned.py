"""What a run would do, as a program sees it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..asked import Asked
from ..core.values import Value
from ..forecast import forecast
from ..plan_view import plan_json, plan_text


@dataclass(frozen=True, slots=True)
class Step:
    """One node run that there would be. `state` is `run`, `cached`, or `wait` for what only the run can tell; `why`."""

    node: str
    route: Mapping[str, Mapping[str, Value]]
    params: Mapping[str, Value]
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do; printed it is what `dagbook plan` prints.

    `node_run_count` and `route_count` count what is known before the run; `unknown` are the titles of nodes of which
    only the run can tell how often they run.
    """

    node_run_count: int
    route_count: int
    unknown: Sequence[str]
    steps: Sequence[Step]
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        """What a notebook shows."""
        printer.text(self.text)  # type: ignore[attr-defined]


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def plan_of(asked: Asked, store: Path) -> Plan:
    """The plan of what is asked. Raises PipelineError, MachineError."""
    pipeline, planned, _, warnings = forecast(asked, store, _tell)
    for found in warnings:
        _tell(found.describe())
    told = plan_json(pipeline, planned)
    steps = [Step(one["node"], one["route"], one["params"], one["state"], one["why"]) for one in told["steps"]]
    text = plan_text(pipeline, planned)
    return Plan(told["node_run_count"], told["route_count"], told["unknown"], steps, text)
