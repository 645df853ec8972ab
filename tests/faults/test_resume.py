"""Runs that go on: after their process was killed, after a failure, a cancellation, or with other parameters.

Real processes all of them. What is finished is never run again, and nothing is lost (row 65).
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.lifecycle import Changed, Fact, State
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.conftest import MakeNotebook, Said
from tests.faults.box import Box, follow, kill_after, run_id, wait_for_state
from tests.faults.test_faults import gone_within

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

PROCESS = ("--executor", "process", "--jobs", "4")


def says(name: str) -> str:
    """The line of a script that tells the box, where there is one, that it has begun."""
    return f'[ ! -p "$BOX/seen" ] || echo {name} > "$BOX/seen"\n'


# A grid over a diamond, a retry, conditions that choose, that skip, and a gathering end: 14 node runs.
FLOW = (
    f"%%pipeline_command start\n{says('start')}echo dagbook_tag_n: 5\necho 1 > one.txt",
    f"%%pipeline_command left --after start --grid x=1,2,3\n{says('left')}"
    "echo dagbook_tag_score: $DAGBOOK_TAG_X\necho $DAGBOOK_TAG_X > x.txt",
    f"%%pipeline_command right --after start\n{says('right')}cat /input/start/one.txt > r.txt",
    f"%%pipeline_command join --after left right\n{says('join')}cat /input/*/*.txt > all.txt",
    # It fails for each word that the test has put into the gate.
    f"%%pipeline_command flaky --retries 3 --after start\n{says('flaky')}"
    '[ -p "$BOX/gate" ] || exit 0\n[ -z "$(dd if="$BOX/gate" iflag=nonblock bs=3 count=1 2>/dev/null)" ]',
    f"%%pipeline_command best --after left --when max:score\n{says('best')}cat /input/left/x.txt > best.txt",
    f"%%pipeline_command never --after start --when gt:n:100\n{says('never')}",
    f"%%pipeline_command all --after join --gather join\n{says('all')}cat /input/join/*/all.txt > all.txt",
    f"%%pipeline_command last --after all best flaky\n{says('last')}cat /input/all/all.txt /input/best/best.txt > l.txt",
)


def facts_of(store: Path, run: str) -> list[Fact]:
    """All that was recorded of a run, in order."""
    opened = Store(store, create=False)
    found = [entry.fact for entry in opened.facts(run)]
    opened.close()
    return found


def starts(facts: list[Fact]) -> Counter[str]:
    """How many attempts of each node run were started; fails where one was that had succeeded before."""
    started: Counter[str] = Counter()
    passed: set[str] = set()
    for fact in facts:
        if isinstance(fact, Changed) and fact.state is State.STARTING:
            assert fact.id not in passed, f"{fact.id} had succeeded, and was run again"
            started[fact.id] += 1
        elif isinstance(fact, Changed) and fact.state is State.SUCCEEDED:
            passed.add(fact.id)
    return started


def lives(started: Started, store: Path, file: Path, words: tuple[str, ...], kills: int, fate: random.Random) -> str:
    """Run, kill, resume, kill … until it was killed so often; the run's id, its last life being ended by a kill."""
    run, before, killed = "", 0, 0
    while killed < kills:
        again = ("resume", run) if run else ("run", file, *words)
        child = started(*again, "--store", store, "-q")
        run, was = kill_after(child, store, fate.randrange(45), before)
        before, killed = len(facts_of(store, run)), killed + was
    return run


# Node runs of the flow by node: how many there are, and in which state they end.
WHOLE = {"start": 1, "left": 3, "right": 1, "join": 3, "flaky": 1, "best": 1, "never": 1, "all": 1, "last": 1}


def assert_whole(said: Said, box: Box, store: Path) -> None:
    """The flow has come to its end as if nobody had disturbed it, each success was the last attempt, nothing is left."""
    assert said.code == 0, said.out + said.err
    shown = said.json
    assert Counter(run["slug"] for run in shown["node_runs"]) == WHOLE
    runs = {run["id"]: run for run in shown["node_runs"]}
    assert {id for id, run in runs.items() if run["state"] != "succeeded"} == {"never"}
    assert {run["tags"]["score"] for run in runs.values() if run["slug"] == "left"} == {1, 2, 3}
    assert Path(runs["last"]["artifact"], "l.txt").read_text().split() == ["1", "1", "2", "1", "3", "1", "3"]
    for run in runs.values():
        assert run["artifact"] is None or not verify(Path(run["artifact"]))
    started, begun = starts(facts_of(store, shown["run"])), box.begun()
    assert {id: run["attempts"] for id, run in runs.items() if id != "never"} == started
    for node, times in WHOLE.items():  # what is counted outside of the store says the same
        recorded = sum(number for id, number in started.items() if id.split("#")[0] == node)
        assert begun[node] <= recorded
        assert begun[node] >= times or node == "never"


@pytest.mark.parametrize("chain", range(4))
def test_row_65_killed_at_20_random_moments_nothing_finished_is_run_again_and_nothing_is_lost(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, chain: int
) -> None:
    """Four runs, each killed five times: also while it is being resumed, and when all is done."""
    seed = int(os.environ.get("DAGBOOK_TEST_SEED", "0")) or random.randrange(2**32)
    print(f"DAGBOOK_TEST_SEED={seed}")
    file = make_notebook(*FLOW)
    store = file.parent / ".dagbook"
    box.open_gate()  # flaky fails once
    run = lives(started, store, file, PROCESS, 5, random.Random(seed))
    said = dagbook("resume", run, "--json")
    assert said.json["run"] == run
    assert_whole(said, box, store)
    assert box.wait_until_empty() == []
    assert list(box.runtime.iterdir()) == []


@pytest.mark.container
def test_row_65_killed_runs_in_containers_are_resumed_to_the_same_end(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, tmp_path: Path
) -> None:
    seed = int(os.environ.get("DAGBOOK_TEST_SEED", "0")) or random.randrange(2**32)
    print(f"DAGBOOK_TEST_SEED={seed}")
    file = make_notebook(*FLOW)
    store = file.parent / ".dagbook"
    run = lives(started, store, file, ("--executor", "docker", "--jobs", "4"), 3, random.Random(seed))
    said = dagbook("resume", run, "--json")
    assert said.code == 0, said.err
    assert Counter(one["slug"] for one in said.json["node_runs"]) == WHOLE
    assert {one["id"] for one in said.json["node_runs"] if one["state"] != "succeeded"} == {"never"}
    starts(facts_of(store, run))
    assert gone_within(15, store)
