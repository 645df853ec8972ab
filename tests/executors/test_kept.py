"""A failed node's kernel that stays: on every executor, after its run process, until somebody ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.executors import kept as kept_module
from dagbook.runner.executors.attached import Attached
from dagbook.runner.executors.contract import Job, Mount, Outcome
from dagbook.runner.executors.handshake import KernelGone
from dagbook.runner.executors.kept import Kept
from dagbook.runner.records.processes import start_of

from .conftest import BASE, Bench, containers, until

FAILING = "x = 41\nopen('left.txt', 'w').write('left')\nraise ValueError('no')"


@pytest.fixture
def ended() -> Iterator[list[Kept]]:
    """What a test has kept; all of it is ended after the test, whatever came of it."""
    found: list[Kept] = []
    yield found
    for one in found:
        assert one.end()


@pytest.fixture
def keep(bench: Bench, ended: list[Kept]) -> Callable[..., tuple[Kept, Outcome]]:
    """Runs a cell that fails, and gives what is kept of it."""

    def run(cell: str = FAILING, **given: Any) -> tuple[Kept, Outcome]:
        outcome = bench.run(bench.job(cell, keep_failed=True, **given))
        assert outcome.kept is not None, outcome
        ended.append(Kept.of(json.loads(json.dumps(outcome.kept))))
        return ended[-1], outcome

    return run


Keep = Callable[..., tuple[Kept, Outcome]]


def said(kept: Kept, code: str) -> str:
    """What `code` prints in the kept kernel; its error's name when it raises."""
    shown: list[str] = []

    def show(kind: str, content: Mapping[str, Any]) -> None:
        shown.append(str(content.get("text") or content.get("ename")))

    with Attached(kept) as attached:
        attached.execute(code, show)
    return "".join(shown)


def test_a_failed_nodes_kernel_stays_with_the_state_of_the_failing_cell(keep: Keep) -> None:
    kept, outcome = keep()
    assert not outcome.ok
    assert outcome.reason == "ValueError: no"
    assert kept.lives
    assert said(kept, "print(x + 1)") == "42\n"
    assert said(kept, "y = x + 2") == ""
    assert said(kept, "print(y, open('left.txt').read())") == "43 left\n"
    assert said(kept, "1 / 0") == "ZeroDivisionError"


def test_inputs_stay_mounted_and_read_only(enclosed: Bench, ended: list[Kept], tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "a.txt").write_text("a")
    job = enclosed.job(FAILING, keep_failed=True, mounts=(Mount(given, "/input/a", variable="INPUT_A"),))
    outcome = enclosed.run(job)
    assert outcome.kept
    ended.append(Kept.of(outcome.kept))
    assert said(ended[0], "print(open('/input/a/a.txt').read())") == "a\n"
    assert said(ended[0], "open('/input/a/b.txt', 'w')") == "OSError"
    assert said(ended[0], "import os; print(os.getcwd())") == "/output\n"


def test_its_end_leaves_nothing_and_the_next_client_is_told(keep: Keep, bench: Bench) -> None:
    kept, _ = keep()
    assert kept.end()
    assert not kept.lives
    assert not Path(kept.rundir).exists()
    assert containers(f"dagbook={bench.store}") == []
    assert kept.end()
    with pytest.raises(KernelGone):
        Attached(kept)


def test_a_kernel_that_ends_by_itself_takes_everything_with_it(keep: Keep, bench: Bench) -> None:
    kept, _ = keep()
    exit = kept.follow()
    with Attached(kept) as attached, pytest.raises(KernelGone):
        attached.execute("import os; os._exit(3)", lambda kind, content: None)
    assert exit.wait(30)
    exit.close()
    assert not Path(kept.rundir).exists()
    assert containers(f"dagbook={bench.store}") == []


@pytest.mark.fault
def test_a_killed_keeper_ends_the_kernel_and_leaves_only_what_the_next_run_removes(keep: Keep, bench: Bench) -> None:
    """Without the keeper the lifeline is cut, whatever the kernel does; the run directory is a leftover then."""
    kept, _ = keep()
    running = said(kept, "import os; print(os.getpid())")
    assert running
    os.kill(int(kept.keeper["pid"]), signal.SIGKILL)
    until(lambda: not kept.lives)
    until(lambda: containers(f"dagbook={bench.store}") == [])
    until(lambda: not processes_of(kept))
    remove_leftovers(bench)
    assert not Path(kept.rundir).exists()


def processes_of(kept: Kept) -> list[str]:
    """Processes of this machine that have the run directory in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if kept.rundir in words and "keeper" not in words:
            found.append(words)
    return found


def remove_leftovers(bench: Bench) -> Any:
    """As a later run of the store does."""
    return bench.executor.remove_leftovers(bench.store, list)  # type: ignore[attr-defined]


def test_what_is_kept_is_no_leftover(keep: Keep, bench: Bench) -> None:
    """Also when its run is over: the keeper holds it."""
    kept, _ = keep()
    assert remove_leftovers(bench) == []
    assert said(kept, "print(x)") == "41\n"


def test_nothing_stays_where_nobody_asked_for_it(bench: Bench) -> None:
    outcome = bench.run(bench.job(FAILING))
    assert outcome.kept is None
    until(lambda: containers(f"dagbook={bench.store}") == [])


@pytest.mark.parametrize(
    "cell", ["x = 1", "import os; os._exit(3)", "quit()"], ids=["success", "death of the kernel", "quit"]
)
def test_only_a_raised_exception_keeps(bench: Bench, cell: str) -> None:
    outcome = bench.run(bench.job(cell, keep_failed=True))
    assert outcome.kept is None
    assert outcome.ok is (cell == "x = 1")
    until(lambda: containers(f"dagbook={bench.store}") == [])


def test_a_cancelled_node_is_not_kept(bench: Bench) -> None:
    begun = threading.Event()
    job = bench.job("print('begun', flush=True)\nimport time\ntime.sleep(600)", keep_failed=True)

    async def cancel_when_it_runs() -> None:
        task = asyncio.create_task(bench.executor.run(job, lambda report: begun.set()))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(cancel_when_it_runs(), 60))
    until(lambda: containers(f"dagbook={bench.store}") == [])


def test_its_time_is_limited(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = {**(kept_module.hand_over.__kwdefaults__ or {}), "limit": 0.2}
    monkeypatch.setattr(kept_module.hand_over, "__kwdefaults__", limited)
    kept, _ = keep()
    exit = kept.follow()
    assert exit.wait(30)
    exit.close()
    assert not Path(kept.rundir).exists()


def test_a_keeper_that_cannot_be_started_keeps_nothing_and_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = bench.job(FAILING, keep_failed=True)
    monkeypatch.setattr("dagbook.runner.executors.kept.child_environment", lambda: {"PYTHONHOME": "/nowhere"})
    outcome = bench.run(job)
    assert outcome.kept is None
    assert outcome.reason == "ValueError: no"
    assert any("could not be kept" in warning for warning in outcome.warnings)
    until(lambda: containers(f"dagbook={bench.store}") == [])


def test_an_interrupt_reaches_code_that_runs(keep: Keep) -> None:
    kept, _ = keep()
    shown: list[str] = []
    with Attached(kept) as attached, Attached(kept) as other:

        def show(kind: str, content: Mapping[str, Any]) -> None:
            shown.append(str(content.get("text") or content.get("ename")))
            if "".join(shown) == "on\n":  # in one piece or in two
                other.interrupt()

        assert not attached.execute("print('on', flush=True)\nwhile True: pass", show)
    assert "".join(shown) == "on\nKeyboardInterrupt"
    assert said(kept, "print(x)") == "41\n"


def test_a_cell_that_asks_is_answered(keep: Keep) -> None:
    """`%debug` and `input` work where somebody is there to answer."""
    kept, _ = keep()
    shown: list[str] = []
    with Attached(kept) as attached:
        assert attached.execute("print(input('name? '))", lambda kind, c: shown.append(c["text"]), lambda p, _: p + "!")
        assert not attached.execute("input('name? ')", lambda kind, content: None)
    assert shown == ["name? !\n"]


def test_completeness_is_the_kernels_own(keep: Keep) -> None:
    kept, _ = keep()
    with Attached(kept) as attached:
        assert attached.completeness("for i in range(3):") == "incomplete"
        assert attached.completeness("x") == "complete"


@pytest.mark.container
def test_over_tcp_too(docker: Bench, ended: list[Kept]) -> None:
    """Where unix sockets do not cross, the container's standard input is its lifeline; the keeper has that too."""
    from dagbook.runner.executors.docker import DockerExecutor

    if not docker.executor.client.networks(names=["bridge"]):  # type: ignore[attr-defined]
        pytest.skip("this engine has no bridge: no TCP ports to publish")
    bench = Bench(DockerExecutor(default_image=BASE, transport="tcp"), docker.folder, docker.store)
    outcome = bench.run(bench.job(FAILING, keep_failed=True))
    assert outcome.kept, outcome
    ended.append(Kept.of(outcome.kept))
    asyncio.run(bench.executor.close())
    assert said(ended[0], "print(x + 1)") == "42\n"
    os.kill(int(ended[0].keeper["pid"]), signal.SIGKILL)
    until(lambda: containers(f"dagbook={docker.store}") == [])
    remove_leftovers(docker)


def test_the_run_process_ends_while_the_kernel_stays(
    bench: Bench, ended: list[Kept], request: pytest.FixtureRequest
) -> None:
    """Its pipes are let go of, too: who waits for the end of its output does not wait for the kernel."""
    name = request.node.callspec.params["bench"]
    job = bench.job(FAILING)
    script = (
        "import asyncio, json, sys\nfrom dataclasses import asdict\n"
        "from tests.executors.one_job import executor_of\nfrom tests.executors.test_kept import job_from\n"
        "async def main():\n"
        "    executor = executor_of(sys.argv[1], sys.argv[2])\n"
        "    job = job_from(sys.argv[3], executor)\n"
        "    outcome = await executor.run(job, lambda report: None)\n"
        "    await executor.close()\n"
        "    print(json.dumps(asdict(outcome)['kept']))\n"
        "asyncio.run(main())\n"
    )
    told = json.dumps({"id": job.id, "labels": dict(job.labels), "folder": str(job.record.parent)})
    command = [sys.executable, "-c", script, name, BASE, told]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    ended.append(Kept.of(json.loads(done.stdout.splitlines()[-1])))
    assert start_of(int(ended[0].keeper["pid"])) == ended[0].keeper["began"]
    assert said(ended[0], "print(x + 1)") == "42\n"


def job_from(told: str, executor: Any) -> Job:
    """The job of the test, in a process of its own."""
    asked = json.loads(told)
    bench = Bench(executor, Path(asked["folder"]), "")
    made = bench.job(FAILING, keep_failed=True)
    return replace(made, id=asked["id"], labels=asked["labels"])
