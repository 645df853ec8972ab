"""Artifacts: what a node run left in /output, published under the digest of its content.

An output folder is hashed, made read-only and renamed into the store; nothing is copied. The same content is kept
once. What cannot be part of an artifact (a socket, a pipe, a device, a link that leads out of the folder) is taken
out by name, with a warning; bytes from outside the folder never get in.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .content import AT_ONCE, LARGE, content_of, side_by_side
from .durable import bring_to_disk, written_meanwhile, written_meanwhile_if_many
from .failpoints import failpoint
from .folders import change_mode, folder_below, folders_of
from .foreign import take_out_foreign
from .manifest import Item, digest_of, write_manifest
from .manifest import manifest_of as manifest_of  # for those who know it from here
from .seen import Fingerprint, fingerprint, remember
from .verify import alone, check

CHUNK = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


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
    and with `leave_twin` the folder does too; a damaged one is set aside. Raises OSError when the store cannot take it
    (disk full, read-only).
    """
    failpoint("output.walk")
    warnings = take_out_foreign(output)
    seen: dict[str, Fingerprint] = {}
    items = _items(output, seen)
    failpoint("output.hashed")
    home = settle(output, artifacts, items, seen)
    if output.is_dir() and not leave_twin:  # the same content was there
        remove_tree(output)
    size = sum(item.size for item in items)
    return Artifact(home.name, home, sum(item.kind == "file" for item in items), size, tuple(warnings))


def settle(tree: Path, artifacts: Path, items: list[Item], seen: Mapping[str, Fingerprint]) -> Path:
    """Rename the folder `tree`, which holds these items, to where their digest says; returns that place.

    Its files are read-only already and have the fingerprints `seen`. The folder stays when a sound artifact of the same
    content is there. Raises OSError.
    """
    digest = digest_of(items)
    home = artifacts / digest[:2] / digest
    home.parent.mkdir(parents=True, exist_ok=True)
    check(home)
    if not home.is_dir():  # before others have to wait
        bring_to_disk([tree, *(f"{tree}/{item.path}" for item in items if item.kind != "link")], follow=False)
    with alone(artifacts):
        if not home.is_dir():
            write_manifest(home, items)
            failpoint("manifest.written")
            _protect_folders(tree, items)
            os.rename(tree, home)
            failpoint("artifact.renamed")
            os.chmod(home, 0o555)
            remember(home, seen)
    # Also what another process has put there: it may have been killed before it came to this.
    bring_to_disk([home.with_suffix(".json"), home.parent, artifacts, artifacts.parent])
    return home


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours, also where it was made read-only."""
    for parent, _folders, _files, handle in os.fwalk(folder, follow_symlinks=False):
        del parent
        os.fchmod(handle, 0o700)
    shutil.rmtree(folder)


def _items(root: Path, seen: dict[str, Fingerprint]) -> list[Item]:
    """The entries of a folder by their paths, its files hashed and made read-only; their fingerprints go to `seen`."""
    found = list(written_meanwhile_if_many(_entries(root, seen), root))
    large = [place for place, item in enumerate(found) if item.kind == "file" and not item.content]
    hashed = side_by_side(lambda place: _content_of_large(root / found[place].path, seen[found[place].path]), large)
    for place, content in zip(large, hashed, strict=True):
        found[place] = found[place]._replace(content=content)
    found.sort(key=lambda item: item.path.encode("utf-8", "surrogateescape"))
    return found


def _entries(root: Path, seen: dict[str, Fingerprint]) -> Iterator[Item]:
    """The same in any order; large files are left without their hash."""
    for inside, handle, entries in folders_of(root):
        for entry in entries:
            path = inside + entry.name
            if entry.is_file(follow_symlinks=False):
                yield _file_item(path, entry.name, handle, seen)
            elif entry.is_dir(follow_symlinks=False):
                yield Item(path, "folder")
            elif entry.is_symlink():
                target = os.readlink(entry.name, dir_fd=handle)
                if os.path.isabs(target) or os.path.normpath(inside + target).split("/")[0] == "..":
                    raise OSError(errno.EBUSY, "it is still written to", path)  # a new one: those there were settled
                yield Item(path, "link", content=target)
            else:  # it became something else since what is foreign was taken out
                raise OSError(errno.EBUSY, "it is still written to", path)


def _file_item(path: str, name: str, handle: int, seen: dict[str, Fingerprint]) -> Item:
    """Take everybody's right to write to a regular file away, and hash it unless it is large.

    In this order: the fingerprint of a file that takes long to hash is then old enough to be relied on at once.
    """
    descriptor = _opened(name, handle)
    found = os.fstat(descriptor)
    if found.st_nlink > 1 and stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        _break_hard_link(name, handle, found.st_mode)
        descriptor = _opened(name, handle)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):  # a device would be read without end
            raise OSError(errno.EBUSY, "it is still written to", path)
        executable = bool(found.st_mode & 0o111)
        os.fchmod(descriptor, 0o555 if executable else 0o444)
        found = os.fstat(descriptor)
        seen[path] = fingerprint(found)
        content = content_of(descriptor, found.st_size) if found.st_size < AT_ONCE else ""
    finally:
        os.close(descriptor)
    return Item(path, "file", found.st_size, executable, content)


def _content_of_large(path: Path, seen: Fingerprint) -> str:
    """The hash of a file that was looked at before. Raises OSError also when it is another one by now."""
    descriptor = os.open(path, _READ)
    try:
        found = os.fstat(descriptor)
        if fingerprint(found) != seen:
            raise OSError(errno.EBUSY, "it is still written to", path.name)
        if found.st_size < LARGE:
            return content_of(descriptor, found.st_size)
        with written_meanwhile(descriptor):
            return content_of(descriptor, found.st_size)
    finally:
        os.close(descriptor)


def _opened(name: str, handle: int) -> int:
    """A descriptor of a regular file, opened without following links and without waiting on pipes."""
    try:
        return os.open(name, _READ, dir_fd=handle)
    except PermissionError:  # mode 000: ours, but closed to us too
        change_mode(name, 0o600, handle, stat.S_IFREG)
        return os.open(name, _READ, dir_fd=handle)


def _break_hard_link(name: str, handle: int, mode: int) -> None:
    """Give the entry bytes of its own: another name for them may stand where it can still be written."""
    source = os.open(name, _READ, dir_fd=handle)
    copy = f".{secrets.token_hex(8)}.dagbook"  # the name itself may be as long as a name can be
    with open(source, "rb") as old:
        target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(mode) | 0o600, dir_fd=handle)
        with open(target, "wb") as new:
            shutil.copyfileobj(old, new, CHUNK)
    os.rename(copy, name, src_dir_fd=handle, dst_dir_fd=handle)


def _protect_folders(root: Path, items: list[Item]) -> None:
    """Take everybody's right to write away, deepest folders first; the root's own goes after the rename."""
    for item in reversed(items):
        if item.kind == "folder":
            inside, name = os.path.split(item.path)
            with folder_below(root, inside) as handle:
                change_mode(name, 0o555, handle, stat.S_IFDIR)
