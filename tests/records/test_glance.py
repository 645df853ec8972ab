"""Runs at a glance: which one goes on, what they wrote beside their notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.errors import Place, Problem
from dagbook.runner.core.lifecycle import RunChanged, RunState
from dagbook.runner.records.glance import kept_out, live_run, unheard
from dagbook.runner.records.processes import start_of
from dagbook.runner.records.store import Store

HERE: dict[str, Any] = {"host": os.uname().nodename, "pid": os.getpid(), "began": start_of(os.getpid())}
DEAD: dict[str, Any] = {**HERE, "pid": 2**22 + 1}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_latest_live_run_of_a_notebook_is_found_by_its_file(store: Store) -> None:
    store.add_run("demo", {"file": "/a.ipynb"}, HERE)
    second = store.add_run("demo", {"file": "/a.ipynb"}, HERE)
    store.add_run("demo", {"file": "/b.ipynb"}, HERE)
    store.add_run("demo", {"file": "/a.ipynb"}, DEAD)
    found = live_run(store, "other", Path("/a.ipynb"))
    assert found is not None
    assert found.id == second
    assert live_run(store, "demo", Path("/c.ipynb")) is None


def test_where_a_file_is_not_known_the_pipelines_name_tells(store: Store) -> None:
    run = store.add_run("demo", {"file": None}, HERE)
    for pipeline, file in (("demo", None), ("demo", Path("/a.ipynb")), (None, None)):
        found = live_run(store, pipeline, file)
        assert found is not None
        assert found.id == run
    assert live_run(store, "other", Path("/a.ipynb")) is None


def test_a_run_that_waits_for_somebody_lives_without_a_process_and_one_that_has_ended_does_not(store: Store) -> None:
    run = store.add_run("demo", {}, DEAD)
    assert live_run(store, "demo", None) is None
    store.append(run, 0, [RunChanged(RunState.PENDING_APPROVAL, "asks")])
    assert live_run(store, "demo", None) is not None
    store.append(run, 1, [RunChanged(RunState.CANCELLED, "done")])
    assert live_run(store, "demo", None) is None


def test_what_the_latest_runs_wrote_beside_their_notebooks_is_known(store: Store) -> None:
    for files in (["/old.ipynb"], ["/a.ipynb", "/b.xml"], [], ["/a.ipynb"]):
        store.add_run("demo", {"settings": {"keep_out": files}}, HERE)
    store.add_run("demo", {}, HERE)
    assert kept_out(store, most=4) == {"/a.ipynb", "/b.xml"}


def test_what_the_executor_lacks_is_told_once_and_again_when_it_is_another(store: Store) -> None:
    """The reason may hold numbers that differ each time; what one node asks for is told each time."""

    def lack(what: str, node: str | None = None) -> Problem:
        return Problem("W-EXECUTOR", what, place=Place(node=node))

    other = Problem("W-CODE-SIZE", "the folder is too large")
    first = [lack("no containers: no such host (port 4711)"), lack("no limits", "train"), other]
    assert unheard(store, first) == first
    run = store.add_run("demo", {"warnings": [one.as_json() for one in first]}, HERE)
    again = [lack("no containers: no such host (port 4712)"), *first[1:], lack("the network is open")]
    assert unheard(store, again) == again[1:]
    assert unheard(store, again, run) == again
    store.add_run("demo", {"warnings": []}, HERE)
    assert unheard(store, again) == again
