"""Opening, checking, planning and drawing execute nothing of what they read, write nothing, and ask nobody."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK
from tests.formats.notebooks import write

from .guarded import COMMANDS
from .hostile import lay_traps

GUARDED = Path(__file__).with_name("guarded.py")


class Trapped:
    """A folder of traps, and where it shows when one was sprung."""

    def __init__(self, top: Path) -> None:
        self.folder, self.trap = top / "project", top / "sprung"
        self.folder.mkdir()
        (top / "scratch").mkdir()
        self.files = lay_traps(self.folder, self.trap)
        self.before = self.content()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("DAGBOOK_", "PYTHON"))}
        self.env |= {"SCRATCH": str(top / "scratch"), "HOME": str(top / "scratch"), "PYTHONDONTWRITEBYTECODE": "1"}
        self.env |= {"TMPDIR": str(top / "scratch"), "DOCKER_HOST": "unix:///nonexistent/docker.sock"}

    def content(self) -> dict[str, bytes]:
        """All files of the folder."""
        return {str(path): path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command there; nothing was sprung by it, and nothing changed."""
        ended = subprocess.run(
            words, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        told = f"{words}: {ended.stdout}\n{ended.stderr}"
        assert not self.trap.exists(), f"{self.trap.read_text()} was sprung by {told}"
        assert self.content() == self.before, told
        assert "Traceback" not in ended.stderr, told
        return ended


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Trapped:
    return Trapped(tmp_path_factory.mktemp("hostile"))


def test_T6_reading_hostile_files_starts_nothing_and_asks_nobody(trapped: Trapped) -> None:
    ended = trapped.call(sys.executable, str(GUARDED), str(trapped.folder), *trapped.files)
    assert ended.returncode == 0, ended.stderr
    codes = dict(re.findall(r"^(.+): (\d)$", ended.stderr, re.MULTILINE))
    assert len(codes) == len(COMMANDS) * len(trapped.files)
    assert set(codes.values()) == {"0", "2"}
    assert codes["check sound.ipynb"] == codes["plan sound.ipynb"] == "0", ended.stdout


def test_T6_a_hostile_header_of_a_script_is_refused(trapped: Trapped) -> None:
    ended = trapped.call(DAGBOOK, "check", "header.py")
    assert ended.returncode == 2
    assert "E-NB-PARSE" in ended.stdout


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_T6_the_command_line_starts_no_program_and_no_connection(trapped: Trapped) -> None:
    log = Path(trapped.env["SCRATCH"]) / "strace"
    watched = ("strace", "-f", "-qq", "-e", "trace=execve,connect", "-o", str(log))
    ended = trapped.call(*watched, DAGBOOK, "check", "sound.ipynb")
    if not log.exists() or "ptrace" in ended.stderr:
        pytest.skip(f"strace cannot look on here: {ended.stderr}")
    calls = [line for line in log.read_text().splitlines() if re.search(r"\b(execve|connect)\(", line)]
    others = [line for line in calls[1:] if not re.search(r'execve\("[^"]*/git"|AF_UNIX', line)]
    assert calls
    assert others == []


def test_T6_a_run_starts_no_program_that_a_repository_names(trapped: Trapped, tmp_path: Path) -> None:
    shutil.copytree(trapped.folder, tmp_path / "copy", symlinks=True)
    flow = write(tmp_path / "copy" / "quiet.ipynb", "%load_ext dagbook", "%%pipeline_node a\nprint(1)")
    store = ("--store", str(tmp_path / "store"), "--executor", "process")
    words = (DAGBOOK, "run", flow.name, *store)
    ended = subprocess.run(words, cwd=flow.parent, env=trapped.env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not trapped.trap.exists(), trapped.trap.read_text()
