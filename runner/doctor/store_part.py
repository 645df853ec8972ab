"""The store of runs: found, written to, opened; the room on its disk and on the engine's."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.errors import DagbookError
from ..view import size
from .findings import Finding, note, ok, trouble
from .subject import Subject

MIB, GIB = 2**20, 2**30
TOO_LITTLE, LITTLE = 100 * MIB, 2 * GIB  # of room on a disk
TOO_FEW, FEW = 1_000, 20_000  # files that can still be made on it
LONG_LOG = 64 * MIB  # of a database, by which something must be in the way
COUNT_SECONDS = 0.5  # for adding up what the store takes


def store_part(subject: Subject) -> Iterator[Finding]:
    """Where runs are kept: whether it can be written to, what kind of disk it is on, whether its database opens."""
    from ..formats.settings import find_store
    from ..records.places import network_filesystem

    try:
        folder = find_store(file=subject.file, cwd=subject.folder)
    except DagbookError:
        folder = subject.folder / ".dagbook"  # what is wrong with the settings has been told
    kind = network_filesystem(folder)
    facts: dict[str, Any] = {"store": str(folder), "exists": folder.is_dir(), "network_filesystem": kind}
    if why := _unwritable(_nearest(folder)):
        fix = "Mend that, or choose another folder: --store, DAGBOOK_STORE, or store = in dagbook.toml."
        yield trouble("store", f"{folder} cannot be written to: {why}", fix, **facts)
    elif folder.is_dir():
        yield _opened(folder, facts)
    else:
        yield ok("store", f"the first run makes {folder}", **facts)
    if kind:
        words = f"it is on a network filesystem ({kind}); its database is kept in your home folder instead"
        yield note(
            "store", words, "A store on a disk of this machine is quicker, and all in one place: --store.", **facts
        )
    yield _room("disk", _nearest(folder), "the store's disk")


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))


def _unwritable(folder: Path) -> str:
    """Why no file can be written in `folder`; empty when one was."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".dagbook-doctor-") as file:
            file.write(b"\0" * 65536)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _opened(folder: Path, facts: dict[str, Any]) -> Finding:
    from ..records.store import Store

    try:
        with contextlib.closing(Store(folder, create=False)) as store, store.reading() as rows:
            (runs,) = rows.execute("select count(*) from runs").fetchone()
            database_file = store.database
            database = database_file.stat().st_size
    except DagbookError as error:
        found = error.problems[0]
        if "there is no store" in found.message:
            return ok("store", f"{folder} is there, and has no run yet", **facts)
        return trouble("store", found.message, found.hint, **facts)
    if (log := _log_of(database_file)) > LONG_LOG:
        words = f"the log of its database has grown to {size(log)}: some program has been reading that for long"
        fix = f"End that program, and the next run makes it short again; it is among these: fuser {database_file}"
        return note("store", words, fix, **facts, log_bytes=log)
    taken, whole = _size_of(folder)
    facts |= {"runs": runs, "database_bytes": database, "bytes": taken, "counted_whole": whole}
    words = f"{folder}: {runs} run{'' if runs == 1 else 's'}, {'' if whole else 'more than '}{size(taken)}"
    return ok("store", words, **facts)


def _log_of(database: Path) -> int:
    """The bytes of a database's log; none where it has none."""
    from ..records.database import log_of

    try:
        return log_of(database).stat().st_size
    except OSError:
        return 0


def _size_of(folder: Path) -> tuple[int, bool]:
    """The bytes that a folder takes, and whether all of it was counted in the time that there is for it."""
    end, total, left = time.monotonic() + COUNT_SECONDS, 0, [str(folder)]
    while left:
        if time.monotonic() > end:
            return total, False
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    return total, True


def _room(part: str, folder: Path, what: str) -> Finding:
    """How much can still be written there, in bytes and in files."""
    usage, disk = shutil.disk_usage(folder), os.statvfs(folder)
    facts = {"folder": str(folder), "free_bytes": usage.free, "total_bytes": usage.total, "free_files": disk.f_favail}
    counted = disk.f_files > 0  # some filesystems have no such limit
    words = f"{what} has {size(usage.free)} of {size(usage.total)} free"
    if counted and disk.f_favail < FEW:
        words += f", and room for {disk.f_favail:,} more files"
    fix = "Make room on it, or choose another disk."
    if usage.free < TOO_LITTLE or (counted and disk.f_favail < TOO_FEW):
        return trouble(part, words, fix, **facts)
    if usage.free < LITTLE or (counted and disk.f_favail < FEW):
        return note(part, words, fix, **facts)
    return ok(part, words, **facts)


def engine_disk_part(subject: Subject) -> Iterator[Finding]:
    """The disk with the engine's images, where the engine is of this machine."""
    if not subject.engine_root or not Path(subject.engine_root).parent.is_dir():
        return
    with contextlib.suppress(OSError):
        found = _room("disk", Path(subject.engine_root), "the disk with Docker's images")
        if found.verdict == "problem" and not subject.wants_containers:
            found = note("disk", found.words, found.fix, **found.facts)
        yield found
