"""Containers that wait ahead of their time, when their run process, their run or they themselves end."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeNotebook
from tests.faults.test_faults import DOCKER, Dagbook, Started, containers, gone_within

pytestmark = [pytest.mark.container, pytest.mark.fault]

PATIENCE = 60  # seconds
# The first node waits for what is written into its output folder from outside.
FIRST = """%%pipeline_node first
import os, time
open('begun', 'w').close()
while not os.path.exists('go'): time.sleep(0.01)"""
SECOND = """%%pipeline_node second --after first
import os
print(sorted(os.listdir(os.environ['INPUT_FIRST'])))
open('read', 'w').close()"""
THIRD = "%%pipeline_command third --after second\nls $INPUT_SECOND"


def until(true: Callable[[], object]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"


def held_by(started: Started, make_notebook: MakeNotebook) -> tuple[subprocess.Popen[str], Path, Path]:
    """A run whose first node works while the others wait in their containers; its process, store and first output."""
    flow = make_notebook(FIRST, SECOND, THIRD)
    child = started("run", flow, *DOCKER)
    store = flow.parent / ".dagbook"
    until(lambda: list(store.glob("runs/*/first/1/output/begun")))
    until(lambda: len(containers(store)) == 3)
    return child, store, next(store.glob("runs/*/first/1/output"))


def test_P7_a_killed_run_process_leaves_none_that_waited_and_its_run_goes_on(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    child, store, output = held_by(started, make_notebook)
    child.kill()
    child.communicate()
    assert gone_within(15, store)
    again = started("resume", "latest")
    until(lambda: list(store.glob("runs/*/first/2/output/begun")))
    (output.parents[1] / "2" / "output" / "go").touch()
    out, _ = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, out
    assert containers(store) == []
    assert {run["state"] for run in dagbook("show", "--json").json["node_runs"]} == {"succeeded"}


def test_P20_a_cancelled_run_leaves_none_that_waited_and_nothing_of_them(
    started: Started, make_notebook: MakeNotebook
) -> None:
    child, store, _ = held_by(started, make_notebook)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=15)
    assert child.returncode == 130
    assert containers(store) == []
    assert not [*store.glob("runs/*/second"), *store.glob("runs/*/third")]


def test_F13_a_node_whose_waiting_container_was_removed_is_started_anew(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    """Nothing had run in it, so nothing was lost."""
    child, store, output = held_by(started, make_notebook)
    for container in containers(store):
        label = ["docker", "inspect", "-f", '{{index .Config.Labels "dagbook.node_run"}}', container]
        if subprocess.run(label, capture_output=True, text=True, check=True).stdout.strip() != "first":
            subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=True)
    (output / "go").touch()
    out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, out
    ended = [(run["id"], run["state"], run["attempts"]) for run in dagbook("show", "--json").json["node_runs"]]
    assert ended == [(id, "succeeded", 1) for id in ("first", "second", "third")]
    assert "['begun', 'go']" in dagbook("logs", "latest", "second").out
