"""%pipeline_attach and %%pipeline_attach: a notebook's cell in the kernel of a failed node."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from dagbook.kernel_magics.completion import complete
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.kept_runs import kept_runs
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from dagbook.runner.view import plain
from tests.conftest import DAGBOOK, MakeNotebook

from .conftest import Run

CELL = '%%pipeline_node "Train model"\nx = 41\nraise ValueError("no")'


@pytest.fixture
def failed(
    make_notebook: MakeNotebook, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Follower]:
    """A run whose node failed and is kept, beside the shell's notebook; ended after the test."""
    runtime = tempfile.mkdtemp(prefix="t", dir="/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    flow = make_notebook(CELL)
    monkeypatch.chdir(flow.parent)
    command = [DAGBOOK, "run", str(flow), "--executor", "process", "--keep-failed", "-q"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    opened = Store(flow.parent / ".dagbook", create=False)
    follower = Follower(opened, opened.run("latest").id)
    follower.update()
    yield follower
    for one in kept_runs(follower):
        assert one.kept.end()
    left = os.listdir(runtime)
    shutil.rmtree(runtime)
    assert left == []


def test_a_cell_runs_in_the_failed_nodes_kernel_and_shows_its_outputs(failed: Follower, run: Run) -> None:
    """Deliver 10: streams, values and displays of that kernel, and its state from cell to cell."""
    first = run('%%pipeline_attach "Train model"\ny = x + 1\nprint("in", "it")\ny')
    assert (first.error, first.text) == (None, "in it\n42")
    drawn = (
        "from IPython.display import HTML, Image, display\n"
        "display(HTML('<b>y</b>'))\ndisplay(Image(b'\\x89PNG', format='png'))"
    )
    second = run(f"%%pipeline_attach train_model\n{drawn}")
    assert [sorted(set(out.data) - {"text/plain"}) for out in second.shown] == [["text/html"], ["image/png"]]
    assert run("print('x' in globals())").text == "False\n"


def test_an_error_there_is_shown_as_that_kernel_shows_it(failed: Follower, run: Run) -> None:
    ran = run("%%pipeline_attach train_model\ndef f():\n    return 1 / 0\nf()")
    assert ran.error is not None
    told = plain("\n".join(ran.error._render_traceback_()))  # type: ignore[attr-defined]
    assert "ZeroDivisionError: division by zero" in told
    assert "return 1 / 0" in told
    assert "attach_magics" not in told + ran.text


def test_the_line_tells_what_is_kept_and_ends_it(failed: Follower, run: Run) -> None:
    assert "train_model  Train model" in run("%pipeline_attach").text
    told = run('%pipeline_attach "Train model"').text
    assert "ValueError: no" in told
    assert '%%pipeline_attach "train_model"' in told
    assert "is ended" in run('%pipeline_attach "Train model" --done').text
    assert "gone already" in run('%pipeline_attach "Train model" --done').text
    gone = run("%%pipeline_attach train_model\nx")
    assert "E-ATTACH" in str(gone.error)
    assert "is gone" in str(gone.error)
    assert "Nothing is kept" in run("%pipeline_attach").text


def test_what_cannot_be_meant_is_told(failed: Follower, run: Run) -> None:
    assert 'Did you mean "Train model"?' in str(run('%pipeline_attach "Train modle"').error)
    assert "no node is named" in str(run("%%pipeline_attach\nx").error)
    assert "E-RUN-UNKNOWN" in str(run("%pipeline_attach train_model --run zzz").error)


def test_tab_offers_the_nodes() -> None:
    assert complete("pipeline_attach", "", ["Train model", "fit"]) == ("", ['"Train model"', "fit"])
    assert complete("pipeline_attach", "fit --d", ["fit"]) == ("--d", ["--done"])


def test_a_notebook_with_such_a_cell_is_read_as_if_it_were_not_there(make_notebook: MakeNotebook) -> None:
    """It acts, it defines nothing: `dagbook run` goes past it, in both forms."""
    flow = make_notebook(CELL, "%%pipeline_attach train_model\nx + 1", "%pipeline_attach train_model --done")
    definition = read_notebook(flow)
    assert [node.title for node in definition.pipeline.nodes] == ["Train model"]
    assert [found.code for found in definition.problems if found.is_error] == []


def test_keep_failed_of_the_magic_reaches_the_run(failed: Follower, run: Run, make_notebook: MakeNotebook) -> None:
    path = make_notebook(CELL, "%pipeline_run --keep-failed --executor process", name="live.ipynb")
    notebook = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}, allow_errors=True
    ).execute()
    latest = Follower(failed.store, failed.store.run("latest").id)
    latest.update()
    assert latest.row.id != failed.row.id
    (one,) = kept_runs(latest)
    assert one.kept.lives
    assert run("%%pipeline_attach train_model\nprint(x)").text == "41\n"
    assert one.kept.end()
