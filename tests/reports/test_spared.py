"""What a mistyped option would write over stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeNotebook, Said

NODE = "%%pipeline_node a\nprint(1)"
PROCESS = ("--executor", "process", "--code", "none")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "flow.ipynb", "--html", "flow.ipynb"),
        ("run", "flow.ipynb", "--junit", "other.ipynb"),
        ("run", "flow.ipynb", "--summary", "link.ipynb"),
        ("run", "flow.py", "--html", "flow.py"),
        ("run", "flow.py", "--junit", "hard.py"),
        ("export", "flow.ipynb", "--to", "native", "-o", "flow.ipynb"),
        ("export", "flow.py", "--to", "native", "-o", "hard.py"),
    ],
    ids=" ".join,
)
def test_no_report_and_no_export_takes_the_place_of_a_notebook_or_of_what_was_read(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], words: tuple[str, ...]
) -> None:
    folder = make_notebook(NODE).parent
    (folder / "other.ipynb").write_bytes((folder / "flow.ipynb").read_bytes())
    (folder / "link.ipynb").symlink_to("flow.ipynb")
    (folder / "flow.py").write_text(f"# %%\n{NODE.replace('%%', '# %%')}\n")
    (folder / "hard.py").hardlink_to(folder / "flow.py")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    said = dagbook(*words, *(PROCESS if words[0] == "run" else ()))
    assert said.code == 2
    assert "E-USAGE" in said.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("place", ["dagbook.db", "dagbook.db-wal", "runs/x.html", "artifacts/new/x.html"])
@pytest.mark.parametrize(
    "words", [("report", "latest", "--html"), ("show", "latest", "--html"), ("run", "flow.ipynb", "-o")]
)
def test_no_report_is_written_into_a_store(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], words: tuple[str, ...], place: str
) -> None:
    store: Path = make_notebook(NODE).parent / ".dagbook"
    assert dagbook("run", "flow.ipynb", *PROCESS).code == 0
    said = dagbook(*words, store / place, *(PROCESS if words[0] == "run" else ()))
    assert said.code == 2
    assert "which is dagbook's own" in said.err
    assert len(dagbook("runs").out.splitlines()) == 1


def test_a_report_may_stand_beside_the_folders_of_a_store(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said]
) -> None:
    make_notebook(NODE)
    for place in ("build/report.html", "build/report.html", "build/reports/report.html"):
        assert dagbook("run", "flow.ipynb", *PROCESS, "--store", "build", "--html", place).code == 0


def test_the_notebook_of_a_run_may_take_the_place_of_its_file_as_with_papermill(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said]
) -> None:
    make_notebook(NODE)
    assert dagbook("run", "flow.ipynb", *PROCESS, "-o", "flow.ipynb").code == 0
    assert dagbook("run", "flow.ipynb", *PROCESS).code == 0
