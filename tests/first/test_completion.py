"""What Tab completes: asked as shells ask, and at the keyboard of real ones."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from dagbook.runner.cli import main
from dagbook.runner.completing import let_complete
from dagbook.runner.completion_shells import SHELLS
from tests.conftest import DAGBOOK, run_dagbook, write_notebook

PARAMETERS = "# parameters\nepochs = 3  # how often\nname = 'x'"
PREPARE = "%%pipeline_node prepare\n1"
TRAIN = '%%pipeline_node "Train model" --after prepare --grid lr=1,2 --param epochs name\nlr, epochs, name'
PUBLISH = '%%pipeline_node publish --after "Train model" --gather --approve leah,yochay\n1'


def asked(folder: Path, *words: str, shell: str = "bash", **more: str) -> list[str]:
    """What completes the last of these words in this folder, as the shell would ask; nothing else may be said."""
    line = ["dagbook", *words]
    typed = "\n".join(line) if shell == "bash" else " ".join(line)
    number = words[-1] if shell == "fish" else str(len(words))
    env = {"_DAGBOOK_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed, "COMP_CWORD": number, **more}
    said = run_dagbook(folder, env=env)
    assert (said.code, said.err) == (0, "")
    if shell == "zsh":
        return said.out.split("\n")[1::3]
    return [line.partition(",")[2] for line in said.out.splitlines() if line]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a notebook of an awkward name, other files, and a run that waits for an approval."""
    folder = tmp_path_factory.mktemp("completion") / "project"
    write_notebook(folder / "my flow.ipynb", PARAMETERS, "%pipeline tea", PREPARE, TRAIN, PUBLISH)
    (folder / "notes.txt").write_text("no pipeline")
    (folder / "other.yaml").write_text("services: {}")
    (folder / "native.yaml").write_text("dagbook: 1\nname: x\nnodes: []\n")
    (folder / "deep" / "deeper").mkdir(parents=True)
    shutil.copy(folder / "my flow.ipynb", folder / "deep" / "deeper" / "copy.ipynb")
    run = run_dagbook(folder, "run", "my flow.ipynb", "--executor", "process", "--no-wait", "-q")
    assert run.code == 3, run.err
    assert run_dagbook(folder, "data", "create", "images").code == 0
    return folder


def test_commands_and_options_are_completed(project: Path) -> None:
    assert asked(project, "ru") == ["run", "runs"]
    assert set(asked(project, "data", "l")) == {"list", "log"}
    assert "--executor" in asked(project, "run", "--ex")
    assert asked(project, "run", "--executor", "") == ["auto", "docker", "process"]
    assert asked(project, "tutorial", "") == ["intro", "params", "grid", "conditions", "ci"]


def test_files_are_those_of_pipelines_and_a_lonely_folder_is_gone_into(project: Path) -> None:
    assert asked(project, "run", "") == ["my\\ flow.ipynb", "native.yaml", "deep/"]
    assert asked(project, "plan", "de") == ["deep/deeper/copy.ipynb"]
    assert asked(project, "run", "'my") == ["my flow.ipynb"]  # bash itself closes the quote
    assert asked(project, "check", "n") == ["native.yaml"]
    assert asked(project, "graph", "other") == ["other.yaml"]  # nothing else begins so


def test_nodes_are_those_of_the_file_that_is_typed(project: Path) -> None:
    flow = "my\\ flow.ipynb"
    assert asked(project, "run", flow, "--node", "") == ["prepare", "Train\\ model", "publish"]
    assert asked(project, "plan", flow, "--until", "tr") == ["Train\\ model"]
    assert asked(project, "run", "--force", "") == []  # of which file?


def test_parameters_are_completed_by_name_and_then_by_value(project: Path) -> None:
    assert asked(project, "run", "my\\ flow.ipynb", "-p", "") == ["epochs", "name"]
    assert asked(project, "run", "my\\ flow.ipynb", "-p", "epochs", "") == ["3"]
    assert asked(project, "resume", "latest", "-p", "e") == ["epochs"]


def test_runs_are_completed_with_what_became_of_them(project: Path) -> None:
    (run,) = asked(project, "show", "")[1:]
    assert re.fullmatch("[0-9a-f]{8}", run)
    assert asked(project, "cancel", run[:3]) == [run]
    env = {"_DAGBOOK_COMPLETE": "zsh_complete", "COMP_WORDS": "dagbook logs ", "COMP_CWORD": "2"}
    assert f"plain\n{run}\ntea pending approval" in run_dagbook(project, env=env).out


def test_nodes_of_a_run_are_completed_and_only_those_that_wait_are_decided_on(project: Path) -> None:
    assert asked(project, "logs", "latest", "") == ["prepare", "Train\\ model", "publish"]
    assert asked(project, "logs", "latest", "train_model#") == ["train_model#1", "train_model#2"]
    assert asked(project, "retry", "latest", "--node", "p") == ["prepare", "publish"]
    assert asked(project, "approve", "latest", "") == ["publish"]
    assert asked(project, "approve", "latest", "publish", "--by", "") == ["leah", "yochay"]
    assert asked(project, "compare", "--by", "") == []


def test_datasets_are_completed_where_one_is_meant(project: Path) -> None:
    assert asked(project, "data", "put", "") == ["images"]
    assert asked(project, "init", "--name", "") == []


def test_zsh_and_fish_quote_by_themselves(project: Path) -> None:
    assert asked(project, "run", "my", shell="zsh") == ["my flow.ipynb"]
    assert asked(project, "run", "my", shell="fish") == ["my flow.ipynb"]


def test_what_is_broken_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "flow.ipynb").write_text('{"cells": [')
    (tmp_path / "dagbook.toml").write_text("jobs = ")
    (tmp_path / ".dagbook").mkdir()
    (tmp_path / ".dagbook" / "dagbook.db").write_text("no database")
    assert asked(tmp_path, "run", "flow.ipynb", "--node", "") == []
    assert asked(tmp_path, "show", "") == []
    assert asked(tmp_path, "show", "l") == []
    assert asked(tmp_path, "run", "nowhere/") == []
    assert asked(tmp_path, "run", "") == ["flow.ipynb"]


def test_nothing_is_fetched_and_no_program_is_executed_for_a_tab(tmp_path: Path) -> None:
    program = "import dagbook\nopen('executed', 'w')\nflow = dagbook.Pipeline('x')\n"
    (tmp_path / "flow.py").write_text(program)
    assert asked(tmp_path, "run", "f") == ["flow.py"]
    assert asked(tmp_path, "run", "flow.py", "--node", "") == []
    assert not (tmp_path / "executed").exists()
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        words = ("run", f"http://{host}/flow.ipynb", "--exec")
        assert asked(tmp_path, *words, DAGBOOK_DATA_HOSTS=host) == ["--executor"]
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has called
            server.accept()


def every_command(group: click.Group) -> Iterator[click.Command]:
    """All commands below a group that are no groups."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command)
        else:
            yield command


def test_no_run_node_or_file_of_any_command_is_left_out() -> None:
    """A new command that calls its arguments otherwise is told here."""
    for command in every_command(main):
        let_complete(command)
        for one in command.params:
            named = one.make_metavar(click.Context(command))
            wanted = re.fullmatch(r"(\[?RUN\]?(\.\.\.)?|\[?NODE\]?|FILE(\.\.\.)?|\[RUN\] NODE|NAME VALUE)", named)
            if wanted and not isinstance(one.type, click.Path) and one.param_type_name == "argument":
                assert "shell_complete" in vars(one), (command.name, one.name)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_says_how_to_have_it_read(tmp_path: Path, shell: str) -> None:
    said = run_dagbook(tmp_path, "completion", shell)
    assert (said.code, said.err) == (0, "")
    assert f"dagbook completion {shell}" in said.out
    assert said.out.startswith("#compdef dagbook\n") is (shell == "zsh")
    told = run_dagbook(tmp_path, "completion", env={"SHELL": f"/usr/bin/{shell}"})
    assert f"dagbook completion {shell}" in told.out
    assert "_dagbook" not in told.out


# at the keyboard

START = {"bash": ("--norc", "--noprofile", "-i"), "zsh": ("-f", "-i"), "fish": ("--no-config", "-i")}
READ = {
    "bash": 'eval "$(dagbook completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(dagbook completion zsh)"',
    "fish": "dagbook completion fish | source",
}


class Keyboard:
    """A shell on a terminal: types, and reads until a text is there."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.child, self._terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            path = f"{Path(DAGBOOK).parent}{os.pathsep}{os.environ['PATH']}"
            env = {**os.environ, "PATH": path, "TERM": "xterm", "HOME": str(folder.parent), "INPUTRC": os.devnull}
            os.execvpe(shell, [shell, *START[shell]], env)

    def type(self, keys: str, until: str) -> str:
        """Type these keys and give what is shown up to `until`; fails after a minute."""
        os.write(self._terminal, keys.encode())
        seen, deadline = "", time.monotonic() + 60
        while until not in seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{until!r} was not shown: {seen}"
            if select.select([self._terminal], [], [], left)[0]:
                seen += os.read(self._terminal, 65536).decode(errors="replace")
        return seen

    def close(self) -> None:
        """Hang up, and wait for the shell's end."""
        os.close(self._terminal)
        os.waitpid(self.child, 0)


@pytest.fixture
def keyboard(project: Path) -> Iterator[Callable[[str], Keyboard]]:
    """Starts a shell in the project's folder; skips for one that is not installed."""
    started: list[Keyboard] = []

    def start(shell: str) -> Keyboard:
        if not shutil.which(shell):
            pytest.skip(f"{shell} is not installed here")
        started.append(Keyboard(shell, project))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_names_with_spaces_so_that_the_command_runs(
    keyboard: Callable[[str], Keyboard], shell: str
) -> None:
    """Completed, and then sent off: what runs is what was meant."""
    shown = keyboard(shell)
    shown.type(f"{READ[shell]}; echo rea''dy\n", "ready")
    shown.type("dagbook check my\t\n", "my flow.ipynb: 3 nodes")
    shown.type("dagbook plan my\\ flow.ipynb --until Tr\t --no-cache\n", "along 2 routes in all")
    shown.type("dagbook logs lat\tpre\t; echo o''ver\n", "over")


def test_a_quote_that_is_open_is_closed(keyboard: Callable[[str], Keyboard]) -> None:
    shown = keyboard("bash")
    shown.type(f"{READ['bash']}; echo rea''dy\n", "ready")
    shown.type('dagbook check "my f\t\n', "my flow.ipynb: 3 nodes")


@pytest.mark.parametrize("begun", ["", "'", '"'])
def test_a_name_that_is_completed_runs_nothing(tmp_path: Path, begun: str) -> None:
    name = "a $(touch pwned) `touch pwned` 'b' \\.ipynb"
    write_notebook(tmp_path / "project" / name, "%%pipeline_node first\n1")
    shown = Keyboard("bash", tmp_path / "project")
    try:
        shown.type(f"{READ['bash']}; echo rea''dy\n", "ready")
        shown.type(f"dagbook check {begun}a\t\n", ".ipynb: 1 node")
    finally:
        shown.close()
    assert not (tmp_path / "project" / "pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_name_of_two_lines_is_not_completed(tmp_path: Path, shell: str) -> None:
    write_notebook(tmp_path / "project" / "a\nplain,$(touch pwned).ipynb", "%%pipeline_node first\n1")
    write_notebook(tmp_path / "project" / "b.ipynb", "%%pipeline_node first\n1")
    assert asked(tmp_path / "project", "check", "", shell=shell) == ["b.ipynb"]
