"""`dagbook attach`, run for real: from a failed run to its kernel and back, on a terminal and off it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.kept_runs import KeptRun, kept_runs
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from dagbook.runner.view import plain
from tests.conftest import DAGBOOK, MakeNotebook, Said

Dagbook = Callable[..., Said]
Kept = Callable[..., dict[str, KeptRun]]

PREPARE = "%%pipeline_node prepare\nopen('data.txt', 'w').write('7')"
TRAIN = (
    "%%pipeline_node train --after prepare\nimport dagbook\nx = 41\nopen('left.txt', 'w').write('left')\n"
    "raise ValueError('no')"
)


@pytest.fixture
def kept(make_notebook: MakeNotebook, dagbook: Dagbook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Runs these cells with --keep-failed, and gives what is kept by node run. All is ended after the test."""
    runtime = tempfile.mkdtemp(prefix="t", dir="/tmp")  # a path short enough for sockets
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    found: list[KeptRun] = []

    def run(*cells: str, executor: str = "process") -> dict[str, KeptRun]:
        flow = make_notebook(*cells)
        said = dagbook("run", flow, "--executor", executor, "--keep-failed", "--on-error", "continue")
        assert said.code == 1, said
        follower = Follower(Store(flow.parent / ".dagbook", create=False), "latest")
        follower = Follower(follower.store, follower.row.id)
        follower.update()
        found.extend(kept_runs(follower))
        return {one.run.id: one for one in found}

    yield run
    for one in found:
        assert one.kept.end()
    left = os.listdir(runtime)
    shutil.rmtree(runtime)
    assert left == []


def containers(one: KeptRun) -> list[str]:
    """Ids of the containers of its run."""
    label = f"label=dagbook.run={one.follower.row.id}"
    command = ["docker", "ps", "-aq", "--no-trunc", "--filter", label]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


EXECUTORS = [pytest.param("docker", marks=pytest.mark.container), "process"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failed_node_is_gone_into_again_and_again_until_done(kept: Kept, dagbook: Dagbook, executor: str) -> None:
    """Deliver 10: the run ends with 1 while the kernel stays; same mounts, state of the failing cell."""
    one = kept(PREPARE, TRAIN, executor=executor)["train"]
    assert dagbook("attach", "latest", "train", "-c", "print(x + 1)").out == "42\n"
    assert (
        dagbook("attach", "latest", "train", "-c", "y = open(dagbook.input('prepare') / 'data.txt').read()").code == 0
    )
    second = dagbook("attach", one.follower.row.id[:4], "train", "-c", "y, open('left.txt').read()")
    assert second.out == "('7', 'left')\n"
    if executor == "docker":
        assert containers(one) == [one.kept.container]
    done = dagbook("attach", "latest", "train", "--done")
    assert (done.code, "train is ended" in done.out) == (0, True)
    assert not one.kept.lives
    assert not Path(one.kept.rundir).exists()
    if executor == "docker":
        assert containers(one) == []
    again = dagbook("attach", "latest", "train", "--done")
    assert (again.code, "gone already" in again.out) == (0, True)
    late = dagbook("attach", "latest", "train", "-c", "1")
    assert late.code == 2
    assert "the kernel of train" in late.err
    assert "is gone" in late.err


@pytest.mark.container
def test_a_kept_container_survives_the_next_run_of_the_store(kept: Kept, dagbook: Dagbook) -> None:
    one = kept(PREPARE, TRAIN, executor="docker")["train"]
    assert dagbook("run", "flow.ipynb", "--executor", "docker", "--node", "prepare").code == 0
    assert containers(one) == [one.kept.container]
    assert dagbook("attach", one.follower.row.id, "train", "-c", "print(x)").out == "41\n"


def test_an_exception_ends_with_1_and_shows_the_kernels_traceback(kept: Kept, dagbook: Dagbook) -> None:
    kept(PREPARE, TRAIN)
    said = dagbook("attach", "latest", "train", "-c", "1 / 0")
    assert (said.code, said.out) == (1, "")
    assert "ZeroDivisionError: division by zero" in said.err
    assert "\x1b[" not in said.err
    assert "attached.py" not in said.err


def test_standard_input_is_one_cell(kept: Kept, tmp_path: Path) -> None:
    kept(PREPARE, TRAIN)
    command = [DAGBOOK, "attach", "latest", "train"]
    code = "for i in range(2):\n    print(i + x)\n\nprint('done')\n"
    found = subprocess.run(command, input=code, cwd=tmp_path / "project", capture_output=True, text=True, check=True)
    assert found.stdout == "41\n42\ndone\n"


def test_without_code_it_tells_where_one_would_be(kept: Kept, dagbook: Dagbook) -> None:
    one = kept(PREPARE, TRAIN)["train"]
    told = dagbook("attach", "latest", "train").out
    assert told.startswith(f"train of run {one.follower.row.id}, a process of this machine, kept until ")
    assert "ValueError: no (cell 3)" in told
    assert f"dagbook attach {one.follower.row.id} train --done" in told


def test_a_route_is_named_by_its_id_and_the_list_tells_them(kept: Kept, dagbook: Dagbook) -> None:
    kept("%%pipeline_node fit --grid n=1,2\nraise ValueError(n)")
    listed = dagbook("attach", "latest").out.splitlines()
    assert [line.split()[0] for line in listed] == ["fit#1", "fit#2"]
    assert "fit [n=2]" in listed[1]
    several = dagbook("attach", "latest", "fit", "-c", "1")
    assert several.code == 2
    assert "fit#1 (n=1), fit#2 (n=2)" in several.err
    assert dagbook("attach", "latest", "fit#2", "-c", "print(n)").out == "2\n"
    assert dagbook("attach", "latest", "--done").out.count("is ended") == 2
    assert dagbook("attach", "latest").out.startswith("Nothing is kept")


@pytest.mark.parametrize(
    ("node", "told"),
    [
        ("trian", 'Did you mean "train"?'),
        ("prepare", "prepare succeeded; only a failed node's kernel stays"),
        ("broken", "broken is a command: it has no kernel that could stay"),
        ("gone", "the kernel of gone could not stay"),
    ],
)
def test_what_is_not_kept_is_told_with_its_cause(kept: Kept, dagbook: Dagbook, node: str, told: str) -> None:
    kept(PREPARE, TRAIN, "%%pipeline_command broken\nexit 3", "%%pipeline_node gone\nimport os; os._exit(3)")
    said = dagbook("attach", "latest", node, "-c", "1")
    assert said.code == 2
    assert told in said.err
    assert ("output" in said.err and "dagbook logs" in said.err) is (node == "broken")
    assert "Traceback" not in said.err


def test_without_keep_failed_nothing_stays_and_the_way_is_told(
    dagbook: Dagbook, make_notebook: MakeNotebook, tmp_path: Path
) -> None:
    assert dagbook("run", make_notebook(PREPARE, TRAIN), "--executor", "process").code == 1
    said = dagbook("attach", "latest", "train", "-c", "1")
    assert said.code == 2
    assert "nobody asked for it to stay" in said.err
    assert "--keep-failed" in said.err
    assert dagbook("attach", "latest", "-c", "1").code == 2


def test_only_the_last_attempt_is_kept(kept: Kept, dagbook: Dagbook) -> None:
    one = kept("%%pipeline_node train --retries 1\nraise ValueError('no')")["train"]
    assert one.run.attempt == 2
    facts = one.follower.store.facts(one.follower.row.id)
    assert len([entry for entry in facts if (getattr(entry.fact, "detail", None) or {}).get("kept")]) == 1


class Terminal:
    """The real command on a pseudo-terminal: types, and reads until a text is there."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.seen = ""
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 120))
        environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        # preexec_fn: only in the child can the terminal be made the controlling one, which Ctrl-C needs
        self.child = subprocess.Popen(
            [DAGBOOK, *words],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def read_until(self, text: str) -> str:
        """What came since the last call, up to `text`; fails after a minute."""
        deadline = time.monotonic() + 60
        while text not in plain(self.seen):
            left = deadline - time.monotonic()
            assert left > 0, self.seen
            if select.select([self._master], [], [], left)[0]:
                self.seen += os.read(self._master, 65536).decode(errors="replace")
        before, _, self.seen = plain(self.seen).partition(text)  # the rest may be all that comes
        return before + text

    def close(self) -> int:
        """Wait for its end, reading what it still says."""
        try:
            while os.read(self._master, 65536):
                pass
        except OSError:
            pass  # how a pseudo-terminal tells its end
        os.close(self._master)
        return self.child.wait(60)

    def kill(self) -> None:
        """End what a failed test has left."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


@pytest.fixture
def terminal(kept: Kept, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts the command on a terminal, in the project's folder."""
    begun: list[Terminal] = []

    def start(*words: str) -> Terminal:
        begun.append(Terminal(tmp_path / "project", *words))
        return begun[-1]

    yield start
    for one in begun:
        one.kill()


def take_terminal() -> None:
    """In the child: make the terminal the controlling one, so that Ctrl-C is a signal."""
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_on_a_terminal_it_is_a_prompt(kept: Kept, terminal: Callable[..., Terminal]) -> None:
    """Several lines until the kernel takes them for complete, Ctrl-C interrupts, Ctrl-D leaves and keeps."""
    one = kept(PREPARE, TRAIN)["train"]
    shown = terminal("attach", "latest", "train")
    assert "ValueError: no" in shown.read_until("train>")
    shown.type("x + 1\r")
    shown.read_until("42\r\n")
    shown.read_until("train>")
    shown.type("for i in range(2):\r")
    shown.read_until("...")
    shown.type("print('line', i)\r\r")
    shown.read_until("line 1\r\n")
    shown.read_until("train>")
    shown.type("print('go' + 'ing', flush=True); __import__('time').sleep(600)\r")
    shown.read_until("going\r\n")
    shown.type("\x03")
    shown.read_until("KeyboardInterrupt")
    shown.read_until("train>")
    shown.type("name = input('who' + '? ')\r")
    shown.read_until("who? ")
    shown.type("me\r")
    shown.read_until("train>")
    shown.type("'it is ' + name\r")
    shown.read_until("'it is me'")
    shown.read_until("train>")
    shown.type("\x04")
    shown.read_until("It is kept.")
    assert shown.close() == 0
    assert one.kept.lives


@pytest.mark.fault
def test_a_kernel_that_ends_under_the_prompt_is_told(kept: Kept, terminal: Callable[..., Terminal]) -> None:
    one = kept(PREPARE, TRAIN)["train"]
    shown = terminal("attach", "latest", "train")
    shown.read_until("train>")
    os.kill(int(one.kept.keeper["pid"]), signal.SIGTERM)
    shown.type("import time; time.sleep(600)\r")
    shown.read_until("the kernel of train")
    assert shown.close() == 2
