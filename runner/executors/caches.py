"""Where facts about engines, images and environments are kept between runs: the user's cache folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """The folder for dagbook's caches; made when it is missing. What is in it can be deleted at any time."""
    if sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "dagbook"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def recall(name: str) -> Any:
    """The fact kept as `name`, None when there is none."""
    try:
        return json.loads((cache_folder() / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def remember(name: str, fact: Any) -> None:
    """Keep a fact, any JSON. A cache that cannot be written is no error."""
    with contextlib.suppress(OSError):
        path = cache_folder() / f"{name}.json"
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(fact), encoding="utf-8")
        os.replace(part, path)


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Hold the lock `name` among all processes of this user; the system lets go of it when the process dies."""
    descriptor = os.open(cache_folder() / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
