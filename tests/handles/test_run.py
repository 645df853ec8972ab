"""Runs in the hands of a program: real runs, what is told of them, waiting, steering (rows 99 to 103, 107)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas
import pytest

import dagbook
from dagbook.runner.core.errors import PipelineError


def prepare(harbor, size=2):  # type: ignore[no-untyped-def]
    from pathlib import Path

    print(f"preparing {harbor}")  # noqa: T201
    Path("ships.txt").write_text(harbor * size)
    return {"letters": len(harbor), "model": object()}


def train(epochs, rate):  # type: ignore[no-untyped-def]
    import dagbook

    ships = (dagbook.input("Preprocess") / "ships.txt").read_text()
    (dagbook.output() / "model.txt").write_text(f"{ships} {epochs} {rate}")
    dagbook.log_metric("loss", 1 / epochs, step=1)
    return {"score": epochs * rate}


def predict():  # type: ignore[no-untyped-def]
    import json

    import dagbook

    models = dagbook.data("models")
    runs = json.loads((models / "runs.json").read_text())
    return {"seen": [(models / one["folder"] / "model.txt").read_text() for one in runs]}


def fail(path):  # type: ignore[no-untyped-def]
    rows = [path]

    return rows[1]


Make = Callable[..., dagbook.Pipeline]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project's folder, with nodes that run as processes."""
    made = tmp_path_factory.mktemp("project")
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("DAGBOOK_")}
    os.environ["DAGBOOK_EXECUTOR"] = "process"
    yield made
    del os.environ["DAGBOOK_EXECUTOR"]
    os.environ |= kept


@pytest.fixture(scope="module")
def many(folder: Path) -> list[dagbook.Run]:
    """One template, run for each harbor and number of epochs, all started before any is waited for."""
    return [template(folder, harbor).start(epochs=epochs) for harbor in ("aalborg", "oslo") for epochs in (1, 5)]


def template(folder: Path, harbor: str) -> dagbook.Pipeline:
    flow = dagbook.Pipeline(f"harbors {harbor}", parameters={"epochs": 3}, folder=folder)
    flow.node("Preprocess", prepare, params={"harbor": harbor})
    flow.node("Train", train, after="Preprocess", grid={"rate": [0.1, 0.2]})
    return flow


def test_rows_99_100_many_runs_are_started_and_waited_for(many: list[dagbook.Run]) -> None:
    """Each is given as it ends, and each change of state is told once, the end of the run last."""
    ended = list(dagbook.as_completed(many))
    assert sorted(run.id for run in ended) == sorted(run.id for run in many)
    assert [run.state for run in many] == ["succeeded"] * 4
    changes: dict[str, list[tuple[str, str]]] = {run.id: [] for run in many}
    for change in dagbook.follow(many):
        changes[change.run.id].append((change.node_run.id if change.node_run else "", change.state))
    for told in changes.values():
        assert told[-1] == ("", "succeeded")
        assert [state for id, state in told if id == "train#2"][-1] == "succeeded"
        assert len(told) == len(set(told))
    assert dagbook.wait(many) == (many, [])
    assert str(next(many[0].follow())).startswith("harbors aalborg ")


def test_a_wait_that_is_too_short_tells_so(many: list[dagbook.Run], folder: Path) -> None:
    flow = dagbook.Pipeline("long", folder=folder)
    flow.command("sleep", "sleep 60")
    run = flow.start()
    try:
        with pytest.raises(TimeoutError, match="1 run still going on"):
            run.wait(timeout=0.2)
        done, not_done = dagbook.wait([run, many[0]], timeout=0.2)
        assert (done, not_done) == ([many[0]], [run])
        with pytest.raises(PipelineError, match="still goes on"):
            run.check()
        assert not run.over
    finally:
        run.cancel()
    assert run.wait().state == "cancelled"
    assert "Run.cancel" in run.reason
    with pytest.raises(dagbook.RunFailed, match="E-RUN-ENDED") as caught:
        run.check()
    assert caught.value.run is run


def test_a_run_tells_its_node_runs(many: list[dagbook.Run], folder: Path) -> None:
    run = many[1].wait()
    assert (run.pipeline, run.parameters, run.nodes) == ("harbors aalborg", {"epochs": 5}, ["Preprocess", "Train"])
    assert [one.id for one in run.node_runs] == ["preprocess", "train#1", "train#2"]
    first = run["Preprocess"]
    assert (first.params, first.state, first.tags["letters"]) == ({"harbor": "aalborg", "size": 2}, "succeeded", 7)
    assert "model" not in first.tags
    assert first.log == "preparing aalborg\nNot kept as tags: model (object)"
    second = run["train#2"]
    assert (second.node, second.params, second.values) == ("Train", {"rate": 0.2, "epochs": 5}, second.values)
    assert second.artifact is not None
    assert (second.artifact / "model.txt").read_text() == "aalborgaalborg 5 0.2"
    assert second.notebook is not None
    assert second.notebook.is_file()
    assert second.metrics == {"loss": [(1.0, 0.2)]}
    assert second.duration is not None
    assert 0 < second.duration < run.duration + 1
    assert (second.name, str(second), second.attempts) == (f"{run.id}/train#2", "Train [rate=0.2]", 1)
    assert repr(second) == f"<NodeRun {run.id}/train#2: succeeded>"
    assert repr(run) == f"<Run {run.id} of harbors aalborg: succeeded>"
    assert run.store == folder / ".dagbook"
    assert "Train" in (run._repr_html_() or "")


def test_node_runs_are_selected_by_what_they_ran_with(many: list[dagbook.Run]) -> None:
    run = many[1].wait()
    assert [one.id for one in run.select("Train", rate=0.2)] == ["train#2"]
    assert [one.id for one in run.select("train")] == ["train#1", "train#2"]
    node = template(run.store.parent, "aalborg").nodes[0]
    assert run[node] == run["preprocess"] == next(iter(run))
    assert run.select(node) == [run[node]]
    assert run.logs(node) == run[node].log
    assert [one.id for one in run.select(harbor="aalborg", state="succeeded")] == ["preprocess"]
    assert run.select("Train", rate=0.3) == []
    for wrong, said in (
        (lambda: run.select("Trian"), 'Did you mean "Train"'),
        (lambda: run.select("Train", rte=1), 'Did you mean "rate"'),
        (lambda: run["Trian"], 'Did you mean "Train"'),
        (lambda: run["Train"], "has 2 runs"),
        (lambda: run[0], "0 is no node"),  # type: ignore[index]
        (lambda: run.logs("Trian"), 'Did you mean "Train"'),
    ):
        with pytest.raises(PipelineError) as caught:
            wrong()
        assert said in str(caught.value)


def test_a_run_is_rows_and_a_table(many: list[dagbook.Run]) -> None:
    run = many[1].wait()
    rows = run.rows()
    assert [row["node"] for row in rows] == ["Preprocess", "Train", "Train"]
    assert rows[2] | {"seconds": 0} == {
        "run": run.id, "node": "Train", "id": "train#2", "state": "succeeded", "seconds": 0,
        "rate": 0.2, "epochs": 5, "loss": 0.2, "score": 1.0,
    }  # fmt: skip
    table = run.table()
    assert isinstance(table, pandas.DataFrame)
    assert list(table["score"].dropna()) == [0.5, 1.0]
    assert run.logs("Preprocess") == run["Preprocess"].log
    assert run.logs().startswith("── Preprocess\npreparing aalborg")


def test_without_pandas_a_table_says_what_to_do(many: list[dagbook.Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(PipelineError, match=r"run\.rows\(\)"):
        many[0].wait().table()


def test_rows_101_107_what_runs_left_is_collected_and_handed_to_one_more(many: list[dagbook.Run], folder: Path) -> None:
    dagbook.wait(many)
    flow = dagbook.Pipeline("predict", folder=folder)
    flow.data("models", artifacts=[one for run in many for one in run.select("Train", rate=0.2)])
    flow.node("Predict", predict, after="models")
    run = flow.run(quiet=True)
    harbors = {"aalborg": "aalborgaalborg", "oslo": "oslooslo"}
    assert run["Predict"].tags["seen"] == [f"{ships} {n} 0.2" for ships in harbors.values() for n in (1, 5)]


def test_row_107_files_of_a_node_run_are_copied(many: list[dagbook.Run], tmp_path: Path) -> None:
    one = many[0].wait()["train#1"]
    copy = one.copy(tmp_path / "models", "*.txt") / "model.txt"
    copy.write_text("mine")
    with pytest.raises(PipelineError, match="E-FILE-THERE"):
        one.copy(tmp_path / "models")
    one.copy(tmp_path / "models", overwrite=True)
    assert copy.read_text() == "aalborgaalborg 1 0.1"
    with pytest.raises(PipelineError, match="E-ARTIFACT"):
        one.copy(tmp_path, "*.pkl")


def test_artifacts_of_another_store_are_refused(many: list[dagbook.Run], tmp_path: Path) -> None:
    flow = dagbook.Pipeline("other", folder=tmp_path)
    with pytest.raises(PipelineError, match=r"Pipeline\(store=…\)"):
        flow.data("models", artifacts=many[0].wait().select("Train"))


def test_runs_are_found_again(many: list[dagbook.Run], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By id, its beginning, as the latest, in the store above the working directory, by their pipeline's name."""
    first = many[0].wait()
    assert dagbook.open_run(first.id[:6], store=folder / ".dagbook") == first
    assert len({first, dagbook.open_run(first.id, store=folder / ".dagbook")}) == 1
    (folder / "below").mkdir(exist_ok=True)
    monkeypatch.chdir(folder / "below")
    assert dagbook.open_run() == dagbook.runs(most=1)[0]
    assert set(dagbook.runs(pipeline="harbors oslo")) == set(many[2:])
    with pytest.raises(PipelineError, match="E-RUN-UNKNOWN"):
        dagbook.open_run("zzzz")
    with pytest.raises(PipelineError, match="there is no store"):
        dagbook.runs(store=folder / "none")


def test_a_failure_raises_with_the_line_of_the_function_and_its_traceback(folder: Path) -> None:
    """And nothing of ours; `check=False` gives the run instead."""
    flow = dagbook.Pipeline("broken", folder=folder)
    flow.node("Fail", fail, params={"path": "x"})
    with pytest.raises(dagbook.RunFailed) as caught:
        flow.run(quiet=True)
    (found,) = caught.value.problems
    line = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "return rows[1]" in text)
    assert (found.code, found.place.node, found.place.line) == ("E-NODE-FAILED", "Fail", line)
    assert Path(str(found.place.file)).name == Path(__file__).name
    told = str(caught.value)
    assert "IndexError: list index out of range" in told
    assert "\x1b" not in told
    assert [entry.name for entry in caught.traceback][1:] == ["call"]
    run = flow.run(check=False, quiet=True)
    assert run.state == "failed"
    assert not run.succeeded
    assert "return rows[1]" in run["Fail"].error
    assert run.select(state="failed")[0].artifact is None


def test_a_run_that_asks_people_is_approved_and_goes_on(folder: Path) -> None:
    flow = dagbook.Pipeline("asks", folder=folder)
    flow.node("Publish", "print('published')", approve=["leah", "yochay"])
    with pytest.raises(dagbook.RunFailed, match="E-PENDING"):
        flow.run(no_wait=True, quiet=True)
    run = dagbook.open_run(store=folder / ".dagbook")
    assert (run.state, run.over) == ("pending_approval", True)
    with pytest.raises(PipelineError, match="E-NOT-APPROVER"):
        run.approve("Publish", by="mallory")
    run.approve("Publish", by="leah")
    assert run.resume().wait().check()["Publish"].log == "published"
    with pytest.raises(PipelineError, match="E-NOT-PENDING"):
        run.reject("Publish", by="leah")


def test_a_run_is_resumed_with_other_parameters_and_nodes_are_run_again(folder: Path) -> None:
    flow = template(folder, "tallinn")
    run = flow.run(epochs=0, check=False, quiet=True)
    assert [one.state for one in run.node_runs] == ["succeeded", "failed", "failed"]
    run.resume(epochs=2).wait()
    assert run.state == "succeeded"
    assert run.parameters == {"epochs": 2}
    assert [one.attempts for one in run.node_runs] == [1, 2, 2]
    assert run.retry("Preprocess").wait()["Preprocess"].attempts == 2


def test_what_a_run_shows_is_what_the_command_shows(folder: Path) -> None:
    """Its lines on standard output, what is doubtful on standard error; with `quiet` only that."""
    program = folder / "show.py"
    program.write_text(
        "import dagbook\nflow = dagbook.Pipeline('shown')\nflow.node('a', 'print(1)\\nif False: missing')\n"
        "flow.run()\nflow.run(quiet=True)\n"
    )
    said = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, cwd=folder)
    lines = said.stdout.splitlines()
    assert lines[0].startswith("Run ")
    assert any(line.endswith("a | 1") for line in lines)
    assert sum("✓ a succeeded" in line for line in lines) == 1
    assert re.fullmatch(r"Run \w+ succeeded after .* s: 1 succeeded\.", lines[-1])
    assert said.stderr.count("W-FREE-NAME") == 1
    assert "show.py, line 3" in said.stderr


@pytest.mark.fault
@pytest.mark.parametrize(("signals", "state"), [(1, "cancelled"), (2, "failed")])
def test_ctrl_c_ends_the_run_in_order_and_a_second_one_at_once(tmp_path: Path, signals: int, state: str) -> None:
    """The program ends with KeyboardInterrupt, and nothing of it goes on."""
    program = tmp_path / "long.py"
    program.write_text(
        "import dagbook\nflow = dagbook.Pipeline('long')\n"
        "flow.node('a', 'import time\\nprint(1)\\ntry:\\n    time.sleep(60)\\nfinally:\\n    time.sleep(60)')\n"
        "flow.run(executor='process')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-u", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert child.stdout is not None
    for line in child.stdout:
        if "a | 1" in line:
            break
    child.send_signal(signal.SIGINT)
    run = dagbook.open_run(store=tmp_path / ".dagbook")
    if signals == 2:
        child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGINT or "KeyboardInterrupt" in err
    assert run.wait(60).state in {state, "cancelled"}
    assert run["a"].state in {"cancelled", "lost"}
    assert "running.py" not in err


def test_a_run_that_is_waited_for_ends_with_the_program(tmp_path: Path) -> None:
    """One that was started goes on."""
    program = tmp_path / "both.py"
    program.write_text(
        "import dagbook\nflow = dagbook.Pipeline('both')\nflow.node('a', 'import time\\nprint(1)\\ntime.sleep(60)')\n"
        "print(flow.start(executor='process').id, flush=True)\nflow.run(executor='process')\n"
    )
    child = subprocess.Popen([sys.executable, "-u", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert child.stdout is not None
    with child.stdout:
        started = dagbook.open_run(child.stdout.readline().strip(), store=tmp_path / ".dagbook")
        for line in child.stdout:
            if "a | 1" in line:
                break
        child.kill()
        child.wait()
    tied = next(run for run in dagbook.runs(store=tmp_path / ".dagbook") if run != started)
    assert tied.wait(60).state == "cancelled"
    assert not started.over
    started.cancel()
    assert started.wait(60).state == "cancelled"


def test_the_picture_in_a_notebook_stays_and_shows_how_it_ended(folder: Path, tmp_path: Path) -> None:
    """In a kernel: one display that is changed, a RunFailed without our traceback, the pipeline drawn."""
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "import dagbook\nflow = dagbook.Pipeline('drawn')\ndef work(n):\n    print('at work')\n    return {'n': n + 1}",
        "node = flow.node('Work', work, params={'n': 1})\nflow",
        "run = flow.run(executor='process')\nrun",
        "run['Work'].tags",
        "bad = flow.node('Bad', '1 / 0')\nflow.run(executor='process')",
        "asks = dagbook.Pipeline('asks', executor='process')\nnode = asks.node('Ask', '1', approve='leah')\nasks.run()",
    ]
    book: Any = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])  # type: ignore[no-untyped-call]
    NotebookClient(
        book, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    drawn, ran, tags, failed, asks = (cell.outputs for cell in book.cells[1:])
    assert "image/svg+xml" in drawn[0].data
    picture, named = ran
    assert named.data == {"text/plain": f"<Run {picture.metadata['dagbook']['run']} of drawn: succeeded>"}
    assert "dagbook-run" in picture.data["text/html"]
    assert "✓ Work" in picture.data["text/plain"]
    assert "'n': 2" in tags[0].data["text/plain"]
    (error,) = [one for one in failed if one.output_type == "error"]
    told = "\n".join(error.traceback)
    assert "ZeroDivisionError" in told
    assert "callers.py" not in told
    assert "E-PENDING" in asks[-1].evalue  # nobody can be asked there, so it does not wait
