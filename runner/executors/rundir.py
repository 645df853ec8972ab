"""The run directory of one node run: small, private, short in name; what the node and its driver share.

k-1 … k-5    the kernel's sockets          c.json     its connection file, as the node sees it
kernel.py    the program that becomes it   script     a command node's script
alive        the lifeline (a FIFO)         log        what the kernel said on stderr before it could speak
holds        says that the kernel drops nothing  crash     where Python was when the kernel crashed
born         says that the namespace was made, and the node's own begins (a FIFO)
printed      what went to its stdout       images/    images that helpers leave for us
lib/         the helper module `dagbook`   launch     the shell script that starts it all
stand_ins/   modules for other systems' code, where there are namespaces
owner        locked while its driver lives  attach.json  a kept kernel's connection file, as this machine sees it
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import secrets
import select
import shutil
import signal
import stat
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INSIDE = "/dag"  # where a container or a sandbox sees the run directory
PRINTED, IMAGES, STAND_INS = "printed", "images", "stand_ins"
CRASH, BORN = "crash", "born"
PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")

_PREFIX = "dag"
_LONGEST = 90  # of the 107 bytes that a unix socket's path may have
_LOG_TAIL = 16_384


def helper_module() -> Path:
    """The file that nodes import as `dagbook` where dagbook itself is not installed."""
    found = importlib.util.find_spec("dagbook.node")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).resolve()


def stand_ins() -> Path:
    """The folder of modules that stand in for other systems' packages where these are not installed."""
    return helper_module().parent / "stand_ins"


@dataclass
class RunDir:
    """One run directory. `seen` is its path as the node sees it: /dag, or the real one without a namespace."""

    path: Path
    seen: str
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    ports: tuple[int, ...] = (1, 2, 3, 4, 5)
    transport: str = "ipc"
    _lifeline: int | None = None
    _birth: int | None = None
    _owner: int | None = None  # locked as long as this process lives
    _left: bool = False  # a keeper has it now

    @classmethod
    def make(cls, seen: str | None = INSIDE) -> RunDir:
        """A fresh one, mode 0700, under XDG_RUNTIME_DIR or /tmp. `seen` None: the node sees the real path."""
        path, owner = _owned()
        (path / "lib").mkdir()
        (path / IMAGES).mkdir()
        return cls(path, seen or str(path), _owner=owner)

    @property
    def helpers(self) -> str:
        """The end of the node's search path: the folders of what is ours, with a colon in between."""
        real = self.seen == str(self.path)
        return f"{self.seen}/lib:{stand_ins() if real else f'{self.seen}/{STAND_INS}'}"

    def write(self, name: str, text: str) -> str:
        """Write a file and give the path that the node sees."""
        (self.path / name).write_text(text, encoding="utf-8")
        return f"{self.seen}/{name}"

    def write_connection(self) -> str:
        """Write the connection file for the kernel; gives the path that the node sees."""
        ip = f"{self.seen}/k" if self.transport == "ipc" else "0.0.0.0"
        path = self.write("c.json", "")
        os.chmod(self.path / "c.json", 0o600)
        self.write("c.json", json.dumps(self._connection(ip, self.ports)))
        return path

    def connection(self, ports: tuple[int, ...] | None = None) -> dict[str, Any]:
        """The connection info for the driver. `ports`: where published TCP ports are to be found on loopback."""
        ip = str(self.path / "k") if self.transport == "ipc" else "127.0.0.1"
        return self._connection(ip, ports or self.ports)

    def _connection(self, ip: str, ports: tuple[int, ...]) -> dict[str, Any]:
        numbers: Mapping[str, int] = dict(zip(PORTS, ports, strict=True))
        scheme = {"signature_scheme": "hmac-sha256", "key": self.key}
        return {"transport": self.transport, "ip": ip, **numbers, **scheme, "kernel_name": ""}

    def sockets_exist(self) -> bool:
        """Whether the kernel has bound all its unix sockets."""
        return all(os.path.exists(self.path / f"k-{number}") for number in reversed(self.ports))

    def expect_birth(self) -> None:
        """Make the FIFO by which the node says that what was to be made around it is there, and its own has begun."""
        os.mkfifo(self.path / BORN, 0o600)
        self._birth = os.open(self.path / BORN, os.O_RDONLY | os.O_NONBLOCK)

    def wait_for_birth(self, ends: Collection[int]) -> bool:
        """Wait until the node has said so; False when one of the descriptors `ends` tells before that it is gone."""
        assert self._birth is not None
        poll = select.poll()
        for descriptor in (self._birth, *ends):
            poll.register(descriptor, select.POLLIN)
        poll.poll()
        try:
            return bool(os.read(self._birth, 1))
        except BlockingIOError:
            return False

    def kernel_holds(self) -> bool:
        """Whether the kernel has said that it waits for its reader, and never drops a message (`boot`)."""
        return os.path.exists(self.path / "holds")

    def open_lifeline(self, word: bytes = b"") -> None:
        """Make the FIFO and hold its write end: when this process ends, however it ends, the node reads its end."""
        fifo = self.path / "alive"
        os.mkfifo(fifo, 0o600)
        # For reading and writing: opening never waits for the node, and the node's opening never waits for us.
        self._lifeline = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        if word:
            os.write(self._lifeline, word)

    def cut_lifeline(self) -> None:
        """Let go of the FIFO: what runs in the node kills itself within milliseconds, without any engine's help."""
        lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            os.close(lifeline)

    def held(self) -> tuple[int | None, int | None]:
        """The descriptors by which it is held, for a process that is to take it over: lifeline and lock."""
        return self._lifeline, self._owner

    def leave(self) -> None:
        """Give it up to the process that has taken over what `held` gave: `remove` does nothing from now on."""
        self._left = True
        self.cut_lifeline()
        self._let_go()

    def _let_go(self) -> None:
        owner, self._owner = self._owner, None
        birth, self._birth = self._birth, None
        for descriptor in (owner, birth):
            if descriptor is not None:
                os.close(descriptor)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of what was printed before the kernel could answer; empty when there are none."""
        text = self._tail(PRINTED) + self._tail("log")
        return "\n".join(text.strip().splitlines()[-lines:])

    def crash(self) -> str:
        """What Python said of itself as the kernel crashed; empty when it did not, or said nothing."""
        return self._tail(CRASH)

    def _tail(self, name: str) -> str:
        try:
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return ""
        with os.fdopen(descriptor, "rb") as log:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            log.seek(max(0, os.fstat(descriptor).st_size - _LOG_TAIL))
            return log.read(_LOG_TAIL).decode(errors="replace")

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._left:
            return
        self.cut_lifeline()
        with contextlib.suppress(OSError):
            _remove(self.path)
        self._let_go()


def _owned() -> tuple[Path, int]:
    """A new run directory and its lock, which is held from the first moment on."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_parent()))
        try:
            owner = os.open(path / "owner", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # somebody took it for one that a killed process left, as it was empty
            continue
        fcntl.flock(owner, fcntl.LOCK_EX)
        if os.fstat(owner).st_nlink:
            return path, owner
        os.close(owner)  # likewise, before it was locked


def _remove(path: Path) -> None:
    """Remove a run directory; what says that it is one goes last, so that others find what a killed process leaves."""
    for entry in path.iterdir():
        if entry.name != "owner":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    shutil.rmtree(path)


def is_held(path: Path) -> bool:
    """Whether some process, a run's or a keeper's, holds the run directory at `path`."""
    try:
        owner = os.open(path / "owner", os.O_RDWR | os.O_NOFOLLOW)
    except PermissionError:
        return True  # another user's: that is for them to say
    except OSError:
        return False
    try:
        fcntl.flock(owner, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(owner)
    return False


def remove_stale() -> None:
    """Remove the run directories of processes of this user that are no more: nobody holds their lock; or empty ones."""
    for path in Path(_parent()).glob(f"{_PREFIX}????????"):
        with contextlib.suppress(OSError):
            path.rmdir()
    for path in Path(_parent()).glob(f"{_PREFIX}*/owner"):
        with contextlib.suppress(OSError):
            owner = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(owner).st_uid == os.getuid():
                    _end_unborn(path.parent)
                    _remove(path.parent)
            finally:
                os.close(owner)


def _end_unborn(path: Path) -> None:
    """End what was to become a node of this run directory and waits for ever to be born.

    When bwrap is killed while it makes a namespace, its child goes on waiting for it. Looked for until two looks in a
    row have found nothing new: that child may have come to be while others were listed, and the bwrap before it gone.
    """
    ended: set[int] = set()
    quiet = 0
    while quiet < 2:
        found = _unborn(path) - ended
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        ended |= found
        quiet = 0 if found else quiet + 1


def _unborn(path: Path) -> set[int]:
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = place.read_bytes().split(b"\0")
            if os.fsencode(path) in words and words[0].endswith(b"bwrap") and place.stat().st_uid == os.getuid():
                found.add(int(place.parent.name))
    return found


def _parent() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(runtime) <= _LONGEST - 16 and os.access(runtime, os.W_OK | os.X_OK):
        return runtime
    return "/tmp"
