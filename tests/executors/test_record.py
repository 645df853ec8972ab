"""The executed notebook on disk is the one before or the new one, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import nbformat
import pytest

from dagbook.runner.executors.record import save


def notebook(text: str) -> nbformat.NotebookNode:
    made: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)])  # type: ignore[no-untyped-call]
    return made


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_P6_a_save_that_the_disk_refuses_leaves_the_notebook_before_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    record = tmp_path / "notebook.ipynb"
    save(notebook("the one before"), record)
    before = record.read_bytes()

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        save(notebook("the new one"), record)
    assert record.read_bytes() == before
    assert list(tmp_path.iterdir()) == [record]
