"""Folders of a store in which trees are put together; those of killed processes are taken away by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..artifacts import remove_tree
from ..store import Store

_LOCK = "lock"


@contextlib.contextmanager
def draft(store: Store) -> Iterator[Path]:
    """A folder of one's own, on the filesystem of the artifacts, while it is needed. Raises OSError."""
    home = store.folder / "drafts"
    home.mkdir(exist_ok=True, mode=0o700)
    _sweep_all(home)
    folder, descriptor = _held(home)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):  # it takes up room until the next one, no more
            _remove(folder)
        os.close(descriptor)


def _held(home: Path) -> tuple[Path, int]:
    """A new folder and the lock that says that somebody needs it; the system lets go of it when that one dies."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=home))
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # it was taken for a dead one's
            continue
        with contextlib.suppress(OSError):  # a filesystem that has no locks: nothing is swept there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink and (folder / _LOCK).exists():
            return folder, descriptor
        os.close(descriptor)


def _sweep_all(home: Path) -> None:
    """Remove folders whose lock nobody holds."""
    for folder in home.iterdir():
        with contextlib.suppress(OSError):
            sweep(folder)


def sweep(folder: Path) -> None:
    """Remove such a folder. Raises OSError when somebody needs it."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        os.rmdir(folder)  # killed before it had a lock; one that has more than that is not touched
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """The lock goes last: killed meanwhile, the folder is taken for what it is."""
    for entry in folder.iterdir():
        if entry.name != _LOCK:
            remove_tree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    remove_tree(folder)


def is_abandoned(folder: Path) -> bool:
    """Whether there is something in such a folder and nobody needs it."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return False  # it is being made or removed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return (folder / _LOCK).exists()
    finally:
        os.close(descriptor)
