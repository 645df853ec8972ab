"""What a process and a store hold at a moment, and whether that grows."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dagbook.runner.records.store import Store

KIB = 1024


def of_process(process: int) -> dict[str, int]:
    """Its memory in kibibytes, descriptors, threads and children."""
    place = Path(f"/proc/{process}")
    status = (place / "status").read_text()
    children = 0
    for task in os.listdir(place / "task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # that thread has ended
            children += len((place / "task" / task / "children").read_text().split())
    memory = re.search(r"VmRSS:\s+(\d+)", status)
    return {
        "memory": int(memory[1]) if memory else 0,
        "descriptors": len(os.listdir(place / "fd")),
        "threads": len(os.listdir(place / "task")),
        "children": children,
    }


def of_store(store: Store, runtime: Path) -> dict[str, int]:
    """Kibibytes of its write-ahead log, its containers, and entries in the folder of sockets and run directories."""
    wal = store.database.with_name("dagbook.db-wal")
    mine = ["docker", "ps", "-aq", "--filter", f"label=dagbook={store.id}"]
    listed = subprocess.run(mine, capture_output=True, text=True, check=True)
    return {
        "log": _size(wal) // KIB,
        "containers": len(listed.stdout.split()),
        "sockets": sum(len(folders) + len(files) for _, folders, files in os.walk(runtime)),  # which come and go
    }


def processes(runtime: Path) -> list[str]:
    """The command lines of what still runs for a run directory in `runtime`."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = place.read_bytes().replace(b"\0", b" ")
            if os.fsencode(runtime / "dag") in words:
                found.append(os.fsdecode(words))
    return found


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def thirds(samples: Sequence[dict[str, int]], what: str) -> tuple[float, float]:
    """The medians of the first and of the last third, without the first tenth, in which caches are filled."""
    values = [sample[what] for sample in samples[len(samples) // 10 :]]
    third = max(len(values) // 3, 1)
    return statistics.median(values[:third]), statistics.median(values[-third:])


def table(samples: Sequence[dict[str, int]]) -> list[str]:
    """A line for each thing that is held: smallest, largest, medians of the first and the last third."""
    lines = [f"{'':12}{'min':>10}{'max':>10}{'first third':>13}{'last third':>12}"]
    for what in samples[0]:
        values = [sample[what] for sample in samples]
        first, last = thirds(samples, what)
        lines.append(f"{what:12}{min(values):>10}{max(values):>10}{first:>13.0f}{last:>12.0f}")
    return lines
