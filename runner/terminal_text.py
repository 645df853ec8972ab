"""What nodes print, as a terminal may be given it: it can be coloured, and change nothing else there."""

from __future__ import annotations

import os
import re
from typing import Any, TextIO, cast

_CONTROL = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # moves the cursor, clears the screen, asks the terminal for answers
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # sets its title, the clipboard, keys
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def harmless(line: str) -> str:
    """A line without control characters and sequences but those that colour it; tabs stay."""
    return _CONTROL.sub(lambda found: found["colour"] or "", line)


def inert(text: str) -> str:
    """A text as a part of one line: without colours, control characters and line ends."""
    return " ".join(_CONTROL.sub("", text).splitlines())


_HARMLESS = b"\t\n" + bytes(range(0x20, 0x7F))
_OF_CI = re.compile(r"^(?=\s*(?:::|##\[))", re.MULTILINE)


def obeyed_by_nobody(text: str) -> str:
    """`text` as a job of GitHub Actions may print it: lines that begin with `::` are orders to the job's runner."""
    return _OF_CI.sub("| ", text) if os.environ.get("GITHUB_ACTIONS") == "true" else text


# What a progress line of ours needs: to begin its line again, to erase it, to go up, to hide the cursor.
_OF_PROGRESS = re.compile(r"\x1b\[(?:[0-9]*[AGK]|\?25[lh])|\r")


class _Guarded:
    """A text stream that passes on what colours a terminal or redraws progress, and no other control sequence."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what is harmless of `text`; its whole length counts as written."""
        told = text if _is_plain(text) else _CONTROL.sub(_passed, text)
        try:
            self._stream.write(told)
        except UnicodeEncodeError:  # a name that is no text, or more than this terminal's letters
            encoding = self._stream.encoding or "ascii"
            self._stream.write(told.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """See `write`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_plain(text: str) -> bool:
    """Whether there is certainly no control character in `text`; far faster than the pattern, as logs are long."""
    if text.isascii():
        return not text.encode().translate(None, _HARMLESS)
    return text.replace("\n", " ").replace("\t", " ").isprintable()


def _passed(found: re.Match[str]) -> str:
    return found[0] if found["colour"] or _OF_PROGRESS.fullmatch(found[0]) else ""


def guarded_stream(stream: TextIO | None) -> TextIO:
    """`stream` as all that a command prints goes to it: names of files, branches and people may hold anything.

    Bytes that are written to its `buffer` are passed on as they are. None is a stream that was closed before the
    command began (`>&-`): what it is given is nobody's to read.
    """
    return cast(TextIO, _Guarded(stream or open(os.devnull, "w", encoding="utf-8")))
