"""A box for nodes and tests, and a folder of sockets and run directories of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.box import Box


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """Nodes of the test's project find it at $BOX; what run processes leave lies in its `runtime`."""
    made = Box()
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    (project / "dagbook.toml").write_text(f'[env]\nBOX = "{made.path}"\n')
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(made.runtime))
    yield made
    made.close()
