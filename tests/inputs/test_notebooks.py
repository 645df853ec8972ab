"""Files that are no notebooks, and notebooks that cannot be meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.formats.notebooks import PYTHON, code

from .row import Row, at, in_cells, in_text, try_row

A = "%%pipeline_node a\nprint(1)"
CELL: dict[str, object] = {
    "cell_type": "code",
    "id": "c",
    "metadata": {},
    "source": A,
    "outputs": [],
    "execution_count": None,
}
GOOD = {"cells": [CELL], "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 5}


def file(name: str, code: str, content: object, *, says: str, fix: str, **place: object) -> Row:
    """A row that is a file with that name's ending."""
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    return in_text(name, code, text, says=says, fix=fix, file="n.ipynb", **place)


def other(**changed: object) -> dict[str, object]:
    """A sound notebook but for this."""
    return {**GOOD, **changed}


R = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
ROWS = [
    file("B1-zero-bytes", "E-NB-PARSE", b"", says="0 bytes", fix="earlier copy"),
    file("B1-zeros", "E-NB-PARSE", b"\0" * 4096, says="nothing in it", fix="earlier copy"),
    file("B1-cut-off", "E-NB-PARSE", json.dumps(GOOD)[:90], says="cut off", fix="earlier copy", line=1),
    file(
        "B1-cut-off-in-the-middle",
        "E-NB-PARSE",
        json.dumps(GOOD, indent=1)[:200],
        says="cut off",
        fix="earlier copy",
        line=13,
    ),
    file("B1-not-json", "E-NB-PARSE", "hello", says="not JSON", fix="JupyterLab"),
    file(
        "B1-conflict-of-git",
        "E-NB-PARSE",
        json.dumps(GOOD, indent=1).replace('"id"', "<<<<<<< HEAD\n"),
        says="not JSON",
        fix="JupyterLab",
        line=5,
    ),
    file("B1-deep", "E-NB-PARSE", "[" * 100_000, says="too deep", fix="JupyterLab"),
    file(
        "B1-format-3",
        "E-NB-VERSION",
        {"nbformat": 3, "nbformat_minor": 0, "worksheets": []},
        says="3.0",
        fix="nbconvert",
    ),
    file("B1-format-99", "E-NB-VERSION", other(nbformat=99), says="99.5", fix="nbconvert"),
    file(
        "B1-no-cells",
        "E-NB-PARSE",
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}},
        says="no list of `cells`",
        fix="JupyterLab",
    ),
    file("B1-cells-in-an-object", "E-NB-PARSE", other(cells={}), says="no list of `cells`", fix="JupyterLab"),
    file("B1-a-cell-that-is-none", "E-NB-PARSE", other(cells=[CELL, 3]), says="cell 2", fix="JupyterLab"),
    file("B1-long-number", "E-NB-PARSE", json.dumps(GOOD).replace("null", "1" * 5000), says="", fix="JupyterLab"),
    file(
        "B1-surrogate-in-a-title",
        "E-NAME-CHARS",
        other(cells=[{**CELL, "source": "%%pipeline_node a\ud800b\n1"}]),
        says="",
        fix="letters",
        cell=1,
        line=1,
    ),
    Row("B1-folder", "E-NB-PARSE", "it is a folder", "", at(), files={"n.ipynb/x.txt": "x"}, file="n.ipynb"),
    Row("B1-nowhere", "E-FILE-MISSING", "does not exist", '"flow.ipynb"', at(), cells=(A,), file="flwo.ipynb"),
    file("B2-R", "E-NB-KERNEL", other(metadata=R), says="", fix="Python"),
    Row(
        "B2-unknown-kernel",
        "E-EXECUTOR",
        "pythn3",
        'Did you mean "python3"',
        at(1),
        ("%%pipeline_node a --kernel pythn3\n1",),
        typed=("--executor", "process"),
        of_machine=True,
    ),
    file(
        "B2-no-kernelspec-in-julia",
        "W-NB-REPAIRED",
        other(metadata={"language_info": {"name": "julia"}}),
        says="julia",
        fix="Save",
    ),
    file(
        "B4-same-ids",
        "W-NB-REPAIRED",
        other(cells=[CELL, {**CELL, "source": "1"}]),
        says="an id that another cell has",
        fix="Save",
    ),
    in_cells(
        "B4-two-parameters-cells",
        "E-PARAMS-DUP",
        code("a = 1", "parameters"),
        A,
        code("a = 2", "parameters"),
        says="cells 1 and 3",
        fix="one of them",
        cell=3,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_notebook_that_is_wrong_is_told_with_its_place(row: Row, folder: Path) -> None:
    if row.code.startswith("W-"):  # of a notebook, `check` tells warnings itself
        row = Row(row.name, row.code, row.says, row.fix, row.place, (A,), {"flow.ipynb": row.files["n.ipynb"]})
    try_row(row, folder)
