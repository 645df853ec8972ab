"""What only cnvrg knows of a task, kept for the way back: under cnvrg's own name for it, told once each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..documents import bare
from .part import Part
from .schemas import DESCRIBING, WITHOUT_EFFECT, Task

OF_CNVRG = "cnvrg"  # under which name it stands in an `origin`, and beside it:
DIALECT = "cnvrg_dialect"
PARAM_TYPES = "cnvrg_param_types"


def kept_in(origin: Mapping[str, Any], name: str = OF_CNVRG) -> dict[str, Any]:
    """What was kept under this name."""
    found = origin.get(name)
    return dict(found) if isinstance(found, dict) else {}


class Kept:
    """Collects it for one task."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._found: dict[str, Any] = {}
        self.types: Mapping[str, Any] = {}  # what a blueprint calls the types of its parameters

    @property
    def origin(self) -> dict[str, Any]:
        """What was kept, as a node's `origin`."""
        named = {OF_CNVRG: self._found, PARAM_TYPES: dict(self.types)}
        return {name: found for name, found in named.items() if found}

    def one(self, key: str, noted: bool = True) -> None:
        """Keep what stands under this key, and tell that it has no effect."""
        value = self._found[key] = self._part.raw(key)
        if noted and value not in (None, False, [], {}):
            self._part.note("W-KEPT", "kept for export", key, what=f"{key} of {self._part.what}")

    def keys(self, told: Task) -> None:
        """Keep all keys that have no field in a node, and those that nobody knows."""
        for key in type(told).model_fields:
            if key in DESCRIBING | WITHOUT_EFFECT and key not in self._found and self._part.has(key):
                self.one(key, noted=key in WITHOUT_EFFECT)
        self._found |= {key: bare(value) for key, value in (told.model_extra or {}).items()}
