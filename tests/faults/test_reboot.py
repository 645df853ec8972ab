"""The machine starts anew in the middle of a run: its processes and sockets are gone, and their numbers are others'."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.processes import start_of
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.faults.box import Box, run_id
from tests.faults.test_resume import command, facts_of, starts

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]


def give_number_to_another(store: Path, run: str) -> dict[str, Any]:
    """Another process has the number of the run's, and even began at the same time, but after another start."""
    with sqlite3.connect(store / "dagbook.db") as rows:
        (text,) = rows.execute("select process from runs where id = ?", (run,)).fetchone()
        process: dict[str, Any] = json.loads(text)
        now = {**process, "pid": os.getpid(), "began": start_of(os.getpid()), "boot": "another"}
        rows.execute("update runs set process = ? where id = ?", (json.dumps(now), run))
    return process


def test_F8_P1_after_a_restart_of_the_machine_a_run_is_over_and_goes_on_when_asked(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(command("a"), command("b", 'read word < "$BOX/gate"', "--after a"))
    store = flow.parent / ".dagbook"
    child = started("run", flow, "--executor", "process")
    run = run_id(child)
    box.wait_for("b")
    child.kill()
    child.communicate()
    assert box.wait_until_empty(unborn=True) == []
    for left in box.runtime.iterdir():
        shutil.rmtree(left)
    assert give_number_to_another(store, run)["boot"]
    (told,) = dagbook("runs", "--json").json
    assert told["state"] == "failed"
    assert "the machine stopped" in told["reason"]
    box.open_gate()
    said = dagbook("resume", run, "--json")
    assert said.code == 0, said.err
    assert box.begun() == {"a": 1, "b": 2}
    starts(facts_of(store, run))
    assert list(audit(Store(store, create=False))) == []
    assert list(box.runtime.iterdir()) == []
