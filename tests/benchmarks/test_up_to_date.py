"""A second run in which nothing changed: whole commands, from the shell to the exit code, in containers' images.

Nothing here fails on a time. Run it alone: pytest -m benchmark -s tests/benchmarks/test_up_to_date.py;
BENCH_ROUNDS sets the rounds (7).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable

import pytest

from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said

pytestmark = pytest.mark.benchmark
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
CELLS = ["%%pipeline_node n0\nopen('x', 'w').write('0')"] + [
    f"%%pipeline_node n{i} --after n{i - 1}\nopen('x', 'w').write('{i}')" for i in range(1, 12)
]


def containers_started(store: str, since: float, until: float) -> list[str]:
    """The containers of this store that the engine started between two moments."""
    import docker

    client = docker.APIClient()
    try:
        events = client.events(
            since=int(since), until=int(until) + 1, decode=True, filters={"event": "start", "label": f"dagbook={store}"}
        )
        return [event["id"] for event in events if since <= event["timeNano"] / 1e9 <= until]
    finally:
        client.close()


@pytest.mark.container
def test_twelve_nodes_that_are_up_to_date_start_no_container(
    dagbook: Callable[..., Said], make_notebook: MakeNotebook
) -> None:
    flow = make_notebook(*CELLS)
    began = time.time()
    assert dagbook("run", flow, "--executor", "docker", "-q").code == 0
    with contextlib.closing(Store(flow.parent / ".dagbook", create=False)) as opened:
        store = opened.id
    assert len(containers_started(store, began, time.time())) == 12
    again, took = time.time(), []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        said = dagbook("run", flow, "--executor", "docker", "-q")
        took.append(time.perf_counter() - before)
        assert said.code == 0
        assert "12 of 12 up to date" in said.out
    assert containers_started(store, again, time.time()) == []
    help_took = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        dagbook("--help")
        help_took.append(time.perf_counter() - before)
    for name, seconds in (("12 of 12 up to date", took), ("dagbook --help", help_took)):
        print(
            f"{name:<22} n={len(seconds)} median {statistics.median(seconds):.2f} s, "
            f"min {min(seconds):.2f}, max {max(seconds):.2f}"
        )
