"""What the machine has and whether it is enough, GPUs, and what attempts used."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.core.machine import Machine, chosen
from dagbook.runner.core.model import Compute, Defaults, ExecutorName, Kind, Node
from dagbook.runner.executors import resources
from dagbook.runner.executors.contract import Needs
from dagbook.runner.executors.process import ProcessExecutor
from dagbook.runner.executors.resources import engines_machine, gpu_variables, machine_of, read_used, this_machine

from .conftest import Bench

GIB = 2**30
BOX = Machine(cores=4, memory=8 * GIB, gpus=0)
TEMPLATES = {
    "gpu": Compute(gpus=1, cpus=2),
    "big": Compute(cpus=64, memory=256 * GIB),
    "small": Compute(cpus=1, memory=GIB, image="python:3.12-slim"),
    "here": Compute(cpus=2, executor=ExecutorName.PROCESS),
}


def filled(node: dict[str, Any], defaults: dict[str, Any] | None = None, box: Machine = BOX) -> tuple[Node, str | None]:
    return chosen(Node(title="Train", **node), Defaults(**(defaults or {})), TEMPLATES, lambda executor: box)


def refused(node: dict[str, Any], box: Machine = BOX) -> Problem:
    with pytest.raises(PipelineError) as caught:
        filled(node, box=box)
    (found,) = caught.value.problems
    return found


def test_row_48_the_first_template_that_fits_is_taken() -> None:
    node, name = filled({"compute": ("gpu", "big", "small", "here")})
    assert name == "small"
    assert (node.cpus, node.memory, node.image, node.gpus, node.executor) == (1, GIB, "python:3.12-slim", None, None)
    with_gpus = Machine(cores=4, memory=8 * GIB, gpus=2)
    assert filled({"compute": ("gpu", "small")}, box=with_gpus)[1] == "gpu"


def test_a_nodes_word_wins_over_the_template_and_that_over_the_pipelines() -> None:
    node, _ = filled({"compute": ("small",), "cpus": 3, "image": "r-base:4.4"}, {"memory": 2 * GIB, "cpus": 2})
    assert (node.cpus, node.memory, node.image) == (3, GIB, "r-base:4.4")
    node, name = filled({}, {"compute": ("here",)})
    assert (node.cpus, node.executor, name) == (2, ExecutorName.PROCESS, "here")
    assert filled({"compute": ("small",)}, {"compute": ("here",)})[1] == "small"
    # A node that asks for more than the machine has makes every template too large.
    assert refused({"compute": ("small", "here"), "cpus": 5}).code == "E-RESOURCE"


def test_row_48_when_none_fits_each_is_named_with_what_it_asks_and_what_there_is() -> None:
    found = refused({"compute": ("gpu", "big")})
    assert found.code == "E-RESOURCE"
    assert '"Train"' in found.message
    assert "gpu asks for 2 cores, 1 GPU; there is: 4 cores, 8 GiB memory, no GPU" in found.message
    assert "big asks for 64 cores, 256 GiB memory; there is:" in found.message


def test_an_unknown_template_is_named_with_the_nearest() -> None:
    found = refused({"compute": ("small", "bgi")})
    assert (found.code, found.hint) == ("E-COMPUTE", 'Did you mean "big"?')


def test_a_template_with_an_image_needs_an_engine() -> None:
    """With `auto` and no engine, the template with an image does not fit; the next one may."""
    asked: list[ExecutorName | None] = []

    def box(executor: ExecutorName | None) -> Machine:
        asked.append(executor)
        return Machine(absent="no engine answers") if executor is ExecutorName.DOCKER else BOX

    node = Node(title="Train", compute=("small", "here"))
    assert chosen(node, Defaults(executor=ExecutorName.AUTO), TEMPLATES, box)[1] == "here"
    assert asked == [ExecutorName.DOCKER, ExecutorName.PROCESS]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"cpus": 4096.0}, "asks for 4096 cores"),
        ({"memory": 2**60}, "asks for 1.049e+06 TiB memory"),
        ({"gpus": 999}, "asks for 999 GPUs"),
    ],
)
@pytest.mark.parametrize("executor", [pytest.param("docker", marks=pytest.mark.container), "process"])
def test_d2_more_than_the_machine_has_is_told_with_what_it_has(
    executor: str, asked: dict[str, Any], said: str, request: pytest.FixtureRequest
) -> None:
    """D2: before anything is pulled, built or started."""
    runs = request.getfixturevalue("docker").executor if executor == "docker" else ProcessExecutor(sandbox=True)
    needs = Needs("Train", Kind.CELL, image="dagbook/no-such:1" if executor == "docker" else None, **asked)
    told: list[str] = []
    runtimes, (found,) = runs.prepare([needs], told.append)
    assert (runtimes, told) == ({}, [])
    assert found.code == "E-RESOURCE"
    assert f'"Train" {said}' in found.message
    assert str(machine_of(ExecutorName(executor))) in found.message


def test_this_machine_has_what_the_system_says() -> None:
    here = this_machine()
    assert here.cores is not None
    assert 0 < here.cores <= (os.cpu_count() or 1)
    assert here.memory is not None
    assert 2**20 < here.memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.container
def test_an_engines_machine_is_what_the_engine_says(docker: Bench) -> None:
    found = machine_of(ExecutorName.DOCKER)
    info = docker.executor.client.info()  # type: ignore[attr-defined]
    assert (found.cores, found.memory) == (info["NCPU"], info["MemTotal"])
    assert machine_of(ExecutorName.AUTO) == found


def test_without_an_engine_docker_has_nothing_and_auto_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert "no Docker engine answers" in str(machine_of(ExecutorName.DOCKER))
    assert machine_of(ExecutorName.AUTO) == this_machine()


@pytest.mark.parametrize(
    ("info", "gpus"),
    [
        ({}, 0),
        ({"Runtimes": {"runc": {}}}, 0),
        ({"Runtimes": {"runc": {}, "nvidia": {}}}, None),
        ({"DiscoveredDevices": [{"Source": "cdi", "ID": f"nvidia.com/gpu={n}"} for n in (0, 1, "all")]}, 2),
        ({"DiscoveredDevices": [{"Source": "cdi", "ID": "vendor.com/net=0"}]}, 0),
    ],
)
def test_an_engine_elsewhere_tells_of_its_gpus(info: dict[str, Any], gpus: int | None) -> None:
    """None: there are some, and how many is not told; then any number is let through."""
    assert engines_machine({"NCPU": 2, "MemTotal": GIB, **info}, "http://elsewhere:2375") == Machine(2, GIB, gpus)


def test_gpus_are_shown_and_hidden_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    assert gpu_variables(None, container=False) == {}
    assert gpu_variables(0, container=False) == {"CUDA_VISIBLE_DEVICES": ""}
    assert gpu_variables(2, container=False) == {"CUDA_VISIBLE_DEVICES": "3,5"}
    assert gpu_variables(2, container=True) == {}
    assert gpu_variables(0, container=True) == {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}


def test_gpus_0_hides_them_from_the_node(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    cell = "import os; print(repr(os.environ.get('CUDA_VISIBLE_DEVICES')))"
    assert bench.run(bench.job(cell, gpus=0)).ok
    assert bench.text() == "''\n"


@pytest.mark.container
def test_gpus_are_asked_of_the_engine(docker: Bench) -> None:
    """The request reaches the engine, which has none here and says so."""
    outcome = docker.run(docker.job("1", gpus=1))
    assert not outcome.ok
    assert "capabilities: [[gpu]]" in outcome.reason


MEMORY = 200 * 2**20
BUSY = f"import time\nx = b'x' * {MEMORY}\nwhile time.process_time() < 0.5: pass"


def test_what_a_notebook_used_is_told(bench: Bench) -> None:
    """Processor time and the peak of memory, also when a cell failed."""
    for cell, ok in ((BUSY, True), (f"{BUSY}\n1/0", False)):
        outcome = bench.run(bench.job(cell))
        assert outcome.ok is ok
        assert 0.5 <= outcome.used["cpu_s"] < 60
        assert MEMORY < outcome.used["memory_bytes"] < 20 * MEMORY


def test_what_a_command_used_is_told(bench: Bench) -> None:
    """With its children, and when it fails; what the shell says of it is no output."""
    python = "python3" if "docker" in bench.executor.name else sys.executable
    script = f"cat > busy.py <<'end'\n{BUSY}\nend\n{python} busy.py\n"
    for end, code in (("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)):
        outcome = bench.run(bench.job(script=script + end))
        assert outcome.exit_code == code
        assert bench.text() + bench.text("stderr") == ""
        assert 0.5 <= outcome.used["cpu_s"] < 60
        if not getattr(bench.executor, "sandbox", False):  # a namespace has no memory of its own to be measured
            assert MEMORY < outcome.used["memory_bytes"] < 20 * MEMORY


@pytest.mark.container
def test_what_the_shell_cannot_find_is_still_said(docker: Bench) -> None:
    outcome = docker.run(docker.job(script="#!/no/such/shell\n"))
    assert outcome.exit_code == 127
    assert "/no/such/shell" in docker.text("stderr")


HOSTILE = [b"", b"\xff\x00", b"memory 99999999999999999999\n", b"memory -1\n1e400m0s\n", b"x" * 100_000]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_node_leaves_instead_is_not_believed(content: bytes, tmp_path: Path) -> None:
    (tmp_path / resources.USED).write_bytes(content)
    assert read_used(tmp_path) == {}


def test_a_link_or_pipe_left_instead_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("memory 42\n")
    (tmp_path / resources.USED).symlink_to(tmp_path / "secret")
    assert read_used(tmp_path) == {}
    (tmp_path / resources.USED).unlink()
    os.mkfifo(tmp_path / resources.USED)
    assert read_used(tmp_path) == {}
