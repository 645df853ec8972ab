"""Compute templates in dagbook.toml, and the magic options of a node's environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.core.model import Compute, ExecutorName
from dagbook.runner.formats.cells import parse_node, parse_pipeline
from dagbook.runner.formats.settings import read_settings

TEMPLATES = """\
jobs = 2

[compute.gpu]
image = "pytorch/pytorch:2.4"
gpus = 1
memory = "32g"

[compute."on-premise"]
cpus = 0.5
executor = "process"

[compute]
tiny = { cpus = "1" }
"""


def faults(folder: Path, toml: str) -> list[Problem]:
    (folder / "dagbook.toml").write_text(toml)
    with pytest.raises(PipelineError) as caught:
        read_settings(folder, {}, {})
    return list(caught.value.problems)


def test_row_48_templates_are_read_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "dagbook.toml").write_text(TEMPLATES)
    settings = read_settings(tmp_path, {}, {})
    assert dict(settings.compute) == {
        "gpu": Compute(image="pytorch/pytorch:2.4", gpus=1, memory=32 * 2**30),
        "on-premise": Compute(cpus=0.5, executor=ExecutorName.PROCESS),
        "tiny": Compute(cpus=1),
    }
    assert settings.from_where("compute") == "dagbook.toml line 3"


BAD = [
    ("[compute.a]\n\nmemroy = '1g'", 3, "E-SETTING", "no key 'memroy'", 'Did you mean "memory"?'),
    ("jobs = 1\n[compute.a]\ncpus = 0", 3, "E-VALUE", "0 is not a number of cores", "0.5"),
    ("[compute.a]\ncpus = 1\n[compute.b]\ncpus = -1", 4, "E-VALUE", "-1 is not", "0.5"),
    ("[compute.a]\nmemory = '10 GB'", 2, "E-VALUE", "'10 GB' is not an amount", "512m"),
    ("[compute.a]\nmemory = true", 2, "E-SETTING", 'such as "2g"', "Mend"),
    ("[compute.a]\ngpus = -1", 2, "E-SETTING", "whole number from 0", "Mend"),
    ("[compute.a]\ngpus = 0.5", 2, "E-SETTING", "whole number from 0", "Mend"),
    ("[compute.a]\nexecutor = 'dokcer'", 2, "E-SETTING", "one of auto, docker, process", 'Did you mean "docker"?'),
    ("[compute.a]\nimage = 'UPPER:x'", 2, "E-IMAGE-REF", "capital", "NAME"),
    ("jobs = 1\n[compute]\ncpus = 1", 2, "E-SETTING", "compute holds tables", "[compute.NAME]"),
    ("compute = 3", 1, "E-SETTING", "compute holds tables", "[compute.NAME]"),
    ("[compute.'a,b']\ncpus = 1", 1, "E-SETTING", "'a,b' cannot name", "letters"),
    ("[compute]\n\na = { cpus = 0 }", 3, "E-VALUE", "0 is not", "0.5"),
]


@pytest.mark.parametrize(("toml", "line", "code", "message", "hint"), BAD)
def test_faults_of_a_template_have_their_line(
    tmp_path: Path, toml: str, line: int, code: str, message: str, hint: str
) -> None:
    [found] = faults(tmp_path, toml)
    assert found.code == code
    assert found.message.startswith(f"dagbook.toml line {line}: ")
    assert found.place.line == line
    assert message in found.message
    assert hint in found.hint


def test_all_faults_of_all_templates_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "[compute.a]\ncpus = 0\nx = 1\n[compute.b]\ngpus = 'two'\n")
    assert [one.place.line for one in found] == [2, 3, 5]


def test_the_options_of_a_nodes_environment_reach_the_node() -> None:
    line = "Train --compute big,small --compute tiny big --gpus 2 --git git@h:team/a.git@v1 --no-cache"
    node = parse_node("pipeline_node", line)
    assert node.compute == ("big", "small", "tiny")
    assert (node.gpus, node.git, node.cache) == (2, "git@h:team/a.git@v1", False)
    plain = parse_node("pipeline_command", "Train")
    assert (plain.compute, plain.gpus, plain.git, plain.cache) == (None, None, None, None)
    _, defaults = parse_pipeline("churn --compute small --gpus 0 --no-cache --git ../model")
    assert (defaults.compute, defaults.gpus, defaults.cache, defaults.git) == (("small",), 0, False, "../model")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("--memory -1", "E-VALUE"),
        ("--memory '10 GB'", "E-VALUE"),
        ("--memory 10 GB", "E-MAGIC-ARG"),
        ("--memory 1e9", "E-VALUE"),
        ("--cpus 0", "E-VALUE"),
        ("--cpus 1e9", "E-VALUE"),
        ("--cpus nan", "E-VALUE"),
        ("--gpus -1", "E-VALUE"),
        ("--gpus 0.5", "E-VALUE"),
        ("--gpus all", "E-VALUE"),
        ("--gpus ٢", "E-VALUE"),
        ("--compute a,,b", "E-VALUE"),
        ("--compute ''", "E-VALUE"),
        ("--git -u", "E-GIT"),
        ("--git ext::sh", "E-GIT"),
        ("--no-cache yes", "E-MAGIC-ARG"),
    ],
)
def test_d2_what_means_nothing_is_told_at_the_magic(options: str, code: str) -> None:
    """D2: with the line and a mark below what is meant."""
    with pytest.raises(PipelineError) as caught:
        parse_node("pipeline_node", f"Train {options}")
    [found] = caught.value.problems
    assert found.code == code
    assert "^" in found.message


def test_a_password_in_git_is_nowhere_in_the_node() -> None:
    """Planning refuses it; a fault at the magic would show the line with it."""
    node = parse_node("pipeline_node", "Train --git https://me:s3cret@h/a.git@main")
    assert node.git == "https://***@h/a.git@main"
