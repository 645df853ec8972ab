"""Paths that mean something outside of an artifact give nothing, however they are spelled (row T7)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagbook.runner.cli import main
from tests.flows.flow import Flow

OUTSIDE = "not-for-nodes"
STEPS = (
    "..",
    ".",
    "...",
    "..;",
    "%2e%2e",
    "%252e%252e",
    ".%2e",
    "\u2025",
    "\uff0e\uff0e",
    "..\\",
    "..%5c",
    "..%00",
    "d/..",
    "~",
)
JOINS = ("/", "//", "\\", "%2f", "%252f", "\u2215", "/./")
ENDS = ("secret.txt", "etc/passwd")
SPELLED = [
    *(join.join([step, step, end]) for step, join, end in itertools.product(STEPS, JOINS, ENDS)),
    *(prefix + "etc/passwd" for prefix in ("/", "//", "file:///", "\\\\?\\C:\\", "~root/../", "/proc/self/root/")),
    *("**/../../secret.txt", "{..,d}/../secret.txt", "[.][.]/secret.txt", "*/../../../secret.txt"),
    "d/one.txt/../../../x",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """A run, with files around its artifact that are none of it."""
    made = Flow(tmp_path_factory.mktemp("flow"), "%%pipeline_command a\nmkdir d; echo in >d/one.txt; ln -s d link")
    ended = made.run()
    artifact = Path(ended.runs["a"]["artifact"])
    artifact.parent.chmod(0o755)
    for folder in (artifact.parent, artifact.parents[1], made.store, made.folder):
        (folder / "secret.txt").write_text(OUTSIDE)
    return made


def test_there_are_two_hundred_spellings() -> None:
    assert len(set(SPELLED)) >= 200


def test_T7_no_spelling_of_a_path_leads_out_of_an_artifact(made: Flow, tmp_path: Path) -> None:
    for number, path in enumerate(dict.fromkeys(SPELLED)):
        words = ["artifact", "latest", "a", path, "--store", str(made.store)]
        for more in ([], ["--json"], ["-o", str(tmp_path / str(number))]):
            said = CliRunner().invoke(main, [*words, *more])
            assert said.exit_code == 2, (path, said.output)
            assert said.exception is None or isinstance(said.exception, SystemExit), (path, said.exception)
            assert OUTSIDE not in said.output
        assert not (tmp_path / str(number)).exists() or not list((tmp_path / str(number)).iterdir()), path
    assert CliRunner().invoke(main, ["artifact", "latest", "a", "d/one.txt", "--store", str(made.store)]).exit_code == 0
