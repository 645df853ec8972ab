"""What a process has from its parent and its files: compared, and taken over by a process that was started before."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .records.processes import child_environment

# What an interpreter or a package reads once, when it starts or is imported: a process that has started has it.
_READ_ONCE = (
    *("PYTHON", "LANG", "LC_", "LD_", "DYLD_", "GLIBC_", "MALLOC_"),
    *("JUPYTER", "NBFORMAT_", "PYDANTIC_", "TQDM_"),
)


def surroundings() -> dict[str, Any]:
    """What a child has from its parent, for one that was started before. Raises OSError: the folder is gone."""
    mask = os.umask(0o077)
    os.umask(mask)
    return {"environment": child_environment(), "folder": os.getcwd(), "umask": mask}


def take_over(surroundings: dict[str, Any]) -> None:
    """Have environment, working directory and umask of the process that gave the order. Raises OSError."""
    os.environ.clear()
    os.environ.update(surroundings["environment"])
    os.umask(surroundings["umask"])
    os.chdir(surroundings["folder"])
    time.tzset()
    tempfile.tempdir = None  # TMPDIR may be another


def may_wait() -> bool:
    """False where the folder in which a process starts decides which modules it finds."""
    return all(os.path.isabs(part) for part in (os.environ.get("PYTHONPATH") or "/").split(os.pathsep))


def conditions() -> object:
    """What a process is made of when it starts, to be compared: a child that was started under others is no spare.

    Raises OSError.
    """
    read_once = {name: value for name, value in os.environ.items() if name.startswith(_READ_ONCE)}
    return os.getpid(), read_once, _limits(), sorted(_files())


def _limits() -> object:
    import resource

    names = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return [resource.getrlimit(getattr(resource, name)) for name in names], cores, os.nice(0)


def _files() -> Iterator[tuple[str, int, int]]:
    """The program as it lies on the disk: the interpreter, our own files, the folders that packages are put into."""
    ours = Path(__file__).parent
    folders = [sys.modules[__package__.partition(".")[0]].__path__[0], *(str(ours / name) for name in _rooms(ours))]
    yield _seen(sys.executable)
    for folder in folders:
        with os.scandir(folder) as found:
            yield from (_seen(one.path) for one in found if one.name.endswith(".py"))
    yield from (_seen(path) for path in sys.path if path.endswith("-packages") and os.path.isdir(path))


def _rooms(ours: Path) -> Iterator[str]:
    yield "."
    with os.scandir(ours) as found:
        yield from (one.name for one in found if one.is_dir() and one.name != "__pycache__")


def _seen(path: str) -> tuple[str, int, int]:
    found = os.stat(path)
    return path, found.st_mtime_ns, found.st_size
