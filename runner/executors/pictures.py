"""Images that a node logs: taken from a display or from a file of the node, kept beside the attempt's record."""

from __future__ import annotations

import base64
import binascii
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.names import slug_of
from ..records.below import read_below
from .tags import step_of

FOLDER = "images"  # beside the record
LARGEST = 64 * 2**20  # bytes of one image

_MIMES = ("image/png", "image/jpeg", "image/svg+xml")
_LONGEST_NAME = 60


class NoPicture(Exception):
    """Why something is no image that can be kept, in words."""


class Pictures:
    """Keeps images in `folder`. `places` maps folders as the node sees them to what they are on this machine; a
    relative path is below the first of them."""

    def __init__(self, folder: Path, places: Mapping[str, Path]) -> None:
        self._folder = folder
        self._places = places
        self._counts: Counter[str] = Counter()

    def keep(self, name: str, data: bytes) -> Path:
        """Write an image of this name; gives its file. Raises NoPicture."""
        extension = extension_of(data)
        if not extension:
            raise NoPicture("it is neither PNG nor JPEG nor SVG")
        safe = slug_of(name)[:_LONGEST_NAME].strip("_") or "image"
        self._counts[safe] += 1
        self._folder.mkdir(exist_ok=True)
        file = self._folder / f"{safe}-{self._counts[safe]}.{extension}"
        file.write_bytes(data)
        return file

    def read(self, path: str) -> bytes:
        """The content of a file of the node. Raises NoPicture when it is not an ordinary file in one of the places."""
        first = next(iter(self._places))
        asked = PurePosixPath(os.path.normpath(PurePosixPath(first) / path))
        for seen, place in self._places.items():
            if asked.is_relative_to(seen) and (inside := asked.relative_to(seen).parts):
                try:
                    return read_below(place, inside, LARGEST)  # a node must not make us read what it could not
                except (OSError, ValueError) as error:
                    raise NoPicture(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
        raise NoPicture(f"{path} is not below {first}")


def extension_of(data: bytes) -> str:
    """`png`, `jpg` or `svg`, told by the content; empty for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "svg" if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!")) and b"<svg" in start) else ""


def name_of(metadata: Mapping[str, Any]) -> tuple[str, float | None] | None:
    """The name and the step under which a display logs its image: dagbook's, scrapbook's or papermill's metadata."""
    ours, scrap, recorded = (_section(metadata, key) for key in ("dagbook", "scrapbook", "papermill"))
    name = ours.get("image")
    if not name:
        name = scrap.get("name") if scrap.get("display") else recorded.get("name")
    if not isinstance(name, str) or not name.strip():
        return None
    return name.strip(), step_of(ours.get("step"))


def _section(metadata: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = metadata.get(key)
    return found if isinstance(found, dict) else {}


def image_in(data: Mapping[str, Any]) -> bytes | None:
    """The image that a display shows; None when it shows none."""
    for mime in _MIMES:
        content = data.get(mime)
        text = "".join(map(str, content)) if isinstance(content, list) else content
        if not isinstance(text, str):
            continue
        if mime == "image/svg+xml":
            return text.encode(errors="replace")
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            continue
    return None
