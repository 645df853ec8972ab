"""What is left of secrets on the disk when a run process is killed."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.conftest import DAGBOOK
from tests.faults.box import Box
from tests.flows.flow import EXECUTORS, Flow
from tests.flows.test_secret_places import Machine
from tests.flows.test_secrets import CANARY, give

pytestmark = pytest.mark.fault

WITH_FILES = """
dagbook: 1
nodes:
  - title: holds
    kind: command
    source: |
      printf '%s, then ' "$TOKEN"; cat "$DAGBOOK_MOUNT_CERTS"/*
      echo held > "$BOX/seen"; read word < "$BOX/gate"
    secrets: [{name: vault, key: token, variable: TOKEN}, {name: certs, path: /certs}]
"""


def test_P25_T18_files_of_secrets_go_with_the_next_run_when_a_run_process_was_killed(tmp_path: Path, box: Box) -> None:
    """Until then they are this user's alone; what the run has kept up to its death holds none."""
    made, machine = Flow(tmp_path, "1"), Machine(tmp_path)
    (made.folder / "flow.yaml").write_text(WITH_FILES)
    kept = give(tmp_path / "config", vault__token=CANARY, **{"certs__ca.pem": CANARY})
    env = {**os.environ, **machine.environment, **kept}
    command = [DAGBOOK, "run", "flow.yaml", *EXECUTORS["process"]]
    child = subprocess.Popen(command, cwd=made.folder, env=env, stdout=subprocess.PIPE, text=True)
    box.wait_for("held")
    child.kill()
    child.communicate()
    left = machine.holding()
    assert [path.parent.parent.name for path in left] == ["secrets"]
    assert {path.stat().st_mode & 0o777 for path in left} == {0o400}
    assert all(stat.S_IMODE(path.parents[2].stat().st_mode) == 0o700 for path in left)
    assert box.wait_until_empty() == []
    box.open_gate()
    assert made.say("resume", "latest", env={**machine.environment, **kept}).code == 0
    assert machine.holding() == []
    assert list(machine.run.iterdir()) == []
