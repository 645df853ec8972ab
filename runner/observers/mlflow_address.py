"""Is this an MLflow server or database, as far as can be told without asking it?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from ..core.errors import PipelineError, nearest, problem
from ..formats.mlflow_address import from_folder, uri_of, without_password

SERVERS = ("http", "https")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_OTHERS = ("databricks", "databricks-uc", "uc")
_INSTALL = "pip install 'dagbook[mlflow]'"
_USE_SQLITE = "Name a database, as in sqlite:///mlflow.db, or a server, as in http://127.0.0.1:5000."


def checked(uri: str, folder: Path, environ: Mapping[str, str]) -> str | None:
    """`uri` with a path in it meant from `folder`; None for "none".

    Raises PipelineError (E-MLFLOW) for what can be no address, and where MLflow is not installed.
    """
    if uri == "none":
        return None
    uri = uri_of(uri, environ)
    if not uri:
        raise _wrong("mlflow is auto, and MLFLOW_TRACKING_URI is not set", _USE_SQLITE)
    shown = without_password(uri)
    scheme = _scheme_of(uri)
    if scheme in ("", "file"):
        raise _wrong(f"{shown!r} is a folder, and MLflow keeps runs in databases only", _USE_SQLITE)
    known = {*SERVERS, *DATABASES, *_OTHERS}
    if scheme not in known:
        plugins = {one.name for one in entry_points(group="mlflow.tracking_store")}
        if scheme not in plugins:
            raise _wrong(f"{shown!r} is no address of MLflow's: {scheme}:// is not known", nearest(scheme, known))
    if scheme in SERVERS and not urlsplit(uri).hostname:
        raise _wrong(f"{shown!r} names no server", _USE_SQLITE)
    if scheme == "sqlite":
        uri = _database(from_folder(uri, folder))
    _check_installed(scheme)
    return uri


def _scheme_of(uri: str) -> str:
    if uri in _OTHERS:
        return uri
    found = re.match(r"([A-Za-z][A-Za-z0-9-]*)(?:\+[A-Za-z0-9_]+)?:", uri)
    return found[1].lower() if found else ""


def _database(uri: str) -> str:
    path = Path(re.split(r"[?#]", uri.removeprefix("sqlite:///"))[0])
    if not uri.startswith("sqlite:///") or path.name in ("", ":memory:"):
        raise _wrong(f"{uri!r} names no file", _USE_SQLITE)
    if not path.parent.is_dir():
        raise _wrong(f"the folder {path.parent} of MLflow's database is not there", "Make it, or name another file.")
    if path.is_dir():
        raise _wrong(f"{path} is a folder, and MLflow's database is a file", _USE_SQLITE)
    return uri


def _check_installed(scheme: str) -> None:
    needed = ("mlflow", "sqlalchemy", "alembic") if scheme in DATABASES else ("mlflow",)
    lacking = [name for name in needed if find_spec(name) is None]
    if lacking:
        what = f"runs are to be mirrored to MLflow, and {' and '.join(lacking)} is not installed"
        raise _wrong(what, f"Install it: {_INSTALL}")


def _wrong(what: str, hint: str) -> PipelineError:
    return PipelineError(problem("E-MLFLOW", what=what, hint=hint))
