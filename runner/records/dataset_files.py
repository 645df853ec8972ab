"""What a local dataset consists of: its files, folders and links, refusing by name what a node could not see.

A dataset is mounted as it lies there. So, unlike an output folder, nothing in it is mended: a link that would
dangle in the node and a pipe that would block a reader are errors.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import PipelineError, nearest, problem

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
_MOST_LINKS = 40  # from one link to the next, as the kernel allows


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a dataset: its path in it, what lstat told of it, and what a link names."""

    path: str
    seen: os.stat_result
    target: str = ""

    @property
    def kind(self) -> str:
        """ "file", "folder" or "link"."""
        if stat.S_ISREG(self.seen.st_mode):
            return "file"
        return "folder" if stat.S_ISDIR(self.seen.st_mode) else "link"


def located(path: Path) -> tuple[Path, os.stat_result]:
    """Where `path` is, absolute, and the stat of the file or folder there.

    A link that was named itself is followed, and its own name kept. Raises PipelineError (E-FILE-MISSING, E-DATA-READ,
    E-DATA-KIND).
    """
    shown = printable(str(path))
    try:
        place = path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name
        seen = os.stat(place)
    except (FileNotFoundError, NotADirectoryError):
        raise PipelineError(problem("E-FILE-MISSING", file=shown, hint=_nearest_to(path))) from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle; ValueError: NUL
        raise unreadable(shown, error) from None
    if not (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode)):
        raise PipelineError(problem("E-DATA-KIND", path=shown, kind=_KINDS.get(stat.S_IFMT(seen.st_mode), "special")))
    return place, seen


def entries_of(root: Path, shown: str) -> list[Entry]:
    """Everything in the folder `root`, sorted by path; `shown` is how messages call the folder.

    Raises PipelineError (E-DATA-LINK, E-DATA-KIND, E-DATA-READ, E-DATA-CHANGED).
    """
    try:
        return sorted(_entries(os.path.realpath(root), shown), key=lambda entry: os.fsencode(entry.path))
    except FileNotFoundError as error:
        raise changed(error.filename or shown) from None
    except OSError as error:
        raise unreadable(error.filename or shown, error) from None


def changed(path: str) -> PipelineError:
    """The error that `path` changed while it was read."""
    return PipelineError(problem("E-DATA-CHANGED", path=printable(path)))


def unreadable(path: str, error: Exception) -> PipelineError:
    """The error that `path` cannot be read."""
    why = (isinstance(error, OSError) and error.strerror) or str(error)
    return PipelineError(problem("E-DATA-READ", path=printable(path), why=why))


def printable(path: str) -> str:
    """A path fit for a message: bytes that are no UTF-8 replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def _nearest_to(path: Path) -> str:
    """A hint from what stands beside the deepest part of the path that exists."""
    for part in (path, *path.parents):
        if part.parent.is_dir():
            try:
                beside = os.listdir(part.parent)
            except OSError:
                break
            return f"In {printable(str(part.parent))}: {nearest(part.name, map(printable, beside))}"
    return "Look at the spelling."


def _entries(root: str, shown: str) -> Iterator[Entry]:
    for parent, folders, files, handle in os.fwalk(root, onerror=_raise):
        inside = os.path.relpath(parent, root)
        for name in [*folders, *files]:
            path = name if inside == "." else f"{inside}/{name}"
            seen = os.lstat(name, dir_fd=handle)
            kind = stat.S_IFMT(seen.st_mode)
            if kind == stat.S_IFLNK:
                target = os.readlink(name, dir_fd=handle)
                if _leads_out(root, path, target):
                    where = printable(f"{shown}/{path}")
                    raise PipelineError(problem("E-DATA-LINK", path=where, target=printable(target)))
                yield Entry(path, seen, target)
            elif kind in (stat.S_IFREG, stat.S_IFDIR):
                yield Entry(path, seen)
            else:
                what = _KINDS.get(kind, "special")
                raise PipelineError(problem("E-DATA-KIND", path=printable(f"{shown}/{path}"), kind=what))


def _raise(error: OSError) -> None:
    raise error


def _leads_out(root: str, path: str, target: str) -> bool:
    """Whether a link, followed step by step, ever leaves the folder: there is another place around it in a node.

    An absolute target leaves it even when it comes back. A link that leads nowhere inside is as it was.
    """
    here = path.split("/")[:-1]
    left = target.split("/")
    links = 1
    if target.startswith("/"):
        return True
    while left:
        name = left.pop(0)
        if name == "..":
            if not here:
                return True
            here.pop()
        elif name not in ("", "."):
            try:
                further = os.readlink(os.path.join(root, *here, name))
            except OSError:  # no link
                here.append(name)
                continue
            links += 1
            if links > _MOST_LINKS:
                return False
            if further.startswith("/"):
                return True
            left = [*further.split("/"), *left]
    return False
