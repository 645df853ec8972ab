"""Disks that are really full, out of inodes, or turned read-only: small file systems of the test's own.

The run ends with the cause, which names the file system; what is in the store can be looked at all the while; and when
there is room again, the run goes on, and what had finished does not run again.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.core.lifecycle import RunChanged, RunState
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK, MakeNotebook, Said, read_until
from tests.faults.box import Box
from tests.faults.disks import Disk, disk_for
from tests.faults.test_resume import command, facts_of, starts

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

PROCESS = ("--executor", "process", "--code", "none")
FIRST = command("first", "echo 1 > one.txt")
LAST = command("last", "cat /input/*/*.txt > all.txt", "--after first middle")


def middle(script: str) -> str:
    """The node in whose time the disk fails; it waits for the test."""
    return command("middle", f'read word < "$BOX/gate"\n{script}', "--after first")


@pytest.fixture
def disk(box: Box) -> Iterator[Disk]:
    """A disk with a short path: those of sockets cannot be long."""
    with disk_for(box.path, "disk") as made:
        yield made


def can_be_looked_at(dagbook: Dagbook, store: Path) -> None:
    """All commands that only look say what they know, and none takes the store for damaged."""
    for words in (("runs",), ("show",), ("logs",), ("show", "--json"), ("runs", "--json"), ("doctor",)):
        said = dagbook(*words, "--store", store)
        assert "Traceback" not in said.out + said.err, said
        assert said.code in (0, 1) if words == ("doctor",) else said.code == 0, (words, said)
        if words == ("doctor",):
            assert "SQLite finds nothing wrong with it" in said.out, said
            assert "recover" not in said.out
    (listed,) = dagbook("runs", "--json", "--store", store).json
    assert listed["state"] == "failed"
    assert dagbook("show", "--json", "--store", store).json["state"] == "failed"


def goes_on(dagbook: Dagbook, box: Box, store: Path, run: str) -> None:
    """With room again it comes to its end; nothing that had finished has run again, and nothing is left over."""
    done = {one["id"] for one in dagbook("show", "--json", "--store", store).json["node_runs"] if one["artifact"]}
    before = box.begun()
    box.open_gate()
    said = dagbook("resume", run, "--store", store, "--json")
    assert said.code == 0, said.out + said.err
    assert {one["id"]: one["state"] for one in said.json["node_runs"]} == dict.fromkeys(
        ("first", "middle", "last"), "succeeded"
    )
    begun = box.begun()
    assert done
    assert {id: begun[id] - before[id] for id in done} == dict.fromkeys(done, 0)
    (last,) = [one for one in said.json["node_runs"] if one["id"] == "last"]
    assert (Path(last["artifact"]) / "all.txt").read_text() == "1\n2\n"
    starts(facts_of(store, run))
    assert list(audit(Store(store, create=False))) == []
    assert box.wait_until_empty() == []


def begun(started: Started, box: Box, flow: Path, store: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """A run whose second node waits for the test; gives its process and its id."""
    child = started("run", flow, *PROCESS, *words, "--store", store)
    run = read_until(child, "Run ").splitlines()[-1].split()[1]
    box.wait_for("middle")
    return child, run


SMALL = "echo 2 > two.txt"


def test_F32_a_node_that_fills_the_disk_with_its_output_fails_with_the_cause(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk
) -> None:
    store = disk.path / "store"
    flow = make_notebook(
        FIRST, middle('[ -e "$BOX/ok" ] || head -c 60000000 /dev/zero > big.bin || exit 1\necho 2 > two.txt'), LAST
    )
    child, run = begun(started, box, flow, store)
    box.open_gate()
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 1, out
    assert f"the file system at {disk.path} is full" in out
    can_be_looked_at(dagbook, store)
    assert "No space left on device" in dagbook("logs", "--store", store).out
    (failed,) = [one for one in dagbook("show", "--json", "--store", store).json["node_runs"] if one["id"] == "middle"]
    assert failed["state"] == "failed"
    for left in (store / "runs").rglob("big.bin"):
        left.unlink()
    box.put("ok")
    goes_on(dagbook, box, store, run)


@pytest.mark.parametrize("leave", [0, 3 * 4096, 40_000])
def test_F32_P12_a_disk_that_is_full_when_a_result_is_stored_is_named(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk, leave: int
) -> None:
    store = disk.path / "store"
    flow = make_notebook(FIRST, middle(SMALL), LAST)
    child, run = begun(started, box, flow, store)
    (store / "dagbook.db-reserve").unlink()  # with it this run would come to its end
    disk.fill(leave)
    box.open_gate()
    out, _ = child.communicate(timeout=60)
    assert child.returncode in (1, 5), out
    assert f"the file system at {disk.path} is full" in out
    assert "Traceback" not in out
    can_be_looked_at(dagbook, store)
    refused = dagbook("resume", run, "--store", store)
    assert refused.code in (1, 5)
    assert f"the file system at {disk.path} is full" in refused.out + refused.err
    disk.empty()
    goes_on(dagbook, box, store, run)


def test_F32_a_full_disk_has_room_left_for_how_a_run_ended(disk: Disk) -> None:
    """Room of its own, that the store has set aside."""
    with contextlib.closing(Store(disk.path / "store")) as store:
        run = store.add_run("flow", {"pipeline": {}}, {})
        store.set_room_aside()
        disk.fill()
        last = 0
        for number in range(20):
            last = store.append(run, last, [RunChanged(RunState.RUNNING, f"{number}{'x' * 2000}")])
        store.append(run, last, [RunChanged(RunState.FAILED, "the disk is full")])
        assert store.run(run).reason == "the disk is full"
        assert not (store.folder / "dagbook.db-reserve").exists()


def test_F33_a_disk_without_inodes_is_named(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    with disk_for(box.path, "disk", inodes=200) as disk:
        store = disk.path / "store"
        flow = make_notebook(FIRST, middle(SMALL), LAST)
        child, run = begun(started, box, flow, store)
        disk.fill_inodes()
        box.open_gate()
        out, _ = child.communicate(timeout=60)
        assert child.returncode in (1, 5), out
        assert f"the file system at {disk.path} can hold no more files" in out
        can_be_looked_at(dagbook, store)
        refused = dagbook("resume", run, "--store", store)
        assert f"the file system at {disk.path} can hold no more files" in refused.out + refused.err
        disk.empty()
        goes_on(dagbook, box, store, run)


def test_F33_a_disk_that_turns_read_only_ends_the_run_with_the_cause(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk
) -> None:
    store = disk.path / "store"
    flow = make_notebook(FIRST, middle(SMALL), LAST)
    child, run = begun(started, box, flow, store)
    disk.break_down()
    box.open_gate()
    out, _ = child.communicate(timeout=60)
    assert child.returncode in (1, 5), out
    assert f"the file system at {disk.path} is read-only" in out
    can_be_looked_at(dagbook, store)
    refused = dagbook("resume", run, "--store", store)
    assert f"the file system at {disk.path} is read-only" in refused.out + refused.err
    disk.repair()
    goes_on(dagbook, box, store, run)


def test_F33_a_run_killed_before_its_disk_was_mounted_read_only_is_told_to_be_over(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk
) -> None:
    store = disk.path / "store"
    flow = make_notebook(FIRST, middle(SMALL), LAST)
    child, run = begun(started, box, flow, store)
    child.kill()
    child.communicate()
    assert box.wait_until_empty() == []
    disk.make_read_only()
    can_be_looked_at(dagbook, store)
    assert "the run's process ended without a word" in dagbook("show", "--store", store).out
    assert "this cannot be recorded now" in dagbook("runs", "--store", store).out
    assert dagbook("logs", "-f", "--store", store).code == 0
    disk.make_writable()
    goes_on(dagbook, box, store, run)


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
def test_F32_a_full_disk_of_sockets_is_told_apart_from_that_of_the_store(
    dagbook: Dagbook, make_notebook: MakeNotebook, disk: Disk, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(disk.path))
    flow = make_notebook("%%pipeline_node one\nopen('two.txt', 'w').write('2')")
    disk.fill()
    disk.fill_inodes()
    said = dagbook("run", flow, "--executor", executor)
    assert "Traceback" not in said.out + said.err, said
    assert said.code == 1, said
    assert f"the file system at {disk.path} is full" in said.out
    assert "Docker" not in said.out
    disk.empty()
    assert dagbook("resume", "latest").code == 0


def test_F32_a_full_disk_of_temporary_files_hinders_no_run(
    dagbook: Dagbook, make_notebook: MakeNotebook, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(disk.path))
    flow = make_notebook("%%pipeline_node one\nopen('two.txt', 'w').write('2')")
    disk.fill()
    disk.fill_inodes()
    assert dagbook("run", flow, *PROCESS).code == 0


CELLS_AT_ONCE = "%%pipeline_node a --grid n=1,2,3,4,5,6,7,8\nopen('n', 'w').write(str(n))"
COUNTS = "%%pipeline_command b --gather a\ncat /input/a/*/n | tr -d '\\n' >all"


def run_within(limit: str, flow: Path) -> subprocess.CompletedProcess[str]:
    """What comes of a run under this `ulimit`."""
    words = f"ulimit {limit}; exec {DAGBOOK} run {flow} --executor process --jobs 8"
    return subprocess.run(["bash", "-c", words], cwd=flow.parent, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("limit", ["-n 64", "-n 127"])
def test_F36_a_run_that_may_open_too_few_files_does_not_begin(
    make_notebook: MakeNotebook, dagbook: Dagbook, limit: str
) -> None:
    flow = make_notebook(CELLS_AT_ONCE, COUNTS)
    done = run_within(limit, flow)
    assert done.returncode == 5, done.stderr
    assert f"E-OPEN-FILES: this process may have {limit[3:]} files open at once, and a run needs 128" in done.stderr
    assert "Raise that limit: ulimit -n 128" in done.stderr
    assert "W-OPEN-FILES" not in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert dagbook("runs", "--json").json == []


@pytest.mark.parametrize(("limit", "told"), [("-S -n 64", ""), ("-n 128", "1 of 8"), ("-n 200", "4 of 8")])
def test_F36_a_limit_of_open_files_is_raised_where_it_may_be_and_else_fewer_nodes_run_at_once(
    make_notebook: MakeNotebook, dagbook: Dagbook, limit: str, told: str
) -> None:
    flow = make_notebook(CELLS_AT_ONCE, COUNTS)
    done = run_within(limit, flow)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("W-OPEN-FILES" in done.stderr) == bool(told)
    assert f"{told} nodes run at once" in done.stderr or not told
    again = dagbook("run", flow, "--executor", "process", "--json")
    assert again.code == 0, again.err
    (counted,) = [one for one in again.json["node_runs"] if one["node"] == "b"]
    assert (Path(counted["artifact"]) / "all").read_text() == "12345678"
