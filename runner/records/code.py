"""The project snapshot: the code folder as it is when a run is planned, shown to every node at /code.

Kept in the store once per content. Left out are `.git`, stores, what git ignores, notebooks' checkpoints,
bytecode, virtual environments, and notebooks of pipelines with what papermill and others made of them (their code is
in the nodes, and they change with every run's outputs; who runs in papermill's kernel is not told which they are).

A store's database must not even be read: closing a file takes away all locks that this process has on it, SQLite's
too. Another process then takes the database for unused, and cuts off memory that this one works with.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from ..formats.notebook_glance import is_pipeline_notebook
from .durable import bring_to_disk
from .git_asked import git_about
from .unfinished import unfinished

MOST_FILES = 20_000
MOST_BYTES = 200 * 2**20

_NEVER = {".git", ".dagbook", ".ipynb_checkpoints", "__pycache__", "node_modules", ".venv"}
_OUT_OR_NEVER = {"..", *_NEVER}
_DATABASE = "dagbook.db"  # with what SQLite keeps beside it under longer names
_IN_A_STORE = {"artifacts", "code", "datasets", "drafts", "git", "quarantine", "runs"}  # besides the database


class TooLarge(Exception):
    """The folder holds more than a snapshot may; str() says how much."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A kept project folder: `digest` is the sha256 of its names, executable bits and bytes."""

    digest: str
    path: Path
    files: int


def snapshot(folder: Path, kept: Path, leave_out: frozenset[Path] = frozenset()) -> Snapshot:
    """Keep `folder` as it is now under `kept`, a folder of a store; files and folders in `leave_out` (absolute) are not
    part of it.

    A file that vanishes meanwhile is not part of it either. Raises TooLarge over 20,000 files or 200 MiB, before
    anything is copied, and OSError for a file that cannot be read.
    """
    files = _measured(folder, kept.resolve().parent, leave_out)
    kept.mkdir(parents=True, exist_ok=True)
    with unfinished(kept) as draft:
        copied = [path for path in files if _copied(folder / path, draft / path)]
        digest = _digest(draft, copied)  # of the copy: the folder may change while it is read
        home = kept / digest
        if home.is_dir() and not is_sound(home):
            os.rename(home, kept / f".damaged-{secrets.token_hex(8)}")  # nothing uses it any more
        if not home.is_dir():
            _settle(draft, home, copied)
        bring_to_disk([kept, kept.parent])  # also what another run has put there, which may not have come to this
        return Snapshot(digest, home, len(copied))


def _settle(draft: Path, home: Path, copied: list[str]) -> None:
    """Bring a folder with these files to the disk, readable for all and writable for nobody, and to its place."""
    os.chmod(draft, 0o755)
    for path in copied:
        os.chmod(draft / path, 0o555 if os.stat(draft / path).st_mode & 0o111 else 0o444)
    folders = {folder for path in copied for folder in PurePosixPath(path).parents}
    bring_to_disk([*(draft / path for path in copied), *(draft / folder for folder in folders)])
    try:
        os.rename(draft, home)
    except OSError:
        if not home.is_dir():  # else another run kept the same content at the same moment
            raise


def is_sound(home: Path) -> bool:
    """True when the kept folder `home` holds what its name, the digest, says."""
    files = [path.relative_to(home).as_posix() for path in home.rglob("*") if not path.is_dir() or path.is_symlink()]
    try:
        return _digest(home, sorted(files, key=os.fsencode)) == home.name
    except OSError:
        return False


def _copied(source: Path, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy(source, target)
    except FileNotFoundError:
        return False
    return True


def _digest(folder: Path, files: list[str]) -> str:
    total = hashlib.sha256()
    for path in files:
        executable = "*" if os.stat(folder / path).st_mode & 0o111 else ""
        with (folder / path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{content}{executable} ".encode() + os.fsencode(path) + b"\0")
    return total.hexdigest()


def _measured(folder: Path, store: Path, leave_out: frozenset[Path]) -> list[str]:
    left_out = {one.relative_to(folder).as_posix() for one in leave_out if one.is_relative_to(folder)}
    below = tuple(f"{one}/" for one in left_out)  # of those that are folders
    files: list[str] = []
    size = 0
    for path in _candidates(folder, store):
        try:
            found = os.lstat(folder / path)
        except FileNotFoundError:
            continue
        if (
            path in left_out
            or path.startswith(below)
            or not stat.S_ISREG(found.st_mode)
            or is_pipeline_notebook(folder / path)
        ):
            continue
        files.append(path)
        size += found.st_size
        if len(files) > MOST_FILES:
            raise TooLarge(f"{folder} holds more than {MOST_FILES:,} files")
        if size > MOST_BYTES:
            raise TooLarge(f"{folder} holds more than {MOST_BYTES // 2**20} MiB (at {path})")
    return sorted(files, key=os.fsencode)


def _candidates(folder: Path, store: Path) -> Iterator[str]:
    """Paths of files, relative to the folder: those that git would track, else all but what is never meant."""

    @cache
    def is_store(place: Path) -> bool:
        return place == store or (place / _DATABASE).exists()

    listed = _known_to_git(folder)
    found = _unignored(folder, _walked(folder, is_store)) if listed is None else _meant(folder, listed, is_store)
    for path in found:
        top = path.partition("/")[0]
        if not (is_store(folder) and (top in _IN_A_STORE or top.startswith(_DATABASE))):
            yield path


def _meant(folder: Path, listed: Iterable[str], is_store: Callable[[Path], bool]) -> Iterator[str]:
    """Those of git's paths that are there and not what is never meant; an index that somebody made can name any."""

    @cache
    def is_elsewhere(place: Path) -> bool:
        return place.is_symlink() or is_store(place)

    for path in listed:
        if path.startswith("/") or _OUT_OR_NEVER.intersection(path.split("/")) or not os.path.lexists(folder / path):
            continue
        if not any(is_elsewhere(folder / parent) for parent in PurePosixPath(path).parents[:-1]):
            yield path


def _walked(folder: Path, is_store: Callable[[Path], bool]) -> Iterator[str]:
    """All files but those of folders that are never meant."""
    for parent, folders, names in os.walk(folder):
        there = [Path(parent) / name for name in sorted(folders) if name not in _NEVER]
        folders[:] = [one.name for one in there if not (one / "pyvenv.cfg").exists() and not is_store(one)]
        for name in names:
            yield (Path(parent) / name).relative_to(folder).as_posix()


def _unignored(folder: Path, paths: Iterable[str]) -> Iterable[str]:
    """Those of the paths that git would not ignore if the folder were a repository; without git all of them."""
    if not (folder / ".gitignore").is_file():
        return paths
    there = list(paths)
    try:
        with git_about(folder, in_repository=False) as git:
            listed, none_is = b"\0".join(map(os.fsencode, there)), 1
            found = git.ask("check-ignore", "--no-index", "-z", "--stdin", told=listed, fine=(0, none_is))
    except (OSError, subprocess.SubprocessError):
        return there
    ignored = {os.fsdecode(path) for path in found.split(b"\0")}
    return [path for path in there if path not in ignored]


def _known_to_git(folder: Path) -> list[str] | None:
    """Tracked and untracked files that git does not ignore; None outside a repository or without git."""
    try:
        with git_about(folder) as git:
            if git.top is None:
                return None
            found = git.ask("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except (OSError, subprocess.SubprocessError):
        return None
    return [os.fsdecode(path) for path in found.split(b"\0") if path]
