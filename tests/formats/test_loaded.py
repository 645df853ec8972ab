"""Whether a notebook makes the magics known to a kernel before it uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.formats.loaded import not_loaded
from dagbook.runner.formats.notebook_file import load_notebook

from .notebooks import write

NODE = "%%pipeline_node a\n1"


@pytest.mark.parametrize(
    ("cells", "cell"),
    [
        (("%load_ext dagbook", NODE), None),
        (("import os\n%reload_ext dagbook", NODE), None),
        (("get_ipython().run_line_magic('load_ext', 'dagbook')", NODE), None),
        (("%load_ext dagbook\n%pipeline churn", NODE), None),
        (("print(1)", "%matplotlib inline"), None),
        (("%load_ext other", NODE), 2),
        ((NODE, "%load_ext dagbook"), 1),
        (("%pipeline churn\n%load_ext dagbook", NODE), 1),
        (("x = 1\n%pipeline_run",), 1),
    ],
)
def test_the_first_magic_that_no_kernel_knows_is_found(
    cells: tuple[str, ...], cell: int | None, tmp_path: Path
) -> None:
    notebook, _ = load_notebook(write(tmp_path / "p.ipynb", *cells))
    found = not_loaded(notebook, "p.ipynb")
    assert (found.place.cell if found else None) == cell
