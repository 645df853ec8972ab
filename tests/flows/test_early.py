"""Attempts that end before their work does, and actions that stop or fail a pipeline, run for real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Said

Dagbook = Callable[..., Said]
FILE = """
dagbook: 1
name: early
nodes:
- title: train
  kind: command
  dialect: valohai
  source: |
    echo '{"step": 1, "loss": 3}'
    echo '{"step": 2, "loss": 0.5}'
    echo model >/valohai/outputs/model.txt
    SLEEP
  FIELD
- title: after
  kind: command
  dialect: valohai
  after: [train]
  source: cat /input/train/model.txt
"""


pytestmark = pytest.mark.usefixtures("executor")


def ran(dagbook: Dagbook, tmp_path: Path, field: str, sleep: str = "true", *more: str) -> tuple[int, dict[str, Any]]:
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / "f.yaml").write_text(FILE.replace("FIELD", field).replace("SLEEP", sleep))
    said = dagbook("run", folder / "f.yaml", "--json", *more)
    assert "Traceback" not in said.err
    return said.code, said.json


def node(found: dict[str, Any], title: str = "train") -> dict[str, Any]:
    return next(one for one in found["node_runs"] if one["node"] == title)


def test_metadata_that_meets_the_condition_ends_the_execution_as_a_success(dagbook: Dagbook, tmp_path: Path) -> None:
    code, found = ran(dagbook, tmp_path, "stop: loss < 1", "sleep 300")
    assert code == 0
    assert node(found)["duration_s"] < 100
    assert node(found, "after")["state"] == "succeeded", "what it had written goes on"


def test_a_condition_that_is_never_met_changes_nothing(dagbook: Dagbook, tmp_path: Path) -> None:
    code, found = ran(dagbook, tmp_path, "stop: loss < 0.1")
    assert (code, node(found)["state"]) == (0, "succeeded")


def test_silence_for_too_long_fails_the_node(dagbook: Dagbook, tmp_path: Path) -> None:
    code, found = ran(dagbook, tmp_path, "silence: 1", "sleep 300")
    assert code == 1
    assert "it printed nothing for 1 s" in node(found)["reason"]


def test_an_action_makes_a_success_an_error(dagbook: Dagbook, tmp_path: Path) -> None:
    action = "actions: [{when: [node-complete], test: [metadata.loss < 1], then: [error-pipeline]}]"
    code, found = ran(dagbook, tmp_path, action)
    assert code == 1
    assert "an action of the pipeline says that this is an error" in node(found)["reason"]


def test_an_action_stops_the_pipeline_after_the_node(dagbook: Dagbook, tmp_path: Path) -> None:
    action = "actions: [{when: [node-complete], test: [metadata.loss < 1], then: [stop-pipeline]}]"
    code, found = ran(dagbook, tmp_path, action)
    assert (code, found["state"]) == (4, "cancelled")
    assert node(found)["state"] == "succeeded"
    assert node(found, "after")["state"] == "cancelled"


def test_an_action_whose_test_does_not_hold_does_nothing(dagbook: Dagbook, tmp_path: Path) -> None:
    action = "actions: [{when: [node-complete], test: [metadata.loss > 1], then: [error-pipeline]}]"
    code, found = ran(dagbook, tmp_path, action)
    assert (code, node(found)["state"]) == (0, "succeeded")


def test_rows_54_55_an_approval_after_a_node_is_asked_of_anybody(dagbook: Dagbook, tmp_path: Path) -> None:
    action = "actions: [{when: [node-complete], then: [require-approval]}]"
    code, found = ran(dagbook, tmp_path, action, "true", "--no-wait")
    assert (code, found["state"]) == (3, "pending_approval")
    assert node(found, "after")["reason"] == "waits for anybody"
    assert dagbook("approve", "latest", "after", "--by", "whoever").code == 0
    assert dagbook("resume", "latest", "-q").code == 0


def test_a_test_that_is_none_is_told_before_anything_runs(dagbook: Dagbook, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "f.yaml").write_text(FILE.replace("FIELD", "stop: __import__('os')").replace("SLEEP", "true"))
    said = dagbook("check", folder / "f.yaml")
    assert said.code == 2
    assert "E-TYPE" in said.out


def test_an_action_acts_again_when_an_earlier_result_would_stand_for_the_node(dagbook: Dagbook, tmp_path: Path) -> None:
    action = "actions: [{when: [node-complete], test: [metadata.loss < 1], then: [stop-pipeline]}]"
    for _ in range(2):
        code, found = ran(dagbook, tmp_path, action)
        assert (code, node(found, "after")["state"]) == (4, "cancelled")


def test_without_its_early_end_a_node_is_another_one(dagbook: Dagbook, tmp_path: Path) -> None:
    ran(dagbook, tmp_path, "stop: loss < 1", "sleep 2")
    code, found = ran(dagbook, tmp_path, "", "sleep 2")
    assert (code, node(found)["state"]) == (0, "succeeded"), "it is not taken from the run that was cut short"


def test_an_approval_with_a_test_is_always_asked_for(dagbook: Dagbook, tmp_path: Path) -> None:
    action = "actions: [{when: [node-starting], test: [metadata.loss < 1], then: [require-approval]}]"
    code, found = ran(dagbook, tmp_path, action, "true", "--no-wait")
    assert (code, node(found)["state"]) == (3, "pending_approval")
