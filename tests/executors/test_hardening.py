"""What a node in a container tries to get out of it, at its siblings and at the machine, and what others of the machine
try to get at it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from dagbook.runner.executors.contract import Outcome, Output, Report
from dagbook.runner.executors.rundir import PORTS
from dagbook.runner.records.secret_values import SecretFolder, SecretValues

from .conftest import Bench, containers

pytestmark = [pytest.mark.container, pytest.mark.fault]

TRIES = """
import ctypes, os, socket, resource
libc = ctypes.CDLL(None, use_errno=True)
def done(result):
    if result == -1: raise OSError(ctypes.get_errno(), "refused")
tries = {
    "mount": lambda: done(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "umount": lambda: done(libc.umount2(b"/output", 2)),
    "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "another user": lambda: os.setuid(12345),
    "a group": lambda: os.setgroups([0, 42]),
    "mknod": lambda: os.mknod("/output/device", 0o60666, os.makedev(8, 0)),
    "chroot": lambda: os.chroot("/tmp"),
    "pivot": lambda: done(libc.syscall(155, b"/tmp", b"/tmp")),
    "user namespace": lambda: done(libc.unshare(0x10000000)),
    "mount namespace": lambda: done(libc.unshare(0x20000)),
    "a namespace of the machine": lambda: done(libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0)),
    "keyctl": lambda: done(libc.syscall(250, 0, -3, 1)),
    "bpf": lambda: done(libc.syscall(321, 0, None, 0)),
    "perf": lambda: done(libc.syscall(298, None, 0, -1, -1, 0)),
    "kernel module": lambda: done(libc.syscall(175, None, 0, b"")),
    "reboot": lambda: done(libc.reboot(0)),
    "the clock": lambda: __import__("time").clock_settime(0, 0),
    "memory of the machine": lambda: open("/proc/kcore", "rb").read(1) or done(-1),
    "system request": lambda: open("/proc/sysrq-trigger", "w").write("h"),
    "a setting": lambda: open("/proc/sys/kernel/core_pattern", "w").write("|/tmp/x"),
    "system files": lambda: open("/sys/kernel/uevent_helper", "w").write("/tmp/x"),
    "control group": lambda: os.mkdir("/sys/fs/cgroup/x"),
    "release agent": lambda: open("/sys/fs/cgroup/release_agent", "w").write("/tmp/x"),
    "the engine": lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"),
    "the root": lambda: open("/etc/passwd", "a"),
    "the helpers": lambda: open("/dag/lib/dagbook.py", "a"),
    "an input": lambda: open("/input/before/file", "a"),
    "an input's folder": lambda: os.rename("/input/before/file", "/input/before/other"),
    "an input's mode": lambda: os.chmod("/input/before/file", 0o777),
    "a link to an input": lambda: os.link("/input/before/file", "/output/linked"),
    "more files than may be": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 30, 1 << 30)),
}
for name, attempt in tries.items():
    try:
        attempt()
        print("got", name)
    except (OSError, ValueError):
        pass
print(len(tries), "tried")
"""


def test_T10_P14_what_a_node_tries_from_inside_is_refused(docker: Bench) -> None:
    outcome = docker.run(docker.job(TRIES, mounts=(docker.input(file="x"),)))
    assert docker.text() == "32 tried\n"
    assert outcome.ok, outcome.reason


def test_T11_what_is_mounted_below_an_input_cannot_be_written_either(docker: Bench) -> None:
    mount = docker.input(file="x")
    (mount.source / "nested").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "none", mount.source / "nested"], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        outcome = docker.run(docker.job("open('/input/before/nested/x', 'w')", mounts=(mount,)))
    finally:
        subprocess.run(["umount", mount.source / "nested"], check=True)
    assert "Read-only file system" in outcome.reason


LISTENS = """
import os, socket, time
sockets = []
for family, address in ((socket.AF_INET, ("127.0.0.1", 45678)), (socket.AF_UNIX, "\\0of-a-sibling")):
    sockets.append(socket.socket(family)); sockets[-1].bind(address); sockets[-1].listen()
open("/tmp/of-a-sibling", "w").close(); open("/dev/shm/of-a-sibling", "w").close()
print("there", flush=True)
while not os.path.exists("/output/go"): time.sleep(0.01)
"""
SCANS = """
import os, socket
def reached(family, address):
    one = socket.socket(family); one.settimeout(0.2)
    try:
        one.connect(address)
        print("reached", address)
    except OSError:
        pass
for port in (45678, {port}):
    reached(socket.AF_INET, ("127.0.0.1", port))
reached(socket.AF_UNIX, "\\0of-a-sibling"); reached(socket.AF_UNIX, "\\0of-the-machine")
print([name for _, name in socket.if_nameindex()])
print([path for path in ("/tmp/of-a-sibling", "/dev/shm/of-a-sibling") if os.path.exists(path)])
others = [open(f"/proc/{{one}}/cmdline", "rb").read() for one in os.listdir("/proc") if one.isdigit()]
print(len([one for one in others if b"of-a-sibling" in one]))
print(sorted(n for n in os.listdir("/dag") if n.startswith("k-")), open("/proc/net/unix").read().count("of-"))
"""


async def beside(bench: Bench, cell: str, act: Callable[[], Any], **given: Any) -> tuple[Outcome, Any]:
    """Run `cell`, which prints when it is there and waits for /output/go, and `act` meanwhile."""
    printed, job = asyncio.Event(), bench.job(cell, **given)
    loop = asyncio.get_running_loop()

    def report(report: Report) -> None:
        if isinstance(report, Output):
            loop.call_soon_threadsafe(printed.set)

    task = asyncio.ensure_future(bench.executor.run(job, report))
    await asyncio.wait_for(printed.wait(), 60)
    try:
        found = await asyncio.to_thread(act)
    finally:
        (job.output / "go").touch()
    return await asyncio.wait_for(task, 60), found


@contextmanager
def listening() -> Iterator[int]:
    """A port of this machine, and an abstract socket; the port's number."""
    with socket.socket() as port, socket.socket(socket.AF_UNIX) as unix:
        port.bind(("127.0.0.1", 0))
        unix.bind("\0of-the-machine")
        port.listen()
        unix.listen()
        yield port.getsockname()[1]


def test_T14_a_node_reaches_neither_its_sibling_nor_the_machine(docker: Bench) -> None:
    """It has no network but a loopback of its own.

    Nor is there a way by abstract sockets, shared memory, folders for temporary files, or its kernel's sockets.
    """
    with listening() as port:

        def scan() -> str:
            outcome = docker.run(docker.job(SCANS.format(port=port)))
            assert outcome.ok, outcome.reason
            return docker.text()

        outcome, scanned = asyncio.run(beside(docker, LISTENS, scan))
    assert outcome.ok, outcome.reason
    assert scanned == "['lo']\n[]\n0\n['k-1', 'k-2', 'k-3', 'k-4', 'k-5'] 0\n"


def test_T13_a_forged_message_is_dropped(docker: Bench) -> None:
    """Signed with another key, or with none."""
    from jupyter_client.blocking.client import BlockingKernelClient

    def answered(rundir: Path, key: str, seconds: float) -> bool:
        client = BlockingKernelClient()
        info: Any = {"transport": "ipc", "ip": str(rundir / "k"), "key": key.encode()}
        info |= dict(zip(PORTS, range(1, 6), strict=True))
        client.load_connection_info(info)
        client.start_channels(hb=False)
        try:
            client.execute("open('/output/forged', 'w')" if seconds < 30 else "1")
            client.control_channel.send(client.session.msg("kernel_info_request"))
            client.control_channel.get_msg(timeout=seconds)
        except Empty:
            return False
        finally:
            client.stop_channels()
        return True

    def forge() -> list[bool]:
        (rundir,) = Path(os.environ["XDG_RUNTIME_DIR"]).glob("dag*")
        right = json.loads((rundir / "c.json").read_text())["key"]
        return [answered(rundir, "", 1), answered(rundir, "0" * 64, 1), answered(rundir, right, 30)]

    outcome, answers = asyncio.run(beside(docker, LISTENS, forge))
    assert outcome.ok, outcome.reason
    assert not list(docker.folder.glob("*/output/forged"))
    assert answers == [False, False, True]


def test_T13_T19_the_files_and_sockets_of_a_kernel_are_its_users_alone(docker: Bench) -> None:
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv, to become somebody else")
    runtime = Path(os.environ["XDG_RUNTIME_DIR"])
    runtime.chmod(0o755)  # as /tmp is

    def look() -> tuple[int, int, list[int]]:
        (rundir,) = runtime.glob("dag*")
        modes = [stat.S_IMODE(path.lstat().st_mode) for path in (rundir, rundir / "c.json")]
        words = (
            "cat {}/c.json",
            "ls {}",
            "python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('{}/k-1')\"",
        )
        somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c"]
        codes = [
            subprocess.run([*somebody, one.format(rundir)], capture_output=True, check=False).returncode
            for one in words
        ]
        return modes[0], modes[1], codes

    outcome, (folder, file, codes) = asyncio.run(beside(docker, LISTENS, look))
    assert outcome.ok, outcome.reason
    assert (folder, file) == (0o700, 0o600)
    assert all(codes)


SECRET = "canary-6b0e-of-a-node"


def test_T4_a_secret_is_in_the_environment_of_its_node_and_nowhere_else(docker: Bench) -> None:
    """Not in a command line, a label, a mount; not in the environment of any other process of this machine."""

    def look() -> tuple[dict[str, Any], list[str], set[str]]:
        (container,) = containers(f"dagbook={docker.store}")
        out = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True).stdout
        lines, holders = [], set[str]()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                lines += [process.name] if SECRET.encode() in (process / "cmdline").read_bytes() else []
                if SECRET.encode() in (process / "environ").read_bytes():
                    holders.add("its own" if container in (process / "cgroup").read_text() else process.name)
        return json.loads(out)[0], lines, holders

    secrets = SecretValues({"TOKEN": SECRET}, (SecretFolder("certs", "/certs", {"key": SECRET.encode()}),))
    outcome, (seen, lines, holders) = asyncio.run(beside(docker, LISTENS, look, secrets=secrets))
    assert outcome.ok, outcome.reason
    assert [one for one in seen["Config"].pop("Env") if SECRET in one] == [f"TOKEN={SECRET}"]
    assert SECRET not in json.dumps(seen)
    assert (lines, holders) == ([], {"its own"})
