"""The parts of a node run whose axis is closed: datums, or the executions of a search; each works alone, all leave one
artifact.

Rules: docs/semantics.md, "Datums".
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from .core.datums import Datum
from .core.dialect import OnChildError
from .core.values import Value, readable
from .executors.contract import Job
from .records.cache import Key
from .records.manifest import manifest_of

LISTED = "parts.json"  # the file of an attempt that tells what became of each part


@dataclass(frozen=True, slots=True)
class Part:
    """One part: what people call it, what its result follows from, its parameters, its datum if it has one."""

    label: str
    key: Key
    params: Mapping[str, Value]
    datum: Datum | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of an attempt. `job_of` makes the job of a part's attempt (both counted from 1), its folders too."""

    all: Sequence[Part]
    job_of: Callable[[int, Part, int], Job]
    workers: int = 1
    tries: int = 1
    timeout: float | None = None  # seconds for one attempt of one part
    on_error: OnChildError = OnChildError.CONTINUE_AND_FAIL
    apart: bool = False  # equal names of two parts are kept apart instead of being a fault


Point = tuple[str, Value, float | None]  # what was logged: a name, a value, and the step of a metric


@dataclass(frozen=True, slots=True)
class Left:
    """What a part left: the digest of its artifact, how much is in it, and what it logged, in order."""

    artifact: str
    files: int
    bytes: int
    logged: tuple[Point, ...] = ()


class PartState(StrEnum):
    """What became of a part."""

    DONE = "done"
    SKIPPED = "skipped"  # done before, and nothing of it has changed
    RECOVERED = "recovered"  # it failed, and its rescue command did not
    FAILED = "failed"
    LEFT = "left"  # not begun, or not at its end


@dataclass(slots=True)
class PartEnd:
    """How a part ended: what it left is an artifact at `artifact`; times in seconds."""

    label: str
    state: PartState
    tries: int = 0
    seconds: float = 0.0
    reason: str = ""
    artifact: Path | None = None
    files: int = 0
    bytes: int = 0
    tags: dict[str, Any] = field(default_factory=dict)
    notebook: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry of `parts.json`."""
        return {
            "part": self.label,
            "state": str(self.state),
            "tries": self.tries,
            "seconds": round(self.seconds, 4),
            "reason": self.reason,
            "files": self.files,
            "bytes": self.bytes,
            "tags": self.tags,
            "notebook": self.notebook,
        }


class Clash(Exception):
    """Two parts left a file of the same path; str() names both."""


def merge(ends: Sequence[PartEnd], output: Path, *, apart: bool = False) -> list[str]:
    """Bring what the parts left together in `output`; returns warnings.

    Of two parts that write one path the second gets its number in front of the name with `apart`. Raises Clash without.
    """
    owners: dict[str, str] = {}
    told = []
    for number, end in enumerate(ends, 1):
        if end.artifact is None:
            continue
        for item in manifest_of(end.artifact):
            path = item["path"]
            target = output / path
            if item["kind"] == "folder":
                if owners.get(path):
                    raise Clash(_clash(path, owners[path], end.label))
                owners.setdefault(path, "")
                target.mkdir(parents=True, exist_ok=True)
                continue
            if path in owners:
                if not apart:
                    raise Clash(_clash(path, owners[path] or "a folder of another", end.label))
                path = _free(path, number, owners)
                told.append(f'"{end.label}" left {item["path"]} too; it is kept as {path}')
            owners[path] = end.label
            _copy(end.artifact / item["path"], output / path)
    return told


def _free(path: str, number: int, owners: Mapping[str, str]) -> str:
    """A name for a file whose own is taken: with the number of its part in front, as often as that is needed."""
    head, slash, name = path.rpartition("/")
    while f"{head}{slash}{name}" in owners:
        name = f"{number}-{name}"
    return f"{head}{slash}{name}"


def _clash(path: str, first: str, second: str) -> str:
    return f'two datums write one path, {path}: "{first}" and "{second}"'


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        os.symlink(os.readlink(source), target)
    else:
        shutil.copyfile(source, target)
        os.chmod(target, 0o755 if os.stat(source).st_mode & 0o111 else 0o644)


def write_listing(ends: Sequence[PartEnd], folder: Path) -> None:
    """Leave `parts.json` in the attempt's folder."""
    text = json.dumps([end.as_json() for end in ends], indent=1)
    draft = folder / f".{LISTED}.{threading.get_ident()}"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / LISTED)


def read_listing(folder: Path) -> list[dict[str, Any]]:
    """What `parts.json` of an attempt tells; empty when the node has no parts."""
    try:
        found: list[dict[str, Any]] = json.loads((folder / LISTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return found


def label_of(datum: Datum) -> str:
    """What people call a datum: the paths of its parts."""
    return " + ".join(f"{part.name}:{part.path}" for part in datum.parts) or "nothing"


def label_of_params(params: Mapping[str, Value]) -> str:
    """What people call an execution of a search: its values."""
    return ", ".join(f"{name}={readable(value)}" for name, value in params.items()) or "as it is"
