"""Artifacts: what a node run left in /output, published under the digest of its content.

An output folder is hashed, made read-only and renamed into the store; nothing is copied. The same content is kept
once. What cannot be part of an artifact (a socket, a pipe, a device, a link that leads out of the folder) is taken
out by name, with a warning; bytes from outside the folder never get in.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .manifest import Item, digest_of, write_manifest
from .manifest import manifest_of as manifest_of  # for those who know it from here
from .seen import Fingerprint, fingerprint, remember
from .verify import alone, check

CHUNK = 1 << 20
MOST_LINKS = 40  # from one link to the next, as the kernel allows


@dataclass(frozen=True, slots=True)
class Artifact:
    """A published artifact. `digest` is the sha256 of names, types, executable bits and bytes; `bytes` their sum."""

    digest: str
    path: Path
    files: int
    bytes: int
    warnings: tuple[str, ...] = ()


def publish(output: Path, artifacts: Path, *, leave_twin: bool = False) -> Artifact:
    """Make the folder `output` an artifact under `artifacts` and take it away from where it was.

    Nothing may write to `output` any more. An artifact of the same content that is there already stays, if it is sound,
    and with `leave_twin` the folder does too; a damaged one is set aside. Raises OSError when the store cannot take it (disk full, read-only).
    """
    _open_folders(output)
    warnings = list(_take_out_foreign(output))
    seen: dict[str, Fingerprint] = {}
    items = sorted(_items(output, seen), key=lambda item: os.fsencode(item.path))
    digest = digest_of(items)
    home = artifacts / digest[:2] / digest
    home.parent.mkdir(parents=True, exist_ok=True)
    check(home)
    with alone(artifacts):
        if not home.is_dir():
            write_manifest(home, items)
            _protect_folders(output, items)
            os.rename(output, home)
            os.chmod(home, 0o555)
            remember(home, seen)
    if output.is_dir() and not leave_twin:  # the same content was there
        remove_tree(output)
    size = sum(item.size for item in items)
    return Artifact(digest, home, sum(item.kind == "file" for item in items), size, tuple(warnings))


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours, also where it was made read-only."""
    for parent, _folders, _files, handle in os.fwalk(folder, follow_symlinks=False):
        del parent
        os.fchmod(handle, 0o700)
    shutil.rmtree(folder)


def _open_folders(root: Path) -> None:
    """Let us into every folder; the walks below would pass over one that its mode closes."""
    for parent, folders, _files in os.walk(root):  # top down: a folder is opened before it is entered
        for name in folders:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                os.chmod(path, stat.S_IMODE(os.lstat(path).st_mode) | 0o700)


def _take_out_foreign(root: Path) -> Iterator[str]:
    """Remove what cannot be kept, and make links that stay inside relative, so that they work at any mount."""
    settled = {path: _inside(root, path) for path in _links(root)}  # looked at before anything is changed
    for parent, folders, files, handle in os.fwalk(root, follow_symlinks=False):
        inside = Path(parent).relative_to(root)
        for name in [*folders, *files]:
            path = (inside / name).as_posix()
            mode = os.lstat(name, dir_fd=handle).st_mode
            if stat.S_ISLNK(mode):
                yield from _settle_link(path, name, handle, settled.get(path))
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                os.unlink(name, dir_fd=handle)
                yield f"/output/{path} is {_what(mode)}, which an artifact cannot hold; it was left out"


def _links(root: Path) -> Iterator[str]:
    for parent, folders, files, handle in os.fwalk(root, follow_symlinks=False):
        inside = Path(parent).relative_to(root)
        for name in [*folders, *files]:
            if stat.S_ISLNK(os.lstat(name, dir_fd=handle).st_mode):
                yield (inside / name).as_posix()


def _what(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "a special file")


def _settle_link(path: str, name: str, handle: int, inner: str | None) -> Iterator[str]:
    target = os.readlink(name, dir_fd=handle)
    if inner is None:
        os.unlink(name, dir_fd=handle)
        yield f"/output/{path} is a link to {target}, which does not lead to anything in /output; it was left out"
        return
    relative = os.path.relpath("/" + inner, "/" + os.path.dirname(path))
    if relative != target:
        os.unlink(name, dir_fd=handle)
        os.symlink(relative, name, dir_fd=handle)


def _inside(root: Path, path: str) -> str | None:
    """The file or folder of `root` at which `path` arrives, link by link, by the links' words alone.

    None when a step leads out of the folder, nowhere, or in a circle.
    """
    left, done, links = list(PurePosixPath(path).parts), "", 0
    while left:
        here = os.path.join(done, left.pop(0))
        try:
            mode = os.lstat(root / here).st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            links += 1
            inner = _target(root, here)
            if inner is None or links > MOST_LINKS:
                return None
            left, done = [*PurePosixPath(inner).parts, *left], ""
        elif stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            done = here
        else:
            return None
    return done


def _target(root: Path, path: str) -> str | None:
    """What the link at `path` names, as a path in `root`; None when that is outside."""
    words = os.path.normpath(PurePosixPath("/output") / PurePosixPath(path).parent / os.readlink(root / path))
    host = os.path.normpath(root)
    if words.startswith(host + "/"):  # written by a node without a container
        words = "/output/" + os.path.relpath(words, host)
    return words.removeprefix("/output/") if words.startswith("/output/") else None


def _items(root: Path, seen: dict[str, Fingerprint]) -> Iterator[Item]:
    """The entries of a folder, its files hashed and made read-only; their fingerprints go to `seen`."""
    for parent, folders, files, handle in os.fwalk(root, follow_symlinks=False):
        inside = Path(parent).relative_to(root)
        for name in [*folders, *files]:
            path = (inside / name).as_posix()
            found = os.lstat(name, dir_fd=handle)
            if stat.S_ISDIR(found.st_mode):
                yield Item(path, "folder")
            elif stat.S_ISLNK(found.st_mode):
                yield Item(path, "link", content=os.readlink(name, dir_fd=handle))
            else:
                yield _file_item(path, name, handle, seen)


def _file_item(path: str, name: str, handle: int, seen: dict[str, Fingerprint]) -> Item:
    """Hash a regular file, and take everybody's right to write to it away.

    That comes first: the fingerprint of a file that takes long to hash is then old enough to be relied on at once.
    """
    descriptor = _opened(name, handle)
    found = os.fstat(descriptor)
    if found.st_nlink > 1:
        os.close(descriptor)
        _break_hard_link(name, handle, found.st_mode)
        descriptor = _opened(name, handle)
    executable = bool(found.st_mode & 0o111)
    with open(descriptor, "rb") as file:
        os.fchmod(descriptor, 0o555 if executable else 0o444)
        found = os.fstat(descriptor)
        seen[path] = fingerprint(found)
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Item(path, "file", found.st_size, executable, content)


def _opened(name: str, handle: int) -> int:
    """A descriptor of a regular file, opened without following links and without waiting on pipes."""
    with contextlib.suppress(PermissionError):
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
    os.chmod(name, 0o600, dir_fd=handle)  # mode 000: ours, but closed to us too
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)


def _break_hard_link(name: str, handle: int, mode: int) -> None:
    """Give the entry bytes of its own: another name for them may stand where it can still be written."""
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=handle)
    copy = f".{name[:100]}.dagbook"
    with open(source, "rb") as old:
        target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(mode) | 0o600, dir_fd=handle)
        with open(target, "wb") as new:
            shutil.copyfileobj(old, new, CHUNK)
    os.rename(copy, name, src_dir_fd=handle, dst_dir_fd=handle)


def _protect_folders(root: Path, items: list[Item]) -> None:
    """Take everybody's right to write away, deepest folders first; the root's own goes after the rename."""
    for item in reversed(items):
        if item.kind == "folder":
            os.chmod(root / item.path, 0o555)
