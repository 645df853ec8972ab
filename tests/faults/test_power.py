"""The power fails: what had not reached the disk is lost, in the middle of a run.

A copy of the image of the store's disk, made in the middle of a run, is what a power cut would have left. It is
mounted, its journal is replayed, and the run goes on in it: what is wrong can be mended, results are right, nothing is
empty that a result names.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.audit import Invariant, audit
from dagbook.runner.core.lifecycle import Changed, State
from dagbook.runner.records.artifacts import publish
from dagbook.runner.records.content import LARGE
from dagbook.runner.records.run_rows import SNAPSHOT
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.conftest import MakeNotebook, Said, read_until
from tests.faults.box import Box, follow
from tests.faults.disks import Disk, disk_for
from tests.faults.test_resume import command, facts_of, fate_of_test, starts

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

PROCESS = ("--executor", "process", "--code", "none")
GATE = '[ ! -p "$BOX/gate" ] || read word < "$BOX/gate"\n'
FLOW = (
    command("first", f"{GATE}head -c 100000 /dev/zero | tr '\\0' a > a.txt\nmkdir b\necho b > b/b.txt"),
    "%%pipeline_node second --after first\nimport os\nwith open(os.environ['BOX'] + '/seen', 'w') as seen:\n"
    "    print('second', file=seen)\nopen('s.txt', 'w').write('s')",
    command("third", f"{GATE}cat /input/first/b/b.txt /input/second/s.txt > t.txt", "--after first second"),
    command("last", f"{GATE}cat /input/first/a.txt /input/third/t.txt > l.txt", "--after first third"),
)
CUTS = 40 if os.environ.get("LONG_FAULTS") else 2


@pytest.fixture
def disk(box: Box) -> Iterator[Disk]:
    """The disk of the store, which loses its power."""
    with disk_for(box.path, "disk") as made:
        yield made


def flush(store: Path) -> None:
    """What the system may do at any time, and does last with what matters most: the database reaches the disk.

    With it all names and renames do that were made until then, but no bytes of other files.
    """
    for name in ("dagbook.db", "dagbook.db-wal"):
        descriptor = os.open(store / name, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def stop_at_once(run: subprocess.Popen[str], box: Box) -> None:
    """As the power does."""
    run.kill()
    run.communicate()
    assert box.wait_until_empty() == []


def lose_power(disk: Disk, store: Path, run: subprocess.Popen[str], box: Box) -> None:
    """The database reaches the disk, then the power fails; then it is there again."""
    run.send_signal(signal.SIGSTOP)
    flush(store)
    image = disk.copied(disk.image.with_suffix(".cut"))
    stop_at_once(run, box)
    disk.exchange(image)


@pytest.mark.parametrize("node", ["first", "third", "last"])
def test_F35_P2_P6_after_a_power_cut_a_run_goes_on_with_what_it_had(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk, node: str
) -> None:
    """The power fails while `node` waits; what was told to have finished before has, and does not run again."""
    store = disk.path / "store"
    before = ("first", "second", "third", "last")[: ("first", "third", "last").index(node) + (node != "first")]
    child = started("run", make_notebook(*FLOW), *PROCESS, "--store", store)
    run = read_until(child, " of ").splitlines()[-1].split()[1]
    for one in ("first", "third", "last")[: ("first", "third", "last").index(node)]:
        box.wait_for(one)
        box.open_gate()
    box.wait_for(node)
    lose_power(disk, store, child, box)
    goes_on(dagbook, box, store, run, before)


@pytest.mark.parametrize("cut", range(CUTS))
def test_F35_a_power_cut_at_a_random_moment_loses_nothing_that_was_recorded(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk, cut: int
) -> None:
    store, facts = disk.path / "store", fate_of_test().randrange(1, 24)
    child = started("run", make_notebook(*FLOW), *PROCESS, "--store", store)
    run = read_until(child, " of ").splitlines()[-1].split()[1]
    box.open_gate(2)
    wait_for_facts(store, run, facts)
    lose_power(disk, store, child, box)
    recorded = [one for one in facts_of(store, run) if isinstance(one, Changed) and one.state is State.SUCCEEDED]
    goes_on(dagbook, box, store, run, tuple(one.id for one in recorded))


def test_F35_a_run_with_project_files_goes_on_after_a_power_cut(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, disk: Disk
) -> None:
    """It needs them as they were when it began."""
    store, flow = disk.path / "store", make_notebook(*FLOW)
    (flow.parent / "inner").mkdir()
    (flow.parent / "inner" / "helper.py").write_text("WORD = 'b'")
    child = started("run", flow, "--executor", "process", "--store", store)
    run = read_until(child, " of ").splitlines()[-1].split()[1]
    box.wait_for("first")
    lose_power(disk, store, child, box)
    assert (store / "runs" / run / SNAPSHOT).read_bytes() == flow.read_bytes()
    goes_on(dagbook, box, store, run, ())


@pytest.mark.parametrize(("files", "size"), [(1, 1000), (40, 1000), (1200, 100), (1, LARGE + 1)])
def test_F35_P2_a_published_artifact_is_on_the_disk_however_many_files_it_has(
    disk: Disk, files: int, size: int
) -> None:
    output = disk.path / "output"
    (output / "inner").mkdir(parents=True)
    for number in range(files):
        (output / "inner" / str(number)).write_bytes(b"a" * size)
    home = publish(output, disk.path / "artifacts").path
    disk.exchange(disk.copied(disk.image.with_suffix(".cut")))
    assert verify(home, anew=True) == ""


def wait_for_facts(store: Path, run: str, facts: int) -> None:
    """Wait until so many are recorded, or the last node waits."""
    follower, seen = follow(store, run), 0
    while seen < facts:
        follower.update()
        seen += len(follower.entries)
        if any(one.node == "last" and one.state is State.RUNNING for one in follower.so_far.node_runs.values()):
            break
        follower.wait()
    follower.close()
    follower.store.close()


def goes_on(dagbook: Dagbook, box: Box, store: Path, run: str, done: tuple[str, ...]) -> None:
    """The store of a machine that lost its power is mended, and its run comes to its end."""
    found = list(audit(Store(store, create=False)))
    assert all(one.mend for one in found), found
    assert [one for one in found if one.invariant is Invariant.RESULTS] == []
    assert dagbook("doctor", "--store", store, "--repair").code in (0, 1)
    begun = box.begun()
    box.open_gate(3)
    said = dagbook("resume", run, "--store", store, "--json")
    assert said.code == 0, said.out + said.err
    again = box.begun() - begun
    assert {node: again[node] for node in done} == dict.fromkeys(done, 0)
    left = {one["node"]: Path(one["artifact"]) for one in said.json["node_runs"]}
    assert (left["first"] / "a.txt").read_text() == "a" * 100_000
    assert (left["last"] / "l.txt").read_text() == "a" * 100_000 + "b\ns"
    starts(facts_of(store, run))
    assert list(audit(Store(store, create=False))) == []
