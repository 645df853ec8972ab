"""Small file systems of a test's own, on loop devices: they fill, turn read-only, lose what had not reached them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MIB = 2**20


def run(*words: str | Path) -> None:
    """Run a program of the system; fails with what it said."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"


class Disk:
    """An ext4 file system in the file `image`, mounted at `path`."""

    def __init__(self, image: Path, path: Path) -> None:
        self.image = image
        self.path = path

    def mount(self) -> None:
        """Mount it; its journal is replayed where it was not unmounted well."""
        self.path.mkdir(exist_ok=True)
        # Nothing reaches the device by the passing of time: a copy of the image is of one moment.
        run("mount", "-o", "loop,commit=300", self.image, self.path)

    def unmount(self) -> None:
        """Unmount it, at once for all that has nothing open there; its loop device goes with it."""
        if self.path.is_mount():
            run("umount", "--lazy", self.path)

    def break_down(self) -> None:
        """Read-only from now on, as the kernel makes a file system whose disk fails, whoever writes to it."""
        run("sync", "-f", self.path)
        run("mount", "-o", "remount,abort", self.path)

    def make_read_only(self) -> None:
        """Read-only from now on, decently: nobody may have a file open for writing."""
        run("mount", "-o", "remount,ro", self.path)

    def make_writable(self) -> None:
        """The opposite of `make_read_only`."""
        run("mount", "-o", "remount,rw", self.path)

    def repair(self) -> None:
        """Another disk in its place, with all that had reached the one that broke down."""
        self.exchange(self.copied(self.image.with_suffix(".repaired")))

    def exchange(self, image: Path) -> None:
        """The disk `image` in the place of this one."""
        self.unmount()
        self.image = image
        self.mount()

    def copied(self, image: Path) -> Path:
        """What has reached the device at this moment, as another image: without what is only in memory.

        Not while it is written to: a copy takes time, and is to be of one moment.
        """
        run("cp", "--sparse=always", self.image, image)
        return image

    def fill(self, leave: int = 0) -> None:
        """Take all room but `leave` bytes; `empty` gives it back."""
        found = os.statvfs(self.path)
        room = found.f_bfree * found.f_frsize - leave
        with (self.path / "filler").open("wb") as file, suppressed_full():
            while room > 0:
                room -= file.write(bytes(min(room, 2**16)))

    def fill_inodes(self, leave: int = 0) -> None:
        """Take all inodes but `leave`; `empty` gives them back."""
        (self.path / "many").mkdir()
        with suppressed_full():
            for number in range(os.statvfs(self.path).f_favail - leave):
                (self.path / "many" / str(number)).touch()

    def empty(self) -> None:
        """Take away what filled it."""
        (self.path / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.path / "many", ignore_errors=True)


@contextmanager
def suppressed_full() -> Iterator[None]:
    """What does not fit any more is left out."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def make_disk(folder: Path, name: str, size: int = 32 * MIB, inodes: int = 0) -> Disk:
    """A new file system of `size` bytes, mounted; skips the test where that is not allowed."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("file systems of its own need root and loop devices")
    image = folder / f"{name}.img"
    with image.open("wb") as file:
        file.truncate(size)
    few = ["-N", str(inodes)] if inodes else []
    # Without room kept for root: tests are root.
    run("mkfs.ext4", "-q", "-F", "-m", "0", *few, image)
    disk = Disk(image, folder / name)
    disk.mount()
    return disk


@contextmanager
def disk_for(folder: Path, name: str, size: int = 32 * MIB, inodes: int = 0) -> Iterator[Disk]:
    """The same, unmounted at the end."""
    disk = make_disk(folder, name, size, inodes)
    try:
        yield disk
    finally:
        disk.unmount()
