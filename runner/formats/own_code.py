"""Where the code of this package is, for processes that are started to run it."""

from __future__ import annotations

import os
from pathlib import Path


def child_environment() -> dict[str, str]:
    """This process's environment for a child in Python, with this package on the path also when it is not installed."""
    root = Path(__file__).absolute().parents[2]
    if root.name == "dagbook":  # reached through the package's link, or installed
        root = root.parent
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (str(root), known) if part)}
