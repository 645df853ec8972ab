"""The manifest of an artifact: what its folder holds, entry by entry, and the digest that follows from that."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, to_json


class Item(NamedTuple):
    """One entry of an output folder: its path in it, and what it is ("file", "folder", "link")."""

    path: str
    kind: str
    size: int = 0
    executable: bool = False
    content: str = ""  # the hash of a file's bytes (`content`); a link's target

    def as_json(self) -> dict[str, Any]:
        """The entry as the manifest holds it; `_asdict` takes several times as long, and there may be thousands."""
        return {
            "path": self.path,
            "kind": self.kind,
            "size": self.size,
            "executable": self.executable,
            "content": self.content,
        }

    def line(self) -> bytes:
        """What this entry adds to the digest of the whole."""
        mark = "*" if self.executable else ""
        return f"{self.kind}{mark}\0{self.content}\0{self.path}\0".encode("utf-8", "surrogateescape")


def digest_of(items: list[Item]) -> str:
    """The sha256 that names a tree of these items, which must be sorted by path."""
    total = hashlib.sha256()
    for item in items:
        total.update(item.line())
    return total.hexdigest()


def manifest_of(artifact: Path) -> list[dict[str, Any]]:
    """What the published artifact at `artifact` holds: path, kind, size, executable, content of each entry."""
    found: list[dict[str, Any]] = json.loads(artifact.with_suffix(".json").read_text(encoding="utf-8"))
    return found


def items_of(artifact: Path) -> list[Item]:
    """The same as items. Raises ValueError when they do not add up to the digest that the artifact is named by."""
    try:
        items = [Item(**entry) for entry in manifest_of(artifact)]
        sized = all(item.kind == "file" or item.size == 0 for item in items)  # files' own sizes are compared later
        named = all(isinstance(item.path, str) and isinstance(item.content, str) for item in items)
        sound = sized and named and digest_of(items) == artifact.name
    except (TypeError, AttributeError) as error:  # JSON, but not of our making
        raise ValueError(str(error)) from error
    if not sound:
        raise ValueError("it does not add up")
    return items


def write_manifest(artifact: Path, items: list[Item]) -> None:
    """Leave the manifest beside the place where the artifact is, or will be, published."""
    write_beside(artifact, ".json", as_json([item.as_json() for item in items]))


def as_json(value: object) -> bytes:
    """A value as JSON on one line, also one with names that are not UTF-8, which the faster writer refuses."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return json.dumps(value).encode()


def write_beside(artifact: Path, suffix: str, text: bytes) -> None:
    """Write the file beside an artifact that has this suffix; readers see the old text or the new."""
    place = artifact.with_suffix(suffix)
    draft = place.with_name(f"{place.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with draft.open("wb") as file:
            file.write(text)
        os.rename(draft, place)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
