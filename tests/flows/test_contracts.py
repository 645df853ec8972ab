"""Nodes of other systems, run for real from those systems' own files: what they find around them, and what goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Said

Dagbook = Callable[..., Said]
ON_BASE = ("--image-map", "*=dagbook/base:bookworm")

FLOW = """
flow: Demo
tasks:
- title: Prepare-Data
  type: exec
  input: sh prepare.sh
  computes: [medium]
  params:
  - {key: mode, value: "a b"}
  - {key: count, value: 3}
  - {key: quick, value: true}
- title: Train
  type: exec
  input: sh train.sh
  computes: [medium]
  params:
  - {key: depth, value: [3, 5]}
- title: Best
  type: exec
  input: echo "passed=$CNVRG_TASKS_PASSED_CONDITION won=$CNVRG_TRAIN_PASSED_CONDITION depth=$CNVRG_TRAIN_DEPTH"
  computes: [medium]
  conditions:
  - {objective: max, tag_key: score, task: Train}
- title: Ship
  type: deploy
  endpoint_title: demo
  computes: [medium]
  file_name: predict.py
  function_name: predict
  min_replica: 1
  max_replica: 1
relations:
- {from: Prepare-Data, to: Train}
- {from: Train, to: Best}
- {from: Best, to: Ship}
"""
SCRIPTS = {
    "prepare.sh": 'echo "at $PWD"; for word in "$@"; do echo "word $word"; done\n'
    "echo 1,2 >table.csv; echo changed >>notes.txt; mkdir -p deep; echo x >deep/er.txt; echo own >/output/own.txt",
    "notes.txt": "as it was",
    "train.sh": 'echo "cnvrg_tag_score: $((CNVRG_TAG_DEPTH * 2))"; ls -R $INPUT_PREPARE_DATA; echo m >model.txt',
    "predict.py": "def predict(): ...",
}


pytestmark = pytest.mark.usefixtures("executor")


def written(project: Path, file: str, text: str, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    (project / file).write_text(text)
    return project / file


def lines(said: Said, node: str) -> list[str]:
    return [line.partition("| ")[2] for line in said.out.splitlines() if line.startswith(f"{node} ")]


def test_rows_7_11_22_27_51_a_cnvrg_flow_runs_by_its_contract(dagbook: Dagbook, project: Path) -> None:
    flow = written(project, "flow.yaml", FLOW, SCRIPTS)
    said = dagbook("run", flow)
    assert said.code == 0, said.err
    assert lines(said, "Prepare-Data") == ["at /cnvrg", "word --mode=a b", "word --count=3", "word --quick"]
    assert {"table.csv", "notes.txt", "own.txt", "er.txt"} <= set(lines(said, "Train"))
    assert "train.sh" not in lines(said, "Train"), "what was there before and is unchanged does not go on"
    assert lines(said, "Best") == ["passed=/input/train won=true depth=5"]
    assert "would deploy predict of predict.py to demo" in said.out
    assert (project / "notes.txt").read_text() == "as it was", "the task has a copy of the project"


def test_row_11_an_output_folder_alone_goes_on_under_its_own_path(dagbook: Dagbook, project: Path) -> None:
    text = FLOW.replace("  params:\n  - {key: mode", "  output_dir: deep\n  params:\n  - {key: mode")
    said = dagbook("run", written(project, "flow.yaml", text, SCRIPTS))
    assert said.code == 0, said.err
    listed = lines(said, "Train")
    assert "er.txt" in listed
    assert any(line.endswith("prepare_data/deep:") for line in listed)
    assert "table.csv" not in listed


def test_row_9_a_branch_of_the_project_is_cloned_and_only_output_goes_on(dagbook: Dagbook, project: Path) -> None:
    import subprocess

    text = FLOW.replace("  params:\n  - {key: mode", "  git_branch: other\n  params:\n  - {key: mode")
    flow = written(project, "flow.yaml", text, SCRIPTS)
    (project / "prepare.sh").write_text(
        "echo on the branch; mkdir -p $CNVRG_OUTPUT_DIR; echo o >/output/o.txt; echo n >n.txt"
    )
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "one"),
        ("branch", "other"),
    ):
        subprocess.run(["git", *words], cwd=project, check=True)
    said = dagbook("run", flow)
    assert said.code == 0, said.err
    assert lines(said, "Prepare-Data")[0] == "on the branch"
    listed = lines(said, "Train")
    assert any(line.endswith("prepare_data/output:") for line in listed)
    assert "o.txt" in listed
    assert "n.txt" not in listed


def test_what_a_task_leaves_never_goes_where_its_links_lead(dagbook: Dagbook, project: Path, tmp_path: Path) -> None:
    """A task can make any links it likes; the run process, which gathers what it left, follows none."""
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "own.txt").write_text("own")
    text = """flow: Links
tasks:
- {title: Plain, type: exec, input: sh plain.sh, computes: [m]}
- {title: Named, type: exec, input: sh named.sh, computes: [m], output_dir: a/b}
- {title: Output, type: exec, input: sh output.sh, computes: [m], output_dir: /output}
relations: []
"""
    away = tmp_path / "away"
    scripts = {
        "plain.sh": f"ln -s {away} /output/evil; mkdir evil; echo KEY >evil/keys",
        "named.sh": f"ln -s {away} a; mkdir -p {away}/b 2>/dev/null; echo x >own.txt",
        "output.sh": f"ln -s {away} /output/output; echo x >/output/x.txt",
    }
    (away / "b").mkdir()
    (away / "b" / "private.txt").write_text("private")
    said = dagbook("run", written(project, "flow.yaml", text, scripts), "--json")
    assert said.code == 0, said.err
    assert sorted(one.name for one in away.iterdir()) == ["b", "own.txt"]
    assert (away / "b" / "private.txt").read_text() == "private"
    for node in said.json["node_runs"]:
        assert not list(Path(node["artifact"]).rglob("private.txt"))


def test_rows_5_6_a_data_task_is_a_dataset_of_the_store_at_a_commit_or_a_query(
    dagbook: Dagbook, project: Path, tmp_path: Path
) -> None:
    text = """
flow: Data
tasks:
- {title: All, type: data, dataset: hotdogs}
- {title: Some, type: data, dataset: pictures, data_query: only-png}
- {title: Look, type: exec, input: 'ls /data/hotdogs /data/pictures', computes: [medium]}
relations:
- {from: All, to: Look}
- {from: Some, to: Look}
"""
    flow = written(project, "flow.yaml", text, {"../in/a.png": "a", "../in/b.txt": "b"})
    missing = dagbook("run", flow)
    assert missing.code == 1
    assert "hotdogs" in missing.out
    for name in ("hotdogs", "pictures"):
        assert dagbook("data", "create", name).code == 0
        assert dagbook("data", "put", name, tmp_path / "in").code == 0
    assert dagbook("data", "query", "pictures", "only-png", "*.png").code == 0
    said = dagbook("run", flow)
    assert said.code == 0, said.err
    assert lines(said, "Look") == ["/data/hotdogs:", "a.png", "b.txt", "", "/data/pictures:", "a.png"]


VALOHAI = """
- step:
    name: Preprocess
    image: python:3.12
    command:
      - echo "at $PWD" && ls
      - cp /valohai/inputs/raw/* /valohai/outputs/
      - |
        echo '{"step": 1, "loss": 0.5}'
        echo '{"step": 2, "loss": 0.25, "kind": "small"}'
    inputs:
      - {name: raw, default: data/*.csv}
      - {name: spare, optional: true}
- step:
    name: Train
    image: python:3.12
    command: sh train.sh {parameters}
    parameters:
      - {name: lr, type: float, default: 0.1}
      - {name: max-steps, type: integer, pass-as: '-n {v}', default: 3}
      - {name: verbose, type: flag, optional: true}
    inputs:
      - {name: table}
- endpoint:
    name: predict
    image: python:3.12
    server-command: python serve.py
    files:
      - {name: model, path: model.txt}
- deployment:
    name: MyDeployment
    defaults: {target: main}
- pipeline:
    name: digits
    nodes:
      - {name: prepare, type: execution, step: Preprocess}
      - name: search
        type: task
        step: Train
        override:
          parameters:
            - {name: lr, default: 0.2}
      - {name: train, type: execution, step: Train}
      - {name: ship, type: deployment, deployment: MyDeployment, endpoints: [predict]}
    edges:
      - [prepare.output.*.csv, train.input.table]
      - [prepare.output.*.csv, search.input.table]
      - [prepare.metadata.loss, train.parameter.lr]
      - [train.output.model*, ship.file.predict.model]
"""
TRAIN_SH = (
    'for word in "$@"; do echo "word $word"; done; ls /valohai/inputs/table; cat /valohai/config/parameters.json\n'
    'echo "$VH_JOB_ID" | cut -c1-5; echo m >/valohai/outputs/model.txt'
)


def ran(dagbook: Dagbook, *words: Any) -> dict[str, Any]:
    said = dagbook("run", *words, *ON_BASE, "--json")
    assert said.code == 0, said.err
    return {node["node"]: node for node in said.json["node_runs"]}


def test_rows_78_79_88_97_a_valohai_pipeline_runs_by_its_contract(dagbook: Dagbook, project: Path) -> None:
    file = written(project, "valohai.yaml", VALOHAI, {"data/a.csv": "1,2", "train.sh": TRAIN_SH})
    said = dagbook("run", file, *ON_BASE)
    assert said.code == 0, said.err
    assert lines(said, "prepare")[0] == "at /valohai/repository"
    assert "train.sh" in lines(said, "prepare")
    told = lines(said, "train")
    assert told[:4] == ["word --lr=0.25", "word -n", "word 3", "a.csv"], "the latest value of the metadata"
    assert '  "max-steps": 3' in told
    assert "exec-" in told
    assert "would deploy model.txt as predict/model to MyDeployment" in said.out
    nodes = ran(dagbook, file)
    assert nodes["prepare"]["metrics"]["loss"] == [[1.0, 0.5], [2.0, 0.25]]
    assert nodes["prepare"]["tags"]["kind"] == "small"


def test_row_106_a_step_can_be_run_by_itself(dagbook: Dagbook, project: Path) -> None:
    text = VALOHAI[: VALOHAI.index("- endpoint:")]
    file = written(project, "valohai.yaml", text, {"data/a.csv": "1,2", "train.sh": TRAIN_SH})
    said = dagbook("run", file, "--pipeline", "Preprocess", *ON_BASE)
    assert said.code == 0, said.err
    assert "Preprocess | at /valohai/repository" in said.out


def test_an_input_that_cannot_be_had_is_named_with_its_node_and_address(dagbook: Dagbook, project: Path) -> None:
    text = VALOHAI.replace("data/*.csv", "s3://bucket/train.csv")
    file = written(project, "valohai.yaml", text, {"data/a.csv": "1,2", "train.sh": TRAIN_SH})
    said = dagbook("run", file, *ON_BASE)
    assert said.code == 1
    assert "E-INPUT-URI" in said.out
    assert "s3://bucket/train.csv" in said.out
    mapped = dagbook("run", file, "--input-map", "s3://bucket=data", *ON_BASE)
    assert mapped.code == 1, "there is no such file"
    (project / "data" / "train.csv").write_text("3")
    assert dagbook("run", file, "--input-map", "s3://bucket=data", *ON_BASE).code == 0


BOUNDED = """
- step:
    name: train
    image: python:3.12
    command: echo {parameters}
    parameters:
      - {name: n, type: integer, min: 1, max: 10, default: 3}
      - {name: mode, type: string, choices: [a, b], optional: true}
- pipeline:
    name: pipe
    parameters:
      - {name: n, default: 4, targets: [node.parameters.n]}
    nodes:
      - {name: node, type: execution, step: train}
    edges: []
"""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--pipeline", "pipe", "-p", "n", "9"], 0, "--n=9"),
        (["--pipeline", "pipe", "-p", "node.mode", "b"], 0, "--mode=b"),
        (["--pipeline", "pipe", "-p", "n", "99"], 2, "is 99, and 10 is the most"),
        (["--pipeline", "pipe", "-p", "n", "1.5"], 2, "should be a whole number"),
        (["--pipeline", "pipe", "-p", "n", "abc"], 2, "should be a whole number"),
        (["--pipeline", "pipe", "-p", "node.mode", "zzz"], 2, "none of a, b"),
        (["--pipeline", "pipe", "-p", "node.mood", "a"], 2, '"node.mode"'),
    ],
)
def test_row_97_values_from_outside_are_checked_as_the_step_says(
    dagbook: Dagbook, project: Path, words: list[str], code: int, says: str
) -> None:
    said = dagbook("run", written(project, "valohai.yaml", BOUNDED, {}), *ON_BASE, *words)
    assert said.code == code, said.err
    assert says in said.out + said.err


def test_row_106_a_step_by_itself_takes_its_own_parameters(dagbook: Dagbook, project: Path) -> None:
    text = BOUNDED[: BOUNDED.index("- pipeline:")]
    said = dagbook("run", written(project, "valohai.yaml", text, {}), *ON_BASE, "-p", "n", "5", "-p", "mode", "a")
    assert said.code == 0, said.err
    assert "--n=5 --mode=a" in said.out
