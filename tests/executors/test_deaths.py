"""P5: kernels and containers that die, again and again: noticed at once, with the cause, and the notebook kept so far.

LONG_FAULTS=1 makes it fifty deaths of each kind; the slowest one is told then.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dagbook.runner.executors.contract import CellStarted, Job, Report

from .conftest import BOUND, Bench, containers, record, until

pytestmark = [pytest.mark.container, pytest.mark.fault]

LONG = bool(os.environ.get("LONG_FAULTS"))
DEATHS = 50 if LONG else 5
WAIT = "import time; time.sleep(600)"
FILL = "x = b'x' * (1 << 30)"
CHILD = f"""import subprocess, sys
died = subprocess.run([sys.executable, '-c', "open('/proc/self/oom_score_adj', 'w').write('1000'); {FILL}"])
raise RuntimeError(f'the child ended with {{died.returncode}}')"""


def kill_kernel(container: str) -> None:
    """End the kernel by a signal, as this machine's own killer would."""
    top = subprocess.run(["docker", "top", container, "-eo", "pid,args"], capture_output=True, text=True, check=True)
    for line in top.stdout.splitlines():
        if "kernel.py" in line:
            os.kill(int(line.split()[0]), signal.SIGKILL)


def kill_container(container: str) -> None:
    """End it from outside."""
    subprocess.run(["docker", "kill", container], capture_output=True, check=True)


@dataclass(frozen=True)
class Death:
    """A cell that dies, or what kills it while it waits; the reason's words, and whether the attempt is lost."""

    told: str
    kill: Callable[[str], None] | None = None
    cell: str = WAIT
    lost: bool = False


KINDS = {
    "the kernel": Death("the kernel was killed by signal 9 (SIGKILL) in cell 3", kill_kernel),
    "the kernel, without memory": Death("out of memory (limit 256 MiB) in cell 3", cell=FILL),
    "a child of it, without memory": Death("a process of the node was killed: out of memory", cell=CHILD),
    "the container": Death("outside in cell 3", kill_container, lost=True),
}


async def slowness_of(bench: Bench, job: Job, death: Death) -> float:
    """Run the job to its death; seconds from when it was killed, or its last cell began, to its outcome."""
    dies = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hear(report: Report) -> None:
        if report == CellStarted(2, 3):
            loop.call_soon_threadsafe(dies.set)

    task = asyncio.ensure_future(bench.executor.run(job, hear))
    await asyncio.wait_for(dies.wait(), 60)
    began = time.monotonic()
    if death.kill:
        [container] = containers(f"dagbook={bench.store}", everything=False)
        await asyncio.to_thread(death.kill, container)
    outcome = await asyncio.wait_for(task, 60)
    took = time.monotonic() - began
    assert not outcome.ok
    assert death.told in outcome.reason
    assert outcome.lost is death.lost
    return took


@pytest.mark.parametrize("kind", KINDS)
def test_P5_a_death_is_noticed_within_ten_seconds_and_all_cells_before_it_are_kept(docker: Bench, kind: str) -> None:
    slowest = 0.0
    for _ in range(DEATHS):
        job = docker.job("print('first')", "print('second')", KINDS[kind].cell, memory=256 << 20)
        slowest = max(slowest, asyncio.run(slowness_of(docker, job, KINDS[kind])))
        cells = [cell for cell in record(job).cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
        assert [cell.outputs[0].text for cell in cells[:2]] == ["first\n", "second\n"]
    if LONG:
        sys.stderr.write(f"\n{kind}: {DEATHS} deaths, the slowest noticed after {slowest:.2f} s\n")
    assert slowest < BOUND
    until(lambda: not containers(f"dagbook={docker.store}"), 15)
