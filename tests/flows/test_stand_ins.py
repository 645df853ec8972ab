"""Code that uses cnvrg's and Valohai's packages runs in nodes that have neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeNotebook, Said

Dagbook = Callable[..., Said]


pytestmark = pytest.mark.usefixtures("executor")


def written(project: Path, file: str, text: str, files: dict[str, str]) -> Path:
    for name, content in {**files, file: text}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    return project / file


def lines(said: Said, node: str) -> list[str]:
    return [line.partition("| ")[2] for line in said.out.splitlines() if line.startswith(f"{node} ")]


def finished(said: Said) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    found: list[dict[str, Any]] = said.json["node_runs"]
    return found


SDK_FLOW = """
flow: Dynamic
tasks:
- {title: Params, type: exec, input: python3 choose.py, computes: [medium]}
- title: Walk
  type: exec
  input: echo "route=$CNVRG_TAG_ROUTE all=$CNVRG_PARAMS_ROUTE loss=$CNVRG_PARAMS_LOSS" >seen; true
  computes: [medium]
  params:
  - {key: route, value: '{{ Params.route | hyper }}'}
relations:
- {from: Params, to: Walk}
"""
CHOOSE = """
from cnvrg import Experiment
from cnvrg.charts import Bar

experiment = Experiment()
experiment.log_param("route", "1,2,3")
experiment.log_metric("loss", [0.5, 0.25])
experiment.log_chart("bars", Bar(x=["a"], y=[1]))
open("model.bin", "w").write("m")
experiment.log_artifacts(["model.bin"])
"""


def test_rows_29_40_a_tag_of_cnvrgs_sdk_makes_a_run_for_each_of_its_values(dagbook: Dagbook, project: Path) -> None:
    nodes = finished(dagbook("run", written(project, "flow.yaml", SDK_FLOW, {"choose.py": CHOOSE}), "--json"))
    (first,) = [one for one in nodes if one["node"] == "Params"]
    assert first["tags"]["route"] == "1,2,3"
    assert first["metrics"] == {"loss": [[0.0, 0.5], [1.0, 0.25]]}
    assert not first["warnings"], "a logged artifact that is new in the project is there once"
    walked = [one for one in nodes if one["node"] == "Walk"]
    assert sorted(one["params"]["route"] for one in walked) == [1, 2, 3]
    seen = [Path(one["artifact"], "seen").read_text() for one in walked]
    assert sorted(seen) == [f"route={route} all=1,2,3 loss=0.25\n" for route in (1, 2, 3)]
    assert Path(first["artifact"], "model.bin").read_text() == "m"
    assert Path(first["artifact"], "charts", "bars.json").exists()


SDK_STEP = """
- step:
    name: Train
    image: python:3.12
    command: python3 train.py {parameters}
    parameters:
      - {name: lr, type: float, default: 0.1}
    inputs:
      - {name: table, default: data/*.csv}
"""
TRAIN_PY = """
import valohai

valohai.prepare(step="Train", image="python:3.12", default_parameters={"lr": 9.0}, default_inputs={"table": ""})
text = valohai.inputs("table").stream().read().decode()
with open(valohai.outputs("models").path("model.txt"), "w") as file:
    file.write(f"{text} {valohai.parameters('lr').value}")
for epoch in (1, 2):
    with valohai.logger() as logger:
        logger.log("epoch", epoch)
        logger.log("loss", 1 / epoch)
        logger.log("kind", "small")
"""


def test_row_88_code_that_uses_valohais_package_runs_without_it(dagbook: Dagbook, project: Path) -> None:
    file = written(project, "valohai.yaml", SDK_STEP, {"data/a.csv": "1,2", "train.py": TRAIN_PY})
    said = dagbook("run", file, "--pipeline", "Train", "--image-map", "*=dagbook/base:bookworm", "--json")
    (node,) = finished(said)
    assert Path(node["artifact"], "models", "model.txt").read_text() == "1,2 0.1"
    assert node["metrics"]["loss"] == [[1.0, 1.0], [2.0, 0.5]]
    assert node["tags"]["kind"] == "small"


@pytest.mark.parametrize("name", ["cnvrg", "valohai"])
def test_a_package_of_the_projects_own_is_used_instead(
    dagbook: Dagbook, project: Path, make_notebook: MakeNotebook, name: str
) -> None:
    """In a script and in a cell: what the project or the image has wins."""
    (project / name).mkdir()
    (project / name / "__init__.py").write_text("WHO = 'the real one'")
    code = f"import {name}; print({name}.WHO)"
    notebook = make_notebook(f"%%pipeline_node cell\n{code}", f"%%pipeline_command script\npython3 -c '{code}'")
    said = dagbook("run", notebook)
    assert said.code == 0, said.err
    assert lines(said, "cell") == lines(said, "script") == ["the real one"]


def test_row_29_the_packages_are_there_in_cells_too(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    code = (
        "from cnvrg import Experiment; import valohai; Experiment().log_param('route', '1,2,3')\n"
        "with valohai.logger() as logger: logger.log('step', 2, 'loss', 0.5)"
    )
    (node,) = finished(dagbook("run", make_notebook(f"%%pipeline_node a\n{code}"), "--json"))
    assert node["tags"]["route"] == "1,2,3"
    assert node["metrics"]["loss"] == [[2.0, 0.5]]
