"""Is an artifact still what was published? Looked at whenever one is used again.

Every entry is compared with the manifest. A file's bytes are hashed again only when something has touched the file
since they last were (`seen`). An artifact that differs is set aside, so that nothing uses it and the node that made
it can publish it anew.

Who may write to the store may do anything: publish other bytes under their own digest and name that digest in the
database, or forge the note of what was hashed before. No node may, and against its owner a store has no defence; a
forged note is found by the auditor, which hashes all bytes again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .content import is_content, side_by_side
from .folders import named
from .manifest import Item, items_of
from .seen import Fingerprint, Sum, fingerprint, remember, remembered, untouched, walk
from .shared import not_remembered

_SHORT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # these tell of our process, and nothing of the artifact
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with an artifact, and the folder where it was put; None when there was nothing left of it."""

    what: str
    set_aside: Path | None

    def __str__(self) -> str:
        if self.set_aside is None:
            return "its artifact is no longer in the store"
        return f"its artifact in the store was damaged: {self.what}; it was set aside at {self.set_aside}"


def check(artifact: Path) -> Damage | None:
    """None when the artifact at `artifact` is sound; else it is set aside, and what is wrong with it is returned.

    Raises OSError when that cannot be found out (too many open files), or the store does not let it be moved, and
    CannotHash.
    """
    what = verify(artifact)
    if not what:
        return None
    if not os.path.lexists(artifact):
        return Damage(what, None)
    with alone(artifact.parent.parent):
        what = verify(artifact)  # once more: meanwhile another process may have put a sound one there
        if not what:
            return None
        gone = not os.path.lexists(artifact)  # or set this one aside
        return Damage(what, None if gone else quarantine(artifact.parent.parent, artifact.name))


def verify(artifact: Path, anew: bool = False) -> str:
    """What is wrong with the artifact at `artifact`, by the name of the entry; "" when it is sound.

    With `anew` all bytes are hashed again, whatever is known of them. Raises OSError when that cannot be found out, as
    with too many open files, and CannotHash.
    """
    try:
        _compare(artifact, anew)
    except _Damaged as found:
        return str(found)
    except OSError as error:
        if error.errno in _SHORT_OF:
            raise
        return f"{named(os.path.basename(os.fsdecode(error.filename or artifact)))} cannot be read: {error.strerror}"
    return ""


def place_aside(store: Path, name: str) -> Path:
    """A new folder in the folder `store` of a store, for something with this name that nothing uses any more."""
    parent = store / "quarantine"
    parent.mkdir(exist_ok=True, mode=0o700)
    number = 1
    while True:
        place = parent / f"{name}.{number}"
        try:
            place.mkdir()
        except FileExistsError:
            number += 1
        else:
            return place


def quarantine(artifacts: Path, digest: str) -> Path:
    """Take an artifact out of the folder `artifacts`, with all that lies beside it; returns the folder it is in now.

    To be called under `alone(artifacts)`: else it may hit the sound one that replaces it.
    """
    home = artifacts / digest[:2] / digest
    place = place_aside(artifacts.parent, digest)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not home.is_symlink():
            os.chmod(home, 0o755)  # a folder that we may not write to cannot be moved to another
    for path in (home, home.with_suffix(".json"), home.with_suffix(".seen")):
        with contextlib.suppress(FileNotFoundError):
            os.rename(path, place / path.name)
    return place


@contextlib.contextmanager
def alone(artifacts: Path) -> Iterator[None]:
    """While it is held, no other process or thread changes what stands under a digest in `artifacts`."""
    descriptor = os.open(artifacts / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with contextlib.suppress(OSError):  # a filesystem that has no locks: as good as it gets there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class _Damaged(Exception):
    """What is wrong, in words."""


def _compare(artifact: Path, anew: bool) -> None:
    if not os.path.lexists(artifact):
        raise _Damaged("its folder is missing")
    if artifact.is_symlink() or not artifact.is_dir():
        raise _Damaged("it is no folder")
    if not anew and untouched(artifact):
        return
    whole = Sum()
    try:
        whole.add("", os.lstat(artifact.with_suffix(".json")))
        left = {item.path: item for item in items_of(artifact)}
    except FileNotFoundError:
        raise _Damaged(f"{artifact.name}.json is missing") from None
    except (ValueError, RecursionError):
        raise _Damaged(f"{artifact.name}.json differs") from None
    known = {} if anew else remembered(artifact)
    seen: dict[str, Fingerprint] = {}
    touched: list[Item] = []
    for path, name, handle, found in walk(artifact):
        item = left.pop(path, None)
        if item is None:
            raise _Damaged(f"{named(path)} was added")
        whole.add(path, found)
        _compare_entry(item, name, handle, found)
        if item.kind == "file":
            seen[path] = fingerprint(found)
            if seen[path] != known.get(path):
                touched.append(item)
    if left:
        raise _Damaged(f"{named(min(left))} is missing")
    _hash_again(artifact, touched if anew else not_remembered(artifact, touched))
    remember(artifact, seen, whole)


def _compare_entry(item: Item, name: str, handle: int, found: os.stat_result) -> None:
    """Compare all but the bytes of an entry of the folder open at `handle`."""
    if _KINDS.get(stat.S_IFMT(found.st_mode)) != item.kind:
        raise _Damaged(f"{named(item.path)} is no {item.kind} any more")
    if item.kind == "link" and os.readlink(name, dir_fd=handle) != item.content:
        raise _Damaged(f"{named(item.path)} leads elsewhere")
    if item.kind == "file":
        if bool(found.st_mode & 0o111) != item.executable:
            raise _Damaged(f"{named(item.path)} is {'no longer' if item.executable else 'now'} executable")
        if found.st_size != item.size:
            raise _Damaged(f"{named(item.path)} differs")


def _hash_again(artifact: Path, touched: list[Item]) -> None:
    """Compare the bytes of files of an artifact."""

    def is_same(item: Item) -> bool:
        descriptor = os.open(artifact / item.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return is_content(descriptor, item.content)
        finally:
            os.close(descriptor)

    for item, same in zip(touched, side_by_side(is_same, touched), strict=True):
        if not same:
            raise _Damaged(f"{named(item.path)} differs")
