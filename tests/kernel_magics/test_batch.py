"""The magics in a real kernel without anybody at it, as papermill, nbclient and CI run notebooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]


def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *sources: str) -> nbformat.NotebookNode:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for source in ("%load_ext dagbook", *sources)
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    notebook: nbformat.NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=60).execute()
    return notebook


def test_nodes_are_shown_with_metadata_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = execute(tmp_path, monkeypatch, "%%pipeline_node a\n1", "%%pipeline_node b --after a\n2")
    assert made.cells[0].outputs[0].text.startswith("dagbook is ready.")
    (shown,) = made.cells[2].outputs
    assert shown.data["text/plain"] == "○ b · defined · after a"
    assert shown.metadata == {"dagbook": {"node": "b"}}
    nbformat.validate(made)


FAILING = [
    (("%%pipeline_node a --parms x\n1",), "E-MAGIC-ARG: there is no option --parms"),
    (("%%pipeline_noed a\n1",), "E-MAGIC-UNKNOWN: there is no magic %%pipeline_noed"),
    (("%%pipeline_node a\n1", "%%pipeline_node a\n2"), 'E-NODE-DUP: a node titled "a" is defined twice'),
]


@pytest.mark.parametrize(("sources", "message"), FAILING)
def test_M4_batch_runs_fail_with_the_message_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CellExecutionError) as caught:
        execute(tmp_path, monkeypatch, *sources)
    assert message in str(caught.value)
    assert caught.value.ename == "PipelineError"
    assert "magics.py" not in caught.value.traceback


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
        "shell.run_cell('%load_ext dagbook')\n"
        "heavy = ('pydantic', 'docker', 'nbformat', 'networkx', 'papermill')\n"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or None)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().startswith("dagbook is ready. Begin a cell with %%pipeline_node TITLE")
