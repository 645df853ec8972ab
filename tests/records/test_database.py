"""The database under those who use it, and under what may happen to it meanwhile."""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from dagbook.runner.core.errors import MachineError, PipelineError
from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.records.cache import Cache, key_of
from dagbook.runner.records.commands import leave_command, take_commands
from dagbook.runner.records.schema import INDICES, TABLES, is_made
from dagbook.runner.records.settling import settle_all
from dagbook.runner.records.store import Store

NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def read_whole(folder: Path, run: str) -> None:
    again = Store(folder, create=False)
    again.facts(again.run(run).id)


def damage(store: Store) -> None:
    """Write over the file's inside, as a failing disk does."""
    store.close()
    with store.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (store.database.stat().st_size - 4096))


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda store: shutil.rmtree(store.folder), id="deleted"),
        pytest.param(lambda store: os.replace(shutil.copy(store.database, "copy"), store.database), id="replaced"),
        pytest.param(damage, id="damaged"),
    ],
)
def test_a_database_that_is_gone_or_damaged_while_it_is_open_is_told_in_words(
    store: Store, happens: Callable[[Store], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store.add_run("demo", {}, {})
    happens(store)
    with pytest.raises(MachineError, match="E-STORE"):
        store.add_run("demo", {}, {})
    with pytest.raises(MachineError, match="E-STORE"):
        store.runs()


@pytest.mark.parametrize(
    "sign",
    [
        "update about set value = 'abc' where key = 'version'",
        "update runs set state = 'dreaming'",
        "update runs set process = 'no JSON'",
        "insert into facts values ('{run}', 1, 0, 'sung', '{{}}')",
        "insert into facts values ('{run}', 1, 0, 'changed', '{{}}')",
        "insert into facts values ('{run}', 1, 0, 'created', '[]')",
    ],
)
def test_a_store_that_makes_no_sense_is_told_in_words(store: Store, sign: str) -> None:
    run = store.add_run("demo", {}, {})
    with store.writing() as rows:
        rows.execute(sign.format(run=run))
    with pytest.raises(MachineError, match="E-STORE"):
        read_whole(store.folder, run)


def look(folder: Path, user: int | None, answer: Connection) -> None:
    """Read a store as another user."""
    if user is not None:
        os.setuid(user)
    found = Store(folder, create=False)
    pipelines = [row.pipeline for row in found.runs()]
    try:
        found.add_run("other", {}, {})
    except MachineError as error:
        answer.send((pipelines, str(error)))


@pytest.mark.parametrize("lacks", [(), ("runs_that_go_on", "cache_of_node")], ids=["whole", "older"])
def test_who_may_not_write_a_store_may_look_at_it(store: Store, lacks: Sequence[str]) -> None:
    """Also at one that an older dagbook has made, with fewer indices."""
    store.add_run("demo", {}, {})
    with store.writing() as rows:
        for index in lacks:
            rows.execute(f"drop index {index}")
    store.close()
    root = os.geteuid() == 0
    made = itertools.takewhile(lambda one: one != Path(tempfile.gettempdir()), store.folder.parents)
    for parent in made if root else ():
        parent.chmod(parent.stat().st_mode | 0o011)  # to be passed through
    store.folder.chmod(0o555)
    store.database.chmod(0o444)
    here, there = multiprocessing.Pipe()
    # Forked: another user need not be able to read this interpreter's files.
    child = multiprocessing.get_context("fork").Process(
        target=look, args=(store.folder, NOBODY if root else None, there)
    )
    child.start()
    there.close()
    pipelines, refused = here.recv()
    child.join(60)
    assert pipelines == ["demo"]
    assert "E-STORE" in refused


def test_a_run_that_is_asked_for_in_no_letters_of_an_id_is_unknown(store: Store) -> None:
    for wanted in ("\udcff", "é", ""):
        with pytest.raises(PipelineError, match="E-RUN-UNKNOWN"):
            store.run(wanted)


def test_no_look_at_runs_and_results_reads_a_table_whole(store: Store) -> None:
    """However much there is in a store, what was asked for is found by an index."""
    run = store.add_run("demo", {}, {"pid": 0})
    said: list[str] = []
    with store.reading() as rows:
        rows.set_trace_callback(said.append)  # the next transactions take the same connection again
    settle_all(store)
    for look in (store.latest, store.runs, lambda: store.latest(5, "demo"), store.live_runs, lambda: store.facts(run)):
        look()
    assert store.find(run[:5]).id == store.run("latest").id == run
    cache = Cache(store)
    assert cache.find(key_of({"code": "1"})) is None
    assert cache.why_not(key_of({"code": "1"}), "demo", "a", "a#1")
    asked = [line for line in said if line.startswith("select")]
    assert len(asked) >= 12
    with store.reading() as rows:
        rows.set_trace_callback(None)
        for line in asked:
            steps = [row["detail"] for row in rows.execute(f"explain query plan {line}")]
            assert not [step for step in steps if "SCAN" in step and "USING INDEX" not in step], (line, steps)


def test_an_older_store_gets_the_indices_that_it_lacks(store: Store) -> None:
    with store.writing() as rows:
        rows.execute("drop index runs_that_go_on")
    store.close()
    with contextlib.closing(Store(store.folder)) as again, again.reading() as rows:
        assert rows.execute("select 1 from sqlite_master where name = 'runs_that_go_on'").fetchone()


# What stores had before: each line the tables that came then, with all indices.
SCHEMAS = (
    ("cache", "decisions", "repos", "branches", "commits", "queries"),
    ("repos", "branches", "commits", "queries"),
    (),
)
KILLED = """
import os, signal, sys
from pathlib import Path
from dagbook.runner.records import schema
from dagbook.runner.records.store import Store

class Killing(dict):
    def items(self):
        for number, item in enumerate(super().items()):
            if number == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
            yield item

setattr(schema, sys.argv[3], Killing(getattr(schema, sys.argv[3])))
Store(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("lacks", SCHEMAS, ids=["before the cache", "before datasets", "before the last indices"])
def test_P29_a_store_whose_change_to_a_later_form_was_killed_at_any_step_is_changed_by_the_next(
    store: Store, lacks: tuple[str, ...]
) -> None:
    run = store.add_run("demo", {"pipeline": {"nodes": []}}, {})
    with store.writing() as rows:
        for table in lacks:
            rows.execute(f"drop table {table}")
        for index in INDICES:
            rows.execute(f"drop index if exists {index}")
        before = rows.execute("select count(*) from sqlite_master").fetchone()[0]
    store.close()
    steps = [("TABLES", n) for n in (0, len(TABLES) - 1)] + [("INDICES", n) for n in (0, 3, len(INDICES) - 1)]
    for which, step in steps:
        words = [sys.executable, "-c", KILLED, str(store.folder), str(step), which]
        assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
        with contextlib.closing(sqlite3.connect(store.database)) as looked:
            assert looked.execute("select count(*) from sqlite_master").fetchone()[0] == before  # all or nothing
    with contextlib.closing(Store(store.folder)) as again, again.reading() as rows:
        assert is_made(rows)
        assert again.find(run).id == run
        assert rows.execute("pragma integrity_check").fetchone()[0] == "ok"


def test_a_list_of_runs_does_not_read_their_records(store: Store) -> None:
    """One of 10,000 nodes has a record of megabytes."""
    run = store.add_run("demo", {}, {})
    with store.writing() as rows:
        rows.execute("update runs set record = 'no JSON'")
    assert [row.id for row in (*store.latest(), *store.live_runs(), store.find(run[:7]))] == [run] * 3
    with pytest.raises(MachineError, match="E-STORE"):
        store.run(run)


def test_many_threads_write_and_take_at_once_and_each_command_is_taken_once(store: Store) -> None:
    runs = [store.add_run(f"p{number}", {}, {}) for number in range(4)]
    together = threading.Barrier(32)

    def write(number: int) -> int:
        together.wait(60)
        for _ in range(5):
            leave_command(store, runs[number % 4], "cancel", number=number)
        return len(take_commands(store, runs[number % 4]))

    with ThreadPoolExecutor(32) as threads:
        taken = sum(threads.map(write, range(32)))
    assert taken + sum(len(take_commands(store, run)) for run in runs) == 160
    assert len(store.runs()) == 4


def test_what_a_transaction_did_before_it_failed_is_undone(store: Store) -> None:
    run = store.add_run("demo", {}, {})

    def stop_halfway() -> None:
        with store.writing() as rows:
            rows.execute("update runs set state = ?", (RunState.FAILED,))
            rows.execute("insert into runs select * from runs")

    with pytest.raises(sqlite3.IntegrityError):
        stop_halfway()
    assert store.run(run).state is RunState.RUNNING


def test_a_store_that_nobody_has_any_more_has_no_file_open(tmp_path: Path) -> None:
    """At once, and not when Python comes to collect what refers to itself, as a connection and its statements do."""
    place = tmp_path / "store"
    keeps_a_lock = Store(place)  # SQLite closes no file while another connection of the process may have a lock on it
    gc.disable()
    try:
        counts = []
        for _ in range(5):
            Store(place).latest()
            counts.append(len(os.listdir("/dev/fd")))
    finally:
        gc.enable()
    assert len(set(counts[1:])) == 1
    keeps_a_lock.close()
