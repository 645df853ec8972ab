"""An engine of the tests' own, with a bridge, in a network namespace of its own; the machine's is never touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_MACHINE = Path(__file__).parents[2] / "scripts" / "machine"


@dataclass
class Private:
    """An engine, and how to become a process that sees its published ports."""

    host: str
    prefix: tuple[str, ...]

    def docker(self, *words: str) -> str:
        """What the docker command says to this engine."""
        command = ["docker", "-H", self.host, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def inspect(self, *words: str) -> dict[str, Any]:
        """What this engine knows of one thing."""
        return dict(json.loads(self.docker("inspect", *words))[0])

    def running(self, store: str) -> list[str]:
        """Ids of containers with this store's label."""
        return self.docker("ps", "-aq", "--no-trunc", "--filter", f"label=dagbook={store}").split()

    def networks(self, store: str) -> list[str]:
        """Ids of networks with this store's label."""
        return self.docker("network", "ls", "-q", "--no-trunc", "--filter", f"label=dagbook={store}").split()

    def has_rules(self) -> bool:
        """Whether it may say who reaches whom; not on every kernel."""
        command = [*self.prefix, "iptables", "-S", "FORWARD"]
        return "DOCKER" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


@contextmanager
def private_engine() -> Iterator[Private]:
    """Start one; skips where there can be none."""
    if os.getuid() != 0 or not _MACHINE.exists():
        pytest.skip("needs root and scripts/machine")
    folder = tempfile.mkdtemp(prefix="pe", dir="/var/tmp")
    made = subprocess.run(["bash", _MACHINE, "private-engine", folder], capture_output=True, text=True, check=False)
    found = re.search(r"DOCKER_HOST=(\S+) NETNS=(\S+)", made.stdout)
    if not found:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no private engine: {made.stdout[-300:]} {made.stderr[-300:]}")
    try:
        yield Private(found[1], ("nsenter", f"--net=/run/netns/{found[2]}"))
    finally:
        subprocess.run(["bash", _MACHINE, "private-engine-stop", folder], capture_output=True, check=False)
