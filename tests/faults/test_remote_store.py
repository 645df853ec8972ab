"""A store on a file system of another kind than a local disk's: a real FUSE mount. Its database is kept elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.faults.box import Box

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]


@pytest.fixture
def mounted(box: Box) -> Iterator[Path]:
    """A folder on a FUSE file system."""
    if os.geteuid() != 0 or not shutil.which("bindfs") or not Path("/dev/fuse").exists():
        pytest.skip("needs root, FUSE and Debian's bindfs: scripts/machine")
    behind, place = box.path / "behind", box.path / "fuse"
    behind.mkdir()
    place.mkdir()
    subprocess.run(["bindfs", behind, place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_P11_a_store_on_a_network_file_system_keeps_its_database_on_this_machine_and_says_so(
    dagbook: Dagbook, make_notebook: MakeNotebook, mounted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    flow = make_notebook(
        "%%pipeline_command a\necho 1 > one.txt", "%%pipeline_command b --after a\ncat /input/a/one.txt"
    )
    said = dagbook("run", flow, "--executor", "process", "--store", mounted / "store")
    assert said.code == 0, said.out + said.err
    assert "W-STORE-REMOTE" in said.err
    assert "b | 1" in said.out
    assert list(mounted.rglob("dagbook.db*")) == []
    (database,) = (tmp_path / "state").rglob("dagbook.db")
    assert str(database) in said.err
    assert dagbook("show", "--store", mounted / "store").code == 0
    assert dagbook("resume", "latest", "--store", mounted / "store").code == 0
    assert list(audit(Store(mounted / "store", create=False))) == []
