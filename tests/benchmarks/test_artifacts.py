"""What handing an output over costs beyond hashing it: a file of 2 GB, and 10,000 files of 2 kB.

Each round hashes the folder with nothing but what hashing takes, then publishes it, then looks at it again. Nothing
here fails on a time; on a machine that is not quiet the times of the processor say more than those of the clock.
Run it alone: pytest -m benchmark -s tests/benchmarks/test_artifacts.py; BENCH_ROUNDS sets the rounds (5), and
BENCH_LARGE_MB the size of the large file (2048).
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.runner.core.edge import Edge, Port
from dagbook.runner.records import content
from dagbook.runner.records.artifacts import publish, remove_tree
from dagbook.runner.records.manifest import manifest_of
from dagbook.runner.records.verify import verify
from dagbook.runner.slots import SlotFile, fill_slot

pytestmark = pytest.mark.benchmark
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
LARGE_MB = int(os.environ.get("BENCH_LARGE_MB", "2048"))
EDGE = Edge(source="a", source_port=Port.OUTPUT, source_key="*", target="b", target_port=Port.INPUT, target_key="s")
Times = dict[str, list[tuple[float, float]]]


def one_large(folder: Path) -> None:
    block = os.urandom(2**24)
    with (folder / "model.bin").open("wb") as file:
        for number in range(LARGE_MB // 16):
            file.write(block[number:] + block[:number])


def many_small(folder: Path) -> None:
    for part in range(10):
        (folder / f"part{part}").mkdir()
        for number in range(1000):
            (folder / f"part{part}" / f"{number}.csv").write_bytes(os.urandom(2048))


def files_of(folder: Path) -> Iterator[str]:
    for parent, _folders, files in os.walk(folder):
        for name in files:
            yield os.path.join(parent, name)


def hash_all(folder: Path) -> None:
    """Read and hash, by the same algorithms, and nothing else."""
    for path in files_of(folder):
        descriptor = os.open(path, os.O_RDONLY)
        content.content_of(descriptor, os.fstat(descriptor).st_size)
        os.close(descriptor)


def timed(times: Times, name: str, work: Callable[..., object], *of: Path) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    work(*of)
    times.setdefault(name, []).append((time.perf_counter() - wall, time.process_time() - processor))


def use(artifact: Path, slot: Path) -> None:
    """Show the artifact's files in an input slot, and look at it again as the cache does."""
    items = [item for item in manifest_of(artifact) if item["kind"] == "file"]
    files = [
        SlotFile(item["path"].replace("/", "_"), artifact, item["path"], item["content"], item["executable"], EDGE)
        for item in items
    ]
    fill_slot(slot, files)
    assert verify(artifact) == ""


@pytest.mark.parametrize("blake3", [True, False], ids=["BLAKE3", "SHA-256"])
@pytest.mark.parametrize("make", [one_large, many_small])
def test_handing_over(
    make: Callable[[Path], None], blake3: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not blake3:
        monkeypatch.setattr(content, "_blake3", lambda: None)
    times: Times = {}
    gc.set_threshold(100_000, 20, 20)  # as in a run process
    for number in range(ROUNDS):
        output, artifacts = tmp_path / f"output{number}", tmp_path / f"artifacts{number}"
        output.mkdir()
        make(output)
        hash_all(output)  # from now on it is in the page cache
        timed(times, "hashing alone", hash_all, output)
        timed(times, "publish", publish, output, artifacts)
        (artifact,) = (path for path in artifacts.glob("??/*") if path.is_dir())
        timed(times, "first look", verify, artifact)
        timed(times, "later look", verify, artifact)
        timed(times, "into a slot, and a look", use, artifact, tmp_path / f"slot{number}")
        remove_tree(artifact)
    print(f"\n{make.__name__}, {'BLAKE3' if blake3 else 'SHA-256'} (n={ROUNDS}, ms)")
    print(f"{'':24}{'clock: median':>14}{'min':>7}{'max':>7}{'processor: median':>20}{'min':>7}{'max':>7}")
    for name, took in times.items():
        row = ""
        for column, width in ((0, 14), (1, 20)):
            found = [1000 * one[column] for one in took]
            row += f"{statistics.median(found):{width}.0f}{min(found):7.0f}{max(found):7.0f}"
        print(f"{name:24}{row}")
