"""The notebook that a node executes, really executed by papermill, and outputs put back into the user's notebook."""

from __future__ import annotations

import copy
import json
import os
import stat
from pathlib import Path
from typing import Any

import nbformat
import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Pipeline
from dagbook.runner.formats.cells import parse_node
from dagbook.runner.formats.notebook import node_notebook, read_notebook, save_notebook, write_back

from .notebooks import code, write


def pipeline(line: str, body: str, *shared: str, magic: str = "pipeline_node") -> Pipeline:
    return Pipeline(nodes=(parse_node(magic, line, body, 1, "cell-a"),), shared=shared, parameters={"epochs": 3})


def test_cells_come_in_order_with_their_magic_lines_as_comments() -> None:
    made = pipeline("'Train model' --param epochs p=1 --grid lr=1,2", "print(lr)\n", "import os", "x = 1")
    notebook = node_notebook(made, made.nodes[0])
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == [
        "# %%pipeline_shared\nimport os",
        "# %%pipeline_shared\nx = 1",
        "epochs = None\np = None\nlr = None",
        "# %%pipeline_node 'Train model'\nprint(lr)",
    ]
    assert notebook.cells[3].id == "cell-a"
    assert notebook.metadata.dagbook == {"node": "Train model", "heading": 3}
    assert notebook.metadata.kernelspec.name == "python3"


def test_the_same_node_gives_the_same_notebook() -> None:
    made = pipeline("a --param p=1", "print(p)", "import os")
    assert node_notebook(made, made.nodes[0]) == node_notebook(made, made.nodes[0])


def test_kernel_and_language_fill_the_metadata_and_another_language_has_no_shared_code() -> None:
    made = pipeline("a --kernel ir", "print(1)", "import os")
    notebook = node_notebook(made, made.nodes[0])
    assert (notebook.metadata.kernelspec.name, notebook.metadata.kernelspec.language) == ("ir", "R")
    assert [cell.source for cell in notebook.cells] == ["# %%pipeline_node a\nprint(1)"]
    named = node_notebook(made, made.nodes[0], kernel="js", language="javascript")
    assert named.cells[0].source.startswith("// %%pipeline_node a")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.reads(path.read_text(), as_version=4)  # type: ignore[no-any-return, no-untyped-call]


def execute(tmp_path: Path, made: Pipeline, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    papermill = pytest.importorskip("papermill")
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    save_notebook(node_notebook(made, made.nodes[0]), source)
    try:
        papermill.execute_notebook(str(source), str(target), parameters, progress_bar=False)
    finally:
        executed = read(target)
    return executed


def test_papermill_injects_after_shared_code_and_warns_of_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = pipeline(
        "a --param epochs --grid lr=1,2", "print(epochs, lr, helper())", "epochs = 0\ndef helper(): return epochs"
    )
    executed = execute(tmp_path, made, {"epochs": 5, "lr": float("nan")})
    assert executed.cells[-1].outputs[0].text == "5 nan 5\n"
    assert [cell.metadata.get("tags") for cell in executed.cells] == [[], ["injected-parameters"], []]
    assert not [record for record in caplog.records if record.levelname == "WARNING" and "parameter" in record.message]


def test_traceback_has_the_line_of_the_users_cell(tmp_path: Path) -> None:
    made = pipeline("a", "x = 1\ny = 0\nx / y\n")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        execute(tmp_path, made, {})
    cells = read(tmp_path / "out.ipynb").cells
    text = "\n".join(
        line for cell in cells for output in cell.get("outputs", ()) for line in output.get("traceback", ())
    )
    assert "4" in text.split("ZeroDivisionError")[1]
    assert "line 4" in __import__("re").sub(r"\x1b\[[\d;]*m", "", text)


def test_P_3_papermill_gives_the_node_exactly_the_values(tmp_path: Path) -> None:
    values = {
        "a": 'it\'s "q"',
        "b": r"C:\new",
        "c": "l1\nl2",
        "d": "🎉",
        "e": 2**80,
        "f": [1, ["x", None, True]],
        "g": "a=b",
    }
    made = pipeline("n --param " + " ".join(values), f"assert [a, b, c, d, e, f, g] == {list(values.values())!r}")
    execute(tmp_path, made, values)


def test_notebook_node_is_the_notebook_itself_without_outputs(tmp_path: Path) -> None:
    write(
        tmp_path / "score.ipynb",
        code("a = 1", "parameters"),
        code("print(a)", outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}]),
    )
    made = pipeline("score --path score.ipynb", "", "import os", magic="pipeline_notebook")
    notebook = node_notebook(made, made.nodes[0], tmp_path)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == ["a = 1", "print(a)"]
    assert notebook.cells[1].outputs == []
    assert notebook.metadata.dagbook == {"node": "score", "heading": 0}
    with pytest.raises(PipelineError, match="E-FILE-MISSING"):
        node_notebook(made, made.nodes[0], tmp_path / "elsewhere")


def test_write_back_fills_the_cells_of_a_copy_only(tmp_path: Path) -> None:
    path = write(tmp_path / "p.ipynb", "%%pipeline_node a\nprint(1)", "other")
    before = path.read_bytes()
    source = read_notebook(path).notebook
    kept = copy.deepcopy(source)
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": "1\n"},
        {
            "output_type": "display_data",
            "data": {"application/json": {"x": float("nan")}},
            "metadata": {},
            "transient": {"display_id": "z"},
        },
    ]
    filled = write_back(source, {1: outputs}, {"run": "r1"}, {1: {"tags": {"accuracy": 0.9}}})
    save_notebook(filled, tmp_path / "out.ipynb")
    assert source == kept
    assert path.read_bytes() == before
    text = (tmp_path / "out.ipynb").read_text()
    written = read(tmp_path / "out.ipynb")
    nbformat.validate(written)
    assert "NaN" not in json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")).get(
        "metadata", {}
    )
    assert written.cells[0].outputs[0].text == "1\n"
    assert written.cells[0].metadata.dagbook.tags == {"accuracy": 0.9}
    assert written.cells[1].outputs == []
    assert written.metadata.dagbook == {"run": "r1"}
    assert [cell.id for cell in written.cells] == ["c1", "c2"]


def test_a_failed_save_leaves_the_old_file_and_no_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "p.ipynb", "1")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_notebook(read_notebook(path).notebook, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.ipynb"]


def test_F35_a_file_system_that_cannot_be_asked_for_its_folders_takes_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some do that are shared with a virtual machine."""
    path = write(tmp_path / "p.ipynb", "1")
    fsync = os.fsync

    def refused(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refused)
    save_notebook({**read_notebook(path).notebook, "cells": []}, path)
    assert read_notebook(path).notebook["cells"] == []
