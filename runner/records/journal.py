"""The journal of an attempt: what it printed and showed, line by line, while it runs and afterwards.

One JSON object per line, as the executor reported it. Readers follow it while it grows; `fold` makes of it the
outputs that a notebook cell would hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

NAME = "outputs.jsonl"
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
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole, newline, _rest = data.rpartition(b"\n")
        if not newline:
            return []
        self._offset += len(whole) + 1
        return [json.loads(line) for line in whole.split(b"\n")]


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
    return f"[… earlier output: see the node's notebook or `dagbook logs`]\n{kept[kept.find(chr(10)) + 1 :]}"


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
