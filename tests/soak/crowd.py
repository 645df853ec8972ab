"""Many processes that run pipelines on one store at a time: none of them ever hears of the others."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import DAGBOOK
from tests.soak.flows import SHORT as SHORT

LONGEST = 300  # seconds that a command may take


@dataclass
class Crowd:
    """What became of the runs of a crowd: how long each command took, and what those said that failed."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ordered = sorted(self.seconds)
        tail = ordered[int(len(ordered) * 0.99)] if ordered else 0
        told = f"n={len(ordered)} median {statistics.median(ordered):.2f} s, min {ordered[0]:.2f}, "
        return told + f"99 of 100 below {tail:.2f}, max {ordered[-1]:.2f}; {len(self.failed)} failed"


def crowd(project: Path, processes: int, runs: int) -> Crowd:
    """So many processes at a time, each with so many runs, one after the other."""
    found = Crowd()

    def live(process: int) -> None:
        for number in range(runs):
            began = time.perf_counter()
            said = run_one(project, process * runs + number)
            found.seconds.append(time.perf_counter() - began)
            if said:
                found.failed.append(said)
            if number % 20 == 19:
                sys.stderr.write(f"process {process}: {number + 1} runs\n")

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(live, range(processes)))
    return found


def run_one(project: Path, number: int) -> str:
    """One run with a parameter of its own; what it said when it failed, or spoke of the database."""
    words = [DAGBOOK, "run", "short.ipynb", "--executor", "process", "-q", "-p", "n", str(number)]
    said = subprocess.run(words, cwd=project, capture_output=True, text=True, timeout=LONGEST, check=False)
    told = said.stdout + said.stderr
    return told if said.returncode or "lock" in told or "E-" in told else ""
