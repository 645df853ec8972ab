"""F22: a container that somebody paused, at the time limit of its node."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, read_until
from tests.executors.conftest import BASE
from tests.faults.box import Box

pytestmark = [pytest.mark.container, pytest.mark.fault]

CELLS = (
    "%%pipeline_command a --timeout 4s\necho begun; sleep 600",
    "%%pipeline_node a --timeout 15s\nprint('begun', flush=True)\nimport time\ntime.sleep(600)",
)


def docker(*words: str) -> list[str]:
    """What the docker command says, in words."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("cell", CELLS)
def test_F22_a_paused_container_is_removed_at_its_time_limit(
    box: Box, started: Callable[..., subprocess.Popen[str]], make_notebook: MakeNotebook, cell: str
) -> None:
    flow = make_notebook(cell)
    child = started("run", flow, "--executor", "docker", "--image", BASE, "--code", "none")
    read_until(child, "a | begun")
    store = Store(flow.parent / ".dagbook", create=False)
    listed = ("ps", "-aq", "--filter", f"label=dagbook={store.id}")
    docker("pause", *docker(*listed))
    out, _ = child.communicate(timeout=90)
    assert child.returncode == 1, out
    assert "longer than its --timeout of " in out
    assert docker(*listed) == []
    assert list(audit(store)) == []
