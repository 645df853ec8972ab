"""The settings in force and where each comes from.

A flag or magic option wins over `DAGBOOK_*` in the environment, that over `dagbook.toml` (beside the notebook, or the
nearest one above it), that over what is built in. `dagbook doctor` shows which won.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, Place, Problem, nearest, problem
from ..core.masking import MASK, Hidden
from .mlflow_address import from_folder
from .options import EVENTS, EXECUTORS
from .setting_values import PRIVATE, READ, TRANSPORTS, Wrong

if TYPE_CHECKING:
    from ..core.model import Compute

FILE = "dagbook.toml"
BUILT_IN = "built in"
# DAGBOOK_ variables that are no settings: what a node sees. Inside a node (DAGBOOK_OUTPUT is set) nothing is checked.
_IN_A_NODE = "DAGBOOK_OUTPUT"
_SECRET = "DAGBOOK_SECRET_"  # so begin variables that hold a secret for nodes


_PATHS = ("store", "code", "secrets")
TABLES = ("env", "compute", "people")  # in the file only


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `origin` tells of each by name where it comes from: "DAGBOOK_IMAGE", "dagbook.toml line 3".

    `jobs` is how many node runs go at once; `ahead` for how many of those that come next a container and a kernel are
    started meanwhile; `max_runs` how many a plan may hold; `code` the folder shown at /code
    (None: the notebook's; "none": nothing); `store` the folder of the store (None: see `find_store`);
    `data_hosts` the private hosts, HOST or HOST:PORT, that datasets may be fetched from;
    `allowed_images` the patterns of the images that nodes may run in (none: all);
    `spare` whether a run process waits beside a notebook; `secrets` the folder of secrets (None: the user's own) and
    `secret_command` what prints one that is not there; `build_network` the network for building images;
    `transport` how kernels are reached; `env` goes to every node; `compute` holds the compute templates by name;
    `mlflow` the tracking server that runs are mirrored to ("none": no one; "auto": MLFLOW_TRACKING_URI's), under
    `mlflow_experiment` (None: the pipeline's name), with up to `mlflow_files` bytes of a node run's output files;
    `notify` the URLs that are told of the events `notify_on`, and `people` by name how each is reached.
    """

    image: str = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
    executor: str = "auto"
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    ahead: int = field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    store: str | None = None
    build_network: str | None = None
    transport: str = "auto"
    code: str | None = None
    max_runs: int = 10_000
    data_hosts: tuple[str, ...] = ()
    allowed_images: tuple[str, ...] = ()
    spare: bool = True
    secrets: str | None = None
    secret_command: str | None = None
    mlflow: str | None = None
    mlflow_experiment: str | None = None
    mlflow_files: int = 50 * 2**20
    notify: tuple[Hidden, ...] = ()
    notify_on: tuple[str, ...] = ("success", "failure", "approval")
    people: Mapping[str, Hidden] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    compute: Mapping[str, Compute] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)

    def from_where(self, name: str) -> str:
        """Where the setting `name` comes from, in words for a message."""
        return self.origin.get(name, BUILT_IN)


def setting_names() -> tuple[str, ...]:
    """All settings by name; `DAGBOOK_<NAME>` is the variable of each but the tables."""
    return tuple(one.name for one in fields(Settings) if one.name != "origin")


def read_settings(
    folder: Path | str = ".",
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings for a notebook in `folder`.

    `flags` are settings given by hand, by name; None stands for not given. `environ` is os.environ unless given.
    Raises PipelineError (E-SETTING, and E-IMAGE-REF, E-ENV-* for their values) with all findings.
    """
    found: list[Problem] = []
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    layers = (
        _file_layer(Path(folder), found),
        _environ_layer(os.environ if environ is None else environ, found),
        {name: (value, _flag(name)) for name, value in (flags or {}).items() if value is not None},
    )
    for name, (value, where) in (item for layer in layers for item in layer.items()):
        try:
            values[name] = READ[name](value)
            origin[name] = where
        except Wrong as wrong:
            said = MASK if name in PRIVATE else repr(str(value)[:60])
            what = f"{name} is {said}, and should be {wrong}"
            found.append(problem("E-SETTING", _place(where), origin=where, what=what, hint=_hint(name, value)))
        except PipelineError as error:
            found += [Problem(p.code, f"{where}: {p.message}", p.hint, _place(where)) for p in error.problems]
    if found:
        raise PipelineError(*found)
    return Settings(**values, origin=origin)


def said_by_environment(name: str) -> dict[str, Any]:
    """The setting as its variable gives it, by its name; empty where there is no variable. Raises PipelineError."""
    variable = f"DAGBOOK_{name.upper()}"
    if not os.environ.get(variable):
        return {}
    try:
        return {name: READ[name](os.environ[variable])}
    except Wrong as wrong:
        what = f"{name} is {os.environ[variable][:60]!r}, and should be {wrong}"
        raise PipelineError(problem("E-SETTING", origin=variable, what=what, hint=_hint(name, ""))) from None


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _hint(name: str, value: Any) -> str:
    choices = {"executor": EXECUTORS, "transport": TRANSPORTS, "notify_on": EVENTS}.get(name)
    if not choices:
        return "Mend it there, or give it by a flag."
    words = [str(one) for one in value] if isinstance(value, list) else str(value).replace(",", " ").split()
    return nearest(next((word for word in words if word not in choices), ""), choices)


def _place(where: str) -> Place:
    name, _, line = where.partition(" line ")
    return Place(file=name, line=int(line)) if line.isdigit() else Place()


def _environ_layer(environ: Mapping[str, str], found: list[Problem]) -> dict[str, tuple[Any, str]]:
    known = {f"DAGBOOK_{name.upper()}": name for name in setting_names() if name not in TABLES}
    for variable in environ:
        ours = variable.startswith("DAGBOOK_") and not variable.startswith(_SECRET)
        if ours and variable not in known and _IN_A_NODE not in environ:
            hint = nearest(variable, known)
            found.append(problem("E-SETTING", origin=variable, what="there is no such setting", hint=hint))
    return {name: (environ[variable], variable) for variable, name in known.items() if environ.get(variable)}


def find_file(folder: Path) -> Path | None:
    """The `dagbook.toml` in `folder` or the nearest one above it, if there is one."""
    start = folder.resolve()
    for place in (start, *start.parents):
        if (place / FILE).is_file():
            return place / FILE
    return None


def _file_layer(folder: Path, found: list[Problem]) -> dict[str, tuple[Any, str]]:
    path = find_file(folder)
    if path is None:
        return {}
    import tomllib

    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text)
    except (ValueError, RecursionError, OSError) as error:  # no TOML, no UTF-8, or a number of thousands of digits
        why = "too much stands within each other" if isinstance(error, RecursionError) else error
        what, hint = f"it cannot be read: {why}", "Mend the file; its form is TOML (name = value)."
        found.append(problem("E-SETTING", Place(file=str(path)), origin=FILE, what=what, hint=hint))
        return {}
    layer: dict[str, tuple[Any, str]] = {}
    for name, value in content.items():
        where = f"{FILE} line {_line_of(name, text)}"
        if name not in READ:
            hint = nearest(name, READ)
            place = Place(file=str(path), line=_line_of(name, text))
            found.append(problem("E-SETTING", place, origin=where, what=f"there is no setting {name!r}", hint=hint))
            continue
        if name == "compute":
            from .computes import read_computes  # pydantic takes its time; few files have templates

            value = read_computes(value, text, str(path), found)
        if name == "mlflow" and isinstance(value, str):
            value = from_folder(value, path.parent)
        if name in _PATHS and isinstance(value, str) and value and value != "none":
            value = str(path.parent / os.path.expanduser(value))  # paths in the file are meant from where the file is
        layer[name] = (value, where)
    return layer


def _line_of(name: str, text: str) -> int:
    """The line on which a key or table of the file begins; tomllib does not tell."""
    key = re.escape(name)
    pattern = re.compile(rf"\s*(?:\[+\s*[\"']?{key}[\"']?\s*[.\]]|[\"']?{key}[\"']?\s*[=.])")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def find_store(
    flag: Path | str | None = None,
    file: Path | None = None,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Path:
    """The folder of the store, which need not exist yet.

    `--store` (`flag`); else the setting (DAGBOOK_STORE, dagbook.toml); else `.dagbook` beside `file`; else the nearest
    `.dagbook` at or above `cwd`, which is this process's working directory unless given; else `.dagbook` in `cwd`.
    Raises PipelineError (E-SETTING).
    """
    here = (cwd or Path.cwd()).resolve()
    flags = {"store": str(flag) if flag is not None else None}
    settings = read_settings(file.parent if file else here, flags, environ)
    if settings.store is not None:
        return here / settings.store
    if file is not None:
        return here / file.parent / ".dagbook"
    for place in (here, *here.parents):
        if (place / ".dagbook").is_dir():
            return place / ".dagbook"
    return here / ".dagbook"
