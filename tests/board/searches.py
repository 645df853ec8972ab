"""Runs of a search recorded in a real store: routes to compare, some of which went wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dagbook.runner.core.lifecycle import RunChanged, RunState, State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.values import Value
from tests.board.by_hand import ByHand

TRAIN = "import dagbook\nfor epoch in range(3):\n    dagbook.log_metric('loss', 1 / (epoch + depth))\n"
RATES: tuple[Value, ...] = (0.1, 0.01, 0.0001, 0.00001)


def record_search(
    folder: Path, source: str = TRAIN, seed: int = 0, depths: tuple[int, ...] = (3, 5), note: str = "fine"
) -> ByHand:
    """A run with a route for each rate and depth; the second one failed, and logged nothing."""
    nodes = (
        Node(title="prepare", source="print('prepared')"),
        Node(
            title="train",
            source=source,
            after=("prepare",),
            grid={"rate": list(RATES), "depth": list(depths)},
        ),
    )
    made = ByHand(folder, Pipeline(name="search", nodes=nodes, parameters={"seed": seed}))
    made.create("prepare", "prepare")
    made.go("prepare", State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED, artifact=_digest("prepare", seed))
    routes = [(rate, depth) for rate in RATES for depth in depths]
    for number, (rate, depth) in enumerate(routes, 1):
        id = f"train#{number}"
        chosen: dict[str, Value] = {"rate": rate, "depth": depth}
        made.create(id, "train", {**chosen, "seed": seed}, {"train": chosen}, {"prepare": "prepare"})
        made.go(id, State.QUEUED, State.STARTING, State.RUNNING)
        if number == 2:
            made.go(id, State.FAILED, reason="ValueError: no such depth", duration_s=0.2)
            continue
        made.tell(*(Tagged(id, "loss", 1 / (epoch + depth + seed + 1), float(epoch)) for epoch in range(3)))
        made.tell(Tagged(id, "accuracy", round(0.9 - 0.01 * abs(number - 4) + 0.001 * seed, 4)))
        made.tell(Tagged(id, "note", note))
        made.go(id, State.SUCCEEDED, duration_s=0.5 + number, artifact=_digest(id, seed))
    made.tell(RunChanged(RunState.FAILED, "train failed"))
    return made


def _digest(id: str, seed: int) -> str:
    return hashlib.sha256(f"{id} {seed}".encode()).hexdigest()
