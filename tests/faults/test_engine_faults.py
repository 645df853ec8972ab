"""A Docker engine that is down, restarts, hangs, loses an image or has a full disk, in the middle of a run.

Each test has an engine of its own. No run goes on for ever; the cause is told; when the engine is back the run goes on,
nothing that had finished runs again, and no container is left.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said, read_until
from tests.executors.conftest import BASE
from tests.faults.box import LONG, Box
from tests.faults.disks import MIB, disk_for
from tests.faults.engines import IMAGE, Engine, private_engine
from tests.faults.test_resume import facts_of, starts

pytestmark = [pytest.mark.container, pytest.mark.fault]

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

DOCKER = ("--executor", "docker", "--image", IMAGE, "--code", "none")
ONLY_LONG = pytest.mark.skipif(not LONG, reason="half a minute more: LONG_FAULTS=1")
RESTARTS = 20 if LONG else 1
GATE = "mkfifo /tmp/gate\necho waits\nread word < /tmp/gate\n"  # in a container there is nothing of the box
FLOW = (
    "%%pipeline_command first\necho 1 > one.txt",
    f"%%pipeline_command held --after first\n{GATE}cat /input/first/one.txt > one.txt",
    "%%pipeline_command last --after held\ncat /input/held/one.txt > one.txt",
)


@pytest.fixture
def engine(box: Box, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine of the test's runs."""
    with private_engine() as made:
        monkeypatch.setenv("DOCKER_HOST", made.host)
        yield made


def begun(started: Started, flow: Path) -> tuple[subprocess.Popen[str], str]:
    """A run whose second node waits; gives its process and its id."""
    child = started("run", flow, *DOCKER)
    run = read_until(child, " of ").splitlines()[-1].split()[1]
    read_until(child, "held | waits")
    return child, run


def let_go(engine: Engine) -> None:
    """Let the node go on that waits."""
    (held,) = engine.containers()
    engine.docker("exec", held, "sh", "-c", "echo go > /tmp/gate")


def ends(child: subprocess.Popen[str], within: float) -> str:
    """The run ends by itself in so many seconds, and fails; gives what it printed."""
    began = time.monotonic()
    out, _ = child.communicate(timeout=within + 60)
    assert child.returncode in (1, 4, 5), out
    assert time.monotonic() - began < within, out
    assert "Traceback" not in out
    return out


def goes_on(started: Started, dagbook: Dagbook, engine: Engine, store: Path, run: str) -> None:
    """With the engine back the run comes to its end; what had finished has not run again, and nothing is left."""
    comes_to_its_end(resumed(started, run), dagbook, engine, store, run)


def resumed(started: Started, run: str) -> subprocess.Popen[str]:
    """The run when it goes on, and its second node waits again."""
    child = started("resume", run)
    read_until(child, "held | waits")
    return child


def comes_to_its_end(child: subprocess.Popen[str], dagbook: Dagbook, engine: Engine, store: Path, run: str) -> None:
    """As `goes_on`, for a run that went on already."""
    let_go(engine)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out
    shown = dagbook("show", run, "--json").json
    assert {one["id"]: one["state"] for one in shown["node_runs"]} == dict.fromkeys(
        ("first", "held", "last"), "succeeded"
    )
    assert starts(facts_of(store, run))["first"] == 1
    assert engine.containers() == []
    assert list(audit(Store(store, create=False))) == []


@pytest.mark.parametrize("options", [(), pytest.param(("--live-restore",), marks=ONLY_LONG)])
def test_F25_P21_an_engine_that_restarts_loses_its_nodes_and_the_run_goes_on(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine, options: tuple[str, ...]
) -> None:
    """A command prints through the engine; so it is lost also where its container outlives the restart."""
    flow = make_notebook(*FLOW)
    if options:
        engine.stop()
        engine.start(*options)
    child, run = begun(started, flow)
    for _ in range(RESTARTS):
        engine.stop()
        engine.start(*options)
        assert "held lost" in ends(child, 60)
        child = resumed(started, run)
    store = flow.parent / ".dagbook"
    comes_to_its_end(child, dagbook, engine, store, run)
    assert starts(facts_of(store, run))["held"] == RESTARTS + 1


CELL = """%%pipeline_node held
import os, time
print("waits", flush=True)
while not os.path.exists("go"): time.sleep(0.01)
print("went on")
"""


@ONLY_LONG
@pytest.mark.parametrize("lives", [False, True])
def test_F25_P21_a_kernel_outlives_a_restart_only_where_its_container_does(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine, lives: bool
) -> None:
    """It speaks by sockets of the machine, so with --live-restore nothing is lost, and its result is used.

    Engines before version 23 end what is to be removed when it ends, also then: it is lost, and does not fail.
    """
    flow = make_notebook(CELL, "%%pipeline_node last --after held\nprint('last')")
    store = flow.parent / ".dagbook"
    options = ("--live-restore",) if lives else ()
    engine.stop()
    engine.start(*options)
    engine.load_kernel_image(BASE)
    child = started("run", flow, "--executor", "docker", "--image", BASE, "--code", "none")
    run = read_until(child, " of ").splitlines()[-1].split()[1]
    read_until(child, "held | waits")
    engine.stop()
    engine.start(*options)
    lives = bool(engine.containers())
    if not lives:
        assert "held lost" in ends(child, 60)
        child = started("resume", run)
        read_until(child, "held | waits")
    max(store.glob("runs/*/held/*/output"), key=lambda path: int(path.parent.name)).joinpath("go").touch()
    out, _ = child.communicate(timeout=90)
    assert child.returncode == 0, out
    assert "held | went on" in out
    assert lives <= bool(options)
    assert starts(facts_of(store, run))["held"] == (1 if lives else 2)
    assert engine.gone_within(30)
    assert list(audit(Store(store, create=False))) == []


def test_F25_retries_outlast_a_restart(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine
) -> None:
    flow = make_notebook(FLOW[0], FLOW[1].replace("held", "held --retries 3", 1), FLOW[2])
    child, _ = begun(started, flow)
    engine.stop()
    engine.start()
    read_until(child, "held | waits")
    let_go(engine)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out
    assert engine.containers() == []
    assert list(audit(Store(flow.parent / ".dagbook", create=False))) == []


def test_F24_an_engine_that_is_down_is_told_before_a_run_is_made(
    dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine
) -> None:
    flow = make_notebook(*FLOW)
    engine.stop()
    said = dagbook("run", flow, *DOCKER)
    assert said.code == 5
    assert f"E-DOCKER-DOWN: no Docker engine answers at {engine.host}" in said.err
    assert "--executor process" in said.err
    assert not (flow.parent / ".dagbook").exists() or dagbook("runs", "--json").json == []


def test_F26_an_engine_that_hangs_at_the_start_is_told_with_what_to_do(
    dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine
) -> None:
    flow = make_notebook(*FLOW)
    engine.freeze()
    said = dagbook("run", flow, *DOCKER, timeout=30)
    engine.thaw()
    assert said.code == 5
    assert "it did not answer in time" in said.err
    assert "restart Docker" in said.err


@pytest.mark.parametrize("how", ["freeze", pytest.param("kill", marks=ONLY_LONG)])
def test_F26_P21_no_run_goes_on_for_ever_in_an_engine_that_is_silent(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine, how: str
) -> None:
    flow = make_notebook(*FLOW)
    child, run = begun(started, flow)
    engine.freeze() if how == "freeze" else engine.kill()
    out = ends(child, 60)
    assert "held lost" in out
    assert "the Docker engine has not answered for 30 s" in out
    engine.thaw() if how == "freeze" else engine.start()
    goes_on(started, dagbook, engine, flow.parent / ".dagbook", run)


@ONLY_LONG
def test_F26_a_run_is_cancelled_though_its_engine_hangs(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine
) -> None:
    child, run = begun(started, make_notebook(*FLOW))
    engine.freeze()
    child.send_signal(signal.SIGTERM)
    out = ends(child, 45)
    assert f"Run {run} cancelled" in out
    engine.thaw()
    assert dagbook("runs").code == 0
    assert engine.gone_within(30)


def test_F31_an_image_that_is_removed_meanwhile_fails_the_node_that_needs_it(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, engine: Engine
) -> None:
    """What runs in it goes on; it is removed for good when nothing runs in it any more."""
    flow = make_notebook(*FLOW)
    child, run = begun(started, flow)
    (held,) = engine.containers()
    engine.docker("save", "-o", f"{engine.folder}/image.tar", IMAGE)
    engine.docker("rmi", "-f", IMAGE)
    engine.docker("rm", "-f", held)
    out = ends(child, 60)
    assert "the container was " in out
    refused = dagbook("resume", run)
    assert refused.code != 0
    assert IMAGE in refused.out + refused.err
    engine.docker("load", "-i", f"{engine.folder}/image.tar")
    goes_on(started, dagbook, engine, flow.parent / ".dagbook", run)


def test_F32_a_full_disk_of_the_engine_is_told_as_the_engines(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk_for(box.path, "data", 64 * MIB) as disk, private_engine(disk.path / "docker") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        flow = make_notebook(*FLOW)
        disk.fill()
        said = dagbook("run", flow, *DOCKER)
        assert said.code in (1, 5), said
        assert "no space left on device" in (said.out + said.err).lower()
        assert "Docker engine" in said.out + said.err
        disk.empty()
        assert dagbook("run", flow, "--node", "first", *DOCKER).code == 0  # nothing wrong was remembered
