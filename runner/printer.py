"""The lines that node runs print, each printed once as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import view
from .records.folding import EARLIER
from .records.follow import Watched
from .terminal_text import harmless

_REMEMBERED = 1_000  # characters by which a place in a text is found again


class Printer:
    """Prints the lines that node runs print, each once; `prefixed` puts its name and route in front."""

    def __init__(self, line: Callable[[str], None], prefixed: bool = True) -> None:
        self._line = line
        self._prefixed = prefixed
        self._printed: dict[tuple[str, int, int], int] = {}  # by node run, attempt and cell: up to where
        self._ends: dict[tuple[str, int, int], str] = {}  # the same: what stood there

    @property
    def has_printed(self) -> bool:
        """Whether there was anything to print."""
        return bool(self._printed)

    def pass_over(self, watched: Iterable[Watched]) -> None:
        """Take what these have printed up to now as printed."""
        for one in watched:
            for cell, outputs in one.outputs.items():
                text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
                self._printed[(one.run.id, one.run.attempt, cell)] = len(text)

    def print_new(self, watched: Watched, all_of_it: bool) -> None:
        """Print what came since the last time; the unfinished last line only when it is the end."""
        for cell, outputs in watched.outputs.items():
            text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
            key = (watched.run.id, watched.run.attempt, cell)
            done = self._done(key, text)
            end = len(text) if all_of_it else text.rfind("\n") + 1
            if end > done:
                for row in text[done:end].splitlines():
                    told = harmless(row)
                    self._line(f"{view.label(watched.run)} | {told}" if self._prefixed else told)
                self._printed[key], self._ends[key] = end, text[max(0, end - _REMEMBERED) : end]

    def _done(self, key: tuple[str, int, int], text: str) -> int:
        """Up to where `text` has been printed; its beginning may have been dropped meanwhile."""
        done, tail = self._printed.get(key, 0), self._ends.get(key, "")
        if not text.startswith(EARLIER) or text.endswith(tail, 0, done):
            return done
        at = text.rfind(tail)
        return at + len(tail) if at >= 0 else 0
