"""How the benchmark command writes its pipelines for each tool, and what it believes of what a tool says."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import TOOLS
from benchmarks.processes import STDERR, STDOUT, Failed, Finished, run
from benchmarks.rounds import pairs
from benchmarks.tools import by_hand
from benchmarks.tools.contract import Tool
from benchmarks.tools.dagbook import Dagbook
from benchmarks.tools.ploomber import Ploomber
from benchmarks.workloads import WORKLOADS, Task, Workload, chain, fan

SMALL = Workload("chain", "Small", chain(2))
EVERYTHING = pairs(list(WORKLOADS.values()), list(TOOLS.values()))


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


def printed(folder: Path, text: str) -> Finished:
    """A command that has printed `text`."""
    (folder / STDOUT).write_text(text)
    (folder / STDERR).write_text("")
    return Finished(1.0, folder)


def told(*states: str, executor: str = "docker") -> dict[str, Any]:
    """What `dagbook run --json` prints of a run with these node runs, as far as it matters here."""
    facts = {"artifact": "kept", "executor": executor, "duration_s": 1.0, "overhead_s": 0.5}
    nodes = [
        {"id": f"t{i}", "node": f"t{i}", "params": {"value": i}, "state": s, **facts} for i, s in enumerate(states)
    ]
    return {"duration_s": 2.0, "node_runs": nodes}


def test_what_dagbook_says_gives_files_and_figures(tmp_path: Path) -> None:
    results = Dagbook("docker").results(SMALL, printed(tmp_path, json.dumps(told("succeeded", "cached"))))
    assert results.files == {"t0": Path("kept/made.txt"), "t1": Path("kept/made.txt")}
    assert results.ran == 1
    assert results.details is not None
    assert results.details["run_s"] == 2.0


def test_a_run_of_a_grid_is_known_by_its_value(tmp_path: Path) -> None:
    grid = Workload("grid", "", (Task("g0", value=0), Task("g1", value=1)), grid=True)
    results = Dagbook("docker").results(grid, printed(tmp_path, json.dumps(told("succeeded", "succeeded"))))
    assert set(results.files) == {"g0", "g1"}


def test_a_run_on_another_executor_is_no_time_of_this_one(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="with the executor process"):
        Dagbook("docker").results(SMALL, printed(tmp_path, json.dumps(told("succeeded", executor="process"))))


def test_what_is_not_the_json_of_a_run_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="not as expected"):
        Dagbook("docker").results(SMALL, printed(tmp_path, "no JSON"))


def test_ploombers_table_tells_how_many_tasks_ran(tmp_path: Path) -> None:
    lines = ["name    Ran?      Elapsed (s)", "------  ------", "t0      False     0", "t1      True      1.28"]
    assert Ploomber("serial").results(SMALL, printed(tmp_path, "\n".join(lines))).ran == 1
