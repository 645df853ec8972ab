"""How much of what a node prints and displays its executed notebook keeps; the attempt's journal keeps all of it.

Without a bound, a node that prints gigabytes would take as many of its run process, and leave a notebook that nothing
opens. Of a text the end is kept, of many outputs the first; the error that ends a cell always is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from ..records.folding import EARLIER, SHORT_LINE, size_of

LONGEST_TEXT = 2_000_000  # characters of what was printed in one piece
MOST_OUTPUTS = 10_000  # of one cell
LARGEST_CELL = 32_000_000  # characters in one cell's outputs
LARGEST_NOTEBOOK = 48_000_000  # characters in all cells' outputs together
LEAST_CELL = 20_000  # characters that a cell keeps however many there are before it
LATER = "[… later output: dagbook logs --all]"  # stands behind what the notebook keeps of a cell


class Room:
    """How many characters the cells of a notebook may still keep."""

    def __init__(self) -> None:
        self.left = LARGEST_NOTEBOOK


class Tail:
    """The end of a text that comes in pieces, at most `most` characters of it."""

    def __init__(self, most: int = LONGEST_TEXT) -> None:
        self._most = most
        self._pieces: deque[str] = deque()
        self._length = 0
        self._dropped = False

    def add(self, piece: str) -> None:
        """Take the next piece."""
        if len(piece) > self._most:
            self._pieces.clear()
            self._length, self._dropped = 0, True
            piece = piece[-self._most :]
        self._pieces.append(piece)
        self._length += len(piece)
        while self._length - len(self._pieces[0]) >= self._most:
            self._length -= len(self._pieces.popleft())
            self._dropped = True

    def text(self) -> str:
        """What is kept of it; what is missing before that is told."""
        text = "".join(self._pieces)
        self._pieces = deque([text])
        if not self._dropped and len(text) <= self._most:
            return text
        kept = text[-self._most :]
        return f"{EARLIER}\n{kept[kept.find(chr(10), 0, SHORT_LINE) + 1 :]}"


class CellOutputs:
    """Puts what a cell prints and displays into its list of outputs, as far as that is kept in the notebook's `room`.

    What takes outputs in as a cell does, as a widget may, counts as one.
    """

    def __init__(self, outputs: list[Any], room: Room | None = None) -> None:
        self.outputs = outputs
        self._room = room or Room()
        self._tail: tuple[Any, Tail] | None = None
        self._used = 0
        self._full = False

    def has_room(self, output: dict[str, Any]) -> bool:
        """Whether an output is kept; the first that is not leaves a word in its place."""
        if output["output_type"] == "error":
            return True
        least = 1 if output["output_type"] == "stream" else size_of(output)  # of a text the end is kept
        if not self._full and (len(self.outputs) >= MOST_OUTPUTS or not self.can_take(least)):
            self.settle()
            self._full, self._tail = True, None
            kind = type(output)  # a notebook's own outputs have their fields as attributes too
            self.outputs.append(kind(output_type="stream", name="stderr", text=f"{LATER}\n"))
        return not self._full

    def can_take(self, more: int) -> bool:
        """Whether there is room for so many characters more."""
        return more <= self._left()

    def take(self, more: int) -> None:
        """Count so many characters more, or fewer, as kept."""
        self._used += more
        self._room.left -= more

    def joins(self, output: Mapping[str, Any]) -> bool:
        """Take a text that goes on where the last output ends; False for anything else."""
        if self._tail is None or output["output_type"] != "stream" or not self.outputs:
            return False
        last, tail = self._tail
        if self.outputs[-1] is not last or last["name"] != output["name"]:
            return False
        tail.add(output["text"])
        return True

    def added(self, output: Any) -> None:
        """An output was put at the end of the list."""
        self.settle()
        self._tail = None
        if output["output_type"] == "stream":
            self._tail = (output, Tail(max(min(LONGEST_TEXT, self._left()), 1)))
            self._tail[1].add(output["text"])
            output["text"] = ""
        self.take(size_of(output))

    def settle(self) -> None:
        """Give the text that goes on to its output, as it is by now."""
        if self._tail:
            output, tail = self._tail
            before, output["text"] = len(output["text"]), tail.text()
            self.take(len(output["text"]) - before)

    def cleared(self) -> None:
        """All outputs are gone."""
        self.take(-self._used)
        self._tail, self._full = None, False

    def _left(self) -> int:
        return max(min(LARGEST_CELL - self._used, self._room.left), LEAST_CELL - self._used)
