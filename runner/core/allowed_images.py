"""Which images nodes may run in: patterns of whole references, which Docker's way of reading names completes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from .errors import Place, Problem, problem
from .image_names import DOCKER_HUB, is_registry, split_image

_SHOWN = 5  # patterns in a message
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{4,64}")  # an engine takes it for an image that it has, whatever its name
_ALIASES = {"index.docker.io": DOCKER_HUB}


def is_allowed(image: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is meant for the image; without patterns all images are allowed.

    `*` stands for any text, but a registry is compared for itself: no path of another one looks like it.
    """
    registry, name = _parts(image)
    parted = map(_parts, patterns)
    return not patterns or any(fnmatchcase(registry, one) and fnmatchcase(name, rest) for one, rest in parted)


def whole_name(image: str) -> str:
    """The reference with all that Docker adds to it: `python` is `docker.io/library/python:latest`."""
    registry, name = _parts(image)
    return f"{registry}/{name}" if registry else name


def denied(image: str, who: str, patterns: Sequence[str], origin: str, place: Place) -> Problem:
    """E-IMAGE-DENIED: `who` asks for the image, and the patterns, which come from `origin`, leave it out."""
    named = whole_name(image)
    whole = "" if named == image else f" ({named})"
    more = f" and {len(patterns) - _SHOWN} more" if len(patterns) > _SHOWN else ""
    allowed = ", ".join(patterns[:_SHOWN]) + more
    return problem("E-IMAGE-DENIED", place, who=who, image=image, whole=whole, origin=origin, allowed=allowed)


def _parts(image: str) -> tuple[str, str]:
    """The registry of an image or a pattern, and the rest with its tag or digest; of an image's id no registry.

    A pattern that begins with `*` is for any registry. One that ends with `*` needs no tag.
    """
    if _ID.fullmatch(image):
        return "", image
    first, slash, rest = image.partition("/")
    if first.startswith("*"):
        registry, name = (first, rest) if slash else ("*", image)
    elif slash and is_registry(first):
        registry, name = first.lower(), rest
    else:
        registry, name = DOCKER_HUB, image
    registry = _ALIASES.get(registry, registry)
    if registry == DOCKER_HUB and "/" not in name:
        name = f"library/{name}"
    untagged = "@" not in name and split_image(name)[1] is None and not name.endswith("*")
    return registry, f"{name}:latest" if untagged else name
