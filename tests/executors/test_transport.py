"""Kernels reached by TCP, on an engine of the test's own in a network namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.executors.docker import DockerExecutor
from dagbook.runner.executors.rundir import RunDir
from dagbook.runner.executors.transport import sockets_cross
from tests.conftest import MakeNotebook, Said

from .conftest import BASE, Bench, until
from .private import Private

pytestmark = pytest.mark.container
Driver = Callable[..., "subprocess.Popen[str]"]


def test_a_node_runs_by_tcp_and_it_is_said(private: Private, driver: Driver, folder: Path, store: str) -> None:
    """The fallback works, authenticated, and warns that the network is not closed."""
    variables = {"DOCKER_HOST": private.host, "DAGBOOK_TRANSPORT": "tcp"}
    cell = "print('by tcp'); open('file', 'w').write('x')"
    child = driver("docker", BASE, str(folder / "job"), store, cell, prefix=private.prefix, **variables)
    assert child.stdout
    first, *_, last = child.stdout.read().splitlines()
    assert json.loads(first) == ["W-EXECUTOR"]
    outcome = json.loads(last)
    assert outcome["ok"], outcome["reason"]
    assert (folder / "job" / "output" / "file").read_text() == "x"
    assert private.running(store) == []


INTERFACES = "import socket\nprint(sorted(name for _, name in socket.if_nameindex()))"


def test_network_opens_the_network_and_nothing_else_does(
    private: Private, dagbook: Callable[..., Said], make_notebook: MakeNotebook
) -> None:
    """On an engine that has a bridge; on one without it is said that there is none to open."""
    flow = make_notebook(f"%%pipeline_node open --network\n{INTERFACES}", f"%%pipeline_node closed\n{INTERFACES}")
    there = dagbook("run", flow, "--executor", "docker", env={"DOCKER_HOST": private.host, "DAGBOOK_IMAGE": BASE})
    assert there.code == 0, there.err
    assert "open | ['eth0', 'lo']" in there.out
    assert "closed | ['lo']" in there.out
    assert "no network to open" not in there.err
    here = dagbook("run", flow, "--executor", "docker", env={"DAGBOOK_IMAGE": BASE})
    bridged = subprocess.run(["docker", "network", "inspect", "bridge"], capture_output=True, check=False)
    assert ("no network to open" in here.err) == (bridged.returncode != 0)


@pytest.mark.fault
@pytest.mark.parametrize("cell", ["import time; time.sleep(600)", "import re; re.match('(a+)+$', 'a' * 60 + 'b')"])
def test_the_lifeline_holds_by_tcp_too(private: Private, driver: Driver, folder: Path, store: str, cell: str) -> None:
    """The engine closes the container's stdin when the run's process is gone."""
    variables = {"DOCKER_HOST": private.host, "DAGBOOK_TRANSPORT": "tcp"}
    cell = f"open('mark', 'w')\n{cell}"
    child = driver("docker", BASE, str(folder / "job"), store, cell, prefix=private.prefix, **variables)
    until(lambda: (folder / "job" / "output" / "mark").exists(), 30)
    assert private.running(store)
    child.send_signal(signal.SIGKILL)
    until(lambda: not private.running(store), 15)
    for left in Path(os.environ["XDG_RUNTIME_DIR"]).iterdir():
        shutil.rmtree(left)


def test_the_probe_finds_that_sockets_cross(private: Private, driver: Driver, folder: Path, store: str) -> None:
    """An engine on this machine: unix sockets, no warning; remembered."""
    variables = {"DOCKER_HOST": private.host, "DAGBOOK_TRANSPORT": ""}
    child = driver("docker", BASE, str(folder / "job"), store, "1", prefix=private.prefix, **variables)
    assert child.stdout
    assert json.loads(child.stdout.readline()) == []
    assert json.loads(child.stdout.read().splitlines()[-1])["ok"]
    facts = list((Path(os.environ["XDG_CACHE_HOME"]) / "dagbook").glob("transport-*.json"))
    assert "ipc" in [json.loads(fact.read_text()) for fact in facts]


def test_the_probe_finds_that_sockets_do_not_cross(docker: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads what is written on this side: TCP, after a bounded wait."""
    monkeypatch.setattr("dagbook.runner.executors.transport.PROBE_SECONDS", 1.0)
    monkeypatch.setattr(RunDir, "open_lifeline", lambda self, word: os.mkfifo(self.path / "alive"))
    executor = docker.executor
    assert isinstance(executor, DockerExecutor)
    assert not sockets_cross(executor.client, executor.engine, BASE)
