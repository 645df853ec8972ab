"""The journal of an attempt: what it printed and showed, line by line, while it runs and afterwards.

One JSON object per line, as the executor reported it. Readers follow it while it grows; `fold` makes of it the
outputs that a notebook cell would hold.
"""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

NAME = "outputs.jsonl"
_UNREADABLE = "[a line of the journal cannot be read]\n"
_FIELDS: Mapping[str, Mapping[str, type]] = {  # what a message of each kind must hold
    "stream": {"name": str, "text": str},
    "error": {"traceback": list},
    "display_data": {"data": dict},
    "execute_result": {"data": dict},
    "update": {"data": dict},
    "progress": {"cells": int},
    "clear": {},
}
EARLIER = "[… earlier output: see the node's notebook]"  # stands in place of what a cell does not show
LONGEST_STREAM = 200_000  # characters of one stream that a cell shows; the journal and the notebook keep all


class Journal:
    """Appends output messages to the journal in `folder`. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._file: TextIO = (folder / NAME).open("a", encoding="utf-8", errors="surrogatepass")

    def write(self, cell: int, message: Mapping[str, Any]) -> None:
        """Add one output message of the node's cell number `cell` (0-based, shared cells counted)."""
        self._file.write(json.dumps({"cell": cell, **message}) + "\n")

    def flush(self) -> None:
        """Show what was written to readers."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; the journal stays."""
        self._file.close()


class Reading:
    """Reads a journal that may still grow: each call gives what has come since the last."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._offset = 0

    def new(self) -> list[dict[str, Any]]:
        """The messages added since the last call; a half-written last line is left for the next."""
        try:
            with open(self._path, "rb", opener=_ordinary) as file:
                file.seek(self._offset)
                data = file.read()
        except (FileNotFoundError, io.UnsupportedOperation):
            return []
        whole, newline, _rest = data.rpartition(b"\n")
        if not newline:
            return []
        self._offset += len(whole) + 1
        return [_message(line) for line in whole.split(b"\n")]


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
    return {"cell": 0, "output_type": "stream", "name": "stderr", "text": _UNREADABLE}


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("cell"), int):
        return False
    fields = _FIELDS.get(str(message.get("output_type")))
    return fields is not None and all(isinstance(message.get(name), kind) for name, kind in fields.items())


def fold(messages: Iterable[Mapping[str, Any]], into: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The outputs that a cell shows after these messages: streams joined, clears and updates done.

    Outputs are in nbformat's shape. `into` is continued in place when given; a clear that waits is kept as a last
    entry `{"output_type": "clear"}` until the next output.
    """
    outputs: list[dict[str, Any]] = [] if into is None else into
    for message in messages:
        kind = message["output_type"]
        if kind == "clear":
            if message.get("wait"):
                outputs.append({"output_type": "clear"})
            else:
                outputs.clear()
            continue
        if kind == "update":
            _update(outputs, message)
            continue
        if outputs and outputs[-1]["output_type"] == "clear":
            outputs.clear()
        _add(outputs, {key: value for key, value in message.items() if key != "cell"})
    return outputs


def _update(outputs: list[dict[str, Any]], message: Mapping[str, Any]) -> None:
    for output in outputs:
        if output.get("transient", {}).get("display_id") == message.get("display_id"):
            output["data"], output["metadata"] = message["data"], message.get("metadata", {})


def _add(outputs: list[dict[str, Any]], output: dict[str, Any]) -> None:
    last = outputs[-1] if outputs else {}
    if output["output_type"] == "stream" == last.get("output_type") and output["name"] == last["name"]:
        last["text"] = _shortened(overtype(last["text"] + output["text"]))
    else:
        if output["output_type"] == "stream":
            output["text"] = _shortened(overtype(output["text"]))
        outputs.append(output)


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_STREAM:
        return text
    kept = text[-LONGEST_STREAM // 2 :]
    return f"{EARLIER}\n{kept[kept.find(chr(10)) + 1 :]}"


def overtype(text: str) -> str:
    """`text` as a terminal shows it after carriage returns: a progress bar's last state, not all of them."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line if "\r" not in line else _last_state(line) for line in lines)


def _last_state(line: str) -> str:
    shown = ""
    ends_back = line.endswith("\r")
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown + "\r" if ends_back else shown
