"""F16: a kernel that is started and never answers, as one whose imports do not end.

It is given up after two minutes, or at its node's `--timeout`, and can be cancelled at once.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.core.lifecycle import State
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook
from tests.executors.conftest import BASE, containers, until
from tests.faults.box import Box, follow, run_id, wait_for_state
from tests.faults.test_engine_faults import ONLY_LONG

pytestmark = pytest.mark.fault

Started = Callable[..., "subprocess.Popen[str]"]

IMAGE = "dagbook-test/silent-kernel"
SPECS = "/usr/local/share/jupyter/kernels"
PATIENCE = 15  # seconds in which a run ends that is cancelled
HANGS = """
import os, sys, time
if any(word.endswith("/kernel.py") for word in sys.orig_argv):
    with open(os.environ["BOX"] + "/seen", "w") as seen:
        print("silent", file=seen)
    time.sleep(600)
"""
DOCKER = pytest.param("docker", marks=pytest.mark.container)


def dagbook_beside(package: str, folder: Path) -> Path:
    """The command in an environment of its own, which has this package, too; it is imported when Python starts."""
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "package.py").write_text(package)
    (packages / "all.pth").write_text(f"{Path(__file__).parents[2]}\n{sysconfig.get_path('purelib')}\nimport package\n")
    command = folder / "bin" / "dagbook"
    command.write_text(f"#!{folder}/bin/python\nfrom dagbook.runner.cli import main\nmain()\n")
    command.chmod(0o755)
    return command


def spec(script: str) -> str:
    """A kernelspec that runs a script in place of a kernel."""
    argv = ["sh", "-c", script, "sh", "{connection_file}"]
    return json.dumps({"argv": argv, "display_name": "Silent", "language": "python"})


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image with such a kernel."""
    made = f"FROM {BASE}\nRUN mkdir -p {SPECS}/silent && echo '{spec('exec sleep 600')}' >{SPECS}/silent/kernel.json\n"
    build = ["docker", "build", "-q", "--network=none", "-t", IMAGE, "-"]
    subprocess.run(build, input=made.encode(), check=True, capture_output=True)
    yield IMAGE
    subprocess.run(["docker", "rmi", "-f", IMAGE], check=True, capture_output=True)


class Silent:
    """A node whose kernel is silent: the options of its run, and its cell."""

    def __init__(self, *words: str, kernel: str = "") -> None:
        self.words = words
        self.kernel = kernel

    def cell(self, options: str = "") -> str:
        """The node, with these options more."""
        return f"%%pipeline_node a {self.kernel} {options}\nprint('never')"


@pytest.fixture(params=["process", DOCKER])
def silent(request: pytest.FixtureRequest, box: Box, monkeypatch: pytest.MonkeyPatch) -> Silent:
    """In a container a kernel of another kind, as a process one in whose Python an import never ends."""
    if request.param == "docker":
        words = ("--executor", "docker", "--image", request.getfixturevalue("image"), "--code", "none")
        return Silent(*words, kernel="--kernel silent")
    monkeypatch.setattr("tests.conftest.DAGBOOK", str(dagbook_beside(HANGS, box.path / "venv")))
    return Silent("--executor", "process")


def nothing_is_left(box: Box, store: Path) -> None:
    """No process, no container; the store is sound."""
    opened = Store(store, create=False)
    assert box.wait_until_empty() == []
    assert containers(f"dagbook={opened.id}") == []
    assert list(audit(opened)) == []


def test_F16_a_kernel_that_never_answers_is_ended_at_the_time_limit_of_its_node(
    started: Started, make_notebook: MakeNotebook, box: Box, silent: Silent
) -> None:
    flow = make_notebook(silent.cell("--timeout 3s"))
    out, _ = started("run", flow, *silent.words).communicate(timeout=60)
    assert "it took longer than its --timeout of 3 s; it was still starting" in out
    nothing_is_left(box, flow.parent / ".dagbook")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_F16_F9_a_run_whose_kernel_does_not_answer_is_cancelled_at_once(
    started: Started, make_notebook: MakeNotebook, box: Box, silent: Silent, how: signal.Signals
) -> None:
    flow = make_notebook(silent.cell())
    store = flow.parent / ".dagbook"
    child = started("run", flow, *silent.words)
    run = run_id(child)
    wait_for_state(follow(store, run), "a", State.STARTING)
    if "docker" in silent.words:
        until(lambda: containers(f"dagbook={Store(store, create=False).id}", everything=False))
    else:
        box.wait_for("silent")
    began = time.monotonic()
    child.send_signal(how)
    out, _ = child.communicate(timeout=60)
    assert f"Run {run} cancelled" in out
    assert time.monotonic() - began < PATIENCE
    nothing_is_left(box, store)


@ONLY_LONG
def test_F16_a_kernel_that_never_answers_is_given_up_after_two_minutes(
    started: Started, make_notebook: MakeNotebook, box: Box, silent: Silent
) -> None:
    """Twice so long where it was started ahead: that was the first one."""
    flow = make_notebook(silent.cell())
    child = started("run", flow, *silent.words)
    began = time.monotonic()
    out, _ = child.communicate(timeout=300)
    assert "a failed" in out
    assert "the kernel did not answer within 120 s" in out
    assert time.monotonic() - began < 260
    nothing_is_left(box, flow.parent / ".dagbook")
