"""The hashes of a local dataset's files, and that nothing changes while they are computed."""

from __future__ import annotations

import os
from pathlib import Path

from .dataset_files import Entry, changed, unreadable
from .hashes import FileChanged, Hashes, identity
from .long_work import Cancel, Pace
from .manifest import Item


class Report:
    """Counts what is hashed, says so now and then, and ends it when it is cancelled."""

    def __init__(self, shown: str, entries: list[Entry], pace: Pace, cancel: Cancel) -> None:
        sizes = [entry.seen.st_size for entry in entries if entry.kind == "file"]
        self.shown = shown
        self._files, self._bytes = len(sizes), sum(sizes)
        self._files_done = self._bytes_done = self._bytes_read = 0
        self._pace, self._cancel = pace, cancel

    def read(self, length: int) -> None:
        """A piece of a file was read."""
        self._bytes_read += length
        self._tell()

    def done(self, size: int) -> None:
        """A file of that size is done, whether it was read or its hash was known."""
        self._files_done += 1
        self._bytes_done += size
        self._bytes_read = 0
        self._tell()

    def _tell(self) -> None:
        self._cancel.check()
        self._pace.say(self._line)

    def _line(self) -> str:
        line = f"hashing {self.shown}: {self._files_done:,} of {self._files:,} files"
        percent = 100 * (self._bytes_done + self._bytes_read) // max(self._bytes, 1)
        return f"{line}, {percent} % of {self._bytes / 2**20:,.0f} MiB" if self._bytes else line


def item_of(path: Path, shown: str, entry: Entry, hashes: Hashes, report: Report) -> Item:
    """The entry at `path`, called `shown`, with its hash.

    Raises PipelineError (E-DATA-CHANGED, E-DATA-READ) and Cancelled.
    """
    if entry.kind != "file":
        return Item(entry.path, entry.kind, content=entry.target)
    try:
        content = hashes.sha256_of(path, entry.seen, report.read)
    except FileChanged:
        raise changed(shown) from None
    except OSError as error:
        raise unreadable(shown, error) from None
    report.done(entry.seen.st_size)
    return Item(entry.path, "file", entry.seen.st_size, bool(entry.seen.st_mode & 0o111), content)


def check_folders(place: Path, shown: str, folders: list[tuple[str, os.stat_result]]) -> None:
    """Compare folders, as paths in `place` with the stat from before, with what they are now.

    One that is not as it was has got or lost entries meanwhile. Raises PipelineError (E-DATA-CHANGED).
    """
    for path, seen in folders:
        try:
            same = identity(os.stat(place / path)) == identity(seen)
        except OSError:
            same = False
        if not same:
            raise changed(f"{shown}/{path}" if path else shown)
