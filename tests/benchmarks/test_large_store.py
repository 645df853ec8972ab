"""Looking at runs in a store that holds a million node runs, against the same in one that holds a hundred.

Most are in runs of 100; one run has 10,000. Whole commands are measured, interleaved, in wall time; and the queries
in them by themselves. Nothing here fails on a time. Making the store takes a minute or two and 4 GB.
Run it alone: pytest -m benchmark -s tests/benchmarks/test_large_store.py; BENCH_NODE_RUNS sets how many
(1,000,000), BENCH_ROUNDS the rounds (7).
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from dagbook.runner.core.lifecycle import Changed, Created, Fact, RunChanged, RunState, State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.cache import Cache, key_of
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.schema import to_row
from dagbook.runner.records.settling import settle_all
from dagbook.runner.records.store import Store

pytestmark = pytest.mark.benchmark
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
NODE_RUNS = int(os.environ.get("BENCH_NODE_RUNS", "1000000"))
ORDINARY, HUGE = 100, 10_000
DAGBOOK = str(Path(sys.executable).with_name("dagbook"))


def facts_of(nodes: int) -> list[Fact]:
    """What a run of a chain records, each node with a tag."""
    facts: list[Fact] = [RunChanged(RunState.RUNNING)]
    for number in range(nodes):
        title, before = f"n{number}", f"n{number - 1}"
        digest = secrets.token_hex(32)
        detail = {
            "executor": "docker",
            "image": {"reference": "dagbook/base", "digest": f"sha256:{digest}"},
            "notebook": f"/home/somebody/project/.dagbook/runs/00000000/{title}/1/notebook.ipynb",
            "overhead_s": 0.12,
            "artifact": digest,
            "files": 3,
            "bytes": 2000,
            "duration_s": 1.5,
        }
        facts += [
            Created(title, title, (), {}, {}, {before: before} if number else {}, plan=digest),
            Changed(title, State.QUEUED),
            Changed(title, State.STARTING, 1, "", {"why": "no earlier run of it succeeded"}),
            Changed(title, State.RUNNING, 1),
            Tagged(title, "loss", 0.25),
            Changed(title, State.SUCCEEDED, 1, "", detail),
        ]
    return [*facts, RunChanged(RunState.SUCCEEDED)]


def record_of(nodes: int) -> str:
    titles = [f"n{number}" for number in range(nodes)]
    made = tuple(Node(title=title, source="open('x', 'w').write('1')\n" * 5) for title in titles)
    return json.dumps({"pipeline": Pipeline(name="demo", nodes=made).model_dump(mode="json"), "file": "/flow.ipynb"})


def fill(store: Store, nodes: int, runs: int, started: float) -> str:
    """Write so many runs of so many nodes that have ended, with their results; returns the id of the last."""
    facts, record = list(map(to_row, facts_of(nodes))), record_of(nodes)
    process, parts = json.dumps({"pid": 0}), json.dumps({"code": "0" * 64, "image": "1" * 64})
    run = ""
    for number in range(runs):
        run, at = secrets.token_hex(4), started + number
        row = (run, "demo", "succeeded", "", at, at + 100, process, record)
        with store.writing() as rows:
            rows.execute(f"insert into runs values ({', '.join('?' * 8)})", row)
            lines = [(run, place, at, kind, body) for place, (kind, body) in enumerate(facts, 1)]
            rows.executemany("insert into facts values (?, ?, ?, ?, ?)", lines)
            kept = [
                (secrets.token_hex(32), "demo", f"n{n}", run, f"n{n}", at, parts, facts[6 * n + 6][1])
                for n in range(nodes)
            ]
            rows.executemany(f"insert into cache values ({', '.join('?' * 8)})", kept)
    return run


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, str]]]:
    """The folders of a small and a large store, each with the runs to be looked at."""
    folder, now = tmp_path_factory.mktemp("stores"), time.time() - 10**6
    found = {}
    for name, runs in (("small", 0), ("large", NODE_RUNS // ORDINARY)):
        with closing(Store(folder / name)) as store:
            fill(store, ORDINARY, runs, now)
            huge = {"huge": fill(store, HUGE, 1, now + runs)} if runs else {}
            chosen = {"ordinary": fill(store, ORDINARY, 1, now + runs + 1), **huge}
        found[name] = (folder / name, chosen)
    return found


def told(measures: dict[str, Callable[[], object]], unit: str) -> None:
    times: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            began = time.perf_counter()
            measure()
            times[name].append(1000 * (time.perf_counter() - began))
    print(f"\n{unit + ', ms, n=' + str(ROUNDS):44}{'median':>9}{'min':>9}{'max':>9}")
    for name, found in times.items():
        print(f"{name:44}{statistics.median(found):9.1f}{min(found):9.1f}{max(found):9.1f}")


def run_command(*words: str) -> None:
    subprocess.run([DAGBOOK, *words], check=True, capture_output=True)


def test_whole_commands(stores: dict[str, tuple[Path, dict[str, str]]]) -> None:
    measures: dict[str, Callable[[], object]] = {}
    for name, (folder, chosen) in stores.items():
        at = ("--store", str(folder))
        measures[f"dagbook runs, {name} store"] = partial(run_command, "runs", *at)
        for kind, run in chosen.items():
            measures[f"dagbook show, {kind} run, {name} store"] = partial(run_command, "show", run, *at)
    told(measures, "whole commands")


def read_run(store: Store, run: str) -> None:
    Follower(store, run, outputs=False).update()


def test_queries(stores: dict[str, tuple[Path, dict[str, str]]]) -> None:
    key = key_of({"code": "another"})
    for name, (folder, chosen) in stores.items():
        with closing(Store(folder, create=False)) as store:
            measures: dict[str, Callable[[], object]] = {
                "settle what died": partial(settle_all, store),
                "the latest runs": store.latest,
                "a run by the beginning of its id": partial(store.find, chosen["ordinary"][:6]),
                "a result by its key": partial(Cache(store).find, key),
                "why there is none": partial(Cache(store).why_not, key, "demo", "n5", "n5"),
            }
            measures |= {f"all of a run, {kind}": partial(read_run, store, run) for kind, run in chosen.items()}
            told(measures, f"queries, {name} store")
