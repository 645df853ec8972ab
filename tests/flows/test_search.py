"""Valohai's tasks, run for real: executions side by side, their outputs together, failures as the task says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Said

Dagbook = Callable[..., Said]

FILE = """
- step:
    name: Train
    image: python:3.12
    command: sh train.sh {parameters}
    parameters:
      - {name: lr, type: float, default: 0.1}
      - {name: depth, type: integer, default: 3}
- step:
    name: List
    image: python:3.12
    command: ls /valohai/inputs/models
    inputs:
      - {name: models}
- step:
    name: Choose
    image: python:3.12
    command: |
      echo '{"depths": [4, 5]}'
- task:
    name: Search
    step: Train
    type: TYPE
    parameters:
      - {name: lr, style: multiple, rules: {items: [0.1, 0.2]}}
      - {name: depth, style: linear, rules: {start: 1, end: 2, step: 1}}
    MORE
- pipeline:
    name: search
    nodes:
      - {name: tune, type: task, task: Search}
      - {name: list, type: execution, step: List}
    edges:
      - [tune.output.*, list.input.models]
- pipeline:
    name: fan out
    nodes:
      - {name: choose, type: execution, step: Choose}
      - {name: each, type: task, step: Train}
    edges:
      - [choose.metadata.depths, each.parameter.depth]
"""
SCRIPT = """case "$*" in FAILS) exit 5;; esac
echo "got $*" | tr -d -- -
echo m >/valohai/outputs/model.txt
"""


pytestmark = pytest.mark.usefixtures("executor")


def run(
    dagbook: Dagbook,
    folder: Path,
    more: str = "",
    fails: str = "never",
    pipeline: str = "search",
    kind: str = "grid_search",
) -> Said:
    folder.mkdir(exist_ok=True)
    (folder / "valohai.yaml").write_text(FILE.replace("MORE", more).replace("TYPE", kind))
    (folder / "train.sh").write_text(SCRIPT.replace("FAILS", fails))
    return dagbook("run", folder / "valohai.yaml", "--pipeline", pipeline, "--image-map", "*=dagbook/base:bookworm")


def states(dagbook: Dagbook, node: str) -> dict[str, str]:
    (found,) = dagbook("datums", "latest", node, "--json").json.values()
    return {part["part"]: part["state"] for part in found}


def printed(said: Said, node: str) -> list[str]:
    return [line.partition("| ")[2] for line in said.out.splitlines() if line.startswith(f"{node} ")]


def test_a_grid_runs_every_combination_and_all_outputs_go_on(dagbook: Dagbook, tmp_path: Path) -> None:
    said = run(dagbook, tmp_path / "project")
    assert said.code == 0, said.err
    assert sorted(printed(said, "tune")) == [f"got lr={lr} depth={depth}" for lr in (0.1, 0.2) for depth in (1, 2)]
    assert sorted(printed(said, "list")) == ["2-model.txt", "3-model.txt", "4-model.txt", "model.txt"]
    assert "left model.txt too; it is kept as 2-model.txt" in said.out
    again = run(dagbook, tmp_path / "project")
    assert "2 of 2 up to date" in again.out


def test_only_executions_that_are_new_run_again(dagbook: Dagbook, tmp_path: Path) -> None:
    run(dagbook, tmp_path / "project")
    text = (tmp_path / "project" / "valohai.yaml").read_text()
    (tmp_path / "project" / "valohai.yaml").write_text(text.replace("items: [0.1, 0.2]", "items: [0.1, 0.9]"))
    words = ("run", "valohai.yaml", "--pipeline", "search", "--image-map", "*=dagbook/base:bookworm")
    assert dagbook(*words).code == 0
    found = states(dagbook, "tune")
    assert list(found.values()) == ["skipped", "skipped", "done", "done"]


@pytest.mark.parametrize(
    ("more", "code", "state"),
    [
        ("", 1, "failed"),
        ("on-child-error: continue-and-error", 1, "failed"),
        ("on-child-error: continue-and-complete", 0, "succeeded"),
        ("on-child-error: stop-all-and-error", 1, "failed"),
    ],
)
def test_a_failed_execution_means_what_the_task_says(
    dagbook: Dagbook, tmp_path: Path, more: str, code: int, state: str
) -> None:
    said = run(dagbook, tmp_path / "project", more, fails="*lr=0.1*depth=2*")
    assert said.code == code, said.err
    found: dict[str, Any] = states(dagbook, "tune")
    assert found["lr=0.1, depth=2"] == "failed"
    if more.endswith("stop-all-and-error"):
        assert found["lr=0.2, depth=2"] == "left"
    else:
        assert found["lr=0.2, depth=2"] == "done"


def test_a_random_search_is_the_same_each_time(dagbook: Dagbook, tmp_path: Path) -> None:
    said = run(dagbook, tmp_path / "project", "execution-count: 3", kind="random_search")
    assert said.code == 0, said.err
    (first,) = dagbook("datums", "latest", "tune", "--json").json.values()
    assert len(first) == 3, "one of them may be drawn twice"
    run(dagbook, tmp_path / "project", "execution-count: 3", kind="random_search")
    assert "cached" in dagbook("show", "latest").out


def test_a_list_in_the_metadata_is_an_execution_for_each_value(dagbook: Dagbook, tmp_path: Path) -> None:
    said = run(dagbook, tmp_path / "project", pipeline="fan out")
    assert said.code == 0, said.err
    assert sorted(printed(said, "each")) == ["got lr=0.1 depth=4", "got lr=0.1 depth=5"]


METADATA = """
- step:
    name: Train
    image: python:3.12
    command: |
      cat /valohai/inputs/table/*
      test {parameter-value:n} != FAILS
      printf '{"loss_%s": 0.%s, "step": 1}\\n' {parameter-value:n} {parameter-value:n}
    parameters: [{name: n, type: integer, default: 1}, {name: which, type: string, default: a}]
    inputs: [{name: table, default: 'data/{parameter:which}.csv'}]
- task:
    name: Search
    step: Train
    type: grid_search
    parameters:
      - {name: n, style: multiple, rules: {items: [1, 2]}}
      - {name: which, style: multiple, rules: {items: [a, b]}}
- pipeline:
    name: p
    nodes: [{name: tune, type: task, task: Search}]
    edges: []
"""


def test_what_an_execution_logged_stands_also_when_it_was_done_before_and_inputs_follow_its_parameters(
    dagbook: Dagbook, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "data" / f"{name}.csv").write_text(f"table {name}\n")
    words = ("run", "valohai.yaml", "--image-map", "*=dagbook/base:bookworm", "--code", "none")
    (folder / "valohai.yaml").write_text(METADATA.replace("FAILS", "2"))
    assert dagbook(*words).code == 1
    assert dagbook("plan", *words[1:]).code == 0, "a part's result is none of the whole node"
    (folder / "valohai.yaml").write_text(METADATA.replace("test {parameter-value:n} != FAILS", "true"))
    said = dagbook(*words)
    assert said.code == 0, said.err
    assert {"table a", "table b"} <= set(printed(said, "tune"))
    again = dagbook(*words, "--json")
    (node,) = again.json["node_runs"]
    assert set(node["metrics"]) >= {"loss_1", "loss_2"}


def test_metadata_of_executions_that_are_skipped_is_told_again(dagbook: Dagbook, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "data" / f"{name}.csv").write_text(f"table {name}\n")
    words = ("run", "valohai.yaml", "--image-map", "*=dagbook/base:bookworm", "--code", "none", "--json")
    (folder / "valohai.yaml").write_text(METADATA.replace("FAILS", "0").replace("items: [1, 2]", "items: [1]"))
    assert dagbook(*words).code == 0
    (folder / "valohai.yaml").write_text(METADATA.replace("FAILS", "0"))
    (node,) = dagbook(*words).json["node_runs"]
    assert list(states(dagbook, "tune").values()) == ["skipped", "skipped", "done", "done"]
    assert set(node["metrics"]) >= {"loss_1", "loss_2"}
