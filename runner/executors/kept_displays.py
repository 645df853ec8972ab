"""What the executed notebook keeps of displays: all outputs with one display id show the same, its last content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..records.folding import size_of
from .kept_outputs import LATER, CellOutputs


class Displays:
    """The outputs that each display id names.

    Content is given to them when they are settled. Given to all at once whenever it comes, one thing that is shown ten
    thousand times would be written fifty million times.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Display] = {}
        self._unsettled: set[str] = set()

    def shown(self, display: str, output: Any, cell: CellOutputs) -> None:
        """An output of `cell`, which has counted it, shows `display`; what it shows was given to `updated` before."""
        known = self._known.setdefault(display, _Display(output["data"], output["metadata"]))
        known.places.setdefault(cell, []).append(output)
        cell.take(known.size - size_of(output))

    def updated(self, display: str, content: Mapping[str, Any]) -> None:
        """All that shows `display` is to show this; where the cells have no room for it, a word in its place."""
        known = self._known.get(display)
        if known is None:
            return
        more = size_of(content) - known.size
        if all(cell.can_take(more * len(outputs)) for cell, outputs in known.places.items()):
            known.show(content["data"], content.get("metadata") or {})
        else:
            known.show({"text/plain": LATER}, {})
        self._unsettled.add(display)

    def cleared(self, cell: CellOutputs) -> None:
        """The outputs of `cell` are gone."""
        for display, known in list(self._known.items()):
            known.places.pop(cell, None)
            if not known.places:
                del self._known[display]

    def settle(self) -> None:
        """Give the outputs the content of their displays, as it is by now."""
        for display in self._unsettled & self._known.keys():
            self._known[display].settle()
        self._unsettled.clear()


class _Display:
    """The content of one display, and the outputs that show it, by cell."""

    def __init__(self, data: Any, metadata: Any) -> None:
        self.places: dict[CellOutputs, list[Any]] = {}
        self._data, self._metadata = data, metadata
        self.size = size_of({"data": data})

    def show(self, data: Any, metadata: Any) -> None:
        more = size_of({"data": data}) - self.size
        for cell, outputs in self.places.items():
            cell.take(more * len(outputs))
        self._data, self._metadata = data, metadata
        self.size += more

    def settle(self) -> None:
        for outputs in self.places.values():
            for output in outputs:
                output["data"], output["metadata"] = self._data, self._metadata
