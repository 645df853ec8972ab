"""The magics that run and look, in a real kernel driven by nbclient, as batch runners drive it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from dagbook.runner.view import plain
from tests.conftest import MakeNotebook

PREPARE = "%%pipeline_node prepare\nprint('prepared')\nopen('n.txt', 'w').write('4')"
TRAIN = "%%pipeline_node train --after prepare --grid x=1,2\nprint('dagbook_tag_score:', x)"
RUN = "%pipeline_run --executor process"


def executed(path: Path, allow_errors: bool = False) -> Any:
    """The notebook after all its cells ran in a fresh kernel in its folder."""
    notebook = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=120, resources=resources, allow_errors=allow_errors).execute()
    return notebook


def texts(cell: Any) -> str:
    """All that a cell shows, as plain text."""
    return "\n".join(str(out.get("text") or out.get("data", {}).get("text/plain", "")) for out in cell.outputs)


def test_a_run_in_a_batch_waits_and_fills_every_nodes_cell(make_notebook: MakeNotebook) -> None:
    """Row 131: outputs and tags come back to the cells, also those of earlier cells."""
    notebook = executed(make_notebook(PREPARE, TRAIN, RUN))
    _, prepare, train, run = notebook.cells
    assert "✓ prepare · succeeded" in texts(prepare)
    assert "prepared" in texts(prepare)
    assert "✓ train [x=1] · succeeded" in texts(train)
    assert "score=2" in texts(train)
    assert "succeeded" in texts(run)
    assert "3 succeeded" in texts(run)
    assert prepare.outputs[0].metadata.dagbook.node == "prepare"
    nbformat.validate(notebook)


def test_a_failed_node_fails_the_cell_that_waited_with_the_users_own_traceback(make_notebook: MakeNotebook) -> None:
    path = make_notebook("%%pipeline_node bad\nvalue = 0\n1 / value", RUN)
    with pytest.raises(CellExecutionError) as raised:
        executed(path)
    told = plain(str(raised.value))
    assert "ZeroDivisionError" in told
    assert "----> 3 1 / value" in told
    assert "run_magics" not in told


def test_plan_show_and_runs_tell_without_running(make_notebook: MakeNotebook) -> None:
    path = make_notebook(
        PREPARE, TRAIN, "%pipeline_plan", "%pipeline_show", RUN, "%pipeline_runs", "%pipeline_show latest"
    )
    notebook = executed(path)
    _, _, _, plan, show, _, runs, shown = notebook.cells
    assert "3 node runs would be started, along 2 routes" in texts(plan)
    assert show.outputs[0].data["text/markdown"].startswith("```mermaid\nflowchart LR")
    assert "train ×2" in texts(show)
    assert "succeeded" in texts(runs)
    assert "✓ train [x=2]" in texts(shown)


def test_stop_of_a_run_that_is_over_says_so(make_notebook: MakeNotebook) -> None:
    notebook = executed(make_notebook(PREPARE, RUN, "%pipeline_stop"))
    assert "is over already: succeeded" in texts(notebook.cells[-1])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%pipeline_run --executor proces", "process"),
        ("%pipeline_run --until trian", 'Did you mean "train"?'),
        ("%pipeline_show nothing", "E-STORE"),
        ("%pipeline_plan --max-runs 2", "--max-runs 3"),
    ],
)
def test_a_wrong_line_is_told_in_words_and_starts_nothing(make_notebook: MakeNotebook, line: str, told: str) -> None:
    path = make_notebook(PREPARE, TRAIN, line)
    with pytest.raises(CellExecutionError) as raised:
        executed(path)
    assert told in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert not (path.parent / ".dagbook").exists()


def test_parameters_come_from_the_notebooks_variables(make_notebook: MakeNotebook) -> None:
    """A papermill parameter reaches a node that names it."""
    notebook = executed(
        make_notebook("epochs = 7", "%%pipeline_node train --param epochs\nprint('epochs', epochs)", RUN)
    )
    assert "epochs 7" in texts(notebook.cells[2])
