"""From the call of %pipeline_run to the first line of the first node, in a notebook as JupyterLab drives it.

A notebook with a spare and one without take turns. Nothing here fails on a time. Run it alone:
pytest -m benchmark -s tests/benchmarks/test_first_line.py; BENCH_ROUNDS sets the rounds (7).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store

pytestmark = pytest.mark.benchmark
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
NODE = "%%pipeline_node a\nimport time\nprint(time.time())"
READY = """
import select, threading
from dagbook.runner.spare import spare
while spare.wanted and spare.process is None: threading.Event().wait(0.05)
if spare.wanted: select.select([spare.process.stdout], [], [], 60)
"""
MEMORY = "print(*(l.split()[1] for l in open(f'/proc/{spare.process.pid}/smaps_rollup') if l[:4] in ('Rss:', 'Pss:')))"


class Notebook:
    """A kernel in a folder of its own."""

    def __init__(self, folder: Path, spare: bool) -> None:
        folder.mkdir()
        self._store = folder / ".dagbook"
        variables = {**os.environ, "DAGBOOK_SPARE": str(int(spare))}
        self._manager, self._client = start_new_kernel(cwd=str(folder), env=variables)
        self.run("%load_ext dagbook")
        self.run(NODE)

    def run(self, cell: str) -> str:
        """Run a cell as a front end with a person does; what it prints."""
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        self._client.execute_interactive(
            cell, allow_stdin=True, stdin_hook=lambda _: None, timeout=300, output_hook=hear
        )
        return "".join(said)

    def first_line(self, executor: str) -> float:
        """Seconds from the call to the first line, by the clock that notebook and node share."""
        self.run(READY)
        called = time.time()
        self.run(f"%pipeline_run --no-cache --executor {executor}")
        with contextlib.closing(Store(self._store, create=False)) as store:
            follower = Follower(store, "latest")
            for _ in follower.follow():
                pass
            (watched,) = follower.listed()
            return float(watched.outputs[0][0]["text"]) - called

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture
def notebooks(tmp_path: Path) -> Iterator[dict[str, Notebook]]:
    made = {name: Notebook(tmp_path / name, name == "spare") for name in ("spare", "none")}
    threading.Event().wait(2)  # a person reads what the cell shows
    yield made
    for one in made.values():
        one.close()


@pytest.mark.container
def test_first_line(notebooks: dict[str, Notebook], capsys: pytest.CaptureFixture[str]) -> None:
    took: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for executor in ("process", "docker"):
            for name, notebook in notebooks.items():
                took.setdefault((executor, name), []).append(notebook.first_line(executor))
    notebooks["spare"].run(READY)
    resident, share = notebooks["spare"].run(MEMORY).split()
    with capsys.disabled():
        print(
            f"\n{'seconds to the first line':30} {'median':>8} {'min':>8} {'max':>8} {'first':>8}  bound  (n={ROUNDS})"
        )
        for (executor, name), seconds in took.items():
            figures = f"{statistics.median(seconds):8.3f} {min(seconds):8.3f} {max(seconds):8.3f} {seconds[0]:8.3f}"
            print(f"{executor + ', ' + name:30} {figures}  {'< 0.6' if executor == 'docker' else '< 0.4'}")
        print(f"the spare holds {int(resident) // 1024} MiB, its share {int(share) // 1024} MiB")
    assert all(len(seconds) == ROUNDS for seconds in took.values())
