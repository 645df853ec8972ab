"""What a cell shows after all that its node printed and displayed: as much of it as people look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

EARLIER = "[… earlier output: dagbook logs --all]"  # stands in place of what a cell does not show
LONGEST_STREAM = 200_000  # characters of one stream that a cell shows; the journal keeps all
SHORT_LINE = 10_000  # characters: the end of a text begins with a whole line, unless that is longer
MOST_OUTPUTS = 1_000  # that a cell shows: when it has twice as many, the earlier half goes
LARGEST_DISPLAYS = 32 * 2**20  # characters of what a cell displayed, that it shows
_LARGE = 2**18  # characters of a display that count at once; those of small ones are counted with many


def fold(messages: Iterable[Mapping[str, Any]], into: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The outputs that a cell shows after these messages: streams joined, clears and updates done.

    Outputs are in nbformat's shape. `into` is continued in place when given; a clear that waits is kept as a last
    entry `{"output_type": "clear"}` until the next output. Of what is too much the end is shown, after `EARLIER`.
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


def size_of(output: Mapping[str, Any]) -> int:
    """How many characters there are in what an output prints or displays."""
    shown = sum(len(one) if isinstance(one, str) else len(str(one)) for one in (output.get("data") or {}).values())
    return shown + len(output.get("text") or "")


def _update(outputs: list[dict[str, Any]], message: Mapping[str, Any]) -> None:
    for output in outputs:
        if output.get("transient", {}).get("display_id") == message.get("display_id"):
            output["data"], output["metadata"] = message["data"], message.get("metadata", {})
    if size_of(message) > _LARGE:
        _forget_earlier(outputs)


def _add(outputs: list[dict[str, Any]], output: dict[str, Any]) -> None:
    last = outputs[-1] if outputs else {}
    if output["output_type"] == "stream" == last.get("output_type") and output["name"] == last["name"]:
        line = last["text"].rfind("\n") + 1  # nothing reaches back beyond the line that is being written
        last["text"] = _shortened(last["text"][:line] + overtype(last["text"][line:] + output["text"]))
        return
    if output["output_type"] == "stream":
        output["text"] = _shortened(overtype(output["text"]))
    outputs.append(output)
    if len(outputs) % 100 == 0 or size_of(output) > _LARGE:
        _forget_earlier(outputs)


def _forget_earlier(outputs: list[dict[str, Any]]) -> None:
    """Take away what is too much, the earliest first."""
    first = len(outputs) - MOST_OUTPUTS if len(outputs) >= 2 * MOST_OUTPUTS else 0
    room = LARGEST_DISPLAYS
    for place in range(len(outputs) - 1, first - 1, -1):
        room -= size_of(outputs[place])
        if room < 0:
            first = place + 1
            break
    if first:
        outputs[:first] = [{"output_type": "stream", "name": "stdout", "text": f"{EARLIER}\n"}]


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_STREAM:
        return text
    kept = text[-LONGEST_STREAM // 2 :]
    return f"{EARLIER}\n{kept[kept.find(chr(10), 0, SHORT_LINE) + 1 :]}"


def overtype(text: str) -> str:
    """`text` as a terminal shows it after carriage returns: a progress bar's last state, not all of them."""
    if "\r" not in text:
        return text
    *lines, last = text.split("\n")
    ended = [line.rstrip("\r") for line in lines]  # which end with \r\n, if not with more of them
    return "\n".join(line if "\r" not in line else _last_state(line) for line in (*ended, last))


def _last_state(line: str) -> str:
    shown = ""
    ends_back = line.endswith("\r")
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown + "\r" if ends_back else shown
