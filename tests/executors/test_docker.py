"""What only containers do: hardening, limits, deaths from outside, and a run process that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import Mount, Outcome
from dagbook.runner.executors.docker import DockerExecutor
from dagbook.runner.executors.rundir import RunDir

from .conftest import BASE, Bench, containers, record, until

pytestmark = pytest.mark.container
MIB = 2**20
OtherUser = Callable[[str, str], tuple[dict[str, Any], Path]]
Driver = Callable[..., "subprocess.Popen[str]"]


def inspect(identity: str) -> dict[str, Any]:
    """What the engine knows of a container."""
    out = subprocess.run(["docker", "inspect", identity], capture_output=True, text=True, check=True).stdout
    return dict(json.loads(out)[0])


async def printed(bench: Bench, task: asyncio.Future[Outcome]) -> None:
    """Return when the node has printed something."""
    while not bench.text() and not task.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def during(bench: Bench, cell: str, act: Callable[[str], None], **given: Any) -> Outcome:
    """Run `cell`, which prints when it is there, and `act` on its container then."""
    bench.reports.clear()
    task = asyncio.ensure_future(bench.executor.run(bench.job(cell, **given), bench.report))
    await printed(bench, task)
    [container] = containers(f"dagbook={bench.store}")
    await asyncio.to_thread(act, container)
    return await asyncio.wait_for(task, 30)


WAIT = "import time; print('there', flush=True); time.sleep(600)"


STUCK = """
import signal, re, time
for number in (2, 15): signal.signal(number, signal.SIG_IGN)
print('x', flush=True); time.sleep(0.5)
re.match('(a+)+$', 'a' * 60 + 'b')
"""


def test_T10_F23_a_container_has_what_it_needs_and_nothing_else(docker: Bench) -> None:
    """The golden picture of a node's container. Its name is the engine's, so that none can be taken."""
    seen: dict[str, Any] = {}
    mount = docker.input(file="x")
    given: dict[str, Any] = {"mounts": (mount,), "memory": 512 * MIB, "cpus": 0.5, "environment": {"A": "b"}}

    def look(container: str) -> None:
        seen.update(inspect(container))
        docker_do("kill", container)

    asyncio.run(during(docker, WAIT, look, **given))
    host, config = seen["HostConfig"], seen["Config"]
    assert not any(word in seen["Name"] for word in (docker.store, "run1", "node", "dagbook"))
    golden = {
        "NetworkMode": "none", "ReadonlyRootfs": True, "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"],
        "Privileged": False, "IpcMode": "private", "ShmSize": 256 * MIB, "Memory": 512 * MIB, "MemorySwap": 512 * MIB,
        "NanoCpus": 500_000_000, "PidsLimit": 4096, "Init": True, "AutoRemove": True, "Binds": None, "PidMode": "",
        "LogConfig": {"Type": "none", "Config": {}}, "PublishAllPorts": False, "UsernsMode": "", "CapAdd": None,
        "Tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={512 * MIB}"},
    }  # fmt: skip
    assert {key: host[key] for key in golden} == golden
    assert not host["Devices"]
    assert not host["PortBindings"]
    assert config["NetworkDisabled"] is True
    assert config["User"] == f"{os.getuid()}:{os.getgid()}"
    assert config["WorkingDir"] == "/output"
    assert config["Labels"]["dagbook"] == docker.store
    assert config["Labels"]["dagbook.run"] == "run1"
    assert {"A=b", "HOME=/tmp/home", "INPUT_BEFORE=/input/before", "DAGBOOK_OUTPUT=/output"} <= set(config["Env"])
    assert {m["Destination"]: m["RW"] for m in seen["Mounts"]} == {
        "/dag": True, "/dag/lib/dagbook.py": False, "/dag/stand_ins": False, "/output": True, "/input/before": False,
    }  # fmt: skip


def docker_do(*arguments: str) -> None:
    """Something done from outside."""
    subprocess.run(["docker", *arguments], capture_output=True, check=True)


def test_T10_the_inside_is_hardened(docker: Bench) -> None:
    """What a node tries in vain, and what it may: its home, /tmp (also to run programs), shared memory."""
    cell = """
import os, subprocess, socket, multiprocessing, shutil, getpass
def refused(attempt):
    try: attempt()
    except OSError: return True
print(all(map(refused, [
    lambda: open('/etc/x', 'w'), lambda: open('/dag/lib/dagbook.py', 'w'), lambda: os.mknod('/tmp/n', 0o60666, 1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1), lambda: os.chroot('/tmp'),
    lambda: socket.sethostname('x'),
])))
shutil.copy('/bin/true', '/tmp/true'); subprocess.run(['/tmp/true'], check=True)
open(os.path.expanduser('~/file'), 'w').write('x')
multiprocessing.Queue().put(1); multiprocessing.Array('i', 5)
print(os.path.expanduser('~'), getpass.getuser() != '', open('/proc/1/comm').read().strip())
print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', 'NoNewPrivs', 'Seccomp:'))])
"""
    outcome = docker.run(docker.job(cell))
    assert outcome.ok, outcome.reason
    assert docker.text() == "True\n/tmp/home True docker-init\n['0000000000000000', '1', '2']\n"


@pytest.mark.fault
def test_memory_that_runs_out_is_named(docker: Bench) -> None:
    """The reason names the limit; the output so far is kept."""
    job = docker.job("print('before')", "x = b'x' * (1 << 30)", memory=256 * MIB)
    outcome = docker.run(job)
    assert outcome.reason == "out of memory (limit 256 MiB) in cell 2"
    assert not outcome.lost
    assert record(job).cells[0].outputs[0].text == "before\n"


@pytest.mark.fault
def test_a_child_that_runs_out_of_memory_is_named_too(docker: Bench) -> None:
    """F14, P5. The kernel survives; why its child did not is told with the failure."""
    cell = """
import subprocess, sys
child = "open('/proc/self/oom_score_adj', 'w').write('1000'); x = b'x' * (1 << 30)"
done = subprocess.run([sys.executable, '-c', child])
raise RuntimeError(f'the child ended with {done.returncode}')
"""
    outcome = docker.run(docker.job(cell, memory=256 * MIB))
    assert outcome.reason.startswith("RuntimeError: the child ended with -9")
    assert "out of memory (limit 256 MiB)" in outcome.reason


@pytest.mark.fault
def test_a_kernel_killed_in_its_container_is_noticed(docker: Bench) -> None:
    """`docker exec kill -9`: cause, notebook kept, container gone."""

    def kill(container: str) -> None:
        kernel = "[ $p != /proc/$$ ] && grep -q kernel.py $p/cmdline"
        find = f"for p in /proc/[0-9]*; do {kernel} && kill -9 ${{p#/proc/}}; done"
        subprocess.run(["docker", "exec", container, "sh", "-c", find], capture_output=True, check=False)

    before = time.monotonic()
    outcome = asyncio.run(during(docker, WAIT, kill))
    assert time.monotonic() - before < 10
    assert outcome.reason == "the kernel was killed by signal 9 (SIGKILL) in cell 1"
    assert not outcome.lost


@pytest.mark.fault
@pytest.mark.parametrize("act", [("kill",), ("rm", "-f"), ("stop", "-t", "1")])
def test_F21_a_container_taken_away_is_lost(docker: Bench, act: tuple[str, ...]) -> None:
    """Somebody else's doing: trying again makes sense."""
    outcome = asyncio.run(during(docker, WAIT, lambda container: docker_do(*act, container)))
    assert not outcome.ok
    assert outcome.lost
    assert "outside" in outcome.reason


@pytest.mark.fault
def test_P20_cancelling_leaves_nothing(docker: Bench) -> None:
    """At any moment of its life, a cancelled node run is gone at once, paused or not."""

    async def cancel(delay: float, **given: Any) -> None:
        job = docker.job(*([] if given else [WAIT]), **given)
        task = asyncio.ensure_future(docker.executor.run(job, docker.report))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 15)

    async def all_of_them() -> None:
        for delay in (0, 0.003, 0.01, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8):
            await cancel(delay)
            await cancel(delay, script="sleep 600")

    asyncio.run(all_of_them())
    until(lambda: not containers(f"dagbook={docker.store}"), 15)


@pytest.mark.fault
@pytest.mark.parametrize("cell", [WAIT, STUCK])
def test_P20_F19_F22_cancelling_a_stuck_or_paused_kernel(docker: Bench, cell: str) -> None:
    """A kernel in C code that hears no signal, and a container that is paused."""

    async def cancelled(pause: bool) -> None:
        docker.reports.clear()
        job = docker.job(cell)
        task = asyncio.ensure_future(docker.executor.run(job, docker.report))
        await printed(docker, task)
        await asyncio.sleep(0.6)
        if pause:
            docker_do("pause", *containers(f"dagbook={docker.store}"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 15)
        until(lambda: not containers(f"dagbook={docker.store}"), 15)
        assert record(job).cells[0].outputs[0].text.strip() in ("x", "there")

    asyncio.run(cancelled(False))
    asyncio.run(cancelled(True))


@pytest.mark.fault
@pytest.mark.parametrize(
    "cell",
    ["import time; time.sleep(600)", "import re; re.match('(a+)+$', 'a' * 60 + 'b')"],
    ids=["asleep", "holding the interpreter's lock"],
)
@pytest.mark.parametrize("where", ["docker", "sandbox", "plain"])
def test_P7_a_killed_run_process_leaves_nothing(
    driver: Driver, docker: Bench, folder: Path, where: str, cell: str
) -> None:
    """SIGKILL to the run's process: its container (or process) ends by itself."""
    mark = f"mark{os.getpid()}{time.monotonic_ns()}"
    child = driver(where, BASE, str(folder / "job"), docker.store, f"open('{mark}', 'w')\n{cell}")
    assert child.stdout
    assert any("started" in line for line in child.stdout)
    until(lambda: (folder / "job" / "output" / mark).exists())
    child.send_signal(signal.SIGKILL)
    child.wait()
    until(lambda: not containers(f"dagbook={docker.store}"), 15)
    until(lambda: not _uses(folder / "job" / "output"), 15)
    assert list(Path(os.environ["XDG_RUNTIME_DIR"]).iterdir())  # what a killed process cannot remove, the next one does
    alive = RunDir.make()
    docker.executor.remove_leftovers(docker.store, set)  # type: ignore[attr-defined]
    assert list(Path(os.environ["XDG_RUNTIME_DIR"]).iterdir()) == [alive.path]
    alive.remove()


def _uses(folder: Path) -> list[str]:
    """Processes whose working directory is `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == str(folder):
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_P7_leftovers_of_this_store_are_removed_and_no_others(docker: Bench) -> None:
    """By label: ours, and of runs that are no longer alive."""
    ids = {}
    for run, store in (("dead", docker.store), ("live", docker.store), ("dead", f"{docker.store}-other")):
        labels = ["--label", f"dagbook={store}", "--label", f"dagbook.run={run}"]
        made = subprocess.run(["docker", "create", *labels, BASE, "true"], capture_output=True, text=True, check=True)
        ids[run, store] = made.stdout.strip()
    try:
        removed = docker.executor.remove_leftovers(docker.store, lambda: {"live"})  # type: ignore[attr-defined]
        assert removed == [ids["dead", docker.store]]
    finally:
        subprocess.run(["docker", "rm", "-f", *ids.values()], capture_output=True, check=False)


def test_an_ordinary_user_owns_what_nodes_write(other_user: OtherUser) -> None:
    """Run by another user of this machine: files belong to that user, and the sockets' modes are right."""
    outcome, output = other_user(BASE, "import os; open('file', 'w').write('x'); print(os.getuid())")
    assert outcome["ok"], outcome["reason"]
    assert (output / "file").stat().st_uid == 1234


def test_a_folder_that_went_away_is_no_empty_folder(docker: Bench) -> None:
    """A mount whose source was renamed meanwhile is an error, not an empty input."""
    outcome = docker.run(docker.job("1", mounts=(Mount(docker.folder / "gone", "/input/gone"),)))
    assert not outcome.ok
    assert "gone" in outcome.reason


@pytest.mark.fault
def test_F20_a_fork_bomb_is_held(docker: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of processes holds; the node fails, the machine goes on."""
    monkeypatch.setattr("dagbook.runner.executors.containers.PIDS", 64)
    cell = "import os, time\nfor _ in range(200):\n    if os.fork() == 0: time.sleep(600)"
    outcome = docker.run(docker.job(cell))
    assert not outcome.ok


def test_the_kernel_does_not_take_debugpy_from_users(docker: Bench) -> None:
    """It is left out of starting up only."""
    outcome = docker.run(docker.job("import debugpy; print(debugpy.__name__)"))
    assert outcome.ok, outcome.reason


def test_a_command_separates_its_streams(docker: Bench) -> None:
    """In a container stderr is known as such."""
    assert docker.run(docker.job(script="echo out; echo err >&2")).ok
    assert (docker.text(), docker.text("stderr")) == ("out\n", "err\n")


@pytest.mark.fault
def test_F28_what_is_silent_for_long_is_waited_for(docker: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than any call of the engine may take; a command prints through one."""
    executor = docker.executor
    assert isinstance(executor, DockerExecutor)
    monkeypatch.setattr(executor.client, "timeout", 1)
    outcome = docker.run(docker.job(script="sleep 3; echo done"))
    assert outcome.ok, outcome.reason
    assert docker.text() == "done\n"
    assert docker.run(docker.job("import time; time.sleep(3)")).ok


def test_a_command_needs_no_kernel(docker: Bench) -> None:
    """Any image with a shell does."""
    runtime = docker.runtime(Kind.COMMAND, image="dagbook/nokernel:bookworm")
    assert docker.run(docker.job(script="echo fine", runtime=runtime)).ok
    assert docker.text() == "fine\n"


if sys.platform != "linux":
    pytestmark = [pytest.mark.container, pytest.mark.skip(reason="looks into /proc")]
