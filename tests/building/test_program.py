"""A program as a file of the commands: executed to be read, in a process of its own, and not run by that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.formats.pipeline_file import read_definition
from tests.conftest import Said

FLOW = """\
import sys

import dagbook
from steps import train

print("this is said while it is read")
flow = dagbook.Pipeline("harbors", parameters={"harbors": ["aalborg", "oslo"], "epochs": 1})


def prepare(harbor):
    print("preparing", harbor)
    return {"letters": len(harbor)}


for harbor in flow.parameters["harbors"]:
    ready = flow.node(f"Preprocess {harbor}", prepare, params={"harbor": harbor})
    flow.node(f"Train {harbor}", train, after=ready)

if __name__ == "__main__":
    sys.exit("this is not to happen")
"""
STEPS = """\
# the steps of the pipeline

def train(epochs):
    return {"score": 10 / epochs}
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The folder `project` with a program in two files."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flow.py").write_text(FLOW)
    (folder / "steps.py").write_text(STEPS)
    return folder / "flow.py"


Dagbook = Callable[..., Said]


def test_rows_102_105_a_program_is_run_by_the_command_line_and_its_nodes_follow_its_parameters(
    program: Path, dagbook: Dagbook
) -> None:
    """What it prints is no part of what the command says, and that it is executed is told in a line."""
    said = dagbook(
        "run", "flow.py", "--executor", "process", "--json", "-p", "harbors", "['oslo', 'tallinn', 'riga']",
        "-p", "epochs", "5",
    )  # fmt: skip
    assert said.code == 0, said.err
    told = said.json
    assert said.err.startswith("Executing flow.py for the pipeline that it builds.\nthis is said while it is read\n")
    assert told["pipeline"] == "harbors"
    assert {one["node"]: one["state"] for one in told["node_runs"]} == {
        f"{step} {harbor}": "succeeded" for step in ("Preprocess", "Train") for harbor in ("oslo", "tallinn", "riga")
    }
    trained = {one["node"]: one["tags"] for one in told["node_runs"]}
    assert trained["Train riga"] == {"epochs": 5, "score": 2.0}
    assert trained["Preprocess tallinn"] == {"harbor": "tallinn", "letters": 7}


def test_it_is_checked_planned_drawn_and_exported(program: Path, dagbook: Dagbook) -> None:
    assert dagbook("check", "flow.py").out == "flow.py: 4 nodes, nothing wrong.\n"
    assert dagbook("plan", "flow.py", "--json").json["node_run_count"] == 4
    assert "Train oslo" in dagbook("graph", "flow.py", "--format", "mermaid").out
    exported = dagbook("export", "flow.py", "--to", "native", "-o", "flow.yaml")
    assert exported.code == 0, exported.err
    assert dagbook("plan", "flow.yaml", "--json").json["node_run_count"] == 4
    assert not (program.parent / ".dagbook").exists()


def test_a_failure_in_a_run_leads_to_the_line_of_the_function(program: Path, dagbook: Dagbook) -> None:
    """Also in the cells of the notebook that is written."""
    said = dagbook("run", "flow.py", "--executor", "process", "-p", "epochs", "0", "-o", "out.ipynb")
    assert said.code == 1
    assert "ZeroDivisionError: division by zero" in said.out
    assert "steps.py, line 4" in said.out
    cells = json.loads((program.parent / "out.ipynb").read_text())["cells"]
    (cell,) = (one for one in cells if "".join(one["source"]).startswith('%%pipeline_node "Train oslo"'))
    assert any(output["output_type"] == "error" for output in cell["outputs"])


def wrong(folder: Path, text: str, **how: str) -> Problem:
    """What is wrong with a program of this text."""
    (folder / "flow.py").write_text(text)
    with pytest.raises(PipelineError) as caught:
        read_definition(folder / "flow.py", **how)  # type: ignore[arg-type]
    (found,) = caught.value.problems
    return found


BUILD = "import dagbook\nflow = dagbook.Pipeline('one')\nflow.node('a', 'pass')\n"
MISTAKES = [
    ("x = 1\n", "leaves no dagbook.Pipeline in a variable", "flow = dagbook.Pipeline", None),
    ("import dagbook\n\ndef f():\n    1 / 0\n\nf()\n", "raised ZeroDivisionError: division by zero", "in f", 4),
    ("x = = 1\n", "raised SyntaxError: invalid syntax", "x = = 1", 1),
    ("import no_such_thing\n", "raised ModuleNotFoundError: No module named 'no_such_thing'", "no_such_thing", 1),
    ("import sys\nsys.exit('no')\n", "ended itself (SystemExit('no'))", "__main__", 2),
    ("import os\nos._exit(7)\n", "ended its process before its pipeline was known (exit code 7)", "Look above", None),
    (BUILD + "flow.run()\n", "runs its pipeline when it is read: .run()", '__name__ == "__main__"', 4),
    (BUILD + "flow.start()\n", ".start() stands where every import executes it", "__main__", 4),
    (BUILD + "flow.node('b', 'pass', imge='x')\n", "there is no option 'imge'", 'Did you mean "image"?', 4),
    (BUILD + "other = dagbook.Pipeline('two')\n", "leaves 2 pipelines", '"one" (flow), "two" (other)', None),
    (BUILD + "flow.node('b', lambda: 1)\n", "a lambda has no name", "Write a function", 4),
    ("input('name? ')\n", "raised EOFError", "name?", 1),
]


@pytest.mark.parametrize(("text", "message", "hint", "line"), MISTAKES, ids=[message for _, message, _, _ in MISTAKES])
def test_a_program_that_leaves_no_pipeline_is_told_with_its_own_lines_alone(
    tmp_path: Path, text: str, message: str, hint: str, line: int | None
) -> None:
    found = wrong(tmp_path, text)
    assert message in found.message
    assert hint in found.hint
    assert "runpy" not in found.hint
    assert "building/program.py" not in found.hint
    assert found.place.line == line
    assert Path(str(found.place.file)).name == "flow.py"


def test_one_of_several_pipelines_is_named_or_called_pipeline(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text(BUILD + "again = flow\nother = dagbook.Pipeline('two')\nother.node('b', 'pass')\n")
    assert read_definition(file, pipeline="two").pipeline.nodes[0].title == "b"
    assert read_definition(file, pipeline="flow").pipeline.name == "one"
    file.write_text(file.read_text() + "pipeline = other\n")
    assert 'Did you mean "two"' in wrong(tmp_path, file.read_text(), pipeline="twoo").hint
    text = BUILD + "pipeline = dagbook.Pipeline('two')\npipeline.node('b', 'pass')\n"
    file.write_text(text)
    assert read_definition(file).pipeline.name == "two"


def test_values_that_no_parameter_takes_are_told(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(BUILD.replace("'one'", "'one', parameters={'epochs': 1}"))
    found = read_definition(tmp_path / "flow.py", {"epoch": 3})
    assert [(one.code, one.hint) for one in found.problems] == [("E-PARAM-UNKNOWN", 'Did you mean "epochs"?')]


def test_what_a_program_does_to_its_process_is_not_done_to_ours(tmp_path: Path) -> None:
    """And it runs as a script does: its folder on the path, its own arguments, no command on its standard input."""
    (tmp_path / "steps.py").write_text("NAME = 'steps'\n")
    (tmp_path / "flow.py").write_text(
        "import os, sys, steps\nos.environ['PATH'] = ''\nos.chdir('/')\ndef f(): pass\n"
        "assert sys.argv[1:] == [] and __file__.endswith(sys.argv[0]), sys.argv\nassert sys.stdin.read() == ''\n"
        + BUILD.replace("'one'", "steps.NAME")
        + "flow.node('b', f)\n"
    )
    before = Path.cwd()
    found = read_definition(tmp_path / "flow.py")
    assert found.pipeline.name == "steps"
    assert Path.cwd() == before
    assert found.folder == tmp_path
