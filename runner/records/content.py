"""The hash of a file's bytes, as a manifest names it: 64 hexadecimal digits of sha256, or `blake3:` and 64 of BLAKE3.

Large files are hashed with BLAKE3 where it is installed (`dagbook[fast]`), three times as fast. All others are always
hashed with sha256, which costs at most a hundredth of a second each: the less depends on what is installed, the better,
as an artifact is named by the hashes in it. Whoever compares takes the algorithm that the hash names.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from ..core.errors import MachineError, problem

T = TypeVar("T")
R = TypeVar("R")

LARGE = 16 * 2**20  # bytes, from which on a file is hashed with BLAKE3 where that can be had
AT_ONCE = 2**20  # bytes: what is smaller is read in one piece, and costs no thread
_PIECE = 8 * 2**20  # bytes; smaller ones leave BLAKE3's threads without work
_MOST_THREADS = 8
_BLAKE3 = "blake3:"


class CannotHash(MachineError):
    """The hash is of an algorithm that is not there; what it is of may be sound or not."""

    def __init__(self) -> None:
        what = "a large file of an earlier result was hashed with BLAKE3, which is not installed here"
        hint = "Install it (pip install 'dagbook[fast]'), or run with --no-cache."
        super().__init__(problem("E-STORE", what=what, hint=hint))


def content_of(descriptor: int, size: int) -> str:
    """The hash of an open file of `size` bytes, by what is best for it here."""
    if size < AT_ONCE:
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return hashlib.sha256(data).hexdigest()
        os.lseek(descriptor, 0, os.SEEK_SET)  # it was cut off by a signal, or is not of that size
    return _with_blake3(descriptor) if size >= LARGE and _blake3() else _with_sha256(descriptor)


def is_content(descriptor: int, content: str) -> bool:
    """Whether an open file has this hash. Raises CannotHash."""
    if not content.startswith(_BLAKE3):
        return _with_sha256(descriptor) == content
    if _blake3() is None:
        raise CannotHash
    return _with_blake3(descriptor) == content


def side_by_side(work: Callable[[T], R], files: Sequence[T], most: int = 0) -> list[R]:
    """What `work` gives for each file, several at a time: hashing leaves Python's lock to the others.

    At `most` so many; without it as many as there is work for processors.
    """
    threads = min(len(files), most or min(os.cpu_count() or 1, _MOST_THREADS))
    if threads < 2:
        return list(map(work, files))
    with ThreadPoolExecutor(threads, thread_name_prefix="files") as pool:
        parts = list(pool.map(lambda first: [work(one) for one in files[first::threads]], range(threads)))
    return [parts[number % threads][number // threads] for number in range(len(files))]


@cache
def _blake3() -> Any:
    """BLAKE3, or None where it is not installed."""
    try:
        from blake3 import blake3
    except ImportError:
        return None
    return blake3


def _with_sha256(descriptor: int) -> str:
    if not _has_holes(descriptor):
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    total = hashlib.sha256()
    for piece in _pieces(descriptor):
        total.update(piece)
    return total.hexdigest()


def _with_blake3(descriptor: int) -> str:
    made = _blake3()
    total = made(max_threads=made.AUTO)
    for piece in _pieces(descriptor) if _has_holes(descriptor) else _read(descriptor, memoryview(bytearray(_PIECE))):
        total.update(piece)
    return f"{_BLAKE3}{total.hexdigest()}"


def _has_holes(descriptor: int) -> bool:
    found = os.fstat(descriptor)
    return found.st_blocks * 512 < found.st_size and found.st_size >= LARGE


def _pieces(descriptor: int) -> Iterator[memoryview]:
    """The bytes of a file with holes. They are not read: that would fill the machine's memory with zeros."""
    at, end = 0, os.fstat(descriptor).st_size
    zeros, piece = memoryview(bytes(_PIECE)), memoryview(bytearray(_PIECE))
    while at < end:
        data = _next_data(descriptor, at, end)
        while at < data:
            length = min(data - at, _PIECE)
            yield zeros[:length]
            at += length
        if at < end:
            hole = os.lseek(descriptor, at, os.SEEK_HOLE)
            os.lseek(descriptor, at, os.SEEK_SET)
            for read in _read(descriptor, piece, hole - at):
                yield read
                at += len(read)


def _next_data(descriptor: int, at: int, end: int) -> int:
    try:
        return min(os.lseek(descriptor, at, os.SEEK_DATA), end)
    except OSError as error:
        if error.errno != errno.ENXIO:  # there is none up to its end
            raise
        return end


def _read(descriptor: int, piece: memoryview, most: int | None = None) -> Iterator[memoryview]:
    """What comes next in a file, at most so many bytes, in the one `piece` of memory."""
    left = len(piece) if most is None else most
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        while left and (length := file.readinto(piece[: min(left, len(piece))])):
            yield piece[:length]
            left -= 0 if most is None else length
