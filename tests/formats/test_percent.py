"""Notebooks written as scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import WHERE
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.formats.percent import is_percent, lines_of_script, read_percent

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"

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


@pytest.mark.parametrize("name", ["quickstart", "three_trainings", "model_search"])
def test_a_script_defines_the_pipeline_of_the_notebook_that_it_was_made_of(tmp_path: Path, name: str) -> None:
    source = EXAMPLES / f"{name}.ipynb"
    notebook: Any = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    script = tmp_path / f"{name}.py"
    script.write_text(jupytext.writes(notebook, "py:percent"))
    places: Any = {"nodes": {"__all__": set(WHERE)}}
    of_notebook, of_script = (read_notebook(path).pipeline.model_dump(exclude=places) for path in (source, script))
    assert of_notebook == of_script


SCRIPT = """\
# %% [markdown]
# # A title

# %%
# %load_ext dagbook

# %% tags=["parameters"]
epochs = 3

# %% the first one
# %%pipeline_node prepare --param epochs
# a comment
text = '''
# %%
no cell'''
# !ls

# %%

# %%
%%pipeline_command count --after prepare
grep x /input/prepare/rows.txt
# %pipeline_run
"""


def test_magics_are_magics_again_and_comments_stay_comments() -> None:
    """Also where one of them was written without the comment sign, as another format of jupytext has it."""
    cells = read_percent(SCRIPT, "flow.py")["cells"]
    assert [cell["source"] for cell in cells[1:]] == [
        "%load_ext dagbook",
        "epochs = 3",
        "%%pipeline_node prepare --param epochs\n# a comment\ntext = '''\n# %%\nno cell'''\n!ls",
        "",
        "%%pipeline_command count --after prepare\ngrep x /input/prepare/rows.txt\n%pipeline_run",
    ]
    assert cells[2]["metadata"] == {"tags": ["parameters"]}
    assert read_percent(SCRIPT, "flow.py")["cells"] == cells


def test_each_line_of_a_cell_is_found_in_the_script() -> None:
    cells = read_percent(SCRIPT, "flow.py")["cells"]
    assert lines_of_script(SCRIPT, cells) == [[2], [5], [8], list(range(11, 17)), [], [21, 22, 23]]


def test_findings_name_the_cell_and_the_line_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "flow.py"
    script.write_text(
        "# %%\n# %load_ext dagbook\n\n# %%\n# %%pipeline_node a --parm x\nx = 1\n\n# %%\n# %%pipeline_node b\n\nif:\n"
        "\n# %%\n# %pipeline_notebook s --path score.py --param zz=1\n"
    )
    (tmp_path / "score.py").write_text('# %% tags=["parameters"]\nz = 1\n\n# %%\ny = 1\ny = input()\n')
    found = {one.code: (Path(str(one.place.file)).name, one.place.cell, one.place.line) for one in problems(script)}
    assert found == {
        "E-MAGIC-ARG": ("flow.py", 2, 5),
        "E-SYNTAX": ("flow.py", 3, 11),
        "E-PARAM-UNKNOWN": ("flow.py", 4, 14),
        "E-STDIN": ("score.py", 2, 6),
    }


def problems(script: Path) -> Any:
    """All that is found in a script."""
    return read_notebook(script).problems


def test_without_jupytext_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupytext", None)
    script = tmp_path / "flow.py"
    script.write_text(SCRIPT)
    with pytest.raises(PipelineError, match=r"E-EXTRA.*\n.*pip install 'dagbook\[text\]'"):
        read_notebook(script)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import dagbook\n", "it is a Python program without cells"),
        ("# ---\n# jupyter:\n#   kernelspec: [\n# ---\n# %%\nx = 1\n", "jupytext cannot read it"),
    ],
)
def test_what_is_no_notebook_is_refused_in_words(tmp_path: Path, text: str, told: str) -> None:
    script = tmp_path / "flow.py"
    script.write_text(text)
    with pytest.raises(PipelineError, match=f"E-NB-PARSE: flow.py is not a notebook: {told}"):
        read_notebook(script)
