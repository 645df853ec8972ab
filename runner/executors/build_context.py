"""What a Dockerfile's build is given: the project's files as one archive, the same bytes for the same content.

Left out are what `.dockerignore` names, and what is never meant, as in a project snapshot: `.git`, stores, bytecode,
environments. `.dockerignore` can take those in again.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ..core.errors import PipelineError, Place, problem

IGNORED = ".dockerignore"
_ASIDE = ".dockerfile.dagbook"  # the Dockerfile's name in the archive, when it is not in the folder
_NEVER = (".git", ".dagbook", ".ipynb_checkpoints", "__pycache__", "node_modules", ".venv")
_DATABASE = "dagbook.db"  # what a store has in it


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be built: the Dockerfile, the folder it copies from (None: nothing), and files (absolute) of that
    folder that are no part of it."""

    dockerfile: Path
    folder: Path | None
    keep_out: frozenset[Path] = frozenset()

    @property
    def name(self) -> str:
        """What the Dockerfile is called in the archive."""
        if self.folder and self.dockerfile.resolve().is_relative_to(self.folder.resolve()):
            return self.dockerfile.resolve().relative_to(self.folder.resolve()).as_posix()
        return _ASIDE


@dataclass(frozen=True, slots=True)
class Archive:
    """A tar archive, open at its beginning, and the sha256 of its bytes."""

    file: IO[bytes]
    digest: str


@contextmanager
def archive(project: Project) -> Iterator[Archive]:
    """The project's files, sorted and without owners and times. Raises PipelineError (E-CODE)."""
    with tempfile.TemporaryFile() as file:
        try:
            with tarfile.open(mode="w", fileobj=file) as tar:
                for path in files_of(project):
                    _add(tar, Path(project.folder or "", path), path)
                _add(tar, project.dockerfile, project.name)
        except OSError as error:
            unread = error.filename or project.folder
            what = f"{unread} is part of the project and cannot be read: {error.strerror or error}"
            hint = f"Make it readable, or list it in {IGNORED}."
            raise PipelineError(problem("E-CODE", Place(str(project.dockerfile)), what=what, hint=hint)) from None
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        yield Archive(file, digest)


def files_of(project: Project) -> list[str]:
    """Files, folders and links of the project's folder that the build is given, but for the Dockerfile; sorted."""
    if project.folder is None:
        return []
    from docker.utils.build import PatternMatcher

    folder = project.folder.resolve()
    patterns = [f"**/{name}" for name in _NEVER] + _ignored(folder)
    stores: dict[PurePosixPath, bool] = {}

    def in_a_store(path: str) -> bool:
        for parent in PurePosixPath(path).parents[:-1]:
            if stores.setdefault(parent, (folder / parent / _DATABASE).exists()):
                return True
        return False

    found = PatternMatcher(patterns).walk(str(folder))
    kept_out = {path.resolve() for path in project.keep_out}
    return sorted(
        path
        for path in map(str, found)
        if path != project.name
        and not in_a_store(path)
        and not (folder / path / _DATABASE).exists()
        and folder / path not in kept_out
    )


def _ignored(folder: Path) -> list[str]:
    try:
        lines = (folder / IGNORED).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _add(tar: tarfile.TarFile, source: Path, name: str) -> None:
    """Put a file, folder or link into the archive; what vanished meanwhile, or is none of these, is no part of it."""
    try:
        mode = os.lstat(source).st_mode
    except FileNotFoundError:
        return
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if stat.S_ISDIR(mode) or mode & 0o111 else 0o644
    if stat.S_ISDIR(mode):
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    elif stat.S_ISLNK(mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(source)
        tar.addfile(entry)
    elif stat.S_ISREG(mode):
        with source.open("rb") as file:
            entry.size = os.fstat(file.fileno()).st_size
            tar.addfile(entry, file)
