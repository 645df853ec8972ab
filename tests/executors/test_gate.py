"""Attempts that are started ahead: ready at a gate, told there what to run, gone without a trace when they are not
needed."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dagbook.runner.executors.contract import Job, Mount, Outcome
from dagbook.runner.executors.gate import Gate, NotHeld, late_variables, may_be_late
from tests.executors.conftest import Bench, containers, record, until

SECONDS = 60


class AtGate:
    """One attempt at its gate, and the events that it tells."""

    def __init__(self, bench: Bench, job: Job) -> None:
        self.mounted, self.ready = threading.Event(), threading.Event()
        self.gate = Gate(self.mounted.set, self.ready.set)
        bench.reports.clear()
        self.attempt = asyncio.ensure_future(bench.executor.run(job, bench.report, self.gate))

    async def wait_until_ready(self) -> None:
        """Return when its kernel answers."""
        assert await asyncio.to_thread(self.ready.wait, SECONDS)


@asynccontextmanager
async def at_gate(bench: Bench, job: Job) -> AsyncIterator[AtGate]:
    """An attempt that is ready; ended at the end, if it has not."""
    held = AtGate(bench, job)
    try:
        await held.wait_until_ready()
        yield held
    finally:
        held.attempt.cancel()
        await asyncio.wait([held.attempt], timeout=SECONDS)


def through(bench: Bench, expected: Job, decided: Job, meanwhile: object = None) -> Outcome:
    """Start `expected` ahead, do something meanwhile, then let `decided` be run."""

    async def scenario() -> Outcome:
        async with at_gate(bench, expected) as held:
            assert not bench.reports, "nobody is told of what has not begun"
            if callable(meanwhile):
                meanwhile()
            held.gate.open(decided, bench.report)
            return await asyncio.wait_for(held.attempt, SECONDS)

    return asyncio.run(scenario())


def test_what_is_decided_at_the_gate_is_what_runs(bench: Bench) -> None:
    """Notebook and parameters are those of the job that was decided, and so are the variables that tell of others."""
    cells = ("x = 0", "import os\nprint(x, os.environ.get('DAGBOOK_A_SIZE'), os.environ.get('DAGBOOK_B_SIZE'))")
    expected = bench.job(*cells, tags={0: "parameters"}, environment={"DAGBOOK_B_SIZE": "gone", "KEPT": "1"})
    variables = {"DAGBOOK_A_SIZE": 'it\'s "7"\nlines', "KEPT": "1"}
    decided = replace(expected, parameters={"x": 5}, environment=variables)
    outcome = through(bench, expected, decided)
    assert outcome.ok, outcome.reason
    assert bench.text() == '5 it\'s "7"\nlines None\n'
    assert outcome.started_after < outcome.ended_after + SECONDS


def test_being_told_variables_leaves_nothing_in_the_namespace_and_reaches_what_the_node_starts(bench: Bench) -> None:
    names = "print(sorted(n for n in dir() if not n.startswith('_') and n not in ('In', 'Out', 'exit', 'quit',"
    cell = f"{names} 'get_ipython', 'open')), len(In))\n!echo $DAGBOOK_LATE"
    expected = bench.job(cell)
    assert through(bench, expected, replace(expected, environment={"DAGBOOK_LATE": "told"})).ok
    assert bench.text().replace("\r", "") == "[] 2\ntold\n"
    assert record(expected).cells[0].execution_count == 1


def test_nothing_of_the_users_runs_before_the_gate(bench: Bench) -> None:
    """Not the notebook, and not a sitecustomize of the project, which Python would import by itself."""
    source = bench.folder / "code"
    source.mkdir()
    (source / "sitecustomize.py").write_text("import os; open(os.environ['DAGBOOK_OUTPUT'] + '/early', 'w')")
    (source / "ours.py").write_text("answer = 42")
    code = Mount(source, "/code", variable="PYTHONPATH")
    job = bench.job("import ours; open('late', 'w'); print(ours.answer)", mounts=(code,))
    seen: list[Path] = []
    assert through(bench, job, job, lambda: seen.extend(job.output.iterdir())).ok
    assert seen == []
    assert [path.name for path in job.output.iterdir()] == ["late"]
    assert bench.text() == "42\n"


def test_a_folder_that_is_filled_and_renamed_meanwhile_is_what_the_node_reads(bench: Bench) -> None:
    """What was an output folder when the attempt was started is an artifact when its node run begins."""
    before = bench.input("before")
    artifact = bench.folder / "artifact"

    def publish() -> None:
        (before.source / "table").write_text("rows")
        before.source.rename(artifact)

    expected = bench.job("import os; print(open(os.environ['INPUT_BEFORE'] + '/table').read())", mounts=(before,))
    decided = replace(expected, mounts=(replace(before, source=artifact),))
    assert through(bench, expected, decided, publish).ok
    assert bench.text() == "rows\n"


@pytest.mark.container
def test_a_command_waits_in_its_container_and_is_told_variables_too(docker: Bench) -> None:
    script = "echo $DAGBOOK_LATE; echo ${DAGBOOK_GONE-unset}; touch made"
    expected = docker.job(script=script, environment={"DAGBOOK_GONE": "there"})
    decided = replace(expected, environment={"DAGBOOK_LATE": 'it\'s "told" $HOME'})
    seen: list[Path] = []
    outcome = through(docker, expected, decided, lambda: seen.extend(job_files(expected)))
    assert outcome.ok, outcome.reason
    assert seen == []
    assert docker.text() == 'it\'s "told" $HOME\nunset\n'
    assert [path.name for path in job_files(expected)] == ["made"]


def job_files(job: Job) -> list[Path]:
    """What its output holds now."""
    return list(job.output.iterdir())


@pytest.mark.container
def test_a_command_that_is_not_needed_has_not_run(docker: Bench) -> None:
    job = docker.job(script="touch made")

    async def scenario() -> None:
        async with at_gate(docker, job):
            pass

    asyncio.run(scenario())
    assert job_files(job) == []


def test_an_attempt_that_is_not_needed_leaves_nothing(bench: Bench) -> None:
    job = bench.job("open('made', 'w')")

    async def scenario() -> None:
        async with at_gate(bench, job):
            pass

    asyncio.run(scenario())
    assert list(job.output.iterdir()) == []
    assert not job.record.exists()
    assert not bench.reports
    if bench.executor.name == "docker":
        until(lambda: not containers(f"dagbook={bench.store}"))


def processes_of(job: Job, word: bytes = b"") -> list[int]:
    """The processes of this machine that have the job's variables, and this word on their command line."""
    mark = f"MARK={job.id}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_bytes().split(b"\0") and word in (environ.parent / "cmdline").read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def test_a_kernel_that_dies_at_the_gate_is_told_as_not_held(bench: Bench) -> None:
    """Nothing was run: the node run can be started as if nothing had been held."""
    job = bench.job("1")
    job = replace(job, environment={"MARK": job.id})
    # A namespace ends with its first process; without one there is only the kernel to wait for.
    whole = b"" if getattr(bench.executor, "sandbox", True) else b"kernel.py"

    async def scenario() -> None:
        async with at_gate(bench, job) as held:
            ends = [os.pidfd_open(pid) for pid in processes_of(job, whole)]
            for pid in processes_of(job, b"kernel.py"):
                os.kill(pid, signal.SIGKILL)
            for end in ends:
                assert await asyncio.to_thread(select.select, [end], [], [], SECONDS) == ([end], [], [])
                os.close(end)
            held.gate.open(job, bench.report)
            with pytest.raises(NotHeld):
                await asyncio.wait_for(held.attempt, SECONDS)
            assert not held.gate.passed

    asyncio.run(scenario())
    assert not bench.reports


def test_a_kernel_that_does_not_start_is_told_as_not_held(bench: Bench) -> None:
    job = bench.job("1")
    job = replace(job, runtime=replace(job.runtime, launch=("false",), language="other"))

    async def scenario() -> None:
        held = AtGate(bench, job)
        with pytest.raises(NotHeld):
            await asyncio.wait_for(held.attempt, SECONDS)

    asyncio.run(scenario())


def test_what_may_be_told_late_are_the_variables_that_only_dagbook_sets() -> None:
    late = late_variables({"A": "1", "DAGBOOK_X": "1", "INPUT_Y": "2"}, {"A": "1", "DAGBOOK_X": "2", "CNVRG_Z": "3"})
    assert late == {"INPUT_Y": None, "CNVRG_Z": "3", "DAGBOOK_X": "2"}
    assert may_be_late(late)
    assert not may_be_late(late_variables({"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2"}))
