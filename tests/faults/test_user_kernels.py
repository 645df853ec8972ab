"""The kernel of the user's notebook, which starts runs and shows them: it is interrupted and killed (rows F10, F12)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.conftest import run_dagbook
from tests.faults.box import PATIENCE, Box

pytestmark = pytest.mark.fault

GATED = '%%pipeline_command a\necho a >"$BOX/seen"\nread word <"$BOX/gate"\necho 1 >one.txt'
AFTER = "%%pipeline_command b --after a\ncat /input/a/one.txt"
IN_A_THREAD = """
import threading
from dagbook import Pipeline
made = Pipeline("threaded")
made.command("a", script='echo a >"$BOX/seen"; read word <"$BOX/gate"')
thread = threading.Thread(target=lambda: made.run(executor="process"))
thread.start()
"""


class Kernel:
    """A kernel in the project's folder, as JupyterLab starts one."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder), independent=False)
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, *cells: str) -> dict[str, Any]:
        """Run cells one after the other; the last one's reply."""
        reply: dict[str, Any] = {}
        for cell in cells:
            reply = self.reply_to(self.begin(cell))
            assert reply["status"] == "ok", reply
        return reply

    def begin(self, cell: str) -> str:
        """Begin a cell, and wait for nothing."""
        return str(self.client.execute(cell))

    def reply_to(self, asked: str) -> dict[str, Any]:
        """How that cell ended."""
        while True:
            found = self.client.get_shell_msg(timeout=PATIENCE)
            if found["parent_header"].get("msg_id") == asked:
                return dict(found["content"])

    def kill(self) -> None:
        """As a server does that is killed: its kernels go without a word."""
        os.kill(self.manager.provisioner.process.pid, signal.SIGKILL)  # type: ignore[union-attr]

    def close(self) -> None:
        """Take it down."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def project(tmp_path: Path, box: Box) -> Path:
    return tmp_path / "project"


@pytest.fixture
def kernel(project: Path) -> Iterator[Kernel]:
    made = Kernel(project)
    yield made
    made.close()


def end_of_the_run(project: Path) -> RunState:
    """Wait for the end of the only run."""
    store = Store(project / ".dagbook", create=False)
    follower = Follower(store, store.latest()[0].id)
    for _ in follower.follow():
        pass
    return follower.so_far.state


def test_F10_an_interrupted_cell_that_waits_ends_its_run_and_leaves_nobody(
    kernel: Kernel, box: Box, project: Path
) -> None:
    """Here while the board that is to show it is still being made, which takes seconds the first time."""
    kernel.run("%load_ext dagbook", GATED, AFTER)
    waits = kernel.begin("%pipeline_run --wait --executor process")
    box.wait_for("a")
    kernel.manager.interrupt_kernel()
    assert kernel.reply_to(waits)["ename"] == "KeyboardInterrupt"
    assert end_of_the_run(project) is RunState.CANCELLED
    assert box.wait_until_empty() == []
    kernel.run("1 + 1")


def test_F10_a_run_that_a_thread_waits_for_holds_up_no_cell_and_ends_with_its_kernel(
    kernel: Kernel, box: Box, project: Path
) -> None:
    kernel.run(IN_A_THREAD)
    box.wait_for("a")
    kernel.run("assert thread.is_alive()")
    kernel.manager.interrupt_kernel()
    kernel.run("assert thread.is_alive()")
    kernel.kill()
    assert box.wait_until_empty() == []


def test_F12_a_run_goes_on_when_the_kernel_that_started_it_is_killed_and_another_shows_it(
    kernel: Kernel, box: Box, project: Path
) -> None:
    kernel.run("%load_ext dagbook", GATED, AFTER, "%pipeline_run --executor process")
    box.wait_for("a")
    kernel.kill()
    other = Kernel(project)
    try:
        other.run("%load_ext dagbook", "%pipeline_show latest")
        box.open_gate()
        assert end_of_the_run(project) is RunState.SUCCEEDED
        other.run("%pipeline_show latest")
    finally:
        other.close()


def test_F12_a_run_that_died_with_the_machine_of_its_server_goes_on_from_another_kernel(
    kernel: Kernel, box: Box, project: Path
) -> None:
    """Kernel and run process are killed at once, as when their container is."""
    kernel.run("%load_ext dagbook", GATED, AFTER, "%pipeline_run --executor process")
    box.wait_for("a")
    row = Store(project / ".dagbook", create=False).latest()[0]
    kernel.kill()
    os.kill(row.process["pid"], signal.SIGKILL)
    assert box.wait_until_empty() == []
    box.open_gate()
    assert run_dagbook(project, "resume", "latest").code == 0
    assert box.begun()["a"] == 2
