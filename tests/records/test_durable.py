"""What file systems differ in and refuse; that bytes do reach the disk is tried by tests/faults/test_power.py."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook.runner.records import durable
from dagbook.runner.records.durable import bring_to_disk, written_meanwhile, written_meanwhile_if_many


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """From now on the system refuses with this error to bring what is of this kind to the disk."""
    fsync = os.fsync

    def refuse(number: int, kind: int) -> None:
        def refused(descriptor: int) -> None:
            if stat.S_IFMT(os.fstat(descriptor).st_mode) == kind:
                raise OSError(number, os.strerror(number))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", refused)

    return refuse


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_F35_a_file_system_that_cannot_be_asked_for_its_folders_is_good_enough(
    tmp_path: Path, refusing: Callable[[int, int], None], number: int
) -> None:
    (tmp_path / "file").touch()
    refusing(number, stat.S_IFDIR)
    bring_to_disk([tmp_path, tmp_path / "file"])
    refusing(number, stat.S_IFREG)
    with pytest.raises(OSError, match=os.strerror(number)):
        bring_to_disk([tmp_path, tmp_path / "file"])


def test_F34_a_disk_that_fails_is_told_whatever_it_is_asked_for(
    tmp_path: Path, refusing: Callable[[int, int], None]
) -> None:
    refusing(errno.EIO, stat.S_IFDIR)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        bring_to_disk([tmp_path])
    refusing(errno.EIO, stat.S_IFREG)
    with (
        (tmp_path / "file").open("wb") as file,
        pytest.raises(OSError, match=os.strerror(errno.EIO)),
        written_meanwhile(file.fileno()),
    ):
        pass


def test_T8_what_others_wrote_is_not_followed_where_it_became_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    bring_to_disk([tmp_path / "link"])
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        bring_to_disk([tmp_path / "link"], follow=False)


def test_F34_a_disk_that_fails_while_many_files_are_hashed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells each failure once: what is asked for after it would be granted."""

    def refused(place: str | Path) -> bool:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(place))

    monkeypatch.setattr(durable, "_sync_file_system", refused)
    assert list(written_meanwhile_if_many(range(999), tmp_path)) == list(range(999))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        list(written_meanwhile_if_many(range(1000), tmp_path))
