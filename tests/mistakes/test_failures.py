"""What dagbook adds when a node's own code failed for a reason that lies in how nodes run: one line of what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.advice import advice
from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import Failure, Job, Mount, Outcome, Runtime
from dagbook.runner.executors.sandbox import bubblewrap
from tests.conftest import Said, run_dagbook
from tests.formats.notebooks import write

CELLS = {  # what a check before the run would find is put together here, so that it does not
    "package": "import sklearn_of_mine.trees",
    "name": "print(frame)",
    "variable": "import os\nname = 'INPUT_PREPA'\nos.environ[name + 'IR']",
    "input": "open('/input/prepare/deep/point.csv')",
    "other": "name = 'elsewhere'\nopen(f'/input/{name}/x.csv')",
    "project": "open('table.csv')",
    "bare": "open('deep/points.csv')",
    "module": "json.dumps(1)",
    "network": "import socket\nsocket.create_connection(('127.0.0.1', 9))",
    "own": "raise ValueError('mine')",
    "read_only": "open('/input/prepare/deep/points.csv', 'w')",
}
HINTS = {
    "package": "add --requirements sklearn_of_mine to the node",
    "name": "define frame there, take it as a parameter (--param frame=VALUE)",
    "variable": 'There is no variable INPUT_PREPAIR. Did you mean "INPUT_PREPARE"?',
    "input": '/input/prepare has no deep/point.csv. Did you mean "deep/points.csv"?',
    "other": "Under /input is what --after names: /input/prepare.",
    "project": "write '/code/table.csv'",
    "bare": "open('/input/prepare/deep/points.csv')",
    "module": "write `import json` in one of them",
    "network": "add --network",
    "own": "",
    "read_only": "A node can write its working directory",
    "command": "A program that it calls is not in",
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """A run as processes in which each node fails in its own way."""
    if not bubblewrap():
        pytest.skip("bubblewrap does not work here, so that /input is not there")
    folder = tmp_path_factory.mktemp("failures")
    (folder / "table.csv").write_text("a,b\n")
    prepare = "%%pipeline_node prepare\nimport os\nos.mkdir('deep')\nopen('deep/points.csv', 'w').close()"
    nodes = [f"%%pipeline_node {title} --after prepare\n{body}" for title, body in CELLS.items()]
    command = "%%pipeline_command command --after prepare\nno-such-program"
    alike = "%%pipeline_node alike --grid n=1,2,3\nraise ValueError('the same')"
    write(folder / "flow.ipynb", alike, prepare, *nodes, command)
    return run_dagbook(folder, "run", "flow.ipynb", "--executor", "process", "--json")


@pytest.fixture(scope="module")
def ended(failed: Said) -> Mapping[str, Any]:
    """The node runs by title."""
    return {one["node"]: one for one in failed.json["node_runs"]}


@pytest.mark.parametrize("title", HINTS)
def test_a_failure_is_followed_by_what_would_help_where_that_is_known(ended: Mapping[str, Any], title: str) -> None:
    assert ended[title]["state"] == "failed"
    assert HINTS[title] in ended[title]["hint"]
    assert bool(HINTS[title]) == bool(ended[title]["hint"])


def test_the_users_exception_stays_and_the_hint_stands_below_it_with_how_to_go_on(failed: Said) -> None:
    assert failed.code == 1
    told = failed.err
    for words in ("No module named 'sklearn_of_mine'", "hint:     sklearn_of_mine is not in", "dagbook resume "):
        assert words in told
    assert told.index("No module named") < told.index("hint:     sklearn_of_mine")


def test_runs_of_a_node_that_failed_alike_are_told_together(failed: Said) -> None:
    told = failed.err[failed.err.index("\n✕ ") :]
    assert told.count("raise ValueError('the same')") == 1
    assert "\n✕ alike [n=1] (" in told
    assert "\n  likewise: alike [n=2], alike [n=3]\n" in told


def job(*mounts: Mount, **more: Any) -> Job:
    """A job as far as advice looks at it."""
    runtime = Runtime("python:3.12-slim", "sha256:0")
    return Job("a", "a", "a", Kind.CELL, runtime, Path("record"), Path("output"), mounts=mounts, **more)


def raised(name: str, message: str, closed: bool = True, **more: Any) -> str:
    """The advice on an exception."""
    return advice(job(**more), Outcome(False, f"{name}: {message}", Failure(name, message)), closed)


@pytest.mark.parametrize(
    ("name", "message", "told"),
    [
        ("ModuleNotFoundError", "No module named 'sklearn.tree'", "--requirements scikit-learn"),
        ("ModuleNotFoundError", "No module named 'cv2'", "--requirements opencv-python-headless"),
        ("URLError", "<urlopen error [Errno -3] Temporary failure in name resolution>", "--network"),
        ("gaierror", "[Errno -2] Name or service not known", "--network"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/input/a/b'", "nothing under /input"),
        ("PermissionError", "[Errno 13] Permission denied: '/input/a/b.csv'", "read-only"),
        ("KeyError", "'DAGBOOK_TAG_LR'", "no variable DAGBOOK_TAG_LR"),
        ("KeyError", "'lr'", ""),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'elsewhere.csv'", ""),
        ("ValueError", "No module named 'x'", ""),
        ("ConnectionError", "the server said no", ""),
    ],
)
def test_advice_on_an_exception(name: str, message: str, told: str) -> None:
    found = raised(name, message)
    assert told in found
    assert bool(told) == bool(found)


def test_a_node_that_has_the_network_is_not_told_to_ask_for_it() -> None:
    assert raised("gaierror", "[Errno -2] Name or service not known", closed=False) == ""


def test_a_node_that_ran_out_of_memory_is_told_to_ask_for_more() -> None:
    ended = Outcome(False, "out of memory (limit 64 MiB) in cell 1", Failure("KernelEnded", "out of memory"))
    assert "--memory" in advice(job(), ended, True)
