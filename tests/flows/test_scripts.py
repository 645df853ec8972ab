"""Pipelines and node notebooks that are scripts with cells."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from dagbook.runner.core.values import Value
from tests.conftest import Said, run_dagbook
from tests.flows.flow import EXECUTORS, Ended

FLOW = """\
# %% tags=["parameters"]
epochs = 3

# %%
# %load_ext dagbook

# %%
# %%pipeline_shared
def double(x):
    return 2 * x

# %%
# %%pipeline_node prepare --param epochs
# the first node
print("epochs", double(epochs))
open("rows.txt", "w").write("x\\ny\\n")

# %%
# %%pipeline_command count --after prepare
grep -c . /input/prepare/rows.txt

# %%
# %pipeline_notebook score --path score.py --after prepare --param threshold=0.7

# %%
# %pipeline_run
"""
SCORE = """\
# %% tags=["parameters"]
threshold = 0.5

# %%
from pathlib import Path
rows = (Path("/input/prepare") / "rows.txt").read_text().split()
print("dagbook_tag_rows:", len(rows))
print("dagbook_tag_threshold used:", threshold)
"""


def say(folder: Path, *words: str) -> Said:
    """A command on the script, in its folder."""
    return run_dagbook(folder, *words)


def shown(folder: Path, name: str, beginning: str) -> str:
    """What the cell that begins so shows in a written notebook."""
    notebook = nbformat.read(folder / name, as_version=4)  # type: ignore[no-untyped-call]
    (cell,) = (one for one in notebook.cells if one.source.startswith(beginning))
    return "\n".join(one.get("text") or one.data["text/plain"] for one in cell.outputs)


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.container)])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The script run once, with a parameter from outside, and its notebook written."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "flow.py").write_text(FLOW)
    (folder / "score.py").write_text(SCORE)
    given = ("--json", "-p", "epochs", "5", "-o", "out.ipynb", *EXECUTORS[request.param])
    said = say(folder, "run", "flow.py", *given)
    assert said.code == 0, said.out + said.err
    return folder, Ended(said)


def test_a_pipeline_that_is_a_script_runs_with_its_nodes_and_a_node_that_is_one(ran: tuple[Path, Ended]) -> None:
    _, ended = ran
    assert ended.states == {"prepare": "succeeded", "count": "succeeded", "score": "succeeded"}
    tags: dict[str, Value] = ended.runs["score"]["tags"]
    assert (tags["rows"], tags["threshold used"]) == (2, 0.7)


def test_the_written_notebook_of_a_script_holds_all_outputs_in_its_cells(ran: tuple[Path, Ended]) -> None:
    folder, _ = ran
    assert "epochs 10" in shown(folder, "out.ipynb", "%%pipeline_node prepare")
    assert "2" in shown(folder, "out.ipynb", "%%pipeline_command count").splitlines()
    assert "dagbook_tag_rows: 2" in shown(folder, "out.ipynb", "%pipeline_notebook score")


def test_a_resumed_run_writes_the_notebook_of_the_script_as_it_was(ran: tuple[Path, Ended]) -> None:
    folder, ended = ran
    said = say(folder, "resume", ended.id, "-o", "again.ipynb")
    assert said.code == 0, said.out + said.err
    assert "epochs 10" in shown(folder, "again.ipynb", "%%pipeline_node prepare")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "flow.py").write_text(FLOW)
    (folder / "score.py").write_text(SCORE)
    return folder


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "flow.py"), "3 nodes, nothing wrong"),
        (("plan", "flow.py", *EXECUTORS["process"]), "3 node runs would be started"),
        (("graph", "flow.py"), "score (notebook)"),
        (("export", "flow.py", "--to", "native"), "path: score.py"),
    ],
)
def test_commands_take_a_script_as_they_take_a_notebook(project: Path, words: tuple[str, ...], told: str) -> None:
    said = say(project, *words)
    assert (said.code, said.err) == (0, "")
    assert told in said.out


def test_a_changed_line_of_a_script_runs_its_own_node_again_and_a_moved_one_none(tmp_path: Path) -> None:
    script = tmp_path / "flow.py"
    two = "# %%\n# %%pipeline_node a\nprint(1)\n\n# %%\n# %%pipeline_node b\nprint(2)\n"
    script.write_text(two)
    run = ("run", "flow.py", "--json", *EXECUTORS["process"])
    assert Ended(say(tmp_path, *run)).states == {"a": "succeeded", "b": "succeeded"}
    script.write_text(f"# %% [markdown]\n# Text.\n\n{two.replace('print(2)', 'print(3)')}")
    assert Ended(say(tmp_path, *run)).states == {"a": "cached", "b": "succeeded"}


FAILING = """\
# %%
# %%pipeline_shared
def refuse(x):
    raise ValueError(x)

# %%
# %%pipeline_node a
x = 1
refuse(x)

# %%
# %pipeline_notebook b --path score.py
"""


def test_a_failing_node_of_a_script_is_told_with_the_line_of_the_script(tmp_path: Path) -> None:
    """Also that of a node that is a script itself, in the terminal, in JUnit XML and in annotations."""
    (tmp_path / "flow.py").write_text(FAILING)
    (tmp_path / "score.py").write_text("# %%\nx = 1\n\n# %%\nx = 2\nx / 0\n")
    words = ("--annotations", "github", "--junit", "junit.xml", *EXECUTORS["process"])
    said = say(tmp_path, "run", "flow.py", *words)
    assert said.code == 1
    assert "✕ a (flow.py, cell 2, line 9): ValueError: 1" in said.out
    assert "✕ b (score.py, cell 2, line 6): ZeroDivisionError: division by zero" in said.out
    assert re.search(r"::error file=flow.py,line=9,", said.out)
    assert re.search(r"::error file=score.py,line=6,", said.out)
    assert 'file="flow.py" line="9"' in (tmp_path / "junit.xml").read_text()
