"""The run process that waits beside a notebook: it is used where a fresh one would be the same, and never stays."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from dagbook.runner import launch as launching
from dagbook.runner import spare as sparing
from dagbook.runner.asked import ask
from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.formats.settings import read_settings
from dagbook.runner.launch import Launched, launch
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from dagbook.runner.spare import Spare

PRINTS = "import os\nfor name in ('PATH', 'TZ'): print(name, os.environ.get(name))"


def ended(pid: int) -> bool:
    """Whether a process, also another one's child, ends within a minute."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        return bool(poll.poll(60_000))
    finally:
        os.close(descriptor)


def waits(child: subprocess.Popen[str] | None) -> subprocess.Popen[str]:
    """The spare, its imports done; the line that tells so is left to whoever takes it."""
    assert child is not None
    assert child.stdout is not None
    assert select.select([child.stdout], [], [], 60)[0]
    assert child.poll() is None
    return child


def until(true: Callable[[], object]) -> None:
    for _ in range(3000):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come true")


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spare]:
    """A spare of this process, in place of the one that its notebook would have."""
    made = Spare()
    monkeypatch.setattr(launching, "spare", made)
    monkeypatch.setattr(sparing, "REST_SECONDS", 600.0)
    yield made
    made.dismiss()


def run(folder: Path, source: str = "1") -> tuple[Launched, Follower]:
    """A run of one node in `folder`, started as %pipeline_run does and followed to its end."""
    pipeline = Pipeline(nodes=(Node(title="a", source=source),))
    asked = ask(pipeline, read_settings(folder, {"executor": "process"}, {}), folder)
    launched = launch(asked, folder / ".dagbook", tied=False, tell=lambda _: None)
    follower = Follower(Store(folder / ".dagbook", create=False), launched.run)
    for _ in follower.follow():
        pass
    assert follower.so_far.state is RunState.SUCCEEDED
    return launched, follower


def printed(follower: Follower) -> dict[str, str]:
    (watched,) = follower.listed()
    lines = "".join(out.get("text", "") for cell in watched.outputs.values() for out in cell).splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_a_run_is_started_by_the_process_that_waits(spare: Spare, tmp_path: Path) -> None:
    spare.keep()
    child = waits(spare.process)
    launched, follower = run(tmp_path)
    assert launched.process is child
    assert follower.row.process["pid"] == child.pid
    assert spare.process is None


def test_without_one_a_run_starts_as_ever(spare: Spare, tmp_path: Path) -> None:
    run(tmp_path)
    assert spare.process is None


def test_an_order_may_come_before_the_imports_are_done(spare: Spare, tmp_path: Path) -> None:
    spare.keep()
    child = spare.process
    assert run(tmp_path)[0].process is child


def test_environment_folder_and_mask_are_those_of_the_call(
    spare: Spare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONE", "1")
    monkeypatch.delenv("TZ", raising=False)
    spare.keep()
    child = waits(spare.process)
    monkeypatch.delenv("GONE")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("ODD", os.fsdecode(b"\xff"))
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/of-the-call")
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o027)
    try:
        launched, follower = run(tmp_path, PRINTS)
    finally:
        os.umask(before)
    assert launched.process is child
    seen = printed(follower)
    assert seen["PATH"].endswith(":/of-the-call")
    assert seen["TZ"] == "Asia/Tokyo"


def test_all_variables_are_replaced_and_those_that_went_are_gone(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from dagbook.runner.surroundings import take_over\n"
        "take_over({'environment': {'NEW': '\\udcff'}, 'folder': sys.argv[1], 'umask': 0o027})\n"
        "assert dict(os.environb) == {b'NEW': b'\\xff'}, os.environ\n"
        "assert os.getcwd() == sys.argv[1]\n"
        "assert os.umask(0) == 0o027\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], check=True)


@pytest.mark.parametrize("variable", ["PYTHONUTF8", "LC_ALL", "JUPYTER_PLATFORM_DIRS"])
def test_what_an_interpreter_reads_once_asks_for_a_fresh_process(
    spare: Spare, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    spare.keep()
    child = waits(spare.process)
    monkeypatch.setenv(variable, "1")
    assert spare.take() is None
    assert ended(child.pid)


def test_modules_of_the_users_folder_are_not_seen(
    spare: Spare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "papermill.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "secrets.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    spare.keep()
    waits(spare.process)
    run(tmp_path)


def test_it_has_no_descriptor_of_the_notebooks_process(spare: Spare, tmp_path: Path) -> None:
    with (tmp_path / "private").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        spare.keep()
        child = waits(spare.process)
    held = Path(f"/proc/{child.pid}/fd")
    assert str(tmp_path / "private") not in {os.readlink(one) for one in held.iterdir()}
    assert os.readlink(f"/proc/{child.pid}/cwd") == "/"


@pytest.mark.fault
def test_a_spare_that_was_killed_is_no_hindrance_and_no_zombie(spare: Spare, tmp_path: Path) -> None:
    spare.keep()
    child = waits(spare.process)
    child.kill()
    launched, _ = run(tmp_path)
    assert launched.process.pid != child.pid
    until(lambda: not Path(f"/proc/{child.pid}").exists())


@pytest.mark.fault
def test_a_spare_that_dies_with_the_order_in_its_hands_has_not_begun(spare: Spare, tmp_path: Path) -> None:
    spare.keep()
    child = waits(spare.process)
    child.send_signal(signal.SIGSTOP)
    threading.Timer(0.2, child.kill).start()
    launched, follower = run(tmp_path)
    assert launched.process.pid != child.pid
    assert [row.id for row in follower.store.runs()] == [launched.run]


def test_one_that_nobody_wants_ends_by_itself() -> None:
    code = "import os\nfrom dagbook.runner import waiting\nwaiting.IDLE_SECONDS = 0.01\nwaiting.main(os.getppid())"
    child = subprocess.Popen([sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.wait(60) == 0


KEEPS = """
import sys
from dagbook.runner.spare import spare
spare.keep()
child = spare.process
child.stdout.readline()
with open(sys.argv[1], "a") as file:
    file.write("# changed\\n")
print(spare.take(), child.wait(60))
"""


def test_code_that_has_changed_meanwhile_is_not_run(tmp_path: Path) -> None:
    root = Path(sparing.__file__).absolute().parents[1]
    root = root.parent if root.name == "dagbook" else root
    skip = shutil.ignore_patterns("__pycache__", "extension", "kernel_magics")
    shutil.copytree(root / "dagbook", tmp_path / "dagbook", ignore=skip)  # its links become folders
    changed = tmp_path / "dagbook" / "runner" / "core" / "graph.py"
    command = [sys.executable, "-P", "-c", KEEPS, str(changed)]
    found = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert found.stdout == "None 0\n"


class Notebook:
    """A kernel, and cells that run in it as in JupyterLab."""

    def __init__(self, folder: Path) -> None:
        self.manager, self._client = start_new_kernel(cwd=str(folder))

    def run(self, cell: str, person: bool = True) -> str:
        """What a cell prints."""
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        self._client.execute_interactive(
            cell, allow_stdin=person, stdin_hook=lambda _: None, timeout=60, output_hook=hear
        )
        return "".join(said)

    def spare(self) -> int | None:
        """The process that waits beside it."""
        found = self.run("from dagbook.runner.spare import spare\nprint(spare.process and spare.process.pid)")
        return None if found.strip() == "None" else int(found)

    def close(self) -> None:
        self._client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    for variable in [name for name in os.environ if name.startswith("DAGBOOK_")]:
        monkeypatch.delenv(variable)
    made = Notebook(tmp_path)
    yield made
    made.close()


NODE = "%%pipeline_node a\n1"


def test_the_first_node_that_a_person_defines_has_one_started(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook")
    assert notebook.spare() is None
    notebook.run(NODE)
    pid = notebook.spare()
    assert pid is not None
    notebook.run("%%pipeline_node b\n1")
    assert notebook.spare() == pid


def test_a_run_takes_it_and_another_one_comes(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook\nimport dagbook.runner.spare as s; s.REST_SECONDS = 0")
    notebook.run(NODE)
    first = notebook.spare()
    notebook.run("%pipeline_run --executor process")
    until(lambda: notebook.spare() not in (None, first))


def test_a_batch_has_none(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook", person=False)
    notebook.run(NODE, person=False)
    assert notebook.spare() is None


def test_a_setting_switches_it_off(notebook: Notebook, tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text("spare = false\n")
    notebook.run("%load_ext dagbook")
    notebook.run(NODE)
    assert notebook.spare() is None


def test_a_variable_that_is_set_later_ends_it(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook")
    notebook.run(NODE)
    pid = notebook.spare()
    assert pid is not None
    notebook.run("%env DAGBOOK_SPARE=0")
    notebook.run("%pipeline_run --executor process")
    assert notebook.spare() is None
    assert ended(pid)


@pytest.mark.fault
def test_it_goes_with_a_kernel_that_is_killed(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook")
    notebook.run(NODE)
    pid = notebook.spare()
    assert pid is not None
    kernel = int(notebook.run("import os; print(os.getpid())"))
    os.kill(kernel, signal.SIGKILL)
    assert ended(pid)


@pytest.mark.fault
def test_it_goes_with_a_kernel_whose_forked_child_lives_on(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook")
    notebook.run(NODE)
    pid = notebook.spare()
    assert pid is not None
    forks = "import os, signal\nchild = os.fork()\nif not child: signal.pause()\nprint(os.getpid(), child)"
    kernel, child = map(int, notebook.run(forks).split())
    os.kill(kernel, signal.SIGKILL)
    try:
        assert ended(pid)
    finally:
        os.kill(child, signal.SIGKILL)


def test_it_goes_with_a_kernel_that_is_restarted(notebook: Notebook) -> None:
    notebook.run("%load_ext dagbook")
    notebook.run(NODE)
    pid = notebook.spare()
    assert pid is not None
    notebook.manager.restart_kernel(now=False)
    assert ended(pid)
