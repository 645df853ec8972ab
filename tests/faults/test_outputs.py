"""Outputs that hurt: noise, escape sequences, a line without end, files that are none. The run ends, all is shown.

LONG_FAULTS=1 makes the noise ten times as large.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import Said, run_dagbook, write_notebook

pytestmark = pytest.mark.fault

SIZE = 500_000 * (10 if os.environ.get("LONG_FAULTS") else 1)
CANARY = "bytes-of-the-host-4f1e"
NOISE = f"""%%pipeline_command noise
head -c {SIZE} /dev/urandom; echo; head -c {SIZE} /dev/urandom >&2
head -c {SIZE} /dev/zero | tr '\\0' x; echo
yes '' | head -n {SIZE // 50} | tr '\\n' '\\r'; echo
printf '\\033[31mred\\033[0m \\033]0;title\\007\\033]52;c;cHduZWQ=\\007\\033[2J\\033[H\\033[6n\\000last\\n'
"""
FILES = """%%pipeline_node files
import os, socket
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.symlink({outside!r}, "link")
os.symlink("loop", "loop")
os.symlink("/etc", "folder")
open(b"\\xff\\xfe", "w").write("not text")
open("n" * 255, "w").write("long")
open("program", "w").write("x"); os.chmod("program", 0o4755)
open("closed", "w").write("x"); os.chmod("closed", 0)
with open("sparse", "wb") as file:
    file.truncate(1 << 24)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two nodes do all of that, and a file outside that they must not bring in."""
    folder = tmp_path_factory.mktemp("hurts") / "project"
    (folder.parent / "outside.txt").write_text(CANARY)
    write_notebook(folder / "flow.ipynb", NOISE, FILES.format(outside=str(folder.parent / "outside.txt")))
    return folder


@pytest.fixture(scope="module")
def said(project: Path) -> Said:
    """What the run said."""
    return run_dagbook(project, "run", "flow.ipynb", "--executor", "process", "--code", "none", timeout=600)


def test_P26_the_run_ends_and_its_terminal_is_left_alone(said: Said) -> None:
    assert said.code == 0, said.out[-2000:] + said.err
    assert "noise | \x1b[31mred\x1b[0m last" in said.out
    assert all(one not in said.out for one in ("\x1b]", "\x1b[2J", "\x1b[H", "\x1b[6n", "\0", "\x07", "\x9b"))
    assert "earlier output: dagbook logs --all" in said.out
    assert len(said.out) < max(2_000_000, SIZE)  # of three times SIZE


def test_P26_all_that_was_printed_is_kept(project: Path, said: Said) -> None:
    assert "x" * SIZE in run_dagbook(project, "logs", "latest", "noise", "--all", timeout=600).out


def test_P26_everything_that_shows_the_run_afterwards_works(project: Path, said: Said) -> None:
    for words in (("show", "latest", "--json"), ("logs", "latest", "noise"), ("show", "latest", "--html", "page.html")):
        shown = run_dagbook(project, *words, timeout=600)
        assert shown.code == 0, shown.err
        assert "\x1b]" not in shown.out
    assert list(audit(Store(project / ".dagbook", create=False))) == []


def test_T8_F52_regular_files_are_kept_others_are_named_and_nothing_of_the_host_comes_in(
    project: Path, said: Said
) -> None:
    shown = run_dagbook(project, "show", "latest", "--json").json
    (files,) = [one for one in shown["node_runs"] if one["node"] == "files"]
    left = {os.fsencode(path.name) for path in Path(files["artifact"]).iterdir()}
    assert left == {b"\xff\xfe", b"n" * 255, b"program", b"closed", b"sparse"} | (left & {b"loop"})
    assert not (Path(files["artifact"]) / "program").stat().st_mode & 0o6000
    told = " ".join(files["warnings"])
    assert all(name in told for name in ("fifo", "socket", "link", "folder"))
    kept = [path for path in (project / ".dagbook").rglob("*") if path.is_file() and not path.is_symlink()]
    assert all(CANARY.encode() not in path.read_bytes() for path in kept)
