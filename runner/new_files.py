"""Files that a command puts into a folder of the user's: all of them or none, and never over another one unasked."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .core.errors import MachineError, PipelineError, problem


def refuse_existing(paths: Sequence[Path], hint: str) -> None:
    """Raise PipelineError (E-FILE-EXISTS) when something stands where a file is to be; all such places are named."""
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        names = ", ".join(map(_shown, there))
        verb = "is" if len(there) == 1 else "are"
        raise PipelineError(problem("E-FILE-EXISTS", files=names, verb=verb, hint=hint))


def write_all(files: Mapping[Path, str]) -> None:
    """Write these texts, folders made as they are needed.

    When one cannot be written, nothing is left behind and what was there before is still there.
    Raises MachineError (E-FILE-WRITE).
    """
    made: list[Path] = []  # folders and drafts, in the order in which they came
    path = Path()
    try:
        for path, text in files.items():
            _check_target(path)
            for folder in _missing(path.parent):
                folder.mkdir()
                made.append(folder)
            made.append(_draft(path))
            _draft(path).write_bytes(text.encode("utf-8", errors="surrogateescape"))
            if path.exists():
                shutil.copymode(path, _draft(path))
        for path in files:
            _draft(path).replace(os.path.realpath(path))
    except OSError as error:
        for one in reversed(made):
            with contextlib.suppress(OSError):
                one.rmdir() if one.is_dir() else one.unlink(missing_ok=True)
        why = error.strerror or str(error)
        raise MachineError(problem("E-FILE-WRITE", file=_shown(path), why=why)) from None


def _check_target(path: Path) -> None:
    """Raise IsADirectoryError before anything is replaced, not in the middle of it."""
    if path.is_dir():
        raise IsADirectoryError(0, "there is a folder of that name")


def _missing(folder: Path) -> Iterator[Path]:
    """The folders to be made so that `folder` is there, outermost first."""
    if not folder.exists():
        yield from _missing(folder.parent)
        yield folder


def _draft(path: Path) -> Path:
    real = Path(os.path.realpath(path))  # a link stays one
    return real.with_name(f".{real.name}.part")


def _shown(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    with contextlib.suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)
