"""What the process executor says before anything runs, and which executor is chosen."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import dagbook.runner.executors.sandbox
from dagbook.runner.core.errors import MachineError, PipelineError
from dagbook.runner.core.model import ExecutorName, Kind
from dagbook.runner.executors.choose import choose
from dagbook.runner.executors.contract import Needs
from dagbook.runner.executors.interpreters import digest_here
from dagbook.runner.executors.process import ProcessExecutor
from dagbook.runner.executors.sandbox import bubblewrap
from tests.conftest import DAGBOOK, MakeNotebook

from .conftest import BASE, Bench, engine_answers


def codes(executor: ProcessExecutor, **asked: object) -> list[str]:
    """The codes found for one node."""
    asked.setdefault("kind", Kind.CELL)
    needs = Needs("node", **asked)  # type: ignore[arg-type]
    return [one.code for one in executor.prepare([needs], lambda line: None)[1]]


def test_limits_are_told_and_images_refused() -> None:
    """What it cannot enforce is a warning; what it cannot do is an error."""
    executor = ProcessExecutor(sandbox=True)
    assert codes(executor) == []
    assert codes(executor, memory=2**30, cpus=1.0) == ["W-EXECUTOR"]
    assert codes(executor, image="r-base:4.4") == ["E-EXECUTOR"]
    assert codes(executor, kernel="julia", language="julia") == ["E-EXECUTOR"]


@pytest.mark.parametrize(
    ("source", "kind", "found"),
    [
        ("open('/input/prepare/x.csv')", Kind.CELL, True),
        ("%matplotlib inline\nopen(f'/output/{name}')", Kind.CELL, True),
        ("# '/input/x' in a comment\nx = 'see /input/x'\ny = '/inputs'", Kind.CELL, False),
        ("library(x); read.csv('/input/a/b')", Kind.CELL, True),
        ("cat /input/a/b > /output/c", Kind.COMMAND, True),
        ("cat $INPUT_A/input/data", Kind.COMMAND, False),
    ],
)
def test_paths_that_cannot_be_made_real_are_errors(source: str, kind: Kind, found: bool) -> None:
    """Without a namespace a string that spells /input would open nothing, or somebody else's folder."""
    assert ("E-PATH-LITERAL" in codes(ProcessExecutor(sandbox=False), source=source, kind=kind)) is found
    assert "E-PATH-LITERAL" not in codes(ProcessExecutor(sandbox=True), source=source, kind=kind)


def test_the_message_names_variable_and_helper() -> None:
    """What to write instead."""
    needs = Needs("node", Kind.CELL, source="open('/input/prepare/x')")
    _, problems = ProcessExecutor(sandbox=False).prepare([needs], lambda line: None)
    hint = next(one.hint for one in problems if one.code == "E-PATH-LITERAL")
    assert "INPUT_PREPARE" in hint
    assert 'dagbook.input("prepare")' in hint


def test_requirements_that_are_met_need_nothing(tmp_path: Path) -> None:
    """The interpreter is taken as it is, and its packages are in the digest."""
    executor = ProcessExecutor(cache=tmp_path, sandbox=True)
    runtimes, _ = executor.prepare(
        [Needs("node", Kind.CELL, requirements=("nbformat>=5", "x; python_version<'3'"))], print
    )
    assert list(tmp_path.iterdir()) == []
    assert runtimes["node"].digest.startswith("sha256:")


def test_requirements_that_are_not_met_make_an_environment(sandbox: Bench, tmp_path: Path) -> None:
    """Made once, used by the kernel; a failing one leaves nothing."""
    executor = sandbox.executor = ProcessExecutor(cache=tmp_path / "environments", sandbox=True)
    told: list[str] = []
    needs = Needs("node", Kind.CELL, requirements=("pyyaml==6.0.2",))
    try:
        runtime = executor.prepare([needs], told.append)[0]["node"]
    except PipelineError as error:
        pytest.skip(f"no package index: {error}")
    assert len(told) == 1
    assert executor.prepare([needs], told.append)[0]["node"] == runtime
    assert len(told) == 1
    outcome = sandbox.run(sandbox.job("import yaml; print(yaml.__version__)", runtime=runtime))
    assert outcome.ok, outcome.reason
    assert sandbox.text() == "6.0.2\n"


def test_a_failing_environment_is_told_with_its_lines(tmp_path: Path) -> None:
    """And nothing half-made is left."""
    executor = ProcessExecutor(cache=tmp_path, sandbox=True)
    with pytest.raises(PipelineError, match='E-BUILD-FAILED: the Python environment for node "node"'):
        executor.prepare([Needs("node", Kind.CELL, requirements=("no-such-package-at-all==9.9",))], print)
    assert list(tmp_path.iterdir()) == []


def test_the_rest_of_the_machine_is_read_only(sandbox: Bench, tmp_path: Path) -> None:
    """In the namespace only /output and /tmp can be written, and this machine's /tmp is not seen."""
    cell = """
import os
def refused(path):
    try: open(path, 'w'); return False
    except OSError: return True
print(refused('/etc/x'), refused('/new'), refused(os.path.expanduser('~/x')), os.path.exists('%s'), os.getpid() < 50)
""".replace("%s", str(tmp_path))
    assert sandbox.run(sandbox.job(cell)).ok
    assert sandbox.text() == "True True False False True\n"


def test_auto_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Falls back saying why; not when a node asks for what only a container gives; by name never."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    executor, said = choose(ExecutorName.AUTO, [Needs("node", Kind.CELL)], default_image=BASE)
    assert executor.name == "process"
    assert [one.code for one in said] == ["W-EXECUTOR"]
    assert "no such socket" in said[0].message
    for asked in ({"image": "x"}, {"memory": 2**30}):
        with pytest.raises(MachineError, match="E-DOCKER-DOWN"):
            choose(ExecutorName.AUTO, [Needs("node", Kind.CELL, **asked)], default_image=BASE)
    with pytest.raises(MachineError, match="E-DOCKER-DOWN"):
        choose(ExecutorName.DOCKER, [Needs("node", Kind.CELL)], default_image=BASE)


@pytest.mark.container
def test_auto_with_an_engine() -> None:
    """Docker when the image is there; else as without an engine."""
    if not engine_answers():
        pytest.skip("no engine")
    executor, said = choose(ExecutorName.AUTO, [Needs("node", Kind.CELL)], default_image=BASE)
    assert (executor.name, said) == ("docker", [])
    executor, said = choose(ExecutorName.AUTO, [Needs("node", Kind.CELL)], default_image="dagbook/no-such:1")
    assert executor.name == "process"
    with pytest.raises(PipelineError, match="E-IMAGE-MISSING"):
        choose(ExecutorName.AUTO, [Needs("node", Kind.CELL, memory=2**30)], default_image="dagbook/no-such:1")


def test_what_pins_an_interpreter_is_what_is_installed_not_where_it_was_called_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = digest_here()
    (tmp_path / "own_work.egg-info").mkdir()  # a checkout on the path
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path, str(tmp_path / "gone.zip")])
    assert digest_here() == here
    (tmp_path / "other-1.0.dist-info").mkdir()
    assert digest_here() != here


@pytest.fixture
def full_machine(tmp_path: Path, sandbox: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench on a machine where bubblewrap works, and can make no namespace any more."""
    script = '#!/bin/sh\ncase "$*" in *--info-fd*) set -- --ro-bind /not/there /not/there "$@" ;; esac\n'
    wrapper = tmp_path / "bwrap"
    wrapper.write_text(f'{script}exec {bubblewrap()} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(dagbook.runner.executors.sandbox, "bubblewrap", lambda: str(wrapper))
    return sandbox


@pytest.mark.parametrize("keep_failed", [False, True])
@pytest.mark.parametrize("of", ["command", "notebook"])
def test_a_namespace_that_cannot_be_made_is_told_and_the_attempt_is_lost(
    full_machine: Bench, of: str, keep_failed: bool
) -> None:
    """Nothing of the node's has run: it is no failure of it, and what bubblewrap says is no output of it."""
    job = full_machine.job(script="true") if of == "command" else full_machine.job("1")
    outcome = full_machine.run(replace(job, keep_failed=keep_failed))
    assert outcome.lost
    said = "bwrap: Can't find source path /not/there: No such file or directory"
    assert outcome.reason == f"its namespace could not be made: {said}"
    assert full_machine.text("stderr") == ""


@pytest.mark.parametrize("keep_failed", [False, True])
@pytest.mark.parametrize("of", ["command", "notebook"])
def test_a_namespace_is_tried_again_as_mounts_come_and_go_on_the_machine(
    sandbox: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str, keep_failed: bool
) -> None:
    """A container that ends takes its mounts away while bubblewrap looks at them, which it does not expect."""
    wrapper, tries = tmp_path / "bwrap", tmp_path / "tries"
    fails = f'[ "$(wc -c <{tries})" -lt 2 ] && set -- --ro-bind /not/there /not/there "$@"'
    wrapper.write_text(f'#!/bin/sh\nprintf x >>{tries}\n{fails}\nexec {bubblewrap()} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(dagbook.runner.executors.sandbox, "bubblewrap", lambda: str(wrapper))
    job = sandbox.job(script="echo once") if of == "command" else sandbox.job("print('once')")
    outcome = sandbox.run(replace(job, keep_failed=keep_failed))
    assert outcome.ok, outcome.reason
    assert sandbox.text() == "once\n"
    assert tries.read_text() == "xx"


def test_a_namespace_that_cannot_be_made_for_no_reason_told_is_told_by_how_bubblewrap_ended(
    sandbox: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagbook.runner.executors.sandbox, "bubblewrap", lambda: "false")
    outcome = sandbox.run(sandbox.job(script="true"))
    assert (outcome.lost, outcome.reason) == (True, "its namespace could not be made: bwrap exited (code 1)")


@pytest.mark.parametrize("script", ["echo said >&2; exit 1", "exit 1", "kill -KILL $$", "no-such-command"])
def test_what_a_command_does_in_its_namespace_is_its_own_failure(sandbox: Bench, script: str) -> None:
    outcome = sandbox.run(sandbox.job(script=script))
    assert not outcome.ok
    assert not outcome.lost
    assert ("said" in script) == (sandbox.text("stderr") == "said\n")


def test_a_run_that_is_started_with_sigchld_ignored_hears_of_its_nodes_all_the_same(
    make_notebook: MakeNotebook,
) -> None:
    """As some servers and supervisors start their children."""
    flow = make_notebook("%%pipeline_command a\necho 1 > a.txt", "%%pipeline_node b --after a\nprint(2)")
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    words = [sys.executable, "-c", ignoring, DAGBOOK, "run", str(flow), "--executor", "process"]
    said = subprocess.run(words, cwd=flow.parent, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stderr == ""
