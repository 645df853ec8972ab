"""F27: an engine that fails, refuses or breaks off its answers, in front of a real one.

A question that changes nothing is asked again; else the run ends by itself, and tells that it was the engine. What a
command printed is never half of it where its node succeeded.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.executors.conftest import BASE
from tests.faults.box import LONG, Box
from tests.faults.broken_engine import EVER, Fault, broken_engine

pytestmark = [pytest.mark.container, pytest.mark.fault]

Dagbook = Callable[..., Said]

LINES = 300
FLOW = f"%%pipeline_command a\ni=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done"
HELD = "%%pipeline_command a\necho begun; sleep 600"
VERSION, INFO, EVENTS = r"GET /version", r"GET \S*/info", r"GET \S*/events"
IMAGE, CREATE, ATTACH = r"GET \S*/images/.*json", r"POST \S*/containers/create", r"POST \S*/attach"
START, INSPECT = r"POST \S*/start", r"GET \S*/containers/[0-9a-f]{20,}/json"

GOES_ON = [
    *[(request, 500, 1) for request in (INFO, EVENTS, IMAGE, INSPECT)],
    *[(request, None, 1) for request in (INFO, EVENTS, IMAGE, INSPECT)],
    *[(INSPECT, answer, EVER) for answer in (500, 404, None)],
]
ENDS = [
    (VERSION, 500, EVER, 5, "E-DOCKER-DOWN"),
    (VERSION, None, EVER, 5, "it broke off its answer"),
    (INFO, 500, EVER, 5, "E-DOCKER-FAILED: the Docker engine could not tell what it is"),
    (INFO, None, EVER, 5, "it broke off its answer"),
    (IMAGE, 500, EVER, 5, "E-DOCKER-FAILED: the Docker engine could not tell whether it has the image"),
    (IMAGE, None, EVER, 5, "it broke off its answer"),
    *[(request, 500, 1, 1, "a lost") for request in (CREATE, ATTACH, START)],
    *[
        (request, None, 1, 1, "the Docker engine failed: it broke off its answer")
        for request in (CREATE, ATTACH, START)
    ],
    *[(request, 409, 1, 1, "a lost") for request in (ATTACH, START)],
    *[(EVENTS, answer, EVER, 1, "a lost") for answer in (500, 409, None)],
]
SHORT = {(INSPECT, None, EVER), (IMAGE, 500, 1), (INFO, None, EVER), (IMAGE, None, EVER), (START, None, 1)}
SHORT |= {(EVENTS, None, EVER), (ATTACH, 409, 1)}


def of(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """All of them, or the few of a short test."""
    return [row for row in rows if LONG or row[:3] in SHORT]


@pytest.fixture
def flow(box: Box, make_notebook: MakeNotebook) -> Path:
    """A node that prints much."""
    return make_notebook(FLOW)


def run(dagbook: Dagbook, flow: Path, *faults: Fault) -> Said:
    """A run with such an engine: it ends, without a traceback, with a sound store and no container."""
    with broken_engine(*faults) as engine:
        words = ("--executor", "docker", "--image", BASE, "--code", "none")
        said = dagbook("run", flow, *words, env={"DOCKER_HOST": engine.host})
    assert all(one.seen for one in faults), engine.requests
    assert "Traceback" not in said.err + said.out
    store = flow.parent / ".dagbook"
    if store.exists():
        assert list(audit(Store(store, create=False))) == []
        asked = ["docker", "ps", "-aq", "--filter", f"label=dagbook={Store(store, create=False).id}"]
        assert subprocess.run(asked, capture_output=True, check=True).stdout == b""
    return said


def printed(said: Said) -> list[str]:
    """The node's lines, as they were told."""
    return [line.partition("| ")[2] for line in (said.out + said.err).splitlines() if "| line" in line]


@pytest.mark.parametrize(("request_", "answer", "times"), of([*GOES_ON]))
def test_F27_a_question_is_asked_again_or_can_do_without_an_answer(
    dagbook: Dagbook, flow: Path, request_: str, answer: int | None, times: int
) -> None:
    said = run(dagbook, flow, Fault(request_, answer, times))
    assert said.code == 0, said.err
    assert printed(said) == [f"line {number}" for number in range(LINES)]


@pytest.mark.parametrize(("request_", "answer", "times", "code", "told"), of([*ENDS]))
def test_F27_a_run_ends_and_tells_that_it_was_the_engine(
    dagbook: Dagbook, flow: Path, request_: str, answer: int | None, times: int, code: int, told: str
) -> None:
    said = run(dagbook, flow, Fault(request_, answer, times))
    assert (said.code, told in said.out + said.err) == (code, True), said.out + said.err


@pytest.mark.parametrize("bytes", [100, 700, *([300, 2000, 2500] if LONG else [])])
def test_F27_a_command_whose_output_was_broken_off_has_not_succeeded(dagbook: Dagbook, flow: Path, bytes: int) -> None:
    said = run(dagbook, flow, Fault(ATTACH, bytes=bytes))
    assert said.code == 1
    assert "the Docker engine broke off what the command printed" in said.out
    whole = printed(said)[:-1]  # the last may be the half of one
    assert whole == [f"line {number}" for number in range(len(whole))]


def test_F27_a_command_that_goes_on_is_ended_when_nobody_hears_it(
    box: Box, dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    said = run(dagbook, make_notebook(HELD), Fault(ATTACH, bytes=110))
    assert said.code == 1
    assert "a lost" in said.out + said.err


def test_F27_events_that_are_cut_come_again(dagbook: Dagbook, flow: Path) -> None:
    said = run(dagbook, flow, Fault(EVENTS, times=2, bytes=700))
    assert (said.code, len(printed(said))) == (0, LINES), said.err
