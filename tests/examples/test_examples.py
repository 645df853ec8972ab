"""The example notebooks, run as their readers run them: `dagbook run`, papermill, `jupyter execute`."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest

from .running import EXAMPLES, EXECUTORS, PROGRAMS, ROOT, Ran, command, environment, read

NO_ENGINE = "unix:///nonexistent/docker.sock"

NODE_RUNS = {
    "quickstart": {"measure": 1, "clean": 1, "fit": 3, "report": 1},
    "three_trainings": {"preprocess": 1, "train": 3, "evaluate": 3, "compare": 1},
}
FIGURES = {"quickstart": {"report": 1}, "three_trainings": {"preprocess": 1, "compare": 1}}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one store for all runs of these tests."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> str:
    """Each executor in turn."""
    return str(request.param)


@pytest.fixture(scope="module", params=list(NODE_RUNS))
def name(request: pytest.FixtureRequest) -> str:
    """Each example in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def ran(place: Path, name: str, executor: str) -> Ran:
    """An example run once by `dagbook run --json -o`."""
    out = place / f"{name}-{executor}.ipynb"
    source = EXAMPLES / f"{name}.ipynb"
    return command("dagbook", "run", source, "-o", out, "--json", at=place, out=out, env=environment(place, executor))


def test_every_node_run_of_an_example_succeeds(ran: Ran, name: str, executor: str) -> None:
    assert ran.code == 0, ran.stderr
    run = json.loads(ran.stdout)
    assert run["state"] == "succeeded"
    assert {one["state"] for one in run["node_runs"]} == {"succeeded"}
    assert Counter(one["node"] for one in run["node_runs"]) == NODE_RUNS[name]
    assert {one["executor"] for one in run["node_runs"]} == {executor}


def test_every_defining_cell_of_the_written_notebook_holds_its_nodes_outputs(ran: Ran, name: str) -> None:
    assert set(ran.cells) == set(NODE_RUNS[name])
    for title, outputs in ran.cells.items():
        lines = [one for one in outputs if one.get("metadata", {}).get("dagbook", {}).get("node") == title]
        assert len(lines) == NODE_RUNS[name][title]
        assert all("succeeded" in line.data["text/plain"] for line in lines)
        figures = [one for one in outputs if "image/png" in one.get("data", {})]
        assert len(figures) == FIGURES[name].get(title, 0)
        assert len(outputs) > len(lines), f"{title} printed or drew nothing"
    assert ran.notebook.metadata["dagbook"]["state"] == "succeeded"


@pytest.mark.parametrize("name", ["three_trainings"], indirect=True)
def test_each_value_of_the_trainings_grid_is_one_route_to_its_own_evaluation(ran: Ran) -> None:
    runs = json.loads(ran.stdout)["node_runs"]
    routes = {one["route"]["train"]["hidden"]: one["tags"]["accuracy"] for one in runs if one["node"] == "evaluate"}
    assert sorted(routes) == [4, 16, 64]
    losses = [one["metrics"]["loss"] for one in runs if one["node"] == "train"]
    assert [len(points) for points in losses] == [30, 30, 30]
    assert all(points[0][1] > points[-1][1] for points in losses)
    compared = next(one["tags"] for one in runs if one["node"] == "compare")
    assert compared == {
        "best hidden": max(routes, key=lambda hidden: routes[hidden]),
        "best accuracy": max(routes.values()),
    }
    assert max(routes.values()) > 0.9


def test_the_quickstart_runs_where_there_is_neither_docker_nor_bubblewrap(place: Path) -> None:
    programs = place / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    bare = environment(place, "auto", PATH=f"{PROGRAMS}{os.pathsep}{programs}", DOCKER_HOST=NO_ENGINE)
    out = place / "bare.ipynb"
    ran = command("dagbook", "run", EXAMPLES / "quickstart.ipynb", "-o", out, at=place, out=out, env=bare)
    assert ran.code == 0, ran.stdout
    assert "W-EXECUTOR: nodes run as processes of this machine, not in containers" in ran.stderr
    assert any("image/png" in one.get("data", {}) for one in ran.cells["report"])


def test_a_parameter_from_outside_reaches_the_node_that_takes_it(place: Path) -> None:
    words = ("run", EXAMPLES / "quickstart.ipynb", "--until", "measure", "-p", "minutes", "5", "--json")
    ran = command("dagbook", *words, at=place, out=place, env=environment(place, "process"))
    (measured,) = json.loads(ran.stdout)["node_runs"]
    assert measured["tags"] == {"minutes": 5, "readings": 20}


def shown(outputs: list[Any], mime: str) -> str:
    """All that a cell shows in one form."""
    return "\n".join("".join(one.get("data", {}).get(mime, "")) for one in outputs)


def assert_shows_its_run(ran: Ran, name: str) -> None:
    """Assert that a live notebook's cells show all node runs, and the figures of those that drew some."""
    assert set(ran.cells) == set(NODE_RUNS[name])
    for title, outputs in ran.cells.items():
        assert shown(outputs, "text/plain").count(" · succeeded · ") == NODE_RUNS[name][title]
        figures = shown(outputs, "text/html").count('src="data:image/png;base64,')
        assert figures == FIGURES[name].get(title, 0)
    last = next(cell for cell in ran.notebook.cells if cell.source == "%pipeline_run")
    assert f"{sum(NODE_RUNS[name].values())} succeeded" in shown(last.outputs, "text/plain")


@pytest.mark.container
def test_papermill_runs_the_quickstart_in_containers_as_it_stands(place: Path) -> None:
    out = place / "papermill.ipynb"
    env = environment(place, "docker")
    ran = command("papermill", "example_notebooks/quickstart.ipynb", out, at=ROOT, out=out, env=env)
    assert ran.code == 0, ran.stderr
    assert_shows_its_run(ran, "quickstart")


def test_papermill_runs_the_trainings_as_processes_with_a_parameter_from_outside(place: Path) -> None:
    out = place / "papermill-process.ipynb"
    words = ("papermill", EXAMPLES / "three_trainings.ipynb", out, "-p", "test_share", "0.5")
    ran = command(*words, at=place, out=out, env=environment(place, "process"))
    assert ran.code == 0, ran.stderr
    assert_shows_its_run(ran, "three_trainings")
    assert "test digits=899" in shown(ran.cells["preprocess"], "text/plain")


@pytest.mark.container
def test_jupyter_execute_runs_the_quickstart_in_containers(tmp_path: Path) -> None:
    """As processes it does so when the site of the documentation is built (`tests/test_site.py`)."""
    out = tmp_path / "executed.ipynb"
    words = ("jupyter-execute", EXAMPLES / "quickstart.ipynb", f"--output={out}")
    ran = command(*words, at=tmp_path, out=out, env=environment(tmp_path, "docker"))
    assert ran.code == 0, ran.stderr
    assert_shows_its_run(ran, "quickstart")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failing_node_ends_papermill_with_the_users_exception_and_line(place: Path, executor: str) -> None:
    source = read(EXAMPLES / "quickstart.ipynb")
    for cell in source.cells:
        if cell.source.startswith("%%pipeline_node clean"):
            cell.source += "\nkept.no_such_method()"
        elif cell.source.startswith(("%%pipeline_node fit", "%%pipeline_node report")):
            cell.source = cell.source.splitlines()[0] + "\nprint('never')"
    failing, out = place / "failing.ipynb", place / f"failed-{executor}.ipynb"
    nbformat.write(source, failing)  # type: ignore[no-untyped-call]
    ran = command("papermill", failing, out, at=place, out=out, env=environment(place, executor))
    assert ran.code != 0
    assert "AttributeError: 'numpy.ndarray' object has no attribute 'no_such_method'" in ran.stderr
    said = shown(ran.cells["clean"], "text/plain")
    line = len(next(c for c in source.cells if "no_such_method" in c.source).source.splitlines())
    assert f"---> {line} kept.no_such_method()" in re.sub(r" +", " ", said).replace("----", "---")
    assert "upstream failed" in shown(ran.cells["fit"], "text/plain")
    last = next(cell for cell in ran.notebook.cells if cell.source == "%pipeline_run")
    assert [one.output_type for one in last.outputs] == ["display_data", "error"]
    assert last.outputs[-1].evalue.startswith("E-NODE-FAILED: clean failed: AttributeError")
    assert "/runner/" not in "\n".join(last.outputs[-1].traceback)


@pytest.mark.parametrize("name", [*NODE_RUNS, "model_search"])
def test_an_example_is_stored_clean(name: str) -> None:
    stored = read(EXAMPLES / f"{name}.ipynb")
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert stored.metadata.kernelspec == {"name": "python3", "display_name": "Python 3", "language": "python"}
    tagged = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert re.fullmatch(r"\w+ = \S+ +# .+", tagged[0])
