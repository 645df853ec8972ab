"""Files that no report and no picture is written over: what was read for it, notebooks, and what a store keeps."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..core.errors import PipelineError, problem

_DATABASE = "dagbook.db"  # and what stands beside it, whose names begin alike
_FOLDERS = {"runs", "artifacts", "code", "datasets", "drafts", "quarantine"}


def check_spared(option: str, path: Path, file: Path | None = None) -> None:
    """Raise PipelineError (E-USAGE) where `option` would write over `file`, which was read, or in a store."""
    hint = "Name another file."
    if file is not None and _are_one(path, file):
        raise PipelineError(problem("E-USAGE", what=f"{option} would write over {file} itself", hint=hint))
    check_not_of_a_store(option, path)


def check_no_notebook(option: str, path: Path) -> None:
    """Raise PipelineError (E-USAGE) for a report that is none and is to be called like a notebook."""
    if path.suffix == ".ipynb":
        what = f"{option} writes no notebook, and {path} is called like one"
        raise PipelineError(problem("E-USAGE", what=what, hint=f"The notebook of a run is written by: -o {path.name}"))


def check_not_of_a_store(option: str, path: Path) -> None:
    """Raise PipelineError (E-USAGE) for a file that a store keeps: its database, or what is in its folders."""
    real = path.resolve()
    for folder in real.parents:
        first = real.relative_to(folder).parts[0]
        if _is_store(folder) and (first in _FOLDERS or real.name.startswith(_DATABASE)):
            what = f"{option} would write into the store {folder}, which is dagbook's own: {path}"
            raise PipelineError(problem("E-USAGE", what=what, hint="Name a file outside of it."))


def _is_store(folder: Path) -> bool:
    """Whether there is a store; the database of one on a network file system is elsewhere."""
    return (folder / _DATABASE).exists() or (folder.name == ".dagbook" and (folder / "artifacts").is_dir())


def _are_one(path: Path, file: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.samefile(file)
    return False
