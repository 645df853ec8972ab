"""Calls of the system that fail with EIO, in turn, in a run process and its nodes: strace makes them (row F34)."""

from __future__ import annotations

import _sqlite3
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK
from tests.faults.box import LONG
from tests.flows.flow import EXECUTORS, Flow

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which makes calls fail"),
]

STRACE = ["timeout", "60", "strace", "-f", "-qq"]
CELLS = (
    "%%pipeline_command a\nhead -c 3000 /dev/zero | tr '\\0' a >a.txt",
    "%%pipeline_command b --after a\ncat /input/a/a.txt >b.txt",
)
# Of each kind of call the one that fails, counted in every thread by itself.
SOME = {"fsync": (1, 2), "rename": (1, 2, 5), "fdatasync": (5,), "pwrite64": (4, 19), "read": (120,), "close": (160,)}
ALL = {
    "fsync": range(1, 8),
    "rename": range(1, 12),
    "fdatasync": range(1, 12),
    "pwrite64": range(1, 60),
    "read": range(100, 1200, 25),
    "close": range(100, 1200, 25),
}
CALLS = [(name, number) for name, numbers in (ALL if LONG else SOME).items() for number in numbers]


@pytest.mark.parametrize(("call", "number"), CALLS)
@pytest.mark.parametrize("when", ["once", "for ever"] if LONG else ["once"])
def test_F34_a_call_that_fails_loses_nothing_and_leaves_no_wrong_result(
    tmp_path: Path, call: str, number: int, when: str
) -> None:
    """The run ends as it would, or says why not; the next one gives what is right."""
    made = Flow(tmp_path, *CELLS)
    fault = f"inject={call}:error=EIO:when={number}{'+' if when == 'for ever' else ''}"
    trace = tmp_path / "trace"
    command = [*STRACE, "-o", str(trace), "-e", f"trace={call}", "-e", fault]
    words = [DAGBOOK, "run", "flow.ipynb", *EXECUTORS["process"]]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run([*command, *words], cwd=made.folder, env=env, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    if when == "once":
        assert done.returncode in (0, 1, 2, 5), told
        assert "Traceback (most" not in told
    if done.returncode:
        assert "Input/output error" in told or "disk I/O error" in told or when == "for ever", told
    assert "cannot be read: Input/output error\n  Make it readable" not in told
    if (made.store / "dagbook.db").exists():
        assert [one for one in audit(Store(made.store)) if one.mend is None] == []
    ended = made.run()
    assert [ended.text(node, f"{node}.txt") for node in ("a", "b")] == ["a" * 3000] * 2


@pytest.mark.skipif(not hasattr(_sqlite3, "__file__"), reason="this Python has its libraries within")
def test_F34_a_library_that_cannot_be_loaded_is_told_as_a_fault_of_the_machine(tmp_path: Path) -> None:
    """A command loads what it consists of when it needs it."""
    fault = ["-e", "trace=openat", "-P", str(_sqlite3.__file__), "-e", "inject=openat:error=EIO"]
    command = [*STRACE, "-o", str(tmp_path / "trace"), *fault, DAGBOOK, "runs", "--store", str(tmp_path / "store")]
    Store(tmp_path / "store").close()
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 5, said.stdout + said.stderr
    assert said.stderr.startswith("E-MACHINE: ")
    assert "_sqlite3" in said.stderr
    assert "Input/output error" in said.stderr
