"""The commands that tests run in forked processes are what users start."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import commands
from tests.conftest import DAGBOOK, MakeNotebook

forks = pytest.mark.skipif(sys.platform != "linux", reason="commands are started as ever")


@forks
@pytest.mark.parametrize(
    "words", [["--version"], ["check", "flow.ipynb"], ["rnu"], ["show"], ["run", "--wrong"]], ids=" ".join
)
def test_a_forked_command_prints_and_ends_as_one_that_was_started(
    words: list[str], make_notebook: MakeNotebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_notebook("%%pipeline_node one\nmissing").parent
    forked = commands.run([DAGBOOK, *words], folder, os.environ, 60)
    monkeypatch.setenv("COLD", "1")
    started = commands.run([DAGBOOK, *words], folder, os.environ, 60)
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)
    assert forked.stdout + forked.stderr


@forks
def test_a_forked_command_has_the_callers_folder_and_variables_and_no_others(
    make_notebook: MakeNotebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_notebook("%%pipeline_node one\n1").parent
    monkeypatch.setenv("DAGBOOK_EXECUTOR", "nonsense")
    words = [DAGBOOK, "run", "flow.ipynb"]
    refused = commands.run(words, folder, os.environ, 60)
    assert "nonsense" in refused.stderr
    monkeypatch.delenv("DAGBOOK_EXECUTOR")
    ran = commands.run([*words, "--executor", "process"], folder, {**os.environ, "DAGBOOK_STORE": "elsewhere"}, 60)
    assert ran.returncode == 0, ran.stderr
    assert (folder / "elsewhere" / "runs").is_dir()


@forks
def test_a_forked_command_that_takes_too_long_is_ended(make_notebook: MakeNotebook) -> None:
    notebook = make_notebook("%%pipeline_node endless\nimport time\nprint('begun', flush=True)\ntime.sleep(600)")
    words = [DAGBOOK, "run", str(notebook), "--executor", "process"]
    with pytest.raises(subprocess.TimeoutExpired):
        commands.run(words, notebook.parent, os.environ, 0.5)
    assert notebook.parent not in [folder.resolve() for folder in Path("/proc").glob("[0-9]*/cwd")]
    said = commands.run([DAGBOOK, "--version"], notebook.parent, os.environ, 60)
    assert said.returncode == 0, "the next one runs as ever"


def test_two_commands_run_at_once(tmp_path: Path) -> None:
    def version(_: int) -> commands.Ended:
        return commands.run([DAGBOOK, "--version"], tmp_path, os.environ, 60)

    with ThreadPoolExecutor() as pool:
        said = list(pool.map(version, range(3)))
    assert {one.returncode for one in said} == {0}
    assert len({one.stdout for one in said}) == 1
