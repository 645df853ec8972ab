"""A Docker engine of a test's own, which can be stopped, frozen and started again; the machine's is never touched."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IMAGE = "small:here"
MACHINE = "unix:///var/run/docker.sock"
_PROGRAMS = ("sh", "cat", "head", "sleep", "mkfifo")
_READY_SECONDS = 60


class Engine:
    """An engine whose files are all below `folder`, but for its data where `data` says so."""

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.host = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it, and return when it answers."""
        words = [f"--data-root={self.data}", f"--exec-root={self.folder}/exec", f"--pidfile={self.folder}/pid"]
        words += ["--bridge=none", "--iptables=false", "--ip6tables=false", f"--host={self.host}", *options]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["dockerd", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the engine does not start"

    def _answers(self) -> bool:
        asked = ["docker", "-H", self.host, "version"]
        return subprocess.run(asked, capture_output=True, check=False, timeout=_READY_SECONDS).returncode == 0

    def docker(self, *words: str, given: bytes | None = None) -> str:
        """What the docker command says to this engine."""
        command = ["docker", "-H", self.host, *words]
        done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.decode()

    def containers(self) -> list[str]:
        """All that it has, running or not."""
        return self.docker("ps", "-aq").split()

    def stop(self) -> None:
        """Stop it as a service is stopped; containers end with it, unless it was started with --live-restore."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """End it as a crash does, and its containerd with it; nobody may bury that, and then no other would start."""
        assert self._process is not None
        written = self.folder / "exec/containerd/containerd.pid"
        handle = os.pidfd_open(int(written.read_text()))
        self._process.kill()
        self._process.wait()
        self._process = None
        died, _, _ = select.select([handle], [], [], _READY_SECONDS)
        os.close(handle)
        assert died, "containerd outlives its engine"
        written.unlink(missing_ok=True)

    def load_image(self) -> None:
        """Make IMAGE there."""
        self.docker("import", "-", IMAGE, given=small_image())

    def load_kernel_image(self, image: str) -> None:
        """Make the machine's `image` there too, which has a kernel."""
        saved = subprocess.run(["docker", "-H", MACHINE, "save", image], capture_output=True, check=True).stdout
        self.docker("load", given=saved)

    def gone_within(self, seconds: float) -> bool:
        """Waits until it has no container; False when it has some after so many seconds."""
        deadline = time.monotonic() + seconds
        while self.containers():
            if time.monotonic() > deadline:
                return False
        return True

    def freeze(self) -> None:
        """Let it hang: it takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """The opposite."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it, and remove what it leaves: containers that outlived it, mounts, files."""
        if self._process is None:
            with contextlib.suppress(AssertionError, OSError):
                self.start()
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.thaw()
            if found := self.containers():
                self.docker("rm", "-f", *found)
        self.stop()
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in sorted((one for one in mounts if one.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def small_image() -> bytes:
    """An image, as `docker import` takes it, of a shell and a few programs of this machine."""
    programs = {f"/bin/{name}": os.path.realpath(shutil.which(name) or name) for name in _PROGRAMS}
    libraries: set[str] = set()
    for place in programs.values():
        listed = subprocess.run(["ldd", place], capture_output=True, text=True, check=True).stdout
        libraries |= set(re.findall(r"(/\S+) \(0x", listed))
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", dereference=True) as tar:
        for name, place in {**programs, **{one: one for one in libraries}}.items():
            tar.add(place, name, recursive=False)
    return made.getvalue()


@contextmanager
def private_engine(data: Path | None = None) -> Iterator[Engine]:
    """A started engine with the image IMAGE; skips the test where there can be none."""
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("an engine of its own needs root and dockerd")
    engine = Engine(Path(tempfile.mkdtemp(prefix="en", dir="/var/tmp")), data)
    try:
        engine.start()
        engine.load_image()
        yield engine
    finally:
        engine.remove()
