"""What the database names outlives a power cut: bytes are on the disk before a row says that they are there.

A rename may reach the disk before the bytes of the file that was renamed; after a power cut it is then empty.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

_ONE_BY_ONE = 32  # files; for more of them it is quicker to have the whole file system written


def bring_to_disk(tree: Path, files: Sequence[str], folders: Sequence[str]) -> None:
    """Return when these files and folders of `tree`, by their paths in it, are on the disk. Raises OSError."""
    if len(files) + len(folders) > _ONE_BY_ONE:
        _sync_file_system(tree)
        return
    for path in files:
        sync(tree / path)
    for path in folders:
        sync(tree / path)
    sync(tree)


def sync(path: Path) -> None:
    """Return when a file's bytes, or a folder's list of names, are on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(folder: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        os.sync()  # macOS: all of them
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)
