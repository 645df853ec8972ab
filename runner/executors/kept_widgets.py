"""How much of what a node's widgets hold its executed notebook keeps.

A notebook holds the state of all widgets, whatever they hold; a widget that takes outputs in, as `interact` makes,
gathers all that is printed into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from nbclient.output_widget import OutputWidget

from .kept_outputs import CellOutputs, Room

LARGEST_STATES = 32_000_000  # characters in the states of all widgets together
MOST_WIDGETS = 10_000


class KeptOutputWidget(OutputWidget):
    """What nbclient does in place of a browser for a widget that takes outputs in, with an end to what it gathers.

    The kernel learns of them when its cell is done, as it reads nothing before that: told at each output, all of them
    each time, gigabytes would wait for it.
    """

    def __init__(self, *given: Any, room: Room) -> None:
        super().__init__(*given)
        self.outputs = list(self.outputs)
        self._kept = CellOutputs(self.outputs, room)
        self._unsent = False

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> None:
        """Take an output in, as far as there is room."""
        from nbformat.v4 import output_from_msg

        if self.clear_before_next_output:
            self._clear()
        self._hear(msg)
        output = output_from_msg(msg)  # type: ignore[no-untyped-call]
        if not self._kept.joins(output) and self._kept.has_room(output):
            self.outputs.append(output)
            self._kept.added(output)

    def clear_output(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """Clear it, now or before the next output."""
        if msg["content"].get("wait"):
            self.clear_before_next_output = True
        else:
            self._clear()
        self._hear(msg)

    def settle(self) -> None:
        """Tell the kernel, and the notebook, what it holds by now."""
        if self._unsent:
            self._unsent = False
            self._kept.settle()
            if self.comm_id in self.executor.widget_state:
                self.executor.widget_state[self.comm_id]["outputs"] = self.outputs
            self.sync_state()

    def _clear(self) -> None:
        self.outputs.clear()
        self._kept.cleared()
        self.clear_before_next_output = False

    def _hear(self, msg: dict[str, Any]) -> None:
        self.parent_header = msg["parent_header"]
        self._unsent = True


class WidgetStates:
    """Keeps `states`, by widget, as small as a notebook can hold: of a widget that is too much nothing is kept."""

    def __init__(self, states: dict[str, Any], buffers: dict[str, Any]) -> None:
        self._states, self._buffers = states, buffers
        self._sizes: dict[str, dict[str, int]] = {}
        self._left = LARGEST_STATES
        self.left_out: set[str] = set()

    def changed(self, widget: str, data: Mapping[str, Any], attached: list[Sized]) -> None:
        """Count a change of a widget's state, which is in `states` by now."""
        known = self._sizes.setdefault(widget, {})
        news = {name: len(str(value)) for name, value in (data.get("state") or {}).items()}
        for place, buffer in zip(data.get("buffer_paths") or (), attached, strict=False):
            news[f"buffer {place}"] = len(buffer)
        self._left -= sum(size - known.get(name, 0) for name, size in news.items())
        known |= news
        if widget in self.left_out or self._left < 0 or len(self._states) > MOST_WIDGETS:
            self.left_out.add(widget)
            self._states.pop(widget, None)
            self._buffers.pop(widget, None)
            self._left += sum(self._sizes.pop(widget).values())

    def warnings(self) -> list[str]:
        """A line for what is not kept, if there is anything."""
        if not self.left_out:
            return []
        one_or_more = "1 widget" if len(self.left_out) == 1 else f"{len(self.left_out)} widgets"
        return [f"the notebook does not keep what {one_or_more} held: all together were too much for it"]
