"""Commands called where a shell is in an odd state."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK, MakeNotebook

NODES = ("%%pipeline_node a\nprint(1)", "%%pipeline_command b --after a\necho said >&2")


def in_shell(folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """What a shell says that runs `words` with $DAGBOOK as the command."""
    environment = {**os.environ, "DAGBOOK": str(DAGBOOK), "DAGBOOK_EXECUTOR": "process", "DAGBOOK_CODE": "none"}
    return subprocess.run(
        ["sh", "-c", words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_run_whose_standard_streams_are_closed_succeeds(make_notebook: MakeNotebook, closed: str) -> None:
    folder = make_notebook(*NODES).parent
    assert in_shell(folder, f'"$DAGBOOK" run flow.ipynb {closed}').returncode == 0
    assert "Run" in in_shell(folder, '"$DAGBOOK" show').stdout


def test_no_file_of_a_command_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What a library says on stderr would be written into it."""
    program = (
        "import os, sys; from dagbook.runner.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: sys.exit(os.open('new', os.O_CREAT))"
    )
    done = in_shell(tmp_path, f'"$(dirname "$DAGBOOK")/python" -c "{program}" <&- >&- 2>&-')
    assert done.returncode > 2


@pytest.mark.parametrize("words", ["", "runs", "run flow.ipynb", "check flow.ipynb"])
def test_a_folder_that_is_gone_is_told(tmp_path: Path, words: str) -> None:
    said = in_shell(tmp_path, f'mkdir gone && cd gone && rmdir ../gone && "$DAGBOOK" {words}')
    assert (said.returncode, said.stdout) == (2, "")
    assert "E-FILE-MISSING: the folder that this command was called in does not exist" in said.stderr
    assert "cd FOLDER" in said.stderr
    assert "Traceback" not in said.stderr
