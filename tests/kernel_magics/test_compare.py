"""%pipeline_compare in a real kernel, and on runs that the command line made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.lifecycle import Created, RunChanged, RunState, Tagged
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.kernel_magics.conftest import Run

TRAIN = "%%pipeline_node train --grid x=1,2\nprint('dagbook_tag_score:', x)\nprint('dagbook_tag_note: <b>loud</b>')"
FIT = "%%pipeline_node fit --param size\nprint('dagbook_tag_score:', size * 2)"
PROCESS = ("--executor", "process")


def test_row_67_a_cell_shows_the_routes_of_the_run_before_it(make_notebook: MakeNotebook) -> None:
    path = make_notebook(TRAIN, "%pipeline_run --executor process", "%pipeline_compare --by score --node train")
    notebook: Any = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    (shown,) = notebook.cells[-1].outputs
    html, text = shown.data["text/html"], shown.data["text/plain"]
    assert html.startswith('<div class="dagbook-cell">')
    assert html.index("train#2") < html.index("train#1")
    assert "<b>★ 2</b>" in html
    assert "&lt;b&gt;loud" in html
    assert "<b>loud" not in html
    assert "score ↓" in text
    nbformat.validate(notebook)


def test_row_67_several_runs_are_named_one_after_the_other(
    run: Run, dagbook: Callable[..., Said], make_notebook: MakeNotebook
) -> None:
    notebook = make_notebook("# parameters\nsize = 1", FIT)
    first, second = (
        dagbook("run", notebook, *PROCESS, "-p", "size", size, "--json").json["run"] for size in ("1", "2")
    )
    store = notebook.parent / ".dagbook"
    made = run(f"%pipeline_compare {first} {second} --by -score --all --store {store}")
    assert made.error is None, made.text
    assert f"What differs ({first} → {second})" in made.text
    assert "size  1 → 2" in made.text
    assert "score ↑" in made.text
    assert "What differs" in made.shown[0].data["text/html"]


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("zzz", "E-RUN-UNKNOWN", "'zzz'"),
        ("latest --node fot", "E-NODE-UNKNOWN", 'Did you mean "fit"?'),
        ("latest --by scor", "E-USAGE", 'Did you mean "score"?'),
        ("latest latest --nod fit", "E-MAGIC-ARG", "--node"),
    ],
)
def test_a_wrong_line_is_told_in_words(run: Run, tmp_path: Path, line: str, code: str, told: str) -> None:
    store = Store(tmp_path / ".dagbook")
    id = store.add_run("demo", {"pipeline": {"nodes": [{"title": "fit"}]}}, {})
    tagged = Tagged("fit", "score", 1)
    store.append(id, 0, [Created("fit", "fit", (), {}, {}, {}), tagged, RunChanged(RunState.SUCCEEDED)])
    error = run(f"%pipeline_compare {line} --store {store.folder}").error
    assert isinstance(error, PipelineError)
    assert error.problems[0].code == code
    assert told in str(error)


def test_a_folder_without_a_store_says_what_to_do(run: Run, tmp_path: Path) -> None:
    error = run(f"%pipeline_compare --store {tmp_path / 'nothing'}").error
    assert isinstance(error, PipelineError)
    assert "dagbook run FILE" in str(error)
