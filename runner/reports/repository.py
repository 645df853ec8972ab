"""The repository that a file lies in, as CI systems see it: its root, and where a viewer of it shows a line."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

# Where CI systems check the repository out: GitHub Actions, GitLab, Azure Pipelines, Jenkins.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY", "WORKSPACE")


def root_of(file: Path) -> Path | None:
    """The root of the repository that `file` lies in: what the CI system says, else the nearest folder with `.git`."""
    file = file.resolve()
    for name in _ROOTS:
        said = os.environ.get(name)
        if said and file.is_relative_to(Path(said).resolve()):
            return Path(said).resolve()
    return next((folder for folder in file.parents if (folder / ".git").exists()), None)


def path_in_repository(file: Path) -> str:
    """The path of `file` as the repository has it; outside of any, from the working directory, else whole."""
    root = root_of(file) or Path.cwd().resolve()
    whole = file.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole)


def link_to(file: Path, line: int | None) -> str | None:
    """The address at which GitHub shows `file`, as it is in this job, at a line; None elsewhere."""
    server, name, commit = (os.environ.get(f"GITHUB_{word}") for word in ("SERVER_URL", "REPOSITORY", "SHA"))
    said = os.environ.get("GITHUB_WORKSPACE")
    if not (server and name and commit and said and file.resolve().is_relative_to(Path(said).resolve())):
        return None
    path = quote(path_in_repository(file))
    return f"{server}/{name}/blob/{commit}/{path}?plain=1" + (f"#L{line}" if line else "")
