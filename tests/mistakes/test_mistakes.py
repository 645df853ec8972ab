"""Mistakes that people make, and what dagbook says: what, where, what to do, with the right exit code, and never a
traceback of ours or of a library's."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dagbook.runner.cli import main
from tests.formats.notebooks import write

from .in_calls import IN_CALLS
from .in_cells import IN_CELLS
from .mistake import Mistake

MISTAKES = (*IN_CELLS, *IN_CALLS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with no engine and nothing of the machine's settings in force."""
    for name in [name for name in os.environ if name.startswith("DAGBOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answered(mistake: Mistake, folder: Path) -> Result:
    """What the command answers in a folder that holds what the mistake needs."""
    if mistake.cells:
        write(folder / "flow.ipynb", *mistake.cells)
    for name, text in mistake.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, shlex.split(mistake.typed), env=dict(mistake.environment), prog_name="dagbook")


READING = "import dagbook\nprint(dagbook.input('sell'))"


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (("%%pipeline_node sell\n1", f"%%pipeline_node count --after sel\n{READING}"), ["E-EDGE-UNKNOWN"]),
        (("%%pipeline_node sell --aftr x\n1", f"%%pipeline_node count --after sell\n{READING}"), ["E-MAGIC-ARG"]),
        (("%%pipeline_node sell\nprint(1", "%%pipeline_node count --after sel\n1"), ["E-SYNTAX", "E-EDGE-UNKNOWN"]),
    ],
    ids=["a mistyped edge", "a node that cannot be read", "two mistakes"],
)
def test_one_mistake_is_told_once_and_by_its_own_name(cells: tuple[str, ...], codes: list[str], folder: Path) -> None:
    mistake = Mistake("", "check flow.ipynb", "", "", cells=cells)
    told = answered(mistake, folder).output
    assert re.findall(r"\b[EW]-[A-Z-]+", told) == codes


def test_there_are_sixty_mistakes_at_least_and_no_two_have_one_name() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 60


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "_"))
def test_a_mistake_is_told_with_what_to_do_and_without_a_traceback(mistake: Mistake, folder: Path) -> None:
    result = answered(mistake, folder)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == mistake.exit, result.output
    assert "Traceback" not in result.output
    assert mistake.code in result.output
    for words in (mistake.says, mistake.fix):
        assert words in " ".join(result.output.split()), result.output
    if mistake.exit == 2 and "--store" not in mistake.typed:
        assert not list(folder.rglob(".dagbook")), "a mistake left a store behind"
