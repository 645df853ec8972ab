"""What an output folder may hold that no artifact can: sockets, pipes, devices, and links that lead out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .folders import folder_below, folders_of, named

MOST_LINKS = 40  # from one link to the next, as the kernel allows


def take_out_foreign(root: Path) -> list[str]:
    """Remove what cannot be kept, and make links that stay inside relative, so that they work at any mount.

    Returns a warning for each entry that was removed. Raises OSError.
    """
    links, told = [], []
    for inside, handle, entries in folders_of(root):
        for entry in entries:
            if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
                continue
            if entry.is_symlink():
                links.append(inside + entry.name)
            else:
                what = _what(entry.stat(follow_symlinks=False).st_mode)
                os.unlink(entry.name, dir_fd=handle)
                place = named(f"/output/{inside}{entry.name}")
                told.append(f"{place} is {what}, which an artifact cannot hold; it was left out")
    settled = {path: _inside(root, path) for path in links}  # all are looked at before one is changed
    for path, inner in settled.items():
        told += _settle_link(root, path, inner)
    return told


def _what(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "a special file")


def _settle_link(root: Path, path: str, inner: str | None) -> Iterator[str]:
    inside, name = os.path.split(path)
    with folder_below(root, inside) as handle:  # by its name alone it might lead out of `root` by now
        target = os.readlink(name, dir_fd=handle)
        if inner is None:
            os.unlink(name, dir_fd=handle)
            what = f"{named(f'/output/{path}')} is a link to {named(target)}"
            yield f"{what}, which does not lead to anything in /output; it was left out"
            return
        relative = os.path.relpath("/" + inner, "/" + inside)
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
