"""Files of reports: written whole or not at all, and known to be writable before a run begins."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ..core.errors import PipelineError, problem
from ..formats.remote_file import RemoteFile


def make_room(file: Path | RemoteFile) -> None:
    """Make the folder of `file`, and see that it can be written. Raises PipelineError (E-FILE-WRITE, E-URL-SCHEME)."""
    if isinstance(file, RemoteFile):
        file.check()
        return
    try:
        if file.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        if _is_stream(file):
            return  # opening a pipe would wait for whoever reads it
        if not os.access(file.parent, os.W_OK):
            with file.open("ab"):  # a file may be writable where no other one can be made
                return
        handle, draft = _draft(file)
        os.close(handle)
        os.unlink(draft)
    except OSError as error:
        raise PipelineError(problem("E-FILE-WRITE", file=str(file), why=error.strerror or error)) from None


def save(file: Path | RemoteFile, data: bytes) -> None:
    """Write `file`, whole or not at all, also where a kill or a full disk ends it in the middle.

    Raises OSError, and PipelineError (E-URL-WRITE) for one that a URL names.
    """
    if isinstance(file, RemoteFile):
        file.write(data)
        return
    file = file.resolve()  # what a link leads to is written, and the link stays
    file.parent.mkdir(parents=True, exist_ok=True)
    if _is_stream(file) or not os.access(file.parent, os.W_OK):
        file.write_bytes(data)
        return
    handle, draft = _draft(file)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        os.chmod(draft, _mode(file))
        os.replace(draft, file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def append(file: Path, data: bytes) -> None:
    """Put `data` at the end of `file` at once. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab", buffering=0) as opened:
        opened.write(data)


def _draft(file: Path) -> tuple[int, str]:
    return tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:80]}.", suffix=".part")


def _is_stream(file: Path) -> bool:
    """Whether it is there and is no ordinary file, such as /dev/stdout or a pipe."""
    try:
        return not stat.S_ISREG(file.stat().st_mode)
    except FileNotFoundError:
        return False


def _mode(file: Path) -> int:
    if file.exists():
        return file.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
