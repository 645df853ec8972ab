"""The machine's clock is set in the middle of a run, by hours, days and decades."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.faults.box import Box, run_id
from tests.faults.test_resume import command

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
NEEDS_FAKETIME = pytest.mark.skipif(LIBRARY is None, reason="Debian's faketime is not here: scripts/machine")
LONG = bool(os.environ.get("LONG_FAULTS"))
SHIFTS = ("+3600s", "-3600s", "-86400s", "@1970-01-02 00:00:00", "@2100-01-01 00:00:00")


@NEEDS_FAKETIME
@pytest.mark.parametrize("shift", SHIFTS if LONG else SHIFTS[2:4])
def test_F44_a_clock_that_is_set_makes_nothing_end_early_or_take_less_than_no_time(
    started: Started,
    dagbook: Dagbook,
    make_notebook: MakeNotebook,
    box: Box,
    monkeypatch: pytest.MonkeyPatch,
    shift: str,
) -> None:
    clock = box.path / "clock"
    clock.write_text("+0s\n")
    flow = make_notebook(
        command("a"), command("b", 'read word < "$BOX/gate"', "--after a --timeout 60"), command("c", "", "--after b")
    )
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(LIBRARY))
        patch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
        patch.setenv("FAKETIME_NO_CACHE", "1")
        patch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        child = started("run", flow, "--executor", "process")
    run = run_id(child)
    box.wait_for("b")
    clock.write_text(f"{shift}\n")
    box.open_gate()
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out
    shown = dagbook("show", run, "--json").json
    assert {one["id"]: one["state"] for one in shown["node_runs"]} == dict.fromkeys("abc", "succeeded")
    assert 0 <= shown["duration_s"] < 60
    assert all(0 <= one["duration_s"] < 60 for one in shown["node_runs"])
    (told,) = dagbook("runs", "--json").json
    assert 0 <= told["duration_s"] < 60
    store = Store(flow.parent / ".dagbook", create=False)
    times = [entry.at for entry in store.facts(run)]
    assert times == sorted(times)
    assert list(audit(store)) == []
    store.close()


@NEEDS_FAKETIME
def test_F44_a_run_whose_clock_was_set_back_before_it_was_resumed_takes_no_negative_time(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = make_notebook(command("a"), command("b", 'test -e "$BOX/ok"', "--after a"))
    assert dagbook("run", flow, "--executor", "process").code == 1
    box.put("ok")
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(LIBRARY))
        patch.setenv("FAKETIME", "-1d")
        patch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        child = started("resume", "latest")
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0, out
    assert dagbook("show", "--json").json["duration_s"] >= 0
    assert dagbook("runs", "--json").json[0]["duration_s"] >= 0
    assert all(one["duration_s"] >= 0 for one in dagbook("show", "--json").json["node_runs"])
    assert list(audit(Store(flow.parent / ".dagbook", create=False))) == []
