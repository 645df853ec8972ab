"""What keeps a file system from taking more: which one it is, why, and what to do about it."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from pathlib import Path
from typing import NamedTuple

from .places import mount_point

OF_THE_MACHINE = frozenset(
    {errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE}
)  # errors of which what is run is innocent
NO_WRITING = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT})  # those that only who writes gets
_LITTLE = 2**16  # bytes: about one transaction of the store
_MIB = 2**20


class Shortage(NamedTuple):
    """Why nothing more can be written, in words that name the file system, and what helps."""

    words: str
    remedy: str


def shortage(place: Path, error: OSError | None = None) -> Shortage | None:
    """What keeps the file system of `place`, which need not exist, from taking more; None where nothing does.

    An `error` that it gave is believed, whatever is free by now: what failed to be written may be removed already.
    Without one something is written there, to learn the cause: SQLite hides it.
    """
    there = next((one for one in (place, *place.parents) if one.is_dir()), Path("/"))
    found = error or _refusal(there)
    return _named(found, f"the file system at {mount_point(there)}", there) if found else None


def _refusal(folder: Path) -> OSError | None:
    """The error that who writes in this folder gets."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(bytes(_LITTLE))
    except OSError as error:
        return error
    return None


def _named(error: OSError, at: str, there: Path) -> Shortage | None:
    match error.errno:
        case errno.EROFS:
            remedy = "Mount it for writing (where the kernel made it read-only, the disk fails: dmesg tells)"
            return Shortage(f"{at} is read-only", remedy)
        case errno.EDQUOT:
            return Shortage(f"your quota on {at} is used up", "Delete what you do not need there, or have it raised")
        case errno.EIO:
            return Shortage(f"the disk of {at} fails", "Look at what the kernel tells of it (dmesg), and mend that")
        case errno.ENOSPC:
            return _full(at, there)
        case errno.EMFILE:
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            remedy = "Raise that limit (ulimit -n), or run fewer nodes at once (--jobs)"
            return Shortage(f"this process may have {most} files open at once", remedy)
    return None


def _full(at: str, there: Path) -> Shortage:
    found = os.statvfs(there)
    if found.f_files and not found.f_favail:
        return Shortage(f"{at} can hold no more files ({found.f_files:,} at most)", "Delete some there")
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    return Shortage(f"{at} is full ({free // _MIB} of {size // _MIB} MiB free)", "Make room there")


def in_words(error: OSError, place: Path) -> str:
    """An error of the disk that `place` is on, and which file system it was, where that is the matter."""
    said = error.strerror or str(error)
    named = f"{said}: {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else said
    found = shortage(place, error)
    if found and error.errno == errno.EMFILE:  # nobody would look for what helps
        return f"{named}; {found.words}. {found.remedy}"
    return f"{named}; {found.words}" if found else named
