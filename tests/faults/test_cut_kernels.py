"""F27, F25 and F26 under a kernel: an engine that fails, breaks off, or is killed while it holds a node's kernel.

A kernel speaks by sockets of the machine, so much of it goes on without the engine; what does not is lost, not failed.
What an engine did not answer is not remembered of it or of an image: later runs would be wrong for good.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said, read_until
from tests.executors.conftest import BASE, containers, until
from tests.faults.box import LONG, Box, run_id
from tests.faults.broken_engine import EVER, Fault
from tests.faults.engines import Engine, private_engine
from tests.faults.test_broken_engine import ATTACH, CREATE, EVENTS, INSPECT, LINES, START, printed, run
from tests.faults.test_engine_faults import CELL, ONLY_LONG, ends
from tests.faults.test_resume import facts_of, starts

pytestmark = [pytest.mark.container, pytest.mark.fault]

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

REMOVE = r"DELETE \S*/containers"
NODE = f"%%pipeline_node a\nfor line in range({LINES}):\n    print('line', line)"
LAST = "%%pipeline_node last --after held\nprint('last')"

# The first two containers look into the image and try out sockets; then come the nodes'.
AT_FIRST = {
    "an image is not asked": Fault(START),
    "what an image says is broken off": Fault(ATTACH, bytes=300),
    "nothing of it is heard": Fault(ATTACH),
    "sockets are not tried out": Fault(START, after=1),
    "how it went is broken off": Fault(ATTACH, bytes=100, after=1),
    "how it went is not told": Fault(ATTACH, after=1),
    "it is told as a failure": Fault(ATTACH, 500, after=1),
    "none is made": Fault(CREATE, 500, after=1),
    "none is removed": Fault(REMOVE, 500, times=EVER),
}
NEVER = {"sockets": Fault(ATTACH, times=EVER, bytes=100, after=1), "the image": Fault(START, 500, times=EVER)}
GOES_ON = [
    *[Fault(request, answer) for request in (CREATE, START) for answer in (500, 409, None)],  # one was made ahead
    *[Fault(request, answer, EVER) for request in (EVENTS, INSPECT) for answer in (500, 404, None)],
]
LOST = [Fault(request, answer, EVER) for request in (CREATE, START) for answer in (500, 409, None)]


def few(faults: list[Fault], *kept: int) -> list[Fault]:
    """All of them, or the few of a short test."""
    return faults if LONG else [faults[number] for number in kept]


@pytest.fixture
def node(box: Box, make_notebook: MakeNotebook, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node whose kernel prints much; how kernels are reached is known."""
    monkeypatch.setenv("DAGBOOK_TRANSPORT", "ipc")
    return make_notebook(NODE)


@pytest.fixture
def cache(tmp_path: Path, node: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is known of engine and image."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DAGBOOK_TRANSPORT")
    return tmp_path / "cache" / "dagbook"


def remembered(cache: Path, what: str) -> list[object]:
    """What is known now of engines (`transport`) or images (`image`)."""
    return [json.loads(path.read_text()) for path in cache.glob(f"{what}-*.json")]


@pytest.mark.parametrize("when", AT_FIRST if LONG else ["what an image says is broken off", "how it went is not told"])
def test_F27_what_is_found_out_first_is_asked_again(dagbook: Dagbook, node: Path, cache: Path, when: str) -> None:
    said = run(dagbook, node, AT_FIRST[when])
    assert (said.code, len(printed(said))) == (0, LINES), said.err
    assert remembered(cache, "transport") == ["ipc"]
    until(lambda: not containers("dagbook=probe") + containers("dagbook=look"))  # they remove themselves
    (image,) = remembered(cache, "image")
    assert isinstance(image, dict)
    assert image["ipykernel"] is True


@pytest.mark.parametrize("what", NEVER)
def test_F27_what_an_engine_never_answers_is_told_as_its_failure_and_not_remembered(
    dagbook: Dagbook, node: Path, cache: Path, what: str
) -> None:
    said = run(dagbook, node, NEVER[what])
    assert (said.code, "E-DOCKER-FAILED" in said.err) == (5, True), said.err
    assert remembered(cache, "transport" if what == "sockets" else "image") == []


@pytest.mark.parametrize("fault", few(GOES_ON, 2, 8), ids=str)
def test_F27_a_kernel_does_without_an_answer_or_another_is_begun(dagbook: Dagbook, node: Path, fault: Fault) -> None:
    said = run(dagbook, node, fault)
    assert said.code == 0, said.err
    assert printed(said) == [f"line {number}" for number in range(LINES)]


@pytest.mark.parametrize("fault", few(LOST, 5), ids=str)
def test_F27_a_kernel_that_no_engine_begins_is_lost(dagbook: Dagbook, node: Path, fault: Fault) -> None:
    said = run(dagbook, node, fault)
    assert said.code == 1
    assert "a lost" in said.out
    assert "the Docker engine failed: " in said.out


def test_F27_a_lost_kernel_is_run_again_where_it_may_be(
    dagbook: Dagbook, node: Path, make_notebook: MakeNotebook
) -> None:
    said = run(dagbook, make_notebook(NODE.replace(" a", " a --retries 2", 1)), Fault(START, 500, times=2))
    assert (said.code, len(printed(said))) == (0, LINES), said.err
    assert "a lost" in said.out
    assert "attempt 2" in said.out


@ONLY_LONG
def test_F27_P21_a_kernel_that_died_unheard_is_lost(dagbook: Dagbook, node: Path, make_notebook: MakeNotebook) -> None:
    """Nobody tells of its end, neither by events nor asked: once such a run went on for ever."""
    flow = make_notebook("%%pipeline_node a\nimport os\nos._exit(3)")
    said = run(dagbook, flow, Fault(EVENTS, times=EVER), Fault(INSPECT, times=EVER))
    assert said.code == 1
    assert "a lost" in said.out
    assert "the Docker engine has told nothing of the container for 30 s" in said.out


@pytest.mark.parametrize("comes_back", [True, pytest.param(False, marks=ONLY_LONG)])
def test_F26_P21_an_engine_that_is_killed_under_a_kernel_costs_at_most_its_attempt(
    started: Started, box: Box, make_notebook: MakeNotebook, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    """Started again, it ends the containers that it finds."""
    with private_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        monkeypatch.setenv("DAGBOOK_TRANSPORT", "ipc")
        engine.load_kernel_image(BASE)
        flow = make_notebook(CELL, LAST)
        child = started("run", flow, "--executor", "docker", "--image", BASE, "--code", "none")
        id = run_id(child)
        read_until(child, "held | waits")
        engine.kill()
        if comes_back:
            engine.start()
        out = ends(child, 60)
        assert "held lost" in out
        if not comes_back:
            assert "the Docker engine has not answered for 30 s" in out
            engine.start()
        assert engine.gone_within(30)
        resumed(started, engine, flow.parent / ".dagbook", id)


def resumed(started: Started, engine: Engine, store: Path, run: str) -> None:
    """The run goes on to its end with a second attempt, and nothing is left."""
    child = started("resume", run)
    read_until(child, "held | waits")
    max(store.glob("runs/*/held/*/output"), key=lambda path: int(path.parent.name)).joinpath("go").touch()
    out, _ = child.communicate(timeout=90)
    assert child.returncode == 0, out
    assert starts(facts_of(store, run))["held"] == 2
    assert engine.gone_within(30)
    assert list(audit(Store(store, create=False))) == []
