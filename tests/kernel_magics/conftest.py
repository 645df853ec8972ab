"""A real IPython shell with dagbook loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

_COLOURS = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Ran:
    """What came of a cell: everything printed or shown as text, the rich bundles, the error."""

    text: str
    shown: list[Any]
    error: BaseException | None


Run = Callable[..., Ran]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for variable in [name for name in os.environ if name.startswith("DAGBOOK_")]:
        monkeypatch.delenv(variable)
    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell.instance(config=config)
    yield made
    made.restore_sys_module_state()  # type: ignore[no-untyped-call]
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell: InteractiveShell) -> Run:
    """Runs a cell in the shell: `run(source, cell_id)`."""

    def run_cell(source: str, cell: str | None = None) -> Ran:
        with capture_output() as captured:
            result = shell.run_cell(source, cell_id=cell)  # type: ignore[no-untyped-call]
        text = "".join([captured.stdout, *(str(o.data.get("text/plain", "")) for o in captured.outputs)])
        error = result.error_before_exec or result.error_in_exec
        return Ran(_COLOURS.sub("", text + captured.stderr), captured.outputs, error)

    assert run_cell("%load_ext dagbook").error is None
    return run_cell
