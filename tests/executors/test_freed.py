"""What a run process keeps of a node that is over: nothing that is large, though it seldom looks for circles."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from .conftest import Bench

LARGE = "for n in range(20_000): print(f'{n:099d}')\n"  # 2 MB


@pytest.fixture
def without_collection() -> Iterator[None]:
    """Circles of references stay where they are."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


@pytest.mark.usefixtures("without_collection")
@pytest.mark.parametrize("end", ["", "1/0", "import os; os._exit(3)"], ids=["succeeds", "fails", "dies"])
def test_P26_what_a_node_printed_is_freed_when_it_is_over(plain: Bench, end: str) -> None:
    held = []
    for _ in range(3):
        plain.run(plain.job(LARGE + end))
        plain.reports.clear()
        held.append(tracemalloc.get_traced_memory()[0])
    assert held[2] - held[1] < 500_000
