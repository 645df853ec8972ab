"""What the database names outlives a power cut: bytes are on the disk before a row says that they are there.

A rename may reach the disk before the bytes of the file that was renamed; after a power cut it is then empty.

On macOS the bytes are handed to the drive, which may keep them in its own memory for a moment; to wait for that too
takes many times as long, and SQLite does not wait for it there either. Before Linux 5.8 a disk that fails while
thousands of files are written at once is not told.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from .content import side_by_side

T = TypeVar("T")

_MANY = 1000  # from which on it is quicker to have the whole file system written, what others wrote to it too
_AT_ONCE = 16  # that wait for the disk side by side: one commit of the file system's journal serves them all
_NOT_OF_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # file systems that keep names without being asked


def bring_to_disk(places: Sequence[str | Path], *, follow: bool = True) -> None:
    """Return when these files' bytes, and these folders' lists of names, are on the disk.

    All are on one file system. Without `follow` none may be a link: who wrote them is not to be trusted. Raises
    OSError.
    """
    if len(places) < _MANY or not _sync_file_system(places[0]):
        side_by_side(lambda place: _sync(place, follow), places, most=_AT_ONCE)


@contextlib.contextmanager
def written_meanwhile(descriptor: int) -> Iterator[None]:
    """While something else is done with a large open file, its bytes go to the disk. Raises OSError."""
    with ThreadPoolExecutor(1, thread_name_prefix="writing") as pool:
        written = pool.submit(os.fsync, descriptor)
        yield
        written.result()


def written_meanwhile_if_many(found: Iterable[T], root: Path) -> Iterator[T]:
    """Hand on what is found below `root`; when it is much, all that is there goes to the disk meanwhile.

    What is done with it then still has to be brought to the disk, and finds little left to write. Raises OSError.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="writing") as pool:
        written: Future[bool] | None = None
        for number, one in enumerate(found, start=1):
            if number == _MANY:
                written = pool.submit(_sync_file_system, root)
            yield one
        if written:
            written.result()  # a disk that fails says so once


def _sync(place: str | Path, follow: bool) -> None:
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OF_FOLDERS or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise
    finally:
        os.close(descriptor)


def _sync_file_system(place: str | Path) -> bool:
    """Whether all of the file system of `place` is on the disk; False where it cannot be asked for that (macOS)."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        return False
    descriptor = os.open(place, os.O_RDONLY)
    try:
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(place))
    finally:
        os.close(descriptor)
    return True
