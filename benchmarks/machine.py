"""What the machine is on which was measured, in words."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .environments import ROOT


def describe() -> dict[str, str]:
    """Rows for a table: what, and how much of it."""
    found = {
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "dagbook": _printed("git", "-C", str(ROOT), "describe", "--always", "--dirty") or version("dagbook"),
        "Processor": f"{os.cpu_count()} cores, {_processor()}",
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Docker": _printed("docker", "version", "--format", "{{.Server.Version}}") or "none",
        "Python": f"{platform.python_version()}, papermill {version('papermill')}, ipykernel {version('ipykernel')}",
        "Load at the start": load(),
    }
    if busy():
        found["Note"] = "other work was going on: only large differences mean anything"
    return found


def busy() -> bool:
    """Whether something keeps more than half of the cores occupied, before we begin to."""
    return os.getloadavg()[0] > (os.cpu_count() or 1) / 2


def load() -> str:
    """How many processes wanted to run in the last minutes."""
    return " / ".join(f"{value:.1f}" for value in os.getloadavg()) + " (1, 5, 15 minutes)"


def _printed(*command: str) -> str:
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
