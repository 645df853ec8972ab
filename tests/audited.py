"""Every test of faults ends with the auditor: what is wrong with the stores that it leaves can all be mended."""

from __future__ import annotations

import contextlib
from pathlib import Path

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store


def stores_below(folder: Path) -> list[Path]:
    """Stores that lie in a folder, however deep."""
    return [found.parent for found in folder.rglob("dagbook.db") if found.is_file()]


def assert_mendable(place: Path) -> None:
    """What the auditor finds can be mended, as of a run that was broken off and not resumed; then nothing is left."""
    with contextlib.closing(Store(place, create=False)) as store:
        found = list(audit(store))
        assert all(one.mend for one in found), found
        for one in found:
            assert one.mend
            one.mend()
        left = list(audit(store))
    assert not left, (left, found)
