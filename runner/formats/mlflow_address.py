"""Addresses of MLflow's tracking servers and databases, as people write them."""

from __future__ import annotations

import re
from pathlib import Path

_RELATIVE = re.compile(r"sqlite:///(?!/|:memory:)(?P<path>[^?#]+)(?P<rest>.*)", re.DOTALL)


def from_folder(uri: str, folder: Path) -> str:
    """`uri` with the path of a SQLite database meant from `folder`; any other as it is."""
    found = _RELATIVE.fullmatch(uri.strip())
    if found is None:
        return uri.strip()
    return f"sqlite:///{folder.absolute() / Path(found['path']).expanduser()}{found['rest']}"


def without_password(uri: str) -> str:
    """`uri` with dots in place of user and password."""
    return re.sub(r"(?<=://)[^/@\s]*@", "••••@", uri)
