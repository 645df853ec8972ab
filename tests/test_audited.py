"""The end of every test of faults: it lets pass what can be mended, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from dagbook.runner.records.store import Store
from tests.audited import assert_mendable, stores_below
from tests.conftest import MakeNotebook, Said


def test_damage_that_can_be_mended_is_and_damage_that_cannot_fails(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said]
) -> None:
    flow = make_notebook("%%pipeline_command a\necho 1 > one.txt")
    assert dagbook("run", flow, "--executor", "process").code == 0
    (place,) = stores_below(flow.parent)
    assert_mendable(place)
    with closing(Store(place, create=False)) as store:
        (run,) = store.latest()
        artifact = next(place.glob("artifacts/*/*/one.txt"), None) or next(place.rglob("one.txt"))
    artifact.chmod(0o644)
    artifact.write_text("2")
    assert_mendable(place)
    with closing(sqlite3.connect(place / "dagbook.db")) as connection:
        connection.execute("UPDATE facts SET body = replace(body, 'succeeded', 'pending') WHERE run = ?", [run.id])
        connection.commit()
    with pytest.raises(AssertionError):
        assert_mendable(place)
