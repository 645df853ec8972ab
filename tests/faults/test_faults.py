"""Kernels and run processes killed for real, in real containers: what is told, what is kept, what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.conftest import MakeNotebook, Said, read_until

pytestmark = [pytest.mark.container, pytest.mark.fault]

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

LONG = bool(os.environ.get("LONG_FAULTS"))
DOCKER = ("--executor", "docker")
SLOW = "%%pipeline_node slow\nprint('begun', flush=True)\nopen('begun', 'w').close()\nimport time\ntime.sleep(600)"
# One long call that holds the GIL; no thread of the kernel could say that it has begun.
STUCK = "%%pipeline_node stuck\nopen('begun', 'w').close()\nx = 10 ** 10 ** 9"


def containers(store: Path) -> list[str]:
    """Ids of the containers, also stopped ones, that carry the label of this store."""
    import sqlite3

    with sqlite3.connect(store / "dagbook.db") as rows:
        (store_id,) = rows.execute("select value from about where key = 'id'").fetchone()
    command = ["docker", "ps", "-aq", "--filter", f"label=dagbook={store_id}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def gone_within(seconds: float, store: Path) -> bool:
    """Waits until no container of the store is left; False when some are after `seconds`."""
    deadline = time.monotonic() + seconds
    while containers(store):
        if time.monotonic() > deadline:
            return False
    return True


def test_F13_a_kernel_killed_inside_its_container_fails_its_node_with_the_cause(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    """P5, P6: within 10 s, the notebook kept, no container left."""
    flow = make_notebook(SLOW)
    child = started("run", flow, *DOCKER)
    read_until(child, "slow | begun")
    (container,) = containers(flow.parent / ".dagbook")
    top = subprocess.run(["docker", "top", container, "-eo", "pid,args"], capture_output=True, text=True, check=True)
    kernels = [line.split()[0] for line in top.stdout.splitlines() if "ipykernel" in line or "python3" in line]
    began = time.monotonic()
    for pid in kernels:
        os.kill(int(pid), signal.SIGKILL)
    out, _ = child.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert child.returncode == 1
    assert "signal 9" in out
    shown = dagbook("show", "--json").json["node_runs"][0]
    assert shown["state"] == "failed"
    notebook = nbformat.read(shown["notebook"], 4)  # type: ignore[no-untyped-call]
    assert "begun" in notebook.cells[-1].outputs[0].text
    assert containers(flow.parent / ".dagbook") == []


def wait_until_begun(flow: Path, node: str) -> None:
    """Waits, a minute at most, for the file that the node's cell writes first."""
    deadline = time.monotonic() + 60
    while not list(flow.parent.glob(f".dagbook/runs/*/{node}/1/output/begun")):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("node", ["slow", "stuck"], ids=["asleep", "holding the GIL"])
def test_P7_a_killed_run_process_leaves_no_container(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, node: str
) -> None:
    """Containers hold a connection to the run process, and end by themselves when it is gone."""
    flow = make_notebook(SLOW if node == "slow" else STUCK)
    child = started("run", flow, *DOCKER)
    wait_until_begun(flow, node)
    assert len(containers(flow.parent / ".dagbook")) == 1
    child.kill()
    child.communicate()
    assert gone_within(15, flow.parent / ".dagbook")
    shown = dagbook("show", "--json").json
    assert shown["state"] == "failed"
    assert [run["state"] for run in shown["node_runs"]] == ["lost"]


def test_P20_cancel_removes_every_container(started: Started, dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(STUCK, SLOW)
    child = started("run", flow, *DOCKER, "--jobs", "2")
    for node in ("slow", "stuck"):
        wait_until_begun(flow, node)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=15)
    assert child.returncode == 130
    assert containers(flow.parent / ".dagbook") == []


def test_F9_a_second_ctrl_c_ends_at_once(started: Started, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(STUCK)
    child = started("run", flow, *DOCKER)
    wait_until_begun(flow, "stuck")
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=15)
    assert child.returncode == 130
    assert gone_within(15, flow.parent / ".dagbook")


def test_P3_a_failed_attempts_output_is_never_an_input(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(
        "%%pipeline_node half\nopen('half.txt', 'w').write('half')\nimport os\nos.kill(os.getpid(), 9)",
        "%%pipeline_node after --after half --on-error continue\nimport os\nprint(os.listdir('/input'))",
    )
    said = dagbook("run", flow, *DOCKER, "--json")
    assert said.code == 1
    assert {run["id"]: run["state"] for run in said.json["node_runs"]} == {
        "half": "failed",
        "after": "upstream_failed",
    }
    assert said.json["node_runs"][0]["artifact"] is None


def test_F14_running_out_of_memory_is_named_so(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node greedy --memory 128m\nblock = bytearray(2 ** 30)")
    (run,) = dagbook("run", flow, *DOCKER, "--json").json["node_runs"]
    assert run["state"] == "failed"
    assert "out of memory (limit 128 MiB)" in run["reason"]


def test_F15_P5_a_kernel_stuck_in_one_call_is_killed_at_its_time_limit_and_its_notebook_is_kept(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    """It ignores being interrupted, and holds the GIL."""
    cell = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('begun', flush=True)\nx = 10 ** 10 ** 9"
    flow = make_notebook(f"%%pipeline_node stuck --timeout 5s\n{cell}")
    began = time.monotonic()
    (run,) = dagbook("run", flow, *DOCKER, "--json").json["node_runs"]
    assert time.monotonic() - began < 40
    assert run["state"] == "timed_out"
    assert "begun" in nbformat.read(run["notebook"], 4).cells[-1].outputs[0].text  # type: ignore[no-untyped-call]
    assert containers(flow.parent / ".dagbook") == []


def test_F28_a_node_that_says_nothing_for_long_is_waited_for(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    seconds = 1200 if LONG else 10
    flow = make_notebook(
        f"%%pipeline_node cell\nimport time\ntime.sleep({seconds})\nprint('the cell is done')",
        f"%%pipeline_command command\nsleep {seconds}; echo the command is done",
    )
    said = dagbook("run", flow, *DOCKER, "--jobs", "2", timeout=seconds + 60)
    assert said.code == 0, said.out
    assert "cell | the cell is done" in said.out
    assert "command | the command is done" in said.out


def test_F17_a_kernel_that_leaves_early_is_never_a_success(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    """P4: exit code 0 is not enough."""
    flow = make_notebook("%%pipeline_node early\nimport os\nos._exit(0)")
    (run,) = dagbook("run", flow, *DOCKER, "--json").json["node_runs"]
    assert run["state"] == "failed"
    assert "exited (code 0)" in run["reason"]


def test_P14_a_consumer_cannot_change_its_inputs(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(
        "%%pipeline_node a\nopen('data.txt', 'w').write('data')",
        "%%pipeline_node b --after a\nimport os, subprocess\nrefused = []\n"
        "for change in ('echo x > data.txt', 'chmod 777 data.txt', 'rm data.txt', 'mv data.txt other', 'touch new'):\n"
        "    refused.append(subprocess.run(change, shell=True, cwd='/input/a', capture_output=True).returncode != 0)\n"
        "print(refused)",
    )
    said = dagbook("run", flow, *DOCKER)
    assert "b | [True, True, True, True, True]" in said.out
