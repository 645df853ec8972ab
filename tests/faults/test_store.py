"""A store that others have in their hands: it is locked, copied, read for long, used by many at once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from dagbook.runner.core.lifecycle import State
from dagbook.runner.doctor.store_part import LONG_LOG
from dagbook.runner.records.database import LONGEST_LOG, log_of
from dagbook.runner.records.processes import alive
from dagbook.runner.records.store import Store
from dagbook.runner.records.store_folder import StoreBusy
from tests.audited import assert_mendable
from tests.conftest import MakeNotebook, Said, read_until
from tests.faults.box import LONG, Box, follow, run_id, wait_for_state

pytestmark = pytest.mark.fault
Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

PROCESS = ("--executor", "process")
GATED = '%%pipeline_command a\necho a > "$BOX/seen"\nread word < "$BOX/gate"\necho 1 > one.txt'
AFTER = "%%pipeline_command b --after a\ncat /input/a/one.txt"
HELD_SECONDS = 90 if LONG else 2  # twice as long as a command waits, and longer than the event loop does


@contextmanager
def held(store: Path) -> Iterator[sqlite3.Connection]:
    """Another program has the database for itself."""
    with closing(sqlite3.connect(store / "dagbook.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin exclusive")
        yield other
        if other.in_transaction:
            other.execute("rollback")


def begun(started: Started, make_notebook: MakeNotebook, box: Box) -> tuple[subprocess.Popen[str], str, Path]:
    """A run whose first node waits at the gate: its process, its id, its store."""
    flow = make_notebook(GATED, AFTER)
    child = started("run", flow, *PROCESS)
    run = run_id(child)
    box.wait_for("a")
    return child, run, flow.parent / ".dagbook"


def end_by_ctrl_c(child: subprocess.Popen[str]) -> None:
    """Press it until the process ends: the second one that it hears ends it at once."""
    for _ in range(60):
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            assert child.wait(1) == 130
            return
    raise AssertionError("it does not hear Ctrl-C")


def test_F37_a_run_waits_for_a_program_that_holds_the_database_and_is_looked_at_meanwhile(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    child, run, store = begun(started, make_notebook, box)
    with held(store) as other:
        box.open_gate()
        told = read_until(child, "fuser")
        assert "database is locked" in told
        for look in (("runs",), ("show", run), ("logs", run)):
            assert dagbook(*look).code == 0
        threading.Timer(HELD_SECONDS, other.execute, ["rollback"]).start()
        rest = child.communicate(timeout=60 + HELD_SECONDS)[0]
    assert child.returncode == 0, told + rest
    assert [one["state"] for one in dagbook("show", run, "--json").json["node_runs"]] == ["succeeded"] * 2


def test_F37_ctrl_c_is_heard_while_another_program_holds_the_database(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    child, run, store = begun(started, make_notebook, box)
    with held(store):
        box.open_gate()
        read_until(child, "fuser")
        end_by_ctrl_c(child)
    assert box.wait_until_empty(unborn=True) == []
    box.open_gate()
    said = dagbook("resume", run, "--json")
    assert said.code == 0, said.err


def test_F37_F9_a_run_that_is_to_end_does_so_while_another_program_holds_the_database(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """On one SIGTERM, as a machine that shuts down sends it; the end is recorded by whoever looks next."""
    child, run, store = begun(started, make_notebook, box)
    with held(store):
        box.open_gate()
        read_until(child, "fuser")
        child.terminate()
        told = child.communicate(timeout=15)[0]
    assert child.returncode == 5, told
    assert "database is locked" in told
    assert box.wait_until_empty(unborn=True) == []
    assert dagbook("show", run, "--json").json["state"] == "failed"
    box.open_gate()
    assert dagbook("resume", run).code == 0


def test_F37_a_command_that_cannot_write_says_who_is_in_the_way(
    make_notebook: MakeNotebook, dagbook: Dagbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = make_notebook("%%pipeline_command a\ntrue")
    assert dagbook("run", flow, *PROCESS).code == 0
    place = flow.parent / ".dagbook"
    with closing(Store(place, create=False)) as store, held(place), pytest.raises(StoreBusy) as caught:
        store.append(store.latest()[0].id, 0, [], patience=0.01)
    assert "database is locked" in str(caught.value)
    assert f"fuser {place / 'dagbook.db'}" in str(caught.value)


def test_F42_of_many_that_run_the_same_at_once_all_agree(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    flow = make_notebook("%%pipeline_command a\ndate +%N > one.txt", AFTER)
    children = [started("run", flow, *PROCESS, "-q") for _ in range(20 if LONG else 5)]
    for child in children:
        said = child.communicate(timeout=120)[0]
        assert child.returncode == 0, said
    last = dagbook("run", flow, *PROCESS, "--json", "-q").json
    assert {one["state"] for one in last["node_runs"]} == {"cached"}


def test_F38_a_copy_that_was_made_while_a_run_went_on_is_told_as_broken_off_and_mended(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, tmp_path: Path
) -> None:
    """As a backup program makes it: file by file, with the log beside the database."""
    child, run, store = begun(started, make_notebook, box)
    copy = tmp_path / "copy"
    shutil.copytree(store, copy, symlinks=True)
    box.open_gate()
    assert child.wait(60) == 0
    with closing(Store(copy, create=False)) as copied:
        assert not alive(copied.find(run).process)
    assert_mendable(copy)


def test_F39_a_reader_that_never_ends_keeps_nobody_from_writing(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_command a --grid n=1,2,3,4,5,6\ntrue")
    assert dagbook("run", flow, *PROCESS).code == 0
    database = flow.parent / ".dagbook" / "dagbook.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("begin")
        before = reader.execute("select count(*) from facts").fetchone()
        assert dagbook("run", flow, *PROCESS, "--no-cache").code == 0
        assert reader.execute("select count(*) from facts").fetchone() == before
        reader.execute("commit")
        assert reader.execute("select count(*) from facts").fetchone() > before


def test_F39_the_log_that_a_reader_made_long_is_told_and_short_again_once_the_reader_is_gone(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    """Commits that change the same rows again and again, more than a log may hold for good; then one more."""
    flow = make_notebook("%%pipeline_command a\ntrue")
    assert dagbook("run", flow, *PROCESS).code == 0
    with closing(Store(flow.parent / ".dagbook", create=False)) as store:
        log = log_of(store.database)
        with closing(sqlite3.connect(store.database, isolation_level=None)) as reader:
            reader.execute("begin")
            reader.execute("select count(*) from facts").fetchone()
            while log.stat().st_size <= LONG_LOG:
                with store.writing() as rows:
                    rows.execute("create table if not exists filling (text)")
                    rows.execute("delete from filling")
                    rows.execute("insert into filling values (zeroblob(8388608))")
            told = dagbook("doctor", "--json", flow).json
            (found,) = [one for one in told["findings"] if one["facts"].get("log_bytes")]
            assert f"fuser {store.database}" in found["fix"]
        with store.writing() as rows:
            rows.execute("drop table filling")
        with store.writing() as rows:  # the first one after the log was taken over into the database begins it anew
            rows.execute("create table filling (text)")
            rows.execute("drop table filling")
        assert log.stat().st_size <= LONGEST_LOG


def test_F11_P8_a_run_whose_process_is_stopped_is_not_taken_over(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """It does not answer, and yet it lives: continued, it comes to its end."""
    child, run, store = begun(started, make_notebook, box)
    os.kill(child.pid, signal.SIGSTOP)
    refused = dagbook("resume", run)
    assert refused.code == 2, refused
    os.kill(child.pid, signal.SIGCONT)
    box.open_gate()
    child.communicate(timeout=60)
    assert child.returncode == 0
    wait_for_state(follow(store, run), "b", State.SUCCEEDED)
