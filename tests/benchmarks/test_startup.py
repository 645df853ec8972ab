"""How long it takes to begin: importing, asking for help, loading the extension, planning a large pipeline.

Prints a table; the bounds stand in it to be compared by people, and no time fails a test.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.benchmark

ROUNDS = 7
DAGBOOK = str(Path(sys.executable).with_name("dagbook"))

LOAD = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
began = time.perf_counter()
shell.run_line_magic("load_ext", "dagbook")
print("\\n", time.perf_counter() - began)
"""

PLAN = """
import json, re, time
import dagbook.runner.cli  # which tells Python how often to look for garbage
from dagbook.runner.core.check import check
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.planning import planner
began = time.perf_counter()
before = [sorted({max(0, i - 1), max(0, i - 7)}) if i else [] for i in range(10_000)]
nodes = tuple(Node(title=f"n{i}", after=tuple(f"n{j}" for j in js)) for i, js in enumerate(before))
pipeline = Pipeline(nodes=nodes)
assert check(pipeline) == []
assert len(planner(pipeline).run.node_runs) == 10_000
seconds = time.perf_counter() - began
# Not what getrusage says: that begins with the memory of the process that started this one.
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())
print(json.dumps([seconds, int(peak[1]) / 1024]))
"""


def wall(*command: str) -> float:
    """Seconds of one whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def printed(code: str) -> str:
    """The last line that a fresh Python prints for `code`."""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return found.stdout.strip().splitlines()[-1]


def test_startup(capsys: pytest.CaptureFixture[str]) -> None:
    """`import dagbook` and bare Python are interleaved; planning is timed inside its process."""
    measures: dict[str, tuple[str, Callable[[], float]]] = {
        "python -c pass": ("", lambda: wall(sys.executable, "-c", "pass")),
        "python -c 'import dagbook'": ("<= 0.10 more", lambda: wall(sys.executable, "-c", "import dagbook")),
        "dagbook --help": ("<= 0.25", lambda: wall(DAGBOOK, "--help")),
        "%load_ext dagbook": ("<= 0.30", lambda: float(printed(LOAD))),
        "plan 10,000 nodes": ("< 1", lambda: float(json.loads(printed(PLAN))[0])),
        "plan 10,000 nodes, MiB": ("< 300", lambda: float(json.loads(printed(PLAN))[1])),
    }
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, (_bound, measure) in measures.items():
            found[name].append(measure())
    with capsys.disabled():
        print(f"\n{'':28} {'median':>8} {'min':>8} {'max':>8}  bound    (n={ROUNDS}, seconds)")
        for name, figures in found.items():
            row = f"{statistics.median(figures):8.3f} {min(figures):8.3f} {max(figures):8.3f}"
            print(f"{name:28} {row}  {measures[name][0]}")
    assert all(len(figures) == ROUNDS for figures in found.values())
