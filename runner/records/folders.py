"""Walking through a folder without following links, entry by entry, with as few questions to the system as can be."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def folders_of(root: Path) -> Iterator[tuple[str, int, list[os.DirEntry[str]]]]:
    """Each folder in `root`, itself first: where it is in it ("" or "a/b/"), open, and its entries.

    One that its mode closes to its owner is opened: a walk would pass over it. Raises OSError.
    """
    _let_in(os.fspath(root), os.lstat(root).st_mode)
    yield from _below("", os.open(root, _FOLDER))


def _below(inside: str, handle: int) -> Iterator[tuple[str, int, list[os.DirEntry[str]]]]:
    try:
        with os.scandir(handle) as found:
            entries = list(found)
        yield inside, handle, entries
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _let_in(entry.name, entry.stat(follow_symlinks=False).st_mode, handle)
                yield from _below(f"{inside}{entry.name}/", os.open(entry.name, _FOLDER, dir_fd=handle))
    finally:
        os.close(handle)


def _let_in(name: str, mode: int, handle: int | None = None) -> None:
    if mode & 0o700 != 0o700:
        change_mode(name, stat.S_IMODE(mode) | 0o700, handle, stat.S_IFDIR)


def change_mode(name: str, mode: int, handle: int | None, kind: int) -> None:
    """Change the mode of an entry of the folder open at `handle`, if it is of this `kind`, and of nothing else.

    A link that somebody has put in its place meanwhile is not followed. Raises OSError.
    """
    if not hasattr(os, "O_PATH"):  # macOS, where a link's own mode can be changed, which does nothing
        _check_kind(name, os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode, kind)
        os.chmod(name, mode, dir_fd=handle, follow_symlinks=False)
        return
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=handle)
    try:
        _check_kind(name, os.fstat(descriptor).st_mode, kind)
        os.chmod(f"/proc/self/fd/{descriptor}", mode)
    finally:
        os.close(descriptor)


def _check_kind(name: str, mode: int, kind: int) -> None:
    if stat.S_IFMT(mode) != kind:
        raise OSError(errno.EBUSY, "it is still written to", name)


@contextmanager
def folder_below(root: Path, inside: str) -> Iterator[int]:
    """The folder `inside` ("" or "a/b") of `root`, open; reached without following links. Raises OSError."""
    handle = os.open(root, _FOLDER)
    try:
        for part in PurePosixPath(inside).parts:
            inner = os.open(part, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def named(path: str) -> str:
    """A path as a message can hold it: names need not be text, and may hold what a terminal would obey."""
    return path if path.isprintable() else repr(path)
