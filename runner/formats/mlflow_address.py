"""Addresses of MLflow's tracking servers and databases, as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ARTIFACTS = "mlruns"
_DATABASE = re.compile(r"sqlite:///(?P<path>/[^?#]+)")
_RELATIVE = re.compile(r"sqlite:///(?!/|:memory:)(?P<path>[^?#]+)(?P<rest>.*)", re.DOTALL)


def from_folder(uri: str, folder: Path) -> str:
    """`uri` with the path of a SQLite database meant from `folder`; any other as it is."""
    found = _RELATIVE.fullmatch(uri.strip())
    if found is None:
        return uri.strip()
    return f"sqlite:///{folder.absolute() / Path(found['path']).expanduser()}{found['rest']}"


def uri_of(setting: str, environ: Mapping[str, str]) -> str:
    """The address that the setting `mlflow` means; empty for MLflow's own variable where that is not set."""
    return environ.get("MLFLOW_TRACKING_URI", "") if setting == "auto" else setting


def own_files(setting: str | None, folder: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files and the folder that MLflow keeps for a SQLite database: no part of a project, as each run changes them.

    What is kept beside a database is in `mlruns` in `folder`.
    """
    found = _DATABASE.match(from_folder(uri_of(setting, environ), folder)) if setting else None
    if found is None:
        return ()
    return (*(Path(f"{found['path']}{suffix}") for suffix in ("", "-journal", "-wal", "-shm")), folder / ARTIFACTS)


def without_password(uri: str) -> str:
    """`uri` with dots in place of user and password."""
    return re.sub(r"(?<=://)[^/@\s]*@", "••••@", uri)
