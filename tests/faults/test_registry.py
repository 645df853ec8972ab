"""F29: a registry that asks for a login, lacks the machine's platform, or breaks off: told before any node starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import run_dagbook
from tests.executors.stub_registry import stub_registry
from tests.faults.box import LONG
from tests.formats.notebooks import write

pytestmark = [pytest.mark.container, pytest.mark.fault]

REFUSED = [
    ("guarded", "unauthorized", "docker login 127.0.0.1:"),
    ("foreign", "no matching manifest for linux/", "choose another tag"),
    # The engine itself tries again for one and a half minutes.
    pytest.param("cut", "", "Pull or build it first", marks=pytest.mark.skipif(not LONG, reason="LONG_FAULTS=1")),
]


@pytest.mark.parametrize(("name", "why", "fix"), REFUSED)
def test_F29_what_a_registry_refuses_is_told_before_any_node_starts(
    tmp_path: Path, name: str, why: str, fix: str
) -> None:
    write(tmp_path / "flow.ipynb", "%%pipeline_command a\ntrue")
    with stub_registry() as host:
        image = f"{host}/{name}:1"
        said = run_dagbook(tmp_path, "run", "flow.ipynb", "--executor", "docker", "--image", image, timeout=200)
    assert said.code == 2, said.err
    assert f"E-IMAGE-MISSING: the image {image} is not on this machine and cannot be pulled: {why}" in said.err
    assert fix in said.err
    assert not (tmp_path / ".dagbook").exists()
    assert subprocess.run(["docker", "images", "-q", image], capture_output=True, check=True).stdout == b""
