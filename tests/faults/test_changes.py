"""What changes behind a run's back: files that were planned, approved or read are what runs, or it is told."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import read, write
from nbformat.v4 import new_code_cell, new_notebook

from dagbook.runner.records.code import is_sound, snapshot
from dagbook.runner.records.processes import alive
from tests.conftest import MakeNotebook, Said
from tests.faults.box import Box

pytestmark = pytest.mark.fault
Dagbook = Callable[..., Said]
PROCESS = ("--executor", "process", "-q")
A = "%%pipeline_command a\necho a > a.txt"


def notebook(path: Path, source: str) -> None:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(cells=[new_code_cell(source)], metadata={"kernelspec": spec})  # type: ignore[no-untyped-call]
    write(made, path)  # type: ignore[no-untyped-call]


def asked(dagbook: Dagbook, flow: Path, node: str) -> None:
    """Run up to the approval, and approve."""
    assert dagbook("run", flow, *PROCESS, "--no-wait").code == 3
    assert dagbook("approve", "latest", node, "--by", "leah").code == 0


def test_an_approved_notebook_node_runs_the_text_that_was_approved(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    flow = make_notebook(A, "%pipeline_notebook publish --path task.ipynb --after a --approve leah")
    notebook(flow.parent / "task.ipynb", "open('said.txt', 'w').write('approved')")
    asked(dagbook, flow, "publish")
    notebook(flow.parent / "task.ipynb", "open('said.txt', 'w').write('tampered')")
    said = dagbook("resume", "latest", "-q", "--json")
    assert said.code == 0
    (published,) = [run for run in said.json["node_runs"] if run["node"] == "publish"]
    assert (Path(published["artifact"]) / "said.txt").read_text() == "approved"
    kept = read(Path(published["notebook"]), as_version=4)  # type: ignore[no-untyped-call]
    assert "approved" in "".join(cell.source for cell in kept.cells)


def git(folder: Path, *words: str) -> None:
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env={**os.environ, **who})


def test_a_branch_that_moved_on_is_another_plan_and_asks_again(
    dagbook: Dagbook, make_notebook: MakeNotebook, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    (repository / "v").write_text("1")
    git(repository, "add", "v")
    git(repository, "commit", "--quiet", "-m", "one")
    publish = f"%%pipeline_command publish --after a --approve leah --git {repository}@main\ncat $CNVRG_WORKDIR/v > v"
    flow = make_notebook(A, publish)
    asked(dagbook, flow, "publish")
    (repository / "v").write_text("2")
    git(repository, "commit", "--quiet", "-am", "two")
    assert dagbook("resume", "latest", "-q", "--no-wait").code == 3
    assert dagbook("approve", "latest", "publish", "--by", "leah").code == 0
    assert dagbook("resume", "latest", "-q").code == 0


def test_a_run_whose_project_files_are_gone_is_not_resumed_on_others(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    flow = make_notebook(A, "%%pipeline_command publish --after a --approve leah\ntrue")
    (flow.parent / "helper.py").write_text("x = 1")
    asked(dagbook, flow, "publish")
    shutil.rmtree(flow.parent / ".dagbook" / "code")
    said = dagbook("resume", "latest", "-q")
    assert said.code == 2
    assert "E-RESUME" in said.err


def test_a_damaged_snapshot_of_the_project_is_made_anew(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "helper.py").write_text("x = 1")
    kept = snapshot(project, tmp_path / "code")
    damaged = kept.path / "helper.py"
    damaged.chmod(0o644)
    damaged.write_text("x = 2")
    assert not is_sound(kept.path)
    again = snapshot(project, tmp_path / "code")
    assert again.digest == kept.digest
    assert is_sound(again.path)
    assert (again.path / "helper.py").read_text() == "x = 1"


def test_a_dataset_that_changes_while_the_run_goes_on_stops_who_reads_it_then(
    started: Callable[..., subprocess.Popen[str]], dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(
        "%pipeline_data words --path words.txt",
        "%%pipeline_command slow --after words\necho slow > $BOX/seen; head -n 1 $BOX/gate",
        '%%pipeline_command use --after words slow\nwc -w "$DATA_WORDS/words.txt" > count.txt',
    )
    (flow.parent / "words.txt").write_text("one two")
    child = started("run", flow, *PROCESS)
    box.wait_for("slow")
    (flow.parent / "words.txt").write_text("one two three")
    box.open_gate()
    assert child.wait(60) == 1
    runs = {run["node"]: run for run in dagbook("show", "latest", "--json").json["node_runs"]}
    assert runs["use"]["state"] == "failed"
    assert "E-DATA-CHANGED" in runs["use"]["reason"]
    assert runs["slow"]["state"] == "succeeded"
    assert any("E-DATA-CHANGED" in warning for warning in runs["slow"]["warnings"])
    (flow.parent / "words.txt").write_text("one two")
    again = dagbook("plan", flow, "--executor", "process", "--json").json
    assert {step["node"]: step["state"] for step in again["steps"]} == {"words": "cached", "slow": "run", "use": "run"}


def test_a_run_that_nobody_runs_is_nobodys_on_any_machine() -> None:
    """A job of CI that goes on with a waiting run is another machine each time."""
    assert not alive({"host": "another", "pid": 0, "began": None})
    assert alive({"host": "another", "pid": 1, "began": "1"})


def versioned(number: int) -> list[str]:
    """Cells of which each says the same number."""
    return [f"%%pipeline_command {node}\necho {number} >n.txt" for node in "abc"]


@pytest.mark.parametrize("whole", [True, False], ids=["replaced", "written in place"])
def test_F58_a_notebook_that_is_saved_again_and_again_runs_as_it_was_at_one_moment(
    dagbook: Dagbook, make_notebook: MakeNotebook, whole: bool
) -> None:
    """Nodes of two versions never run together; half a file is told as what it is."""
    flow = make_notebook(*versioned(0))
    texts = []
    for number in (1, 2):
        make_notebook(*versioned(number), name=f"v{number}.ipynb")
        texts.append((flow.parent / f"v{number}.ipynb").read_text())
        (flow.parent / f"v{number}.ipynb").unlink()
    stop = threading.Event()

    def save() -> None:
        for text in itertools.cycle(texts):
            if stop.is_set():
                return
            if whole:
                (flow.parent / "new").write_text(text)
                os.replace(flow.parent / "new", flow)
            else:
                flow.write_text(text)

    saver = threading.Thread(target=save)
    saver.start()
    ran = 0
    try:
        for _ in range(6):
            said = dagbook("run", flow, *PROCESS, "--json", "--code", "none")
            assert said.code in ((0,) if whole else (0, 2)), said.err
            assert "Traceback" not in said.err
            if said.code == 0:
                ran += 1
                (said_by_all,) = {(Path(one["artifact"]) / "n.txt").read_text() for one in said.json["node_runs"]}
                kept = (flow.parent / ".dagbook" / "runs" / said.json["run"] / "pipeline.ipynb").read_text()
                assert kept == texts[int(said_by_all) - 1]
    finally:
        stop.set()
        saver.join()
    assert ran or not whole
