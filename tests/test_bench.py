"""The rounds of the benchmark command, with tools that do nothing: in turn, checked, bounded, nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.__main__ import TOOLS, parser
from benchmarks.processes import Failed, Finished, run
from benchmarks.rounds import Bounds, measure, pairs, set_up, take
from benchmarks.samples import Measured
from benchmarks.tools.contract import Results, Tool
from benchmarks.workloads import WORKLOADS, Workload, chain

ROOT = Path(__file__).parents[1]
SMALL = Workload("chain", "Small", chain(2))
EVERYTHING = pairs(list(WORKLOADS.values()), list(TOOLS.values()))


@dataclass
class Fake:
    """A tool that is one line of Python."""

    code: str
    name: str = "fake"
    title: str = "Fake"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    fault: str = ""

    def set_up(self) -> None:
        if self.fault:
            raise Failed(self.fault)

    def takes(self, workload: Workload) -> bool:
        return True

    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "texts.json").write_text(json.dumps(workload.expected()))

    def command(self, workload: Workload) -> list[str]:
        return [sys.executable, "-c", self.code]

    def results(self, workload: Workload, finished: Finished) -> Results:
        return Results({task.name: finished.folder / task.name for task in workload.tasks})


WELL = "import json; [open(name, 'w').write(text) for name, text in json.load(open('texts.json')).items()]"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.rounds.BENCH", tmp_path / "bench")
    monkeypatch.setattr("benchmarks.rounds.ROOT", tmp_path)


def test_rounds_take_every_tool_in_turn_and_count_no_warm_up() -> None:
    told: list[str] = []
    measured = Measured({}, 2)
    tools: list[Tool] = [Fake(WELL, "a"), Fake(WELL, "b")]
    measure(pairs([SMALL], tools), measured, Bounds(60, float("inf")), told.append, lambda: None)
    assert [(one.round, one.tool) for one in measured.samples] == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert told[0].startswith("warm-up: a")


def test_a_tool_that_fails_is_reported_once_and_ends_nothing_else() -> None:
    measured = Measured({}, 3)
    tools: list[Tool] = [Fake("raise SystemExit('no luck')", "bad"), Fake(WELL, "good")]
    measure(pairs([SMALL], tools), measured, Bounds(60, float("inf")), lambda line: None, lambda: None)
    assert len(measured.seconds("chain", "good")) == 3
    (failure,) = measured.failures
    assert (failure.tool, failure.workload) == ("bad", "chain")
    assert "exit code 1: no luck" in failure.reason


def test_a_tool_that_cannot_be_had_is_left_out() -> None:
    measured = Measured({}, 1)
    assert set_up([Fake(WELL, fault="no wheels")], measured, lambda line: None) == []
    assert measured.failures[0].reason == "no wheels"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("pass", "t0 has written no file"),
        ("open('t0', 'w').write('other')", "t0 has written 'other' instead of 't0;'"),
        ("import time; time.sleep(60)", "not done after 0.5 s"),
    ],
)
def test_a_run_that_did_not_do_its_work_is_no_time(code: str, why: str) -> None:
    with pytest.raises(Failed, match=why):
        take(SMALL, Fake(code), 0.5 if "sleep" in code else 60)


def test_nothing_begins_when_the_time_is_up() -> None:
    told: list[str] = []
    measured = Measured({}, 2)
    measure(pairs([SMALL], [Fake(WELL)]), measured, Bounds(60, 0.0), told.append, lambda: None)
    assert measured.samples == []
    assert told[-1] == "the time is up in round 1 of 2"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by /proc")
def test_a_process_that_a_command_left_is_ended(tmp_path: Path) -> None:
    """Also one in a session of its own, as a kernel is."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "print(child.pid)"
    )
    finished = run([sys.executable, "-c", code], tmp_path, dict(os.environ), 60)
    with contextlib.suppress(ProcessLookupError):  # it is gone already
        watched = os.pidfd_open(int(finished.stdout))
        try:
            assert select.select([watched], [], [], 30)[0], "it lives"
        finally:
            os.close(watched)


def test_the_help_tells_every_option_workload_and_tool() -> None:
    told = subprocess.run([ROOT / "scripts" / "bench", "--help"], capture_output=True, text=True, check=True).stdout
    options = {name for action in parser()._actions for name in action.option_strings if name.startswith("--")}
    assert {name for name in {*options, *WORKLOADS, *TOOLS} if name not in told} == set()
