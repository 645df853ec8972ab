"""A bare `dagbook` says what to type next, where one is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from pathlib import Path

import pytest

from dagbook.runner.formats.nearby import file_meant, pipeline_files
from tests.conftest import MakeNotebook, run_dagbook, write_notebook
from tests.first.examples_of import read_by_click

NODE = "%%pipeline_node a\nprint(1)"


def offered(text: str) -> list[list[str]]:
    """The commands that the page offers, as words."""
    found = [re.split(r"\s{3,}", line.strip())[0] for line in text.splitlines() if line.startswith("  dagbook")]
    return [shlex.split(line) for line in found]


def test_in_an_empty_folder_it_begins_with_the_tutorial(tmp_path: Path) -> None:
    said = run_dagbook(tmp_path)
    assert said.code == 0
    assert offered(said.out)[:3] == [["dagbook", "tutorial", "intro"], ["dagbook", "init"], ["dagbook", "doctor"]]
    assert "%load_ext dagbook" in said.out


def test_beside_a_notebook_with_nodes_it_names_that_one(tmp_path: Path, make_notebook: MakeNotebook) -> None:
    folder = make_notebook(NODE, name="my flow.ipynb").parent
    make_notebook("print(1)", name="other.ipynb")
    said = run_dagbook(folder)
    assert ["dagbook", "run", "my flow.ipynb"] in offered(said.out)
    assert "other.ipynb" not in said.out
    assert "tutorial" not in said.out


def test_with_a_store_it_tells_how_the_latest_run_ended(make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%pipeline tea", "%%pipeline_node a\n1 / 0")
    assert run_dagbook(flow.parent, "run", flow, "--executor", "process", "-q").code == 1
    said = run_dagbook(flow.parent)
    assert ["dagbook", "runs"] in offered(said.out)
    assert re.search(r"The latest run, [0-9a-f]{8} of tea, failed:  dagbook show", said.out)


def test_every_command_that_it_offers_is_one(tmp_path: Path, make_notebook: MakeNotebook) -> None:
    for folder in (make_notebook(NODE).parent, tmp_path / "empty"):
        for words in offered(run_dagbook(folder).out):
            if "--help" not in words:
                read_by_click(words)


@pytest.mark.parametrize("broken", ["settings", "store", "folder"])
def test_what_is_broken_around_it_does_not_hold_it_up(tmp_path: Path, broken: str) -> None:
    if broken == "settings":
        (tmp_path / "dagbook.toml").write_text("jobs = many")
    elif broken == "store":
        (tmp_path / ".dagbook").mkdir()
        (tmp_path / ".dagbook" / "dagbook.db").write_text("no database")
    else:
        (tmp_path / "locked").mkdir(mode=0)
    said = run_dagbook(tmp_path / "locked" if broken == "folder" and os.getuid() == 0 else tmp_path)
    assert (said.code, said.err) == (0, "")
    assert "dagbook tutorial intro" in said.out


def test_files_of_every_kind_are_known_by_a_glance_the_latest_first(tmp_path: Path) -> None:
    write_notebook(tmp_path / "cells.ipynb", NODE)
    (tmp_path / "native.yaml").write_text("# a comment\ndagbook: 1\nname: x\n")
    (tmp_path / "script.py").write_text("# %% [markdown]\n# hi\n# %%\n# %%pipeline_node a\nprint(1)\n")
    (tmp_path / "built.py").write_text("import dagbook\n\nflow = dagbook.Pipeline('x')\n")
    examples = Path(__file__).parents[2] / "example_notebooks"
    for name in ("valohai/valohai.yaml", "cnvrg/flow.yaml", "pachyderm/specs.json"):
        shutil.copy(examples / name, tmp_path)
    wanted = {"cells.ipynb", "native.yaml", "script.py", "built.py", "valohai.yaml", "flow.yaml", "specs.json"}
    write_notebook(tmp_path / "plain.ipynb", "print('pipeline')")
    (tmp_path / "program.py").write_text("import dagbook\nprint(dagbook.param('x', 1))\n")
    (tmp_path / "compose.yaml").write_text("services:\n  web: {}\n")
    (tmp_path / "package.json").write_text('{"name": "pipeline"}')
    (tmp_path / ".hidden.ipynb").write_text('"%%pipeline_node a"')
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "gone.ipynb").symlink_to("nowhere")
    assert set(pipeline_files(tmp_path)) == wanted
    os.utime(tmp_path / "built.py", (time.time() + 60,) * 2)
    assert pipeline_files(tmp_path)[0] == "built.py"
    assert pipeline_files(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("command", "typed"), [("run", "dagbook run 'my flow.ipynb'"), ("check", "dagbook check 'my flow.ipynb'")]
)
def test_who_leaves_the_file_out_is_told_which_there_are(
    tmp_path: Path, make_notebook: MakeNotebook, command: str, typed: str
) -> None:
    folder = make_notebook(NODE, name="my flow.ipynb").parent
    said = run_dagbook(folder, command)
    assert said.code == 2
    assert f"Here is 'my flow.ipynb'. Type: {typed}" in said.err
    assert "Begin with: dagbook tutorial intro" in run_dagbook(tmp_path / "empty", command).err


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("flwo.ipynb", 'Did you mean "flow.ipynb"?'),
        ("flow", 'Did you mean "flow.ipynb"?'),
        ("flow.yaml", 'Did you mean "flow.ipynb"?'),
        (".", 'Name a file in it: "flow.ipynb".'),
        ("empty", "There is no pipeline in it."),
        ("nowhere/flow.ipynb", "There is no folder nowhere."),
    ],
)
def test_a_file_that_is_none_is_told_which_was_meant(make_notebook: MakeNotebook, typed: str, hint: str) -> None:
    folder = make_notebook(NODE).parent
    (folder / "empty").mkdir()
    said = run_dagbook(folder, "run", typed)
    assert (said.code, hint in said.err) == (2, True), said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("chu", 'Did you mean "churn.ipynb"?'),
        ("sub/dep.ipynb", 'Did you mean "sub/deep.ipynb"?'),
        ("sub", 'Name a file in it: "sub/deep.ipynb".'),
        ("churn-of-last-november.ipynb", 'Did you mean "churn.ipynb"?'),
        ("zebra.ipynb", 'Known: "churn.ipynb", "flow.ipynb".'),
    ],
)
def test_the_file_that_was_meant_begins_alike_and_is_named_as_it_is_typed(
    make_notebook: MakeNotebook, monkeypatch: pytest.MonkeyPatch, typed: str, hint: str
) -> None:
    folder = make_notebook(NODE).parent
    for name in ("churn.ipynb", "sub/deep.ipynb"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "flow.ipynb", folder / name)
    monkeypatch.chdir(folder)
    assert file_meant(Path(typed)) == hint
