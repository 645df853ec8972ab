"""A grid of 1,000 routes in containers: memory, descriptors, threads and containers of its run while it goes on.

Prints a line for each tenth of the run. Nothing here fails on a figure.
Run it alone: pytest -m benchmark -s tests/benchmarks/test_steady.py; BENCH_ROUTES sets the routes (1,000),
BENCH_EXECUTOR the executor (docker).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.core.lifecycle import Changed, RunState, State
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said

pytestmark = pytest.mark.benchmark
ROUTES = int(os.environ.get("BENCH_ROUTES", "1000"))
EXECUTOR = os.environ.get("BENCH_EXECUTOR", "docker")
NAMES = ("MiB", "descriptors", "threads", "containers")


def counted(store: str) -> Callable[[], int]:
    """Counts the containers of a store, running or not."""
    if EXECUTOR != "docker":
        return lambda: 0
    import docker

    engine = docker.APIClient()
    return lambda: len(engine.containers(all=True, filters={"label": f"dagbook={store}"}))


def sampled(follower: Follower) -> Iterator[tuple[int, int, int, int]]:
    """What a run process holds, each time that node runs have succeeded."""
    count, place = counted(follower.store.id), Path(f"/proc/{follower.row.process['pid']}")
    for _ in follower.follow():
        over = [e for e in follower.entries if isinstance(e.fact, Changed) and e.fact.state is State.SUCCEEDED]
        with contextlib.suppress(OSError):  # it has ended
            if over:
                resident = int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
                yield resident, len(os.listdir(place / "fd")), len(os.listdir(place / "task")), count()


@pytest.mark.container
def test_a_grid_of_a_thousand_routes(make_notebook: MakeNotebook, dagbook: Callable[..., Said]) -> None:
    grid = ",".join(map(str, range(ROUTES)))
    flow = make_notebook(f"%%pipeline_node fit --grid n={grid} --no-cache\nopen('n', 'w').write(str(n))")
    began = time.monotonic()
    assert dagbook("run", flow, "--executor", EXECUTOR, "--detach").code == 0
    with contextlib.closing(Store(flow.parent / ".dagbook", create=False)) as store:
        follower = Follower(store, "latest", outputs=False)
        samples = list(sampled(follower))
        left = counted(store.id)()
    assert follower.so_far.state is RunState.SUCCEEDED
    seconds = time.monotonic() - began
    print(f"\n{ROUTES} routes, {EXECUTOR}: {seconds:.0f} s, {ROUTES / seconds:.1f} a second; containers left: {left}")
    print(f"{'median (most) of each tenth':28}" + "".join(f"{name:>18}" for name in NAMES))
    size = max(len(samples) // 10, 1)
    for first in range(0, size * 10, size):
        tenth = list(zip(*samples[first : first + size], strict=True))
        print(f"{first:4} to {first + size:<20}" + "".join(f"{statistics.median(t):11.0f} ({max(t):4})" for t in tenth))
