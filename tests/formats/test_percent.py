"""Notebooks written as scripts."""

from __future__ import annotations

import pytest

from dagbook.runner.formats.percent import is_percent

HEADER = "# ---\n# jupyter:\n#   jupytext:\n#     text_representation:\n#       format_name: light\n# ---\n\nx = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "# %%\nx = 1\n",
        "#%%\nx = 1\n",
        "# %% [markdown]\n# Title\n",
        "x = 1\n# %%pipeline_node a\n",
        "# %%\nx = '\n",
        HEADER,
        f"#!/usr/bin/env python\n{HEADER}",
        f"\ufeff{HEADER}",
    ],
)
def test_a_script_with_cells_or_with_jupytexts_header_is_a_notebook(text: str) -> None:
    """Each of these is read as a notebook, also where it is no valid Python."""
    assert is_percent(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import dagbook\n",
        "x = 10  # %%\n",
        "def f():\n    # %%\n    pass\n",
        "# ---\n# jupyter is fine\n# ---\n",
        'TEXT = """\n# %%\nx = 1\n"""\n',
        'TEXT = f"""{1}\n# %% a\n"""\n',
    ],
)
def test_any_other_script_is_a_program(text: str) -> None:
    """A marker inside of a string or at the end of a line makes no notebook of a program."""
    assert not is_percent(text)
