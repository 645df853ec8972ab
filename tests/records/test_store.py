"""The store: facts in order, whatever they hold; many readers, one writer; errors in words."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.errors import MachineError, PipelineError
from dagbook.runner.core.lifecycle import Changed, Created, Fact, Pictured, RunChanged, RunState, State, Tagged
from dagbook.runner.records.commands import leave_command, take_commands
from dagbook.runner.records.folding import fold, overtype
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.journal import Journal, Reading
from dagbook.runner.records.processes import alive
from dagbook.runner.records.schema import from_rows, to_row
from dagbook.runner.records.settling import settle
from dagbook.runner.records.store import Store

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
names = st.text("abc_", min_size=1, max_size=5)
facts = st.one_of(
    st.builds(
        Created,
        id=names,
        node=names,
        coordinates=st.lists(st.integers(1, 9), max_size=3).map(tuple),
        params=st.dictionaries(names, values, max_size=3),
        route=st.dictionaries(names, st.dictionaries(names, values, max_size=2), max_size=2),
        parents=st.dictionaries(names, names, max_size=2),
        gathered=st.dictionaries(names, st.lists(names, max_size=2).map(tuple), max_size=2),
    ),
    st.builds(Changed, id=names, state=st.sampled_from(State), attempt=st.integers(0, 9), reason=st.text(max_size=9)),
    st.builds(Tagged, id=names, name=st.text(max_size=9), value=values, step=st.none() | st.floats()),
    st.builds(Pictured, id=names, name=st.text(max_size=9), step=st.floats(allow_nan=False), file=names),
    st.builds(RunChanged, state=st.sampled_from(RunState), reason=st.text(max_size=9)),
)


def same(one: object, other: object) -> bool:
    """Equality under which NaN equals NaN."""
    return repr(one) == repr(other)


@given(facts)
def test_P4_every_fact_comes_back_from_its_row_as_it_was(fact: Fact) -> None:
    """Also NaN and infinities, which strict JSON cannot hold."""
    kind, body = to_row(fact)
    json.loads(body, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    (again,) = from_rows([kind], [body])
    assert same(again, fact)


def begun(store: Store) -> str:
    return store.add_run("demo", {"pipeline": {"nodes": []}}, {"host": "elsewhere", "pid": 1})


def test_facts_are_read_in_the_order_written_and_from_any_point_on(tmp_path: Path) -> None:
    store = Store(tmp_path / ".dagbook")
    run = begun(store)
    written: list[Fact] = [Created("a", "a", (), {"x": math.inf}, {}, {}), Changed("a", State.QUEUED)]
    assert store.append(run, 0, written) == 2
    assert store.append(run, 2, [RunChanged(RunState.SUCCEEDED)]) == 3
    assert [entry.fact for entry in store.facts(run)][:2] == written
    assert [entry.number for entry in store.facts(run, 2)] == [3]
    assert store.run(run).state is RunState.SUCCEEDED
    assert store.run(run).ended is not None


def test_a_run_is_found_by_its_beginning_and_by_latest_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / ".dagbook")
    first, second = begun(store), begun(store)
    assert store.run("latest").id == second
    assert store.run(first[:6]).id == first
    with pytest.raises(PipelineError, match="E-RUN-UNKNOWN"):
        store.run("zzzz")


def test_two_processes_may_write_their_runs_at_once(tmp_path: Path) -> None:
    stores = [Store(tmp_path / ".dagbook") for _ in range(4)]
    runs = [begun(store) for store in stores]

    def write(store: Store, run: str) -> None:
        last = 0
        for _ in range(25):
            last = store.append(run, last, [Changed("a", State.QUEUED)])

    threads = [threading.Thread(target=write, args=pair) for pair in zip(stores, runs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(stores[0].facts(run)) for run in runs] == [25] * 4


def test_a_command_is_taken_once(tmp_path: Path) -> None:
    store = Store(tmp_path / ".dagbook")
    run = begun(store)
    leave_command(store, run, "cancel", reason="a test")
    assert take_commands(store, run) == [("cancel", {"reason": "a test"})]
    assert take_commands(store, run) == []


def test_a_store_of_a_newer_dagbook_is_refused(tmp_path: Path) -> None:
    """Row P29."""
    store = Store(tmp_path / ".dagbook")
    store.close()
    with sqlite3.connect(store.database) as rows:
        rows.execute("update about set value = '99' where key = 'version'")
    with pytest.raises(MachineError, match="newer dagbook"):
        Store(tmp_path / ".dagbook")


def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    folder = tmp_path / ".dagbook"
    folder.mkdir()
    (folder / "dagbook.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(MachineError, match="cannot be used"):
        Store(folder)


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no store"):
        Store(tmp_path / ".dagbook", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_process_died_is_settled_attempts_in_flight_are_lost(tmp_path: Path) -> None:
    import os

    store = Store(tmp_path / ".dagbook")
    process = {"host": os.uname().nodename, "pid": 2**22 + 1, "began": "1"}
    assert not alive(process)
    run = store.add_run("demo", {"pipeline": {"nodes": []}}, process)
    story: list[Fact] = [RunChanged(RunState.RUNNING)]
    for name in ("a", "b"):
        story += [Created(name, name, (), {}, {}, {}), Changed(name, State.QUEUED)]
    story += [Changed("a", State.STARTING, 1), Changed("a", State.RUNNING, 1)]
    store.append(run, 0, story)
    assert settle(store, store.run(run))
    assert not settle(store, store.run(run))
    follower = Follower(store, run)
    follower.update()
    assert follower.over
    assert {id: one.run.state for id, one in follower.watched.items()} == {"a": State.LOST, "b": State.CANCELLED}


def test_P11_a_store_on_a_network_filesystem_keeps_its_database_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told from the mount table: write-ahead logging does not work over a network."""
    from dagbook.runner.records import places, store_folder

    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / {tmp_path}/far rw shared:1 - nfs4 host:/x rw\n")
    assert places.network_filesystem(tmp_path / "far" / ".dagbook", mounts) == "nfs4"
    assert places.network_filesystem(tmp_path / "near", mounts) is None
    monkeypatch.setattr(store_folder, "network_filesystem", lambda folder: places.network_filesystem(folder, mounts))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    opened = Store(tmp_path / "far" / ".dagbook")
    assert opened.database.is_relative_to(tmp_path / "state")
    assert opened.database.exists()
    assert not list((tmp_path / "far" / ".dagbook").glob("*.db*"))
    run = begun(opened)
    assert Store(tmp_path / "far" / ".dagbook", create=False).run(run).id == run


def test_mount_points_with_spaces_and_accents_are_read(tmp_path: Path) -> None:
    from dagbook.runner.records.places import network_filesystem

    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / {tmp_path}/Mes\\040données rw - nfs h:/x rw\n")
    assert network_filesystem(tmp_path / "Mes données" / "x", mounts) == "nfs"


def stream(text: str, name: str = "stdout") -> dict[str, object]:
    return {"output_type": "stream", "name": name, "text": text}


def test_a_journal_is_read_while_it_grows_and_half_a_line_waits(tmp_path: Path) -> None:
    journal, reading = Journal(tmp_path), Reading(tmp_path)
    assert list(reading.new()) == []
    journal.write(0, stream("one\n"))
    journal.flush()
    assert [message["text"] for message in reading.new()] == ["one\n"]
    with (tmp_path / "outputs.jsonl").open("a") as file:
        file.write('{"cell": 0, "output_')
        file.flush()
        assert list(reading.new()) == []
        file.write('type": "stream", "name": "stdout", "text": "two"}\n')
    assert [message["text"] for message in reading.new()] == ["two"]


def test_outputs_are_folded_as_a_notebook_shows_them() -> None:
    shown = {
        "output_type": "display_data",
        "data": {"text/plain": "1"},
        "metadata": {},
        "transient": {"display_id": "d"},
    }
    update = {"output_type": "update", "display_id": "d", "data": {"text/plain": "2"}, "metadata": {}}
    outputs = fold([stream("a"), stream("b"), stream("!", "stderr"), shown, update])
    assert [o.get("text") for o in outputs] == ["ab", "!", None]
    assert outputs[2]["data"] == {"text/plain": "2"}
    fold([{"output_type": "clear", "wait": True}], outputs)
    assert [o["output_type"] for o in outputs][-1] == "clear"
    fold([stream("new")], outputs)
    assert outputs == [stream("new")]


def test_a_progress_bar_shows_its_last_state() -> None:
    assert overtype("10%\r20%\r30%\ndone") == "30%\ndone"
    assert overtype("long text\rabc") == "abcg text"
    assert overtype("dos\r\nlines\r\n") == "dos\nlines\n"
