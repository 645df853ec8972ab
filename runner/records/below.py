"""Reading files in a folder that others may have filled: a store that came from elsewhere, what a node left."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_below(folder: Path, parts: tuple[str, ...], largest: int) -> bytes:
    """The content of an ordinary file below `folder`. Follows no link and waits for no writer.

    Raises OSError, and ValueError for what is no file, is not below the folder or has more than `largest` bytes.
    """
    if not parts or ".." in parts or any("/" in part for part in parts):
        raise ValueError("it is not below its folder")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts, 1):
            kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
            inner = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no file")
        if found.st_size > largest:
            raise ValueError(f"it is larger than {largest >> 20} MiB")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(largest)
    finally:
        os.close(descriptor)
