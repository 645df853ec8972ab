"""Folders that are filled beside their place, and renamed when they are whole.

Who fills one has it locked; the system lets go of the lock when that process dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PATTERN = ".new-*"


@contextlib.contextmanager
def unfinished(home: Path) -> Iterator[Path]:
    """A new folder in `home` to fill and rename; what is left of it in the end is removed. Raises OSError."""
    folder, descriptor = _locked(home)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _locked(home: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PATTERN.removesuffix("*"), dir=home))
        with contextlib.suppress(FileNotFoundError):  # it was taken for a dead one's before it was locked
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with contextlib.suppress(OSError):  # a filesystem that has no locks: as good as it gets there
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.lexists(folder):
                return folder, descriptor
            os.close(descriptor)


def abandoned(home: Path) -> list[Path]:
    """Such folders in `home` that nobody fills any more."""
    return [folder for folder in sorted(home.glob(PATTERN)) if _is_free(folder)]


def remove_abandoned(folder: Path) -> None:
    """Remove such a folder unless somebody fills it."""
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(descriptor)


def _is_free(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
