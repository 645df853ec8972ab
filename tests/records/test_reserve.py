"""The room that a store sets aside; what it is good for is told by tests/faults/test_disks.py."""

from __future__ import annotations

import zlib
from pathlib import Path

from dagbook.runner.records.reserve import give_up, set_aside


def test_the_reserve_takes_room_also_where_a_file_system_compresses(tmp_path: Path) -> None:
    set_aside(tmp_path / "dagbook.db")
    content = (tmp_path / "dagbook.db-reserve").read_bytes()
    assert len(zlib.compress(content)) >= len(content) == 2**19
    assert give_up(tmp_path / "dagbook.db")
    assert list(tmp_path.iterdir()) == []
    assert not give_up(tmp_path / "dagbook.db")


def test_the_reserve_is_never_written_through_a_link(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "dagbook.db-reserve").symlink_to(tmp_path / "elsewhere")
    set_aside(store / "dagbook.db")
    assert not (tmp_path / "elsewhere").exists()
