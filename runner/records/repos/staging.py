"""Taking over the bytes of what is put: each file is copied once, unless the dataset holds its content already."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path
from select import select
from typing import BinaryIO

from ..content import CannotHash, is_content
from ..dataset_files import Entry, changed, unreadable
from ..dataset_hashing import Report, check_folders
from ..hashes import FileChanged, Hashes, identity
from ..long_work import Cancel, Pace
from ..manifest import Item
from .sources import Found, Sources, Stream
from .trees import Piece, Tree, folder

_CHUNK = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Staging:
    """Takes over files for one put, into the folder `loose`; `base` is the tree that they are put into."""

    def __init__(self, base: Tree, loose: Path, hashes: Hashes, pace: Pace, cancel: Cancel) -> None:
        self._base, self._loose, self._hashes, self._pace, self._cancel = base, loose, hashes, pace, cancel
        files = [piece for piece in base.values() if piece.item.kind == "file"]
        self._held = {(piece.item.content, piece.item.executable): piece for piece in files}
        self._sizes = {piece.item.size for piece in self._held.values()}
        self._count = 0

    def take(self, sources: Sources) -> dict[str, Piece]:
        """The entries with their bytes. Raises PipelineError (E-DATA-CHANGED, E-DATA-READ), Cancelled and OSError."""
        shown = ", ".join(dict.fromkeys(one.shown for one in sources.found if not one.entry.path.count("/")))[:60]
        report = Report(shown, [one.entry for one in sources.found], self._pace, self._cancel)
        taken = {one.path: self._piece(one, report) for one in sources.found}
        for place, seen in sources.folders:
            check_folders(Path(place), place, [("", seen)])
        for path, stream in sources.streams.items():
            taken[path] = self._streamed(path, stream)
        return taken

    def _piece(self, one: Found, report: Report) -> Piece:
        entry = one.entry
        if entry.kind == "folder":
            return folder(one.path)
        if entry.kind == "link":
            return Piece(Item(one.path, "link", content=entry.target))
        piece = self._held_already(one, report) or self._taken(one, report)
        report.done(entry.seen.st_size)
        return piece

    def _held_already(self, one: Found, report: Report) -> Piece | None:
        """The piece of the dataset that has the content of this file, if one has."""
        seen, executable = one.entry.seen, _executable(one.entry)
        if seen.st_size not in self._sizes:
            return None
        digest = self._digest(one, report)
        for same in (self._base.get(one.path), self._held.get((digest, executable))):
            if same is None or same.item.kind != "file" or same.item.executable != executable:
                continue
            if same.item.content == digest or self._is_same(one, same.item):
                return same._replace(item=same.item._replace(path=one.path))
        return None

    def _digest(self, one: Found, report: Report) -> str:
        try:
            return self._hashes.sha256_of(Path(one.place), one.entry.seen, report.read)
        except FileChanged:
            raise changed(one.shown) from None
        except OSError as error:
            raise unreadable(one.shown, error) from None

    def _is_same(self, one: Found, item: Item) -> bool:
        """Whether a large file is the one that was hashed by another algorithm."""
        if ":" not in item.content or item.size != one.entry.seen.st_size:
            return False
        try:
            with open(os.open(one.place, _READ), "rb") as file:
                return is_content(file.fileno(), item.content)
        except CannotHash:
            return False
        except OSError as error:
            raise unreadable(one.shown, error) from None

    def _taken(self, one: Found, report: Report) -> Piece:
        """A copy of a file that was not there."""
        seen, began = one.entry.seen, time.time_ns()
        try:
            descriptor = os.open(one.place, _READ)
        except OSError as error:
            raise unreadable(one.shown, error) from None
        with open(descriptor, "rb", buffering=0) as file:
            if identity(os.fstat(descriptor)) != identity(seen):
                raise changed(one.shown)
            pieces = self._pieces_of(file, one.shown, report.read)
            copied = self._copied(one.path, pieces, seen.st_size, _executable(one.entry))
            if copied is None or identity(os.fstat(descriptor)) != identity(seen):
                raise changed(one.shown)
        self._hashes.learn(seen, copied.item.content, began)
        return copied

    def _streamed(self, path: str, stream: Stream) -> Piece:
        done = 0

        def read(length: int) -> None:
            nonlocal done
            self._cancel.check()
            done += length
            self._pace.say(lambda: f"reading {stream.name}: {done / 2**20:,.0f} MiB")

        copied = self._copied(path, self._pieces_of(stream.file, stream.name, read), None, False)
        assert copied is not None
        same = self._held.get((copied.item.content, False))
        return copied if same is None else same._replace(item=copied.item)

    def _pieces_of(self, file: BinaryIO | FileIO, shown: str, read: Callable[[int], None]) -> Iterator[bytes]:
        while True:
            try:
                piece = file.read(_CHUNK)
            except OSError as error:
                raise unreadable(shown, error) from None
            if piece is None:  # somebody made it answer at once, and there is nothing to be had right now
                select([file], [], [])
                continue
            if not piece:
                return
            read(len(piece))
            yield piece

    def _copied(self, path: str, pieces: Iterable[bytes], size: int | None, executable: bool) -> Piece | None:
        """A file of these bytes; None when they are more, or fewer, than `size`."""
        self._count += 1
        name, total, written = str(self._count), hashlib.sha256(), 0
        with open(self._loose / name, "xb", buffering=0) as copy:
            for piece in pieces:
                written += len(piece)
                if size is not None and written > size:  # it grows, and might do so for ever
                    return None
                total.update(piece)
                _write(copy, piece)
            os.fchmod(copy.fileno(), 0o555 if executable else 0o444)
        if size not in (None, written):
            return None
        return Piece(Item(path, "file", written, executable, total.hexdigest()), str(self._loose), name, loose=True)


def _write(copy: FileIO, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[copy.write(left) :]


def _executable(entry: Entry) -> bool:
    return bool(entry.seen.st_mode & 0o111)
