"""Every limit of a container is hit from inside: the node fails, with the cause; its sibling and the machine go on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dagbook.runner.advice import advice
from dagbook.runner.executors import containers

from .conftest import Bench

pytestmark = [pytest.mark.container, pytest.mark.fault]
MIB = 2**20

FILLS = "file = open('{}/large', 'wb')\nfor _ in range(600): file.write(b'x' * (1 << 20))"
MAPS = """
import mmap, os
file = os.open('/dev/shm/large', os.O_RDWR | os.O_CREAT)
os.ftruncate(file, 1 << 30)
mapped = mmap.mmap(file, 1 << 30)
for at in range(0, 1 << 30, 4096): mapped[at] = 1
"""
OPENS = "import os, resource\nfiles = [os.open('/dev/null', 0) for _ in range(resource.getrlimit(7)[0] + 1)]"
THREADS = """
import threading, time
for _ in range(100): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
FORKS = """
import subprocess
for _ in range(100): subprocess.Popen(["sleep", "600"])
"""
BOMB = """
import os
print("there", flush=True)
while True:
    try: os.fork()
    except OSError: pass
"""
SHARED = "/tmp and /dev/shm are memory; /dev/shm has 128 MiB, half of --memory 256 MiB."
HITS = {
    "memory": ("x = bytearray(1 << 30)", "out of memory (limit 256 MiB) in cell 1", "Give the node more --memory"),
    "/tmp": (FILLS.format("/tmp"), "out of memory (limit 256 MiB) in cell 1", "Give the node more --memory"),
    "/dev/shm": (FILLS.format("/dev/shm"), "OSError: [Errno 28] No space left on device", SHARED),
    "mapped": (MAPS, "the kernel was killed by signal 7 (SIGBUS) in cell 1", "It is so where shared memory is full"),
    "open files": (OPENS, "OSError: [Errno 24] Too many open files", "Close files when"),
    "threads": (THREADS, "RuntimeError: can't start new thread", "A node has at most"),
    "processes": (FORKS, "BlockingIOError: [Errno 11] Resource temporarily unavailable", "A node has at most"),
}


@pytest.mark.parametrize("name", HITS)
def test_T10_F20_a_limit_that_is_hit_is_the_cause(docker: Bench, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Swap adds nothing to the memory; what to do stands below.

    A kernel that cannot open a file any more loses what wakes the thread that sends; it is woken again.
    """
    monkeypatch.setattr(containers, "PIDS", 64)
    cell, reason, help = HITS[name]
    job = docker.job(cell, memory=(1024 if name == "open files" else 256) * MIB)
    outcome = docker.run(job)
    assert outcome.reason.startswith(reason), outcome.reason
    assert not outcome.lost
    assert advice(job, outcome, closed=True).startswith(help)


def test_F20_a_fork_bomb_harms_neither_its_sibling_nor_the_machine(
    docker: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on until its time is over; then nothing of it is left."""
    monkeypatch.setattr(containers, "PIDS", 64)

    async def explode() -> None:
        bomb = docker.job(script=f"#!python3\n{BOMB}", memory=1024 * MIB, cpus=0.5)
        task = asyncio.ensure_future(docker.executor.run(bomb, docker.report))
        while not docker.text():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        sibling = docker.job("import threading; threading.Thread(target=print, args=('done',)).start()")
        outcome = await asyncio.wait_for(docker.executor.run(sibling, docker.report), 60)
        assert outcome.ok, outcome.reason
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 15)

    asyncio.run(explode())
    assert docker.text() == "there\ndone\n"


LOOKS = """
import json, os
def figure(*paths):
    return next(open(path).read().strip() for path in paths if os.path.exists(path))
def size(path):
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize
cgroup = "/sys/fs/cgroup/"
print(json.dumps({
    "memory": figure(cgroup + "memory.max", cgroup + "memory/memory.limit_in_bytes"),
    "with swap": figure(cgroup + "memory.swap.max", cgroup + "memory/memory.memsw.limit_in_bytes"),
    "processes": figure(cgroup + "pids.max", cgroup + "pids/pids.max"),
    "/tmp": size("/tmp"), "/dev/shm": size("/dev/shm"), "/dev": size("/dev"),
    "devices": sorted(os.listdir("/dev")),
    "disks": [one[1] for one in map(str.split, open("/proc/mounts")) if one[0][:5] == "/dev/" and one[3][:2] == "rw"],
}))
"""


def test_T10_what_a_node_finds_is_what_it_is_allowed(docker: Bench) -> None:
    outcome = docker.run(docker.job(LOOKS, memory=256 * MIB))
    assert outcome.ok, outcome.reason
    found: dict[str, Any] = json.loads(docker.text())
    assert found.pop("with swap") in ("0", str(256 * MIB))  # of version 2 and 1 of control groups
    assert found.pop("devices") == [
        "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom",
        "zero",
    ]  # fmt: skip
    assert set(found.pop("disks")) <= {"/dag", "/output"}
    assert found == {
        "memory": str(256 * MIB), "processes": "4096", "/tmp": 256 * MIB, "/dev/shm": 128 * MIB, "/dev": 64 * MIB,
    }  # fmt: skip
