"""The benchmark command without its peers: workloads as files, samples, tables, and that nothing is left behind."""

from __future__ import annotations

import ast
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
from benchmarks.figures import Bound, bounds, cells, per_node, rows, throughput
from benchmarks.processes import Failed, Finished, run
from benchmarks.report import BEGIN, END, put, report, table
from benchmarks.rounds import Bounds, measure, pairs, set_up, take
from benchmarks.samples import Measured, Sample, Spread
from benchmarks.tools import by_hand
from benchmarks.tools.contract import Results, Tool
from benchmarks.workloads import WORKLOADS, Task, Workload, chain, fan

ROOT = Path(__file__).parents[1]
SMALL = Workload("chain", "Small", chain(2))
EVERYTHING = pairs(list(WORKLOADS.values()), list(TOOLS.values()))


@dataclass
class Fake:
    """A tool that is one line of Python."""

    code: str
    name: str = "fake"
    title: str = "Fake"
    remembers: bool = False
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


def some_measured() -> Measured:
    """Figures that are easy to divide."""
    nodes = [{"id": f"t{i}", "state": "succeeded", "duration_s": 1.1, "overhead_s": 0.05} for i in range(5)]
    details = {"run_s": 6.0, "nodes": nodes}
    single = {"run_s": 1.0, "nodes": [{"id": "t0", "duration_s": 0.7, "overhead_s": 0.4}]}
    samples = [
        Sample("work", "dagbook-docker", 1, 6.5, None, details),
        Sample("work", "docker-papermill", 1, 10.0),
        Sample("cells", "dagbook-docker", 1, 2.0, None, single),
        Sample("cells", "raw-kernel", 1, 3.0, None, {"cells_s": 0.25, "total_s": 1.0}),
        Sample("wide", "dagbook-docker", 1, 20.0, None, {"run_s": 16.0, "nodes": []}),
        Sample("again", "dagbook-docker", 1, 0.5, 5.0, {"run_s": 0.1, "nodes": []}),
        *(Sample("chain", tool, n, s) for n in (1, 2, 3) for tool, s in (("dagbook-docker", n), ("elyra", 10.0))),
    ]
    return Measured({"Processor": "2 cores"}, 3, samples)


def test_each_level_depends_only_on_levels_before_it() -> None:
    assert [[task.name for task in level] for level in Workload("fan", "", fan(3)).levels] == [
        ["t0"],
        ["t1", "t2", "t3"],
    ]


def test_a_file_must_hold_the_names_on_the_way_to_it() -> None:
    assert SMALL.expected() == {"t0": "t0;", "t1": "t0;t1;"}
    assert Workload("g", "", (Task("g0", value=7),)).expected() == {"g0": "7;"}


@pytest.mark.parametrize(
    ("workload", "tool"), [pytest.param(*pair, id=f"{pair[0].name}-{pair[1].name}") for pair in EVERYTHING]
)
def test_each_workload_is_written_for_each_tool_that_takes_it(
    workload: Workload, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every notebook is JSON and every cell Python, but for the magics of dagbook."""
    monkeypatch.setattr(by_hand, "papermill_image", lambda: "image")
    tool.write(workload, tmp_path)
    notebooks = list(tmp_path.glob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        for cell in json.loads(notebook.read_text())["cells"]:
            source = cell["source"]
            ast.parse(source.partition("\n")[2] if source.startswith("%") else source)
    assert tool.command(workload)


@pytest.mark.parametrize("name", ["chain", "fan", "grid"])
def test_the_script_by_hand_calls_papermill_for_each_node(name: str, tmp_path: Path) -> None:
    """With a papermill that only writes down how it was called."""
    workload = WORKLOADS[name]
    tool = by_hand.ByHand(container=False)
    tool.write(workload, tmp_path)
    fake = tmp_path / "bin" / "papermill"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$*" >>calls\n')
    fake.chmod(0o755)
    run(tool.command(workload), tmp_path, {"PATH": f"{fake.parent}:{os.environ['PATH']}"}, 60)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert sorted({call.split()[2] for call in calls}) == sorted(f"out/{task.name}.ipynb" for task in workload.tasks)
    assert len(calls) == len(workload.tasks)


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


def test_ratios_are_of_medians() -> None:
    ours, theirs = rows([("ours", [1.0, 2.0, 9.0]), ("theirs", [4.0]), ("nobody", [])], "theirs")
    assert ours.spread == Spread(3, 2.0, 1.0, 9.0)
    assert (ours.ratio, theirs.ratio) == (0.5, 1.0)


def test_a_table_has_a_line_for_each_row() -> None:
    text = table(rows([("ours", [1.0, 2.0, 9.0]), ("theirs", [4.0])], "theirs"), "theirs")
    lines = [[word.strip() for word in line.strip("|").split("|")] for line in text.splitlines()]
    assert lines[0] == ["", "n", "median (s)", "min", "max", "ratio to theirs"]
    assert lines[2:] == [["ours", "3", "2.00", "1.00", "9.00", "0.50"], ["theirs", "1", "4.00", "4.00", "4.00", "1.00"]]


def test_inner_figures_are_told_by_node_and_by_second() -> None:
    measured = some_measured()
    by_title = {row.title: row for row in per_node(measured, lambda tool: tool)}
    assert by_title["docker-papermill: whole script, by 5"].spread.median == pytest.approx(1.0)
    assert by_title["dagbook-docker: whole command, by 5"].spread.median == pytest.approx(0.3)
    later = by_title["dagbook-docker: each later node, from ready to recorded"]
    assert later.spread.n == 4
    assert later.ratio == pytest.approx(0.1)
    assert cells(measured, str)[1].ratio == pytest.approx(1.2)
    assert throughput(measured, str)[-1].spread.median == pytest.approx(4.0)


def test_bounds_are_told_with_whether_they_are_kept() -> None:
    found = {one.title: one for one in bounds(some_measured())}
    assert found["chain of 5, to `elyra-pipeline run`"].kept
    assert found["second run, to the first one"].value == pytest.approx(0.1)
    assert not Bound("", 0.2, 0.1).kept
    assert Bound("", 5, 4, least=True).kept


def test_samples_come_back_from_their_file(tmp_path: Path) -> None:
    measured = some_measured()
    measured.write(tmp_path / "results.json")
    assert Measured.read(tmp_path / "results.json") == measured


def test_the_report_replaces_what_is_between_the_markers_and_keeps_the_prose(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nan earlier table\n{END}\nafter\n")
    put(report(some_measured(), {"elyra": "Elyra"}, "elyra"), page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| Elyra " in text
    assert "an earlier table" not in text


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("prose")
    with pytest.raises(ValueError, match="has no lines"):
        put("table", page)
    assert page.read_text() == "prose"


def test_the_page_has_the_markers() -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert text.index(BEGIN) < text.index(END)


def test_the_help_tells_every_option_workload_and_tool() -> None:
    told = subprocess.run([ROOT / "scripts" / "bench", "--help"], capture_output=True, text=True, check=True).stdout
    options = {name for action in parser()._actions for name in action.option_strings if name.startswith("--")}
    assert {name for name in {*options, *WORKLOADS, *TOOLS} if name not in told} == set()
