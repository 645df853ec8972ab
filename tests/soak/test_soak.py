"""The long tests in small: `python -m tests.soak` runs them for as long as one likes."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak import flows, held
from tests.soak.chain import Chain
from tests.soak.crowd import crowd
from tests.soak.session import RUNS, session_until

pytestmark = pytest.mark.fault


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with what is run, and one for sockets, in which nothing is left. Every test ends with the auditor."""
    runtime = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))  # a path short enough for sockets
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    flows.write(tmp_path / "project")
    yield tmp_path / "project"
    left, running = list(runtime.iterdir()), held.processes(runtime)
    shutil.rmtree(runtime)
    assert left == []
    assert running == []


def test_P8_P10_processes_on_one_store_do_not_hear_of_each_other(project: Path) -> None:
    found = crowd(project, processes=4, runs=2)
    assert found.failed == []
    assert len(found.seconds) == 8


def test_killed_runs_beside_a_long_session_come_to_their_end(project: Path) -> None:
    chain = Chain(project, "process", random.Random(7), kills=2)
    told = 0

    def lived() -> bool:
        nonlocal told
        told += 1
        if told == 1:
            chain.live()
        return told == len(RUNS)

    samples = session_until(project, lived)
    assert chain.runs == 1
    assert [sample["containers"] for sample in samples] == [0] * len(RUNS)


def test_what_grows_is_seen_in_the_table() -> None:
    samples = [{"steady": 5, "grows": n} for n in range(100)]
    assert held.thirds(samples, "steady") == (5, 5)
    first, last = held.thirds(samples, "grows")
    assert first < 30 < 80 < last
    assert held.table(samples)[2].split() == ["grows", "0", "99", f"{first:.0f}", f"{last:.0f}"]
