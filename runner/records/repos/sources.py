"""What is to be put into a dataset: files, folders and streams, as entries at their places in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from ...core.errors import PipelineError, Problem, problem
from ..dataset_files import Entry, changed, located, printable, unreadable
from .choosing import inner_path

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes that come from somewhere, and the name of the file that they are to be."""

    name: str
    file: BinaryIO | FileIO


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a source: its path in the dataset, where it lies, and how messages call it."""

    path: str
    place: str
    shown: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Sources:
    """All that is found: entries, streams by path, and the folders that must stay as they are while they are read."""

    found: tuple[Found, ...]
    streams: dict[str, Stream]
    folders: tuple[tuple[str, os.stat_result], ...]


def find_sources(
    sources: Sequence[Path | Stream], target: str, store: Path, tell: Callable[[Problem], None]
) -> Sources:
    """The entries of all sources at their places below `target`; `store` may be in none of them.

    What a dataset cannot hold is told and left out; named by itself it is an error. Raises PipelineError
    (E-FILE-MISSING, E-DATA-*, E-REPO-CLASH, E-REPO-PATH).
    """
    found: dict[str, Found] = {}
    streams: dict[str, Stream] = {}
    folders: list[tuple[str, os.stat_result]] = []
    for source in sources:
        if isinstance(source, Stream):
            path = _below(target, inner_path(source.name))
            _check_alone(path, path, found, streams)
            streams[path] = source
            continue
        for one in _entries_at(source, target, store, tell):
            if one.path not in found or one.entry.kind != "folder" or found[one.path].entry.kind != "folder":
                _check_alone(one.path, one.shown, found, streams)
            found[one.path] = one
            if one.entry.kind == "folder":
                folders.append((one.place, one.entry.seen))
    found.pop("", None)  # the root of a folder that is put at the root
    return Sources(tuple(found.values()), streams, tuple(folders))


def _entries_at(source: Path, target: str, store: Path, tell: Callable[[Problem], None]) -> Iterator[Found]:
    place, seen = located(source)
    shown = printable(str(source))
    real = place.resolve()
    if real.is_relative_to(store.resolve()) or store.resolve().is_relative_to(real):
        raise PipelineError(problem("E-DATA-STORE", path=shown, store=printable(str(store))))
    if not stat.S_ISDIR(seen.st_mode):
        yield Found(_below(target, place.name), str(real), shown, Entry(place.name, seen))
        return
    yield Found(target, str(real), shown, Entry("", seen))
    try:
        for entry in sorted(_walked(str(real), shown, tell), key=lambda entry: os.fsencode(entry.path)):
            inside = os.path.join(str(real), entry.path)
            yield Found(_below(target, entry.path), inside, f"{shown.rstrip('/')}/{printable(entry.path)}", entry)
    except FileNotFoundError as error:
        raise changed(error.filename or shown) from None
    except OSError as error:
        raise unreadable(error.filename or shown, error) from None


def _walked(root: str, shown: str, tell: Callable[[Problem], None]) -> Iterator[Entry]:
    """What of a folder a dataset can hold."""
    for parent, folders, files, handle in os.fwalk(root, onerror=_raise):
        inside = os.path.relpath(parent, root)
        for name in [*folders, *files]:
            path = name if inside == "." else f"{inside}/{name}"
            seen = os.lstat(name, dir_fd=handle)
            kind = stat.S_IFMT(seen.st_mode)
            if kind == stat.S_IFLNK:
                yield Entry(path, seen, _relative(root, path, os.readlink(name, dir_fd=handle)))
            elif kind in (stat.S_IFREG, stat.S_IFDIR):
                yield Entry(path, seen)
            else:
                why = f"is {_KINDS.get(kind, 'a special file')}, which a dataset cannot hold"
                tell(problem("W-DATA-LEFT", path=printable(f"{shown.rstrip('/')}/{path}"), why=why))


def _relative(root: str, path: str, target: str) -> str:
    """A link's target, relative when it names a place in the folder by its place on this machine."""
    plain = os.path.normpath(target)
    if not plain.startswith(f"{root}/"):
        return target
    return os.path.relpath(plain, os.path.join(root, os.path.dirname(path)))


def _check_alone(path: str, shown: str, found: dict[str, Found], streams: dict[str, Stream]) -> None:
    if path in found or path in streams:
        other = found[path].shown if path in found else "what is read"
        what = f"{other} and {shown} would both be {printable(path)}"
        hint = "Put them one after the other, with another --to."
        raise PipelineError(problem("E-REPO-CLASH", what=what, hint=hint))


def _below(target: str, path: str) -> str:
    return f"{target}/{path}" if target and path else target or path


def _raise(error: OSError) -> None:
    raise error
