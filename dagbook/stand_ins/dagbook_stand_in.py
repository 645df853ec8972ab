"""What the stand-ins for other systems' packages share. In a node it lies beside them, and beside `dagbook`.

A stand-in is imported where the package that it stands for is not installed, and only does what can be done without
that system's server. As `dagbook` it needs nothing but the standard library, and runs on Python 3.8.
"""

from __future__ import annotations

import glob
import importlib.util
import json
import math
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NoReturn

import dagbook


def gave_way(name: str) -> bool:
    """Whether the real package `name` is installed; it is in `sys.modules` then, in the place of the stand-in.

    Called by the stand-in while it is imported: a script has the helpers' folder in front of what is installed.
    """
    here = os.path.realpath(os.path.dirname(__file__))
    others = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        spec = find(name, others if finder is PathFinder else None) if find else None
        # A folder that only has this name is no package; Python itself takes it last, too.
        if spec is None or spec.loader is None or not spec.has_location or not spec.origin:
            continue
        if os.path.realpath(spec.origin).startswith(here + os.sep):
            continue
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return True
    return False


class NoServerError(RuntimeError):
    """What was asked for only a server of that system can do."""


_INSTEAD = {
    "flow": "run the flow's file with `dagbook run FILE`",
    "dataset": "name the dataset in a data task before this node; its files are at /data/<dataset>",
    "experiment": "runs are started with `dagbook run`, and `dagbook show` tells about them",
    "endpoint": "dagbook serves no models yet",
}


def no_server(system: str, what: str) -> NoReturn:
    """Raise NoServerError for the call `what`, with what can be done instead."""
    instead = next((said for word, said in _INSTEAD.items() if word in what.lower()), "do without it in this node")
    raise NoServerError(f"{what} asks a server, and there is no {system} server here; {instead}")


class OnServer:
    """Anything that only lives on the server: every call of it, or of what it has, raises NoServerError."""

    def __init__(self, system: str, path: str) -> None:
        self._system, self._path = system, path

    def __getattr__(self, name: str) -> OnServer:
        if name.startswith("_"):
            raise AttributeError(name)
        return OnServer(self._system, f"{self._path}.{name}")

    def __call__(self, *_given: Any, **_named: Any) -> NoReturn:
        no_server(self._system, f"{self._path}()")

    def __repr__(self) -> str:
        return f"<{self._path}: on a {self._system} server, and there is none here>"


def unknown(system: str, owner: type, name: str) -> AttributeError:
    """The error for a name that the stand-in's class `owner` lacks."""
    known = ", ".join(sorted(one for one in dir(owner) if not one.startswith("_")))
    return AttributeError(
        f"dagbook's stand-in for {system} has no {owner.__name__}.{name}; it has {known}. "
        f"Where the package {system} itself is in the node's image, that one is used"
    )


def say(text: str) -> None:
    """Print a line of its own."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Numbers and arrays of NumPy and the like as Python's; everything else as it is."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.item() if hasattr(value, "item") and not isinstance(value, dict) else value


def listed(value: Any) -> list[Any]:
    """Several values, or one alone, as a list."""
    found = plain(value)
    return found if isinstance(found, list) else [found]


def log_points(key: Any, ys: Any, xs: Any = None, groups: Any = None) -> None:
    """Add points to the metric `key`, or, with groups, to the metrics KEY_GROUP.

    An x that is no number (a date becomes seconds), or none, is counted by dagbook.
    """
    values = listed(ys)
    steps = [] if xs is None else listed(xs)
    names = [] if groups is None else listed(groups)
    for number, value in enumerate(values):
        group = names[number] if number < len(names) else None
        name = str(key) if group is None else f"{key}_{group}"
        dagbook.log_metric(_name(name), value, _step(steps[number]) if number < len(steps) else None)


def _name(text: str) -> str:
    """A name that dagbook can log: no colons and line ends, not empty, not too long."""
    return re.sub(r"[:\r\n]", "_", text).strip()[:200] or "metric"


def _step(x: Any) -> float | None:
    try:
        found = float(x.timestamp() if hasattr(x, "timestamp") else x)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def keep_chart(chart: dict[str, Any]) -> Path:
    """Keep a chart, which has a "key", as JSON in the node's output; give the file."""
    name = "-".join(str(chart[part]) for part in ("key", "group", "step") if chart.get(part) is not None)
    file = dagbook.output() / "charts" / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)[:100] or 'chart'}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    said = {name: plain(value) for name, value in chart.items() if value is not None}
    file.write_text(json.dumps(said, default=_written), encoding="utf-8")
    say(f"chart {chart['key']}: {file}")
    return file


def _written(value: Any) -> Any:
    found = plain(value)
    return str(value) if found is value else found


def keep_files(paths: Any, target: Any = None, work: Any = None) -> list[Path]:
    """Copy files, folders and patterns below `work` (here) to the node's output, below `target`; give what was meant.

    One that is not there is a warning.
    """
    start = Path(work or os.getcwd())
    output = dagbook.output()
    kept = []
    for path in paths if isinstance(paths, (list, tuple, set)) else [paths]:
        found = sorted(glob.glob(str(start / path), recursive=True))
        if not found:
            warnings.warn(f"{path} is not there, so it is not kept", stacklevel=3)
        for file in _files(map(Path, found)):
            kept.append(file)
            if target or output.resolve() not in file.resolve().parents:
                _keep(file, output / _under(target) / _inside(file, start))
    return kept


def _files(found: Iterable[Path]) -> Iterator[Path]:
    for path in found:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.is_file())
        else:
            yield path


def _under(target: Any) -> str:
    return os.path.normpath("/" + str(target or "")).lstrip("/")


def _inside(file: Path, start: Path) -> str:
    """Where a file lies below the start; from elsewhere its name alone counts."""
    path = os.path.relpath(file, start)
    return file.name if path.startswith("..") else path


def _keep(file: Path, place: Path) -> None:
    if place.exists() and place.samefile(file):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, place)


def kept_files() -> list[dict[str, Any]]:
    """What is in the node's output, each with the keys name, fullpath, path and size."""
    output = dagbook.output()
    return [
        {"name": file.name, "fullpath": str(file.relative_to(output)), "path": str(file), "size": file.stat().st_size}
        for file in _files([output])
    ]
