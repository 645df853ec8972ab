"""What a node costs besides its own work, against papermill in a container, which is what people write by hand.

Rounds are interleaved: this machine is never quiet, and ratios survive that. Nothing here fails on a time.
Run it alone: pytest -m benchmark -s tests/benchmarks/test_node_overhead.py; BENCH_ROUNDS sets the rounds (7).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import nbformat.v4
import pytest

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import Executor, Job, Needs
from dagbook.runner.executors.process import ProcessExecutor
from dagbook.runner.executors.sandbox import bubblewrap

pytestmark = pytest.mark.benchmark
BASE = os.environ.get("DAGBOOK_TEST_IMAGE", "dagbook/base:bookworm")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
CELL = "open('made.txt', 'w').write('x')\nprint('done')"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """One cell that writes a small file and prints."""
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)], metadata=spec)  # type: ignore[no-untyped-call]
    path = tmp_path / "in.ipynb"
    nbformat.write(made, path)  # type: ignore[no-untyped-call]
    return path


def node(executor: Executor, notebook: Path, folder: Path) -> Callable[[], float]:
    """A function that runs the notebook as a node and gives its seconds."""
    runtime = executor.prepare([Needs("node", Kind.CELL)], lambda line: None)[0]["node"]
    count = 0

    def run() -> float:
        nonlocal count
        count += 1
        output = folder / f"{executor.name}{count}"
        output.mkdir()
        job = Job(
            id=f"bench-{count}",
            node_run="bench",
            title="node",
            kind=Kind.CELL,
            runtime=runtime,
            record=folder / f"{executor.name}{count}.ipynb",
            output=output,
            notebook=notebook,
            labels={"dagbook": "bench"},
        )
        before = time.perf_counter()
        outcome = asyncio.run(executor.run(job, lambda report: None))
        took = time.perf_counter() - before
        assert outcome.ok, outcome.reason
        assert (output / "made.txt").read_text() == "x"
        return took

    return run


def by_hand(image: str, notebook: Path, folder: Path) -> Callable[[], float]:
    """A function that runs `docker run IMAGE papermill` on the notebook and gives its seconds."""
    command = ["docker", "run", "--rm", "--network", "none", "-v", f"{folder}:/work", "-w", "/work", image]

    def run() -> float:
        before = time.perf_counter()
        papermill = ["papermill", notebook.name, "out.ipynb", "--no-progress-bar"]
        subprocess.run([*command, *papermill], check=True, capture_output=True)
        return time.perf_counter() - before

    return run


@pytest.fixture
def executors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Executor]]:
    """Docker and, where bubblewrap works, a process."""
    from dagbook.runner.core.errors import MachineError
    from dagbook.runner.executors.docker import DockerExecutor

    try:
        docker = DockerExecutor(default_image=BASE, build_network=os.environ.get("DAGBOOK_BUILD_NETWORK"))
    except MachineError as error:
        pytest.skip(str(error))
    found: dict[str, Executor] = {"dagbook, docker": docker}
    if bubblewrap():
        found["dagbook, process"] = ProcessExecutor(sandbox=True)
    yield found
    for executor in found.values():
        asyncio.run(executor.close())


@pytest.mark.container
def test_cold_node(executors: dict[str, Executor], notebook: Path, tmp_path: Path) -> None:
    """A cold no-op node, end to end, and its ratio to papermill in a container in the same round."""
    needs = Needs("peer", Kind.CELL, image=BASE, requirements=("papermill",))
    runtimes, problems = executors["dagbook, docker"].prepare([needs], lambda line: None)
    if problems:
        pytest.skip(f"no image with papermill: {problems[0].message}")
    peer = "docker run papermill"
    runs = {peer: by_hand(runtimes["peer"].digest, notebook, tmp_path)}
    runs |= {name: node(executor, notebook, tmp_path) for name, executor in executors.items()}
    for run in runs.values():
        run()  # warm: page cache, imports
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(run())
    lines = [f"\n{'n=' + str(ROUNDS):24}{'median':>9}{'min':>9}{'max':>9}{'ratio (of medians, of minima)':>33}"]
    for name, took in times.items():
        ratios = statistics.median(took) / statistics.median(times[peer]), min(took) / min(times[peer])
        cells = [f"{1000 * value:7.0f}ms" for value in (statistics.median(took), min(took), max(took))]
        lines.append(f"{name:24}{''.join(cells)}{ratios[0]:24.2f}{ratios[1]:9.2f}")
    print("\n".join(lines))
