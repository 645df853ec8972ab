"""Rows of the acceptance list that a whole file, or several runs of one, must show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagbook.runner.formats.native import native_pipeline
from tests.conftest import Said, read_until

Dagbook = Callable[..., Said]
Started = Callable[..., Any]
PROCESS = ("--executor", "process")

FLOW = """flow: Title
recurring: "30 * * * *"
webhook: true
tasks:
- title: One
  type: exec
  input: sh -c 'echo "mode=$MODE"' one
  computes: [m]
  MORE
relations: []
"""


def written(project: Path, name: str, text: str) -> Path:
    (project / name).write_text(text)
    return project / name


def test_row_3_row_21_a_run_is_recorded_with_its_flow_and_the_projects_variables_reach_tasks(
    dagbook: Dagbook, project: Path
) -> None:
    written(project, "dagbook.toml", '[env]\nMODE = "fast"\n')
    said = dagbook("run", written(project, "flow.yaml", FLOW.replace("MORE", "")), *PROCESS)
    assert "One | mode=fast" in said.out
    record = json.loads(dagbook("show", "latest", "--record").out)
    assert record["pipeline"]["nodes"][0]["source"].startswith("sh -c")


def test_row_15_a_network_drive_is_kept_and_its_task_is_told_when_it_is_to_run(dagbook: Dagbook, project: Path) -> None:
    flow = written(project, "flow.yaml", FLOW.replace("MORE", "mount_folders: ['10.0.0.7:/share']"))
    assert dagbook("check", flow).code == 0
    said = dagbook("run", flow, *PROCESS)
    assert said.code == 2
    assert "E-UNRESOLVED" in said.err
    assert "10.0.0.7:/share" in dagbook("export", flow, "--to", "cnvrg").out
    wrong = dagbook("check", written(project, "bad.yaml", FLOW.replace("MORE", "mount_folders: ['x:/../../']")))
    assert wrong.code == 2
    assert "E-MOUNT" in wrong.out, "row Y18"


def test_rows_68_69_70_71_what_comes_with_a_server_is_reported_and_written_back(
    dagbook: Dagbook, project: Path
) -> None:
    """Versions and titles, triggers by datasets and webhooks, schedules: import, report and round trip only."""
    flow = written(project, "flow.yaml", FLOW.replace("MORE", ""))
    report = dagbook("import", flow, "--json").json
    assert {"webhook"} <= {record["path"] for record in report["records"]}
    back = dagbook("export", flow, "--to", "cnvrg").out
    assert "flow: Title" in back
    assert "30 * * * *" in back
    assert "webhook: true" in back
    dagbook("run", flow, *PROCESS)
    written(project, "flow.yaml", FLOW.replace("MORE", "").replace("flow: Title", "flow: Other title"))
    dagbook("run", flow, *PROCESS)
    names = [row["pipeline"] for row in dagbook("runs", "--json").json]
    assert names == ["Other title", "Title"], "each run keeps the version that it ran"


def test_rows_89_90_91_the_pipelines_of_a_project_are_listed_and_triggers_and_notices_are_reported(
    dagbook: Dagbook, project: Path
) -> None:
    """Triggers and notices are no part of the file; what stands there is reported and nothing is dropped in silence."""
    text = """
- step: {name: a, image: 'python:3.12', command: echo a}
- trigger: {name: weekly, schedule: '0 9 * * 1'}
- pipeline: {name: first, nodes: [{name: n, type: execution, step: a}], edges: []}
- pipeline: {name: second, nodes: [{name: n, type: execution, step: a}], edges: []}
"""
    file = written(project, "valohai.yaml", text)
    report = dagbook("import", file, "--json").json
    assert [one["name"] for one in report["pipelines"]] == ["first", "second"]
    assert any("trigger" in record["path"] for record in report["records"])
    said = dagbook("run", file, *PROCESS)
    assert said.code == 2
    assert '"first", "second"' in said.err
    assert dagbook("run", file, "--pipeline", "second", *PROCESS).code == 0


TEMPLATE = """
- step:
    name: preprocess
    image: python:3.12
    command: echo "{parameter-value:harbor}" >/valohai/outputs/ships.csv
    parameters: [{name: harbor, type: string}]
- step:
    name: train
    image: python:3.12
    command:
      - cat /valohai/inputs/ships/ships.csv | tr '\\n' ' ' >/valohai/outputs/model.txt
      - echo {parameter-value:epochs} >>/valohai/outputs/model.txt
    parameters: [{name: epochs, type: integer}]
    inputs: [{name: ships}]
- step:
    name: predict
    image: python:3.12
    command: cat /valohai/inputs/models/*/model.txt
    inputs: [{name: models, default: 'dataset://models/latest', keep-directories: full}]
- pipeline:
    name: one harbor
    parameters:
      - {name: harbor, default: none, targets: [preprocess.parameters.harbor]}
      - {name: epochs, default: 1, targets: [train.parameters.epochs]}
    nodes:
      - {name: preprocess, type: execution, step: preprocess}
      - {name: train, type: execution, step: train}
    edges:
      - [preprocess.output.*.csv, train.input.ships]
"""


def test_rows_99_100_101_105_107_108_a_template_is_run_for_each_combination_and_one_execution_takes_all_models(
    dagbook: Dagbook, started: Started, project: Path
) -> None:
    file = written(project, "valohai.yaml", TEMPLATE)
    wanted = [(harbor, epochs) for harbor in ("hamina", "oulu") for epochs in (1, 2)]
    going = [
        started("run", file, "--pipeline", "one harbor", *PROCESS, "-p", "harbor", harbor, "-p", "epochs", str(epochs))
        for harbor, epochs in wanted
    ]
    said = [read_until(child, "2 succeeded") for child in going]
    assert [child.wait() for child in going] == [0, 0, 0, 0], said
    runs = dagbook("runs", "--json").json
    assert [row["state"] for row in runs] == ["succeeded"] * 4
    dagbook("data", "create", "models")
    for number, row in enumerate(runs):
        found = dagbook("show", row["id"] if "id" in row else row["run"], "--json").json
        (train,) = (one for one in found["node_runs"] if one["node"] == "train")
        store = project / ".dagbook" / "artifacts"
        model = store / train["artifact"][:2] / train["artifact"] / "model.txt"
        collected = project / "collected" / str(number) / "model.txt"
        collected.parent.mkdir(parents=True)
        collected.write_text(model.read_text())
    assert dagbook("data", "put", "models", project / "collected").code == 0
    predicted = dagbook("run", file, "--pipeline", "predict", *PROCESS)
    assert predicted.code == 0, predicted.err
    shown = sorted(line.partition("| ")[2] for line in predicted.out.splitlines() if line.startswith("predict | "))
    assert shown == sorted(f"{harbor} {epochs}" for harbor, epochs in wanted)


def test_rows_102_103_one_pipeline_made_by_code_has_as_many_nodes_as_its_parameters_ask_for(
    dagbook: Dagbook, project: Path
) -> None:
    """The file is written by a program; a last node comes after all trainings and starts by itself."""
    harbors = [f"harbor {number}" for number in range(5)]
    nodes = [
        {"title": f"train {one}", "kind": "command", "source": f"echo {one} >model.txt", "params": {"harbor": one}}
        for one in harbors
    ]
    last = {"title": "predict", "kind": "command", "source": "cat /input/*/model.txt"}
    text = json.dumps({"dagbook": 1, "nodes": [*nodes, {**last, "after": [one["title"] for one in nodes]}]})
    assert len(native_pipeline(text, "made.json").nodes) == 6
    said = dagbook("run", written(project, "made.json", text), *PROCESS)
    assert said.code == 0, said.err
    assert [line for line in said.out.splitlines() if line.startswith("predict |")] == [
        f"predict | {one}" for one in harbors
    ]


def test_rows_80_82_input_edges_and_both_ways_of_merging(dagbook: Dagbook, project: Path) -> None:
    text = """
- step:
    name: take
    image: python:3.12
    command: ls /valohai/inputs/files
    inputs: [{name: files, default: [own.txt]}]
- step:
    name: make
    image: python:3.12
    command: echo m >/valohai/outputs/made.txt
- pipeline:
    name: merge
    nodes:
      - {name: make, type: execution, step: make}
      - {name: replaced, type: execution, step: take}
      - {name: appended, type: execution, step: take, edge-merge-mode: append}
      - {name: same, type: execution, step: take}
    edges:
      - [make.output.*, replaced.input.files]
      - [make.output.*, appended.input.files]
      - [appended.input.fil*, same.input.files]
"""
    written(project, "own.txt", "own")
    said = dagbook("run", written(project, "valohai.yaml", text), *PROCESS)
    assert said.code == 0, said.err

    def listed(node: str) -> list[str]:
        return [line.partition("| ")[2] for line in said.out.splitlines() if line.startswith(f"{node} |")]

    assert listed("replaced") == ["made.txt"]
    assert listed("appended") == ["made.txt", "own.txt"]
    assert listed("same") == ["made.txt", "own.txt"]
