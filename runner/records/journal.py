"""The journal of an attempt: what it printed and showed, line by line, while it runs and afterwards.

One JSON object per line, as the executor reported it, and all of it, be it gigabytes. Readers follow it while it grows,
a piece at a time. So that nobody need read all of a long one to know what its cells show, that is noted beside it now
and then (`Shown`).
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from .folding import EARLIER, fold, size_of

NAME = "outputs.jsonl"
NOTED = "outputs.shown.json"  # what cells showed when the journal had a certain length
LARGEST_SHOWN = 2**26  # characters of what the cells of an attempt show; of more the earlier cells go
_UNREADABLE = "[a line of the journal cannot be read]\n"
_TOO_LONG = "[an output that is too large is not shown]\n"
_LONGEST_LINE = 2**26  # bytes
_FIELDS: Mapping[str, Mapping[str, type]] = {  # what a message of each kind must hold
    "stream": {"name": str, "text": str},
    "error": {"traceback": list},
    "display_data": {"data": dict},
    "execute_result": {"data": dict},
    "update": {"data": dict},
    "progress": {"cells": int},
    "clear": {},
}
_PIECE = 2**20  # characters of a text that stand in one line
_AT_ONCE = 2**22  # bytes that a reader takes in
_NOTE_AFTER = 2**24  # bytes of the journal from one note to the next


class Journal:
    """Appends output messages to the journal in `folder`. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._file: TextIO = (folder / NAME).open("a", encoding="utf-8", errors="surrogatepass")
        self._shown = Shown(folder)
        self._unnoted = 0

    def write(self, cell: int, message: Mapping[str, Any]) -> None:
        """Add one output message of the node's cell number `cell` (0-based, shared cells counted)."""
        for piece in _pieces(message):
            self._unnoted += self._file.write(json.dumps({"cell": cell, **piece}) + "\n")
        if self._unnoted >= _NOTE_AFTER:
            self.flush()
            with contextlib.suppress(OSError):  # who looks on reads more without it
                self._shown.note()
            self._unnoted = 0

    def flush(self) -> None:
        """Show what was written to readers."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; the journal stays."""
        self._file.close()


def _pieces(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    text = message["text"] if message["output_type"] == "stream" else ""
    if len(text) <= _PIECE:
        yield message
        return
    for start in range(0, len(text), _PIECE):
        yield {**message, "text": text[start : start + _PIECE]}


class Reading:
    """Reads a journal that may still grow: each call gives what has come since the last."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self.offset = 0  # bytes that have been read
        self._passing_over = False  # the rest of a line that is too long

    def new(self) -> Iterator[dict[str, Any]]:
        """The messages added since the last call, as they are asked for; a half-written last line waits for the next
        one."""
        try:
            file = open(self._path, "rb", opener=_ordinary)  # noqa: SIM115
        except (FileNotFoundError, io.UnsupportedOperation):
            return
        with file:
            file.seek(self.offset)
            begun: list[bytes] = []  # of a line that is longer than what is taken in at once
            while data := file.read(_AT_ONCE):
                if self._passing_over:
                    data = self._passed_over(data)
                whole, newline, rest = data.rpartition(b"\n")
                if newline:
                    lines = b"".join([*begun, whole]).split(b"\n")
                    begun = [rest]
                    for line in lines:
                        self.offset += len(line) + 1
                        yield _message(line)
                else:
                    begun.append(data)
                    if (length := sum(map(len, begun))) > _LONGEST_LINE:
                        self.offset += length
                        begun, self._passing_over = [], True
                        yield _told(_TOO_LONG)

    def _passed_over(self, data: bytes) -> bytes:
        """What comes after the line that is passed over."""
        line, newline, rest = data.partition(b"\n")
        self.offset += len(line) + len(newline)
        self._passing_over = not newline
        return rest

    def left(self) -> int:
        """How many bytes have not been read yet."""
        try:
            return os.stat(self._path, follow_symlinks=False).st_size - self.offset
        except OSError:
            return 0


class Shown:
    """What the cells of an attempt show, by its journal in `folder`, which may still grow.

    `outputs` are in nbformat's shape, by the node's cell; `cell` is the one that was begun last, of `cells`.
    """

    def __init__(self, folder: Path) -> None:
        self.outputs: dict[int, list[dict[str, Any]]] = {}
        self.cell = 0
        self.cells = 0
        self._noted = folder / NOTED
        self._reading = Reading(folder)
        self._looked_at = 0  # up to where in the journal it is sure that not too much is shown

    def update(self) -> int:
        """Take in what has come; gives how many messages that were. Of a long journal only the last of it is read."""
        found = int(self._reading.left() > 2 * _NOTE_AFTER and self._recall())
        for message in self._reading.new():
            found += 1
            self.cell = message["cell"]
            if message["output_type"] == "progress":
                self.cells = message["cells"]
            else:
                fold([message], self.outputs.setdefault(message["cell"], []))
            if self._reading.offset - self._looked_at > _NOTE_AFTER:
                self._looked_at = self._reading.offset
                self._forget_earlier_cells()
        return found

    def _forget_earlier_cells(self) -> None:
        room = LARGEST_SHOWN
        for cell in sorted(self.outputs, reverse=True):
            room -= sum(map(size_of, self.outputs[cell]))
            if room < 0:
                self.outputs[cell][:] = [{"output_type": "stream", "name": "stdout", "text": f"{EARLIER}\n"}]

    def note(self) -> None:
        """Leave what is shown now for those who come later."""
        self.update()
        about = {"offset": self._reading.offset, "cell": self.cell, "cells": self.cells, "outputs": self.outputs}
        part = self._noted.with_suffix(".part")
        try:
            part.write_text(json.dumps(about), encoding="utf-8")
            os.replace(part, self._noted)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _recall(self) -> bool:
        """Go on from what was noted, where that is further on and sound."""
        try:
            with open(self._noted, "rb", opener=_ordinary) as file:
                about = json.loads(file.read())
            outputs = {int(cell): list(shown) for cell, shown in about["outputs"].items()}
            sound = all(_is_message({"cell": cell, **one}) for cell, shown in outputs.items() for one in shown)
            offset, cell, cells = (int(about[name]) for name in ("offset", "cell", "cells"))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return False
        if not sound or not self._reading.offset < offset <= self._reading.offset + self._reading.left():
            return False
        self.outputs, self.cell, self.cells, self._reading.offset = outputs, cell, cells, offset
        return True


def _ordinary(path: str, flags: int) -> int:
    """Opens a file, and nothing that a store from elsewhere may hold in its place: no link, no pipe, no device."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise io.UnsupportedOperation(f"{path} is a link") from None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise io.UnsupportedOperation(f"{path} is no file")


def _message(line: bytes) -> dict[str, Any]:
    """A line's message; one that cannot be read is told among the errors that were printed."""
    try:
        message = json.loads(line)
        if _is_message(message):
            return dict(message)
    except (ValueError, RecursionError):
        pass
    return _told(_UNREADABLE)


def _told(words: str) -> dict[str, Any]:
    return {"cell": 0, "output_type": "stream", "name": "stderr", "text": words}


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("cell"), int):
        return False
    fields = _FIELDS.get(str(message.get("output_type")))
    return fields is not None and all(isinstance(message.get(name), kind) for name, kind in fields.items())
