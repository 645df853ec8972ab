"""A box that nodes and tests share, and run processes that are killed at a moment of their run.

The box holds named pipes: they can be written in a namespace that shows the rest of the machine read-only, and a node
that reads one waits until the test lets it go on. It lies outside of /tmp, of which every namespace has its own.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from dagbook.runner.core.lifecycle import State
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.conftest import read_until

PATIENCE = 60  # seconds
LONG = bool(os.environ.get("LONG_FAULTS"))  # everything at its full size and number, which takes an hour


class Box:
    """`seen` takes a line from each node that begins, `gate` holds nodes up, `fails` makes those fail that ask it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="box", dir="/var/tmp"))
        (self.path / "run").mkdir(mode=0o700)
        self._pipes: dict[str, int] = {}
        for name in ("seen", "gate", "fails"):
            os.mkfifo(self.path / name)
            self._pipes[name] = os.open(self.path / name, os.O_RDWR | os.O_NONBLOCK)
        self._lines: list[str] = []

    @property
    def runtime(self) -> Path:
        """The folder for sockets and run directories, to be XDG_RUNTIME_DIR."""
        return self.path / "run"

    def begun(self) -> Counter[str]:
        """How often each node run has begun up to now, by what it said of itself."""
        self._take(0)
        return Counter(self._lines)

    def wait_for(self, line: str, times: int = 1) -> None:
        """Wait until a node has said this so often."""
        deadline = time.monotonic() + PATIENCE
        while self._lines.count(line) < times:
            assert time.monotonic() < deadline, f"{line!r} was not said, but {self._lines}"
            self._take(1)

    def _take(self, seconds: float) -> None:
        pipe = self._pipes["seen"]
        while select.select([pipe], [], [], seconds)[0]:
            self._lines += os.read(pipe, 65_536).decode().splitlines()
            seconds = 0

    def open_gate(self, times: int = 1) -> None:
        """Let so many nodes go on."""
        os.write(self._pipes["gate"], b"go\n" * times)

    def make_fail(self, times: int = 1) -> None:
        """Let so many attempts fail of nodes that look there."""
        os.write(self._pipes["fails"], b"x" * times)

    def put(self, name: str, text: str = "") -> None:
        """A file for nodes to find at $BOX/name."""
        (self.path / name).write_text(text)

    def processes(self, unborn: bool = False) -> list[int]:
        """Processes of nodes that live: they have BOX in their environment.

        With `unborn` also what makes namespaces: killed halfway it stays until the next run process takes it away.
        """
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                is_node = f"BOX={self.path}".encode() in environ.read_bytes().split(b"\0")
                words = environ.with_name("cmdline").read_bytes().split(b"\0")
                if is_node and (unborn or not words[0].endswith(b"bwrap")):
                    found.append(int(environ.parent.name))
            except OSError:
                continue
        return found

    def wait_until_empty(self, unborn: bool = False) -> list[int]:
        """Wait for the end of these processes, and of those that they still start; those left after a while."""
        return left_of(lambda: self.processes(unborn))

    def close(self) -> None:
        """Give it back."""
        for pipe in self._pipes.values():
            os.close(pipe)
        shutil.rmtree(self.path)


def left_of(living: Callable[[], Iterable[int]]) -> list[int]:
    """Wait for the end of these processes, and of those that they still start; those left after a while."""
    end = time.monotonic() + 15
    while (left := list(living())) and time.monotonic() < end:
        for pid in left:
            try:
                handle = os.pidfd_open(pid)
            except OSError:
                continue
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll(max(end - time.monotonic(), 0) * 1000)
            os.close(handle)
    return left


_HELD = (State.RUNNING, State.PENDING_APPROVAL)


def run_id(child: subprocess.Popen[str]) -> str:
    """The id of the run that a started `dagbook run` or `resume` hosts."""
    return read_until(child, " of ").splitlines()[-1].split()[1]


def follow(store: Path, run: str) -> Follower:
    """A follower of a run."""
    return Follower(Store(store, create=False), run)


def wait_for_state(follower: Follower, node_run: str, state: State) -> None:
    """Wait until a node run is in this state."""
    deadline = time.monotonic() + PATIENCE
    while True:
        follower.update()
        found = follower.so_far.node_runs.get(node_run)
        if found and found.state is state:
            return
        assert not follower.over, f"{node_run} is {found.state if found else 'not there'}; the run is over"
        assert time.monotonic() < deadline
        follower.wait()


def kill_after(
    child: subprocess.Popen[str], store: Path, facts: int, before: int = 0, last: str = ""
) -> tuple[str, bool]:
    """Kill a run process when it has recorded so many facts more than the `before` of its earlier lives.

    It is killed sooner when the node `last` runs, or somebody is asked about it. Gives the run's id, and False when
    it was over before that.
    """
    run = run_id(child)
    follower, seen = follow(store, run), 0
    while True:
        follower.update()
        seen += len(follower.entries)
        held = any(one.node == last and one.state in _HELD for one in follower.so_far.node_runs.values())
        killed = (held or seen - before >= facts) and not follower.over
        if killed or follower.over:
            break
        follower.wait()
    if killed:
        child.kill()
    child.communicate()
    follower.close()
    follower.store.close()
    return run, killed
