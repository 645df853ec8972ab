"""Parameters on the command line, for real: what a run gets, what it records, what --help-notebook tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeNotebook, Said, run_dagbook

Dagbook = Callable[..., Said]

FLOW = (
    "# parameters\nepochs = 3  # how often\nname: str = 'x'\napi_token = 'hunter2-hunter2'\nwhere = Path('.')",
    '%%pipeline_command "Train model" --param epochs lr=0.1\necho $DAGBOOK_TAG_EPOCHS $DAGBOOK_TAG_LR > out.txt',
    '%%pipeline_command report --after "Train model"\ncat /input/train_model/out.txt > seen.txt',
)
YAML = (
    "dagbook: 1\nparameters: {epochs: 3}\nnodes:\n  - {title: train, kind: command, source: 'true', uses: [epochs]}\n"
)
VALOHAI = """\
- step:
    name: train
    image: busybox
    command: train {parameters}
    parameters: [{name: steps, type: integer, default: 300}]
"""


@pytest.fixture
def flow(make_notebook: MakeNotebook) -> Path:
    return make_notebook(*FLOW)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """A run with a matrix from the command line, and its folder."""
    from tests.conftest import write_notebook

    folder = tmp_path_factory.mktemp("matrix") / "project"
    file = write_notebook(folder / "flow.ipynb", *FLOW)
    words = ("--executor", "process", "--grid", "Train model.lr=0.5,1", "--grid", "epochs=7", "--json")
    return folder, run_dagbook(folder, "run", file, *words)


def test_a_matrix_from_the_command_line_runs_and_is_recorded_like_a_written_one(ran: tuple[Path, Said]) -> None:
    folder, said = ran
    assert said.code == 0, said.err
    seen = {run["id"]: Path(run["artifact"]) for run in said.json["node_runs"] if run["node"] == "report"}
    assert [(path / "seen.txt").read_text() for path in seen.values()] == ["7 0.5\n", "7 1\n"]
    record = run_dagbook(folder, "show", "--record").json
    (node,) = [node for node in record["pipeline"]["nodes"] if node["title"] == "Train model"]
    assert node["grid"] == {"lr": [0.5, 1], "epochs": [7]}


def test_a_matrix_is_part_of_the_key_of_results_and_stays_when_the_run_is_resumed(ran: tuple[Path, Said]) -> None:
    folder, said = ran
    steps = run_dagbook(folder, "plan", "flow.ipynb", "--executor", "process", "--grid", "Train model.lr=1,2", "--grid",
                        "epochs=7", "--json").json["steps"]  # fmt: skip
    states = {str(step["route"]): step["state"] for step in steps if step["node"] == "Train model"}
    assert list(states.values()) == ["cached", "run"]
    again = run_dagbook(folder, "resume", said.json["run"], "--json").json
    assert [run["id"] for run in again["node_runs"]] == [run["id"] for run in said.json["node_runs"]]


def test_resume_and_retry_refuse_an_ill_typed_parameter_with_the_line_of_its_default(ran: tuple[Path, Said]) -> None:
    folder, said = ran
    for verb in ("resume", "retry"):
        refused = run_dagbook(folder, verb, said.json["run"], "-p", "name", "5")
        assert refused.code == 2
        assert "flow.ipynb, cell 2, line 3" in refused.err
        assert "E-PARAM-TYPE: the value of name is 5, which is not str" in refused.err


def test_help_notebook_lists_parameters_and_who_takes_them_and_runs_nothing(dagbook: Dagbook, flow: Path) -> None:
    said = dagbook("run", flow, "--help-notebook", "--junit", "junit.xml")
    assert said.code == 0
    assert said.out.startswith("Usage: dagbook run [OPTIONS] FILE\n\nParameters inferred for notebook '")
    assert "  epochs: int (default 3)         how often\n" + " " * 34 + "taken by Train model\n" in said.out
    assert "  name: str (default 'x')         taken by no node\n" in said.out
    assert "  where: Unknown type (default Path('.'))\n" in said.out
    assert "hunter2" not in said.out
    assert "  report                          after Train model\n" in said.out
    assert "    lr                            0.1\n" in said.out
    assert [path.name for path in flow.parent.iterdir()] == ["flow.ipynb"]


def test_help_notebook_as_json(dagbook: Dagbook, flow: Path) -> None:
    told = dagbook("plan", flow, "--help-notebook", "--json").json
    first, *_, where = told["parameters"]
    assert first == {"name": "epochs", "type": "int", "default": 3, "spelled": "3", "help": "how often", "cell": 2,
                     "line": 2, "nodes": ["Train model"]}  # fmt: skip
    assert (where["type"], where["default"], where["spelled"]) == (None, None, "Path('.')")
    assert told["nodes"][0]["parameters"] == {"lr": 0.1}


def test_help_notebook_tells_of_files_that_are_no_notebooks(dagbook: Dagbook, flow: Path) -> None:
    flow.with_name("flow.yaml").write_text(YAML, encoding="utf-8")
    said = dagbook("run", "flow.yaml", "--help-notebook")
    assert said.code == 0
    assert "Parameters inferred for 'flow.yaml':\n  epochs: int (default 3)         taken by train\n" in said.out
    flow.with_name("valohai.yaml").write_text(VALOHAI, encoding="utf-8")
    said = dagbook("run", "valohai.yaml", "--help-notebook")
    assert "  steps: integer (default 300)" in said.out


def test_help_notebook_of_a_notebook_without_parameters_says_so(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    said = dagbook("run", make_notebook("%%pipeline_node a\n1"), "--help-notebook")
    assert said.code == 0
    assert "No cell tagged 'parameters'" in said.out
