"""The sweep: at every step of a run its process is killed, or the disk fails once or is full; then the run goes on.

After each: what is wrong with the store can be mended, resuming ends well, no finished node has run again, results are
right, and the auditor finds nothing. Each step is tried with a kill and with one fault of the disk; LONG_FAULTS=1 tries
every fault at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.records.failpoints import FAILPOINTS, MODES, VARIABLE
from dagbook.runner.records.store import Store
from tests.conftest import Said, run_dagbook, write_notebook
from tests.faults.box import LONG, Box
from tests.faults.test_resume import facts_of, starts

pytestmark = pytest.mark.fault

OF_CONTAINERS = [name for name in FAILPOINTS if name.startswith("container.")]
OF_RECOVERY = ["leftovers.remove", "run.settle", "run.claim", "run.claimed"]
OF_NOTICES = ["notice.sent"]  # in test_notices
OF_RUNS = [name for name in FAILPOINTS if name not in (*OF_CONTAINERS, *OF_RECOVERY, *OF_NOTICES)]
OF_CELLS = ["attempt.source", "kernel.ready"]
OF_BEGINNINGS = ["run.listed", "run.snapshot"]
OF_RESUMED_RUNS = [name for name in OF_RUNS if name not in (*OF_CELLS, *OF_BEGINNINGS)]  # with a command left to run

COMMAND = "%%pipeline_command first\nhead -c 10000 /dev/zero | tr '\\0' a > a.txt"
CELL = "%%pipeline_node first\nopen('a.txt', 'w').write('a' * 10_000)"
SECOND = "%%pipeline_command second --after first\ncat /input/first/a.txt > b.txt"


def faults(names: Sequence[str]) -> list[tuple[str, str]]:
    """What is done at which step."""
    if LONG:
        return [(name, mode) for name in names for mode in MODES]
    disk = {name: ("error", "full")[FAILPOINTS.index(name) % 2] for name in names}
    return [(name, mode) for name in names for mode in ("kill", disk[name])]


class Project:
    """Two nodes, the second of which hands on what the first wrote."""

    def __init__(self, folder: Path, executor: str, first: str) -> None:
        self.folder = folder
        self.store = folder / ".dagbook"
        self.executor = executor
        write_notebook(folder / "flow.ipynb", first, SECOND)

    def say(self, *words: str, at: str = "") -> Said:
        """What a command says whose process has that failpoint armed."""
        return run_dagbook(self.folder, *words, env={VARIABLE: at, "DAGBOOK_EXECUTOR": self.executor})

    def break_off(self, *words: str, name: str, fault: str) -> None:
        """A command comes to the failpoint, and its process ends there, or tells decently that something failed."""
        said = self.say(*words, at=f"{name}:{fault}")
        assert "Traceback" not in said.out + said.err, said.err
        assert (said.code == -9) == (fault == "kill"), f"{name} was not come to: {said}"
        if fault != "kill":
            assert said.code in (0, 1, 5), said
            assert said.code == 0 or f"failpoint {name}" in said.out + said.err, said
        if self.begun():
            found = list(audit(Store(self.store, create=False)))
            assert all(one.mend for one in found), found

    def begun(self) -> bool:
        """Whether there is a run in the store."""
        return (self.store / "dagbook.db").exists() and bool(Store(self.store, create=False).latest())

    def goes_on(self) -> None:
        """What was begun comes to a good end, by resuming where there is something to resume; nothing is left over."""
        words = ("resume", "latest") if self.begun() else ("run", "flow.ipynb")
        if self.begun() and Store(self.store, create=False).latest()[0].state is RunState.SUCCEEDED:
            self.say("runs")  # nothing is left to go on with: looking takes away what its process left
        said = self.say(*words, "--json")
        assert said.code == 0, said.err
        assert said.json["state"] == "succeeded"
        left = {one["node"]: Path(one["artifact"]) for one in said.json["node_runs"]}
        assert (left["first"] / "a.txt").read_text() == "a" * 10_000
        assert (left["second"] / "b.txt").read_text() == "a" * 10_000
        starts(facts_of(self.store, said.json["run"]))
        assert list(audit(Store(self.store, create=False))) == []


@pytest.fixture
def folder(tmp_path: Path, box: Box) -> Path:
    """The project's folder; sockets and run directories are in the box."""
    return tmp_path / "project"


@pytest.mark.parametrize(("name", "fault"), faults(OF_RUNS))
def test_P1_P2_P3_a_run_that_was_broken_off_at_any_step_goes_on(folder: Path, box: Box, name: str, fault: str) -> None:
    project = Project(folder, "process", CELL if name in OF_CELLS else COMMAND)
    project.break_off("run", "flow.ipynb", name=name, fault=fault)
    assert box.wait_until_empty() == []
    project.goes_on()
    assert list(box.runtime.iterdir()) == []


@pytest.mark.container
@pytest.mark.parametrize(("name", "fault"), faults(OF_CONTAINERS))
def test_F1_F2_a_run_that_was_broken_off_around_a_container_goes_on(folder: Path, name: str, fault: str) -> None:
    project = Project(folder, "docker", COMMAND)
    project.break_off("run", "flow.ipynb", name=name, fault=fault)
    project.goes_on()


@pytest.mark.parametrize(("name", "fault"), faults([*OF_RECOVERY, *(OF_RESUMED_RUNS if LONG else ())]))
def test_F8_recovery_that_is_broken_off_itself_recovers(folder: Path, box: Box, name: str, fault: str) -> None:
    """A run is killed with its first node done; resuming it is broken off, too."""
    project = Project(folder, "process", COMMAND)
    project.break_off("run", "flow.ipynb", name="result.keep", fault="kill")
    project.break_off("resume", "latest", name=name, fault=fault)
    project.goes_on()
    assert list(box.runtime.iterdir()) == []
