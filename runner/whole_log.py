"""All that an attempt printed, from its journal, however much it is: `dagbook logs --all`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .records.folding import overtype
from .records.journal import Reading
from .terminal_text import harmless

_LONGEST_LINE = 2**23  # characters that are held before they are told


def all_lines(folder: Path) -> Iterator[str]:
    """What the attempt with this folder printed, line by line, from its journal; harmless to a terminal.

    A line that was written over, as progress is, is told as it was in the end; one that is too long is broken.
    """
    begun: dict[str, _Line] = {}  # by stream: its last line up to now
    for message in Reading(folder).new():
        if message["output_type"] == "stream":
            line = begun.setdefault(message["name"], _Line())
            *ends, rest = message["text"].split("\n")
            for end in ends:
                yield line.take(end)
            yield from line.go_on(rest)
    yield from (line.take("") for line in begun.values() if line.length)


class _Line:
    """A line that comes in pieces."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.length = 0

    def take(self, end: str) -> str:
        """The whole of it, which ends so, as a terminal shows it; then a new one begins."""
        whole = overtype("".join([*self._pieces, end]).rstrip("\r"))
        self._pieces.clear()
        self.length = 0
        return harmless(whole)

    def go_on(self, piece: str) -> Iterator[str]:
        """Take a piece of it; gives what there is so far where that is too much to be held."""
        self._pieces.append(piece)
        self.length += len(piece)
        if self.length > _LONGEST_LINE:
            shown = overtype("".join(self._pieces))
            self._pieces, self.length = [shown], len(shown)
            if self.length > _LONGEST_LINE // 2:
                yield self.take("")
