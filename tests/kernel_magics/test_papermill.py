"""papermill, `jupyter execute` and nbconvert run pipelines as they run any notebook."""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.conftest import run_dagbook, write_notebook

PROGRAMS = Path(sys.executable).parent
CELLS = (
    "# parameters\nepochs = 1\nname = 'x'\nlayers = [1]\nrate = 0.1",
    "%%pipeline_node prepare --param epochs --param name --param layers --param rate\n"
    "print([epochs, name, layers, rate])",
    "%%pipeline_node train --after prepare\ndef fit():\n    return 1 / 0\nfit()",
    "%%pipeline_node report --after train\nprint('never')",
    "%%pipeline_node other --after prepare\nprint('other is fine')",
    "%pipeline_run",
)


@dataclass(frozen=True)
class Batch:
    """A folder with a pipeline notebook, and programs run in it."""

    folder: Path

    def say(self, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment in the folder; standard error comes with standard output."""
        environment = {**os.environ, "DAGBOOK_EXECUTOR": "process", "IPYTHONDIR": str(self.folder / ".ipython")}
        return subprocess.run(
            [PROGRAMS / program, *map(str, words)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def shown(self, name: str) -> dict[str, str]:
        """By the first words of each code cell what it shows in the notebook `name`, as plain text."""
        notebook: Any = nbformat.read(self.folder / name, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
        return {
            " ".join(cell.source.split()[:2]): "\n".join(map(_text, cell.outputs))
            for cell in notebook.cells
            if cell.cell_type == "code"
        }


def _text(output: Any) -> str:
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.get("text") or output.data.get("text/plain", ""))


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Batch, subprocess.CompletedProcess[str]]:
    """A pipeline of which one node fails, run by papermill with all its ways to give parameters."""
    batch = Batch(tmp_path_factory.mktemp("batch"))
    write_notebook(batch.folder / "flow.ipynb", *CELLS)
    (batch.folder / "given.yaml").write_text("layers: [3, 4]\nepochs: 2\n")
    encoded = base64.b64encode(b"rate: 0.5").decode()
    given = ("-f", "given.yaml", "-b", encoded, "-r", "name", "007", "-p", "epochs", "5", "-p", "epoch", "9")
    return batch, batch.say("papermill", "flow.ipynb", "out.ipynb", *given)


Failed = tuple[Batch, subprocess.CompletedProcess[str]]


def test_papermill_ends_with_an_error_that_names_the_node_its_cell_and_the_users_line(failed: Failed) -> None:
    _, said = failed
    assert said.returncode == 1
    error = said.stdout[said.stdout.index("E-NODE-FAILED") :]
    assert error.startswith("E-NODE-FAILED: train failed: ZeroDivisionError: division by zero")
    assert re.search(r"-+> 3 +return 1 / 0", error)
    assert re.search(r"cell: +In\[5\]", error)
    assert "/runner/" not in error
    assert re.search(r"go on: +dagbook resume [0-9a-f]{8}\n", error)


def test_the_notebook_of_a_failed_batch_holds_the_outputs_of_all_nodes(failed: Failed) -> None:
    shown = failed[0].shown("out.ipynb")
    assert "✓ prepare · succeeded" in shown["%%pipeline_node prepare"]
    assert "✕ train · failed" in shown["%%pipeline_node train"]
    assert "ZeroDivisionError: division by zero" in shown["%%pipeline_node train"]
    assert "⊘ report · upstream failed" in shown["%%pipeline_node report"]
    assert "other is fine" in shown["%%pipeline_node other"]
    assert "2 succeeded, 1 failed, 1 upstream failed" in shown["%pipeline_run"]
    assert "PipelineError: E-NODE-FAILED: train failed" in shown["%pipeline_run"]


def test_parameters_given_in_each_of_papermills_ways_reach_the_node_that_takes_them(failed: Failed) -> None:
    batch, said = failed
    assert "[5, '007', [3, 4], 0.5]" in batch.shown("out.ipynb")["%%pipeline_node prepare"]
    assert "Passed unknown parameter: epoch\n" in said.stdout


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """A folder of the test's own."""
    return Batch(tmp_path)


def test_an_approval_ends_papermill_with_the_commands_that_decide_and_go_on(batch: Batch) -> None:
    write_notebook(batch.folder / "flow.ipynb", "%%pipeline_node a --approve lea\nprint('done')", "%pipeline_run")
    said = batch.say("papermill", "flow.ipynb", "out.ipynb")
    assert said.returncode == 1
    assert "E-PENDING" in said.stdout
    commands = [line.strip() for line in said.stdout.splitlines() if line.strip().startswith("dagbook ")]
    assert [line.split()[1] for line in commands] == ["approve", "resume"]
    assert "waits for lea" in batch.shown("out.ipynb")["%%pipeline_node a"]
    for line in commands:
        done = run_dagbook(batch.folder, *shlex.split(line, comments=True)[1:])
        assert done.code == 0, done.out + done.err


def test_what_papermill_writes_beside_the_notebook_does_not_make_the_next_run_another_one(batch: Batch) -> None:
    write_notebook(batch.folder / "flow.ipynb", "%%pipeline_node a\nprint('done')", "%pipeline_run")
    for verb in ("succeeded", "cached"):
        said = batch.say("papermill", "flow.ipynb", "out.ipynb")
        assert said.returncode == 0, said.stdout
        assert f"a · {verb}" in batch.shown("out.ipynb")["%%pipeline_node a"]


def test_jupyter_execute_in_place_leaves_the_outputs_in_the_notebook(batch: Batch) -> None:
    write_notebook(batch.folder / "flow.ipynb", "%%pipeline_node a\nprint('done')", "%pipeline_run")
    said = batch.say("jupyter-execute", "--inplace", "flow.ipynb")
    assert said.returncode == 0, said.stdout
    assert "done" in batch.shown("flow.ipynb")["%%pipeline_node a"]


@pytest.mark.parametrize(
    "words",
    [
        ("jupyter-execute", "flow.ipynb", "--output=out.ipynb"),
        ("jupyter-nbconvert", "--execute", "--to", "notebook", "flow.ipynb", "--output", "out.ipynb"),
    ],
)
def test_a_failed_node_ends_other_batch_runners_with_its_own_error(batch: Batch, words: tuple[str, ...]) -> None:
    write_notebook(batch.folder / "flow.ipynb", "%%pipeline_node a\nraise ValueError('no rows')", "%pipeline_run")
    said = batch.say(*words)
    assert said.returncode == 1
    assert "E-NODE-FAILED: a failed: ValueError: no rows" in said.stdout
    assert not (batch.folder / "out.ipynb").exists()  # these keep no notebook that failed; the run has all


def test_with_allow_errors_jupyter_execute_keeps_the_notebook_of_a_failed_run(batch: Batch) -> None:
    write_notebook(batch.folder / "flow.ipynb", "%%pipeline_node a\nraise ValueError('no rows')", "%pipeline_run")
    assert batch.say("jupyter-execute", "--allow-errors", "--inplace", "flow.ipynb").returncode == 0
    shown = batch.shown("flow.ipynb")
    assert "ValueError: no rows" in shown["%%pipeline_node a"]
    assert "E-NODE-FAILED" in shown["%pipeline_run"]
