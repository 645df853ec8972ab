"""Inputs that are small and mean much, or are large: told or taken soon, and within a limit of memory.

The command line is called for real, as a process that gets no more memory; LONG_FAULTS=1 tries the largest.
"""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK
from tests.faults.box import LONG
from tests.formats.notebooks import PYTHON, write

from .test_yaml import BOMB

SOON = 60  # seconds, on a machine with much else to do
MEBIBYTE = 2**20
A = "%%pipeline_node a\nprint(1)"


def bomb_of_merges() -> str:
    """Mappings that take each other in, ten times as many keys at each step."""
    lines = ["dagbook: 1", "a0: &a0 {" + ", ".join(f"k{n}: x" for n in range(10)) + "}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines)


def routes(*counts: int) -> str:
    """Nodes in a row, each with an axis of so many values."""
    nodes = [f"- {{title: n{at}, source: '1', grid: {{x: {list(range(many))}}}" for at, many in enumerate(counts)]
    after = [f", after: [n{at - 1}]}}" if at else "}" for at in range(len(counts))]
    return "dagbook: 1\nnodes:\n" + "\n".join(map(str.__add__, nodes, after)) + "\n"


SMALL: list[tuple[str, str, str, str]] = [
    ("a-bomb-of-aliases", "p.yaml", BOMB, "E-YAML-ALIASES"),
    ("a-bomb-of-mappings", "p.yaml", bomb_of_merges(), "E-YAML-ALIASES"),
    ("a-million-brackets", "p.yaml", "[" * 1_000_000, "E-YAML-DEPTH"),
    ("a-million-braces", "p.json", '{"a":' * 500_000, "E-YAML-DEPTH"),
    ("too-large", "p.yaml", " " * 5_000_001, "E-YAML-SIZE"),
    ("a-long-name", "p.yaml", f"dagbook: 1\nnodes:\n- title: {'x' * 1_000_000}\n  source: '1'\n", "E-NAME-LONG"),
    ("a-million-routes", "p.yaml", routes(*[10] * 6), "E-GRID-SIZE"),
    ("more-routes-than-atoms", "p.yaml", routes(*[100] * 40), "E-GRID-SIZE"),
    ("deep-json", "n.ipynb", "[" * 1_000_000, "E-NB-PARSE"),
]
if LONG:  # as many values as are taken at all are read in half a minute
    SMALL += [("many-values", "p.yaml", "dagbook: 1\nname: [" + "1," * 300_000 + "]", "E-YAML-SIZE")]


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Calls the command line with so many MiB of memory."""

    def call(*words: str | Path, memory: int) -> subprocess.CompletedProcess[str]:
        most = memory * MEBIBYTE
        return subprocess.run(
            [DAGBOOK, *map(str, words)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SOON * (5 if LONG else 1),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
            check=False,
        )

    yield call
    for path in tmp_path.iterdir():  # some are large
        path.unlink()


@pytest.mark.parametrize(("name", "file", "text", "code"), SMALL, ids=[row[0] for row in SMALL])
def test_T20_what_means_much_is_refused_soon_and_with_little_memory(
    name: str,
    file: str,
    text: str,
    code: str,
    tmp_path: Path,
    limited: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    (tmp_path / file).write_text(text)
    ended = limited("check", file, memory=768)
    assert ended.returncode == 2, ended.stderr
    assert code in ended.stdout
    assert len(ended.stdout) < 5000
    assert "Traceback" not in ended.stderr


def test_B3_a_notebook_of_many_cells_is_read(
    tmp_path: Path, limited: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    many = 50_000 if LONG else 5000
    write(tmp_path / "n.ipynb", "%load_ext dagbook", A, *(f"x{n} = {n}" for n in range(many)))
    ended = limited("check", "n.ipynb", memory=768)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.skipif(not LONG, reason="LONG_FAULTS is not set")
@pytest.mark.parametrize("output", [100, 300])
def test_B3_a_notebook_with_a_huge_output_is_told_and_read(
    output: int, tmp_path: Path, limited: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    data = {"image/png": "A" * (output * MEBIBYTE)}
    shown = {"output_type": "display_data", "data": data, "metadata": {}}
    cell: dict[str, object] = {"cell_type": "code", "metadata": {}, "source": A, "outputs": [shown]}
    content = {"cells": [cell], "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 4}
    (tmp_path / "n.ipynb").write_text(json.dumps(content))
    ended = limited("check", "n.ipynb", memory=2048)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "W-NB-LARGE" in ended.stdout
