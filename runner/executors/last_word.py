"""The last word of a command in a container, by which it is known that all it printed came through the engine."""

from __future__ import annotations

import secrets

_BEGIN = "\x1e"  # no text has it, so what is printed is seldom held back


class LastWord:
    """A line that the launcher prints when the command is over; `feed` gives what is printed without it.

    `heard` is whether it came: else the engine broke off before all was told.
    """

    def __init__(self) -> None:
        self.text = f"{_BEGIN}{secrets.token_hex(8)}"
        self.heard = False
        self._line = f"{self.text}\n".encode()
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What of the printed so far is not the word, nor may be its beginning."""
        data = self._held + data
        before, found, after = data.partition(self._line)
        self.heard = self.heard or bool(found)
        data = before + after
        at = data.rfind(_BEGIN.encode())
        keep = at if at >= 0 and self._line.startswith(data[at:]) else len(data)
        self._held = data[keep:]
        return data[:keep]

    def rest(self) -> bytes:
        """What was held back, when nothing comes any more."""
        return self._held
