"""A program that lives long and runs pipelines one after the other, and what it and the store hold meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from dagbook.runner.records.store import Store
from tests.soak import held
from tests.soak.session_program import RUNS as RUNS


def session_until(project: Path, over: Callable[[], bool]) -> list[dict[str, int]]:
    """What the session and the store hold after each of the session's runs, until it is `over`."""
    command = [sys.executable, "-m", "tests.soak.session_program"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    samples = []
    with subprocess.Popen(command, cwd=project, env=environment, text=True, stdin=pipe, stdout=pipe) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        for number, line in enumerate(session.stdout, 1):
            with closing(Store(project / ".dagbook", create=False)) as store:
                at_store = held.of_store(store, Path(os.environ["XDG_RUNTIME_DIR"]))
            samples.append({**held.of_process(session.pid), **at_store})
            if number % 20 == 0:
                sys.stderr.write(f"{number:5} {line.strip():25} {samples[-1]}\n")
            if over():
                break
        session.stdin.close()
        session.stdout.read()
    if session.returncode:
        raise AssertionError(f"the session ended with {session.returncode}")
    sys.stderr.write(f"{len(samples)} runs in one session\n")
    return samples
