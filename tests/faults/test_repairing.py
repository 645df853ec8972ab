"""A store that is repaired again and again while it is in use: nothing that anybody needs is taken away (row F43)."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dagbook.runner.audit import Invariant, audit
from dagbook.runner.doctor.store_audit import Mended, mended
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said
from tests.faults.box import LONG, Box
from tests.flows.flow import EXECUTORS

pytestmark = pytest.mark.fault
RUNS = 50 if LONG else 3
CELLS = (
    '%%pipeline_command first --grid n=1,2\nmkdir d; echo "$DAGBOOK_TAG_N $(date +%N)" >d/one.txt',
    "%%pipeline_command second --after first\ncat /input/first/d/one.txt >two.txt",
)


@contextmanager
def repaired_all_the_time(store: Path) -> Iterator[list[Mended]]:
    """The doctor mends the store over and over; what it thought to be wrong."""
    stop, done, broken = threading.Event(), list[Mended](), list[Exception]()

    def repair() -> None:
        while not stop.is_set():
            try:
                done.extend(mended(store, ())[1])
            except Exception as error:
                broken.append(error)
                return

    thread = threading.Thread(target=repair)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()
    assert broken == []


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
def test_F43_repairing_beside_runs_and_files_that_are_put_takes_nothing_away(
    dagbook: Callable[..., Said],
    started: Callable[..., subprocess.Popen[str]],
    make_notebook: MakeNotebook,
    box: Box,
    executor: str,
) -> None:
    flow = make_notebook(*CELLS)
    project = flow.parent
    for number in range(200):
        (project / f"helper{number}.py").write_text(f"x = {number}")
    assert dagbook("data", "create", "words").code == 0
    store = project / ".dagbook"
    with repaired_all_the_time(store) as done:
        for number in range(RUNS):
            (project / "helper.py").write_text(f"x = {number}")
            children = [started("run", flow, *EXECUTORS[executor], "--no-cache", "-q") for _ in range(2)]
            (project / "words.txt").write_text(f"{number}\n" * 10_000)
            put = dagbook("data", "put", "words", project / "words.txt")
            assert put.code == 0, put.err
            for child in children:
                said = child.communicate(timeout=120)[0]
                assert child.returncode == 0, said
    # Of a run that has just ended a container may be about to go.
    assert [one for one in done if one.failed or one.finding.invariant is not Invariant.CONTAINERS] == []
    with Store(store, create=False).reading() as rows:
        assert rows.execute("select count(*) from commits").fetchone()[0] >= RUNS
    assert list(audit(Store(store, create=False))) == []
