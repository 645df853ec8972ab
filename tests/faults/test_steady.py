"""A run of many node runs holds no more at its end than at its beginning: descriptors, threads, processes, folders."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagbook.runner.core.lifecycle import Changed, State
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.faults.box import Box
from tests.faults.test_ahead import until

pytestmark = pytest.mark.fault
ROUTES = 60
SLACK = 20  # descriptors of a node run that happens to be under way in one sample and not in the other


@dataclass(frozen=True)
class Held:
    """What a process holds at a moment."""

    descriptors: int
    threads: int
    children: int


def held_by(process: int) -> Held:
    place = Path(f"/proc/{process}")
    children = 0
    for task in os.listdir(place / "task"):
        with contextlib.suppress(FileNotFoundError):  # that thread has ended
            children += len((place / "task" / task / "children").read_text().split())
    return Held(len(os.listdir(place / "fd")), len(os.listdir(place / "task")), children)


def sampled(follower: Follower) -> list[Held]:
    """What the run process holds whenever a node run has succeeded, but for the last."""
    samples = []
    for _ in follower.follow():
        over = [e for e in follower.entries if isinstance(e.fact, Changed) and e.fact.state is State.SUCCEEDED]
        if over and not follower.over:
            samples.append(held_by(follower.row.process["pid"]))
    return samples


def test_a_run_of_sixty_routes_holds_no_more_at_its_end_than_at_its_beginning(
    box: Box, make_notebook: MakeNotebook, dagbook: Callable[..., Said]
) -> None:
    """A descriptor that stays open for each node run would be 40 more; what differs is what happens to be under way."""
    grid = ",".join(map(str, range(ROUTES)))
    flow = make_notebook(f"%%pipeline_node fit --grid n={grid} --no-cache\nopen('n', 'w').write(str(n))")
    assert dagbook("run", flow, "--executor", "process", "--jobs", "4", "--detach").code == 0
    with contextlib.closing(Store(flow.parent / ".dagbook", create=False)) as store:
        follower = Follower(store, "latest", outputs=False)
        samples = sampled(follower)
    assert [run.state for run in follower.so_far.node_runs.values()] == [State.SUCCEEDED] * ROUTES
    third = len(samples) // 3
    assert third >= 5
    for what in ("descriptors", "threads", "children"):
        early, late = ([getattr(one, what) for one in part] for part in (samples[:third], samples[-third:]))
        assert statistics.median(late) <= statistics.median(early) + SLACK, (what, early, late)
    until(lambda: not list(box.runtime.iterdir()))  # the run is over a moment before its process
