"""Runs that go on: after their process was killed, after a failure, a cancellation, or with other parameters.

Real processes all of them. What is finished is never run again, and nothing is lost (row 65).
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.lifecycle import Changed, Fact, RunState, State
from dagbook.runner.records.commands import leave_command
from dagbook.runner.records.processes import start_of
from dagbook.runner.records.settling import settle
from dagbook.runner.records.store import Store
from dagbook.runner.records.verify import verify
from tests.conftest import MakeNotebook, Said
from tests.faults.box import LONG, Box, follow, kill_after, run_id
from tests.faults.test_faults import containers, gone_within

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
    f"%%pipeline_command flaky --retries 3 --after start\n{says('flaky')}"
    '[ -z "$(dd if="$BOX/fails" iflag=nonblock bs=1 count=1 2>/dev/null)" ]',
    f"%%pipeline_command best --after left --when max:score\n{says('best')}cat /input/left/x.txt > best.txt",
    f"%%pipeline_command never --after start --when gt:n:100\n{says('never')}",
    f"%%pipeline_command all --after join --gather join\n{says('all')}cat /input/join/*/all.txt > all.txt",
    f"%%pipeline_command last --after all best flaky\n{says('last')}"
    '[ ! -p "$BOX/gate" ] || read word < "$BOX/gate"\ncat /input/all/all.txt /input/best/best.txt > l.txt',
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
    """Run, kill, resume, kill … until it was killed so often; gives the run's id. Its last life ends with a kill.

    The last node waits for a gate or for somebody's yes, so that no life comes to its end.
    """
    run, before = "", 0
    for _ in range(kills):
        again = ("resume", run) if run else ("run", file, *words)
        child = started(*again, "--store", store, "-q")
        run, killed = kill_after(child, store, fate.randrange(60), before, "last")
        assert killed, "it came to its end, and nothing is left to be killed"
        before = len(facts_of(store, run))
    return run


# Node runs of the flow by node: how many there are, and in which state they end.
WHOLE = {"start": 1, "left": 3, "right": 1, "join": 3, "flaky": 1, "best": 1, "never": 1, "all": 1, "last": 1}


def fate_of_test() -> random.Random:
    """Chance, by a seed that is told, and can be given again."""
    seed = int(os.environ.get("TEST_SEED", "0")) or random.randrange(2**32)
    sys.stdout.write(f"TEST_SEED={seed}\n")
    return random.Random(seed)


def assert_whole(said: Said, box: Box, store: Path) -> None:
    """The flow has come to its end as if nobody had disturbed it; each success was the last attempt."""
    assert said.code == 0, said.out + said.err
    shown = said.json
    assert Counter(run["slug"] for run in shown["node_runs"]) == WHOLE
    runs = {run["id"]: run for run in shown["node_runs"]}
    assert {id for id, run in runs.items() if run["state"] != "succeeded"} == {"never"}
    assert {run["tags"]["score"] for run in runs.values() if run["slug"] == "left"} == {1, 2, 3}
    assert Path(runs["last#3"]["artifact"], "l.txt").read_text().split() == ["1", "1", "2", "1", "3", "1", "3"]
    for run in runs.values():
        assert run["artifact"] is None or not verify(Path(run["artifact"]))
    started, begun = starts(facts_of(store, shown["run"])), box.begun()
    assert {id: run["attempts"] for id, run in runs.items() if id != "never"} == started
    for node, times in WHOLE.items():  # what is counted outside of the store says the same
        recorded = sum(number for id, number in started.items() if id.split("#")[0] == node)
        assert begun[node] <= recorded
        assert begun[node] >= times or node == "never"


# Each chain is a run that is killed five times: 25 kills, or 500.
KILLS = 5
CHAINS, CHAINS_IN_CONTAINERS = (80, 20) if LONG else (4, 1)


@pytest.mark.parametrize("chain", range(CHAINS))
def test_row_65_killed_at_random_moments_nothing_finished_is_run_again_and_nothing_is_lost(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, chain: int
) -> None:
    """The last node waits until there will be no more kills."""
    fate = fate_of_test()
    file = make_notebook(*FLOW)
    store = file.parent / ".dagbook"
    box.make_fail()
    run = lives(started, store, file, PROCESS, KILLS, fate)
    assert box.wait_until_empty() == []
    # For each life, too: a process that was killed before it was born may come to the gate, and take a word.
    box.open_gate(1 + KILLS)
    said = dagbook("resume", run, "--json")
    assert said.json["run"] == run
    assert_whole(said, box, store)
    assert box.wait_until_empty(unborn=True) == []
    assert list(box.runtime.iterdir()) == []


@pytest.mark.container
@pytest.mark.parametrize("chain", range(CHAINS_IN_CONTAINERS))
def test_row_65_killed_runs_in_containers_are_resumed_to_the_same_end(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, chain: int
) -> None:
    fate = fate_of_test()
    asks = FLOW[-1].replace("%%pipeline_command last", "%%pipeline_command last --approve lea")
    file = make_notebook(*FLOW[:-1], asks)
    store = file.parent / ".dagbook"
    run = lives(started, store, file, ("--executor", "docker", "--jobs", "4"), KILLS, fate)
    assert dagbook("resume", run, "--no-wait").code == 3
    assert dagbook("approve", run, "last", "--by", "lea").code == 0
    said = dagbook("resume", run, "--json")
    assert said.code == 0, said.err
    assert Counter(one["slug"] for one in said.json["node_runs"]) == WHOLE
    assert {one["id"] for one in said.json["node_runs"] if one["state"] != "succeeded"} == {"never"}
    starts(facts_of(store, run))
    assert gone_within(15, store)


# after a failure, a cancellation, with other parameters


def command(title: str, script: str = "", options: str = "") -> str:
    """A cell: a command node that says that it begins."""
    return f"%%pipeline_command {title} {options}\n{says(title)}{script}"


BAD = command("bad", 'test -e "$BOX/ok"', "--after a")
GATED = command("gated", 'read word < "$BOX/gate"', "--after a")


def ids(said: Said, what: str = "state") -> dict[str, Any]:
    """One thing that is told of each node run."""
    return {run["id"]: run[what] for run in said.json["node_runs"]}


def test_row_65_a_failed_run_goes_on_where_it_failed(dagbook: Dagbook, make_notebook: MakeNotebook, box: Box) -> None:
    flow = make_notebook(command("a"), BAD, command("c", "", "--after bad"), command("d"))
    failed = dagbook("run", flow, *PROCESS, "--json")
    assert failed.code == 1
    box.put("ok")
    said = dagbook("resume", failed.json["run"], "--json", "--junit", "junit.xml", "-o", "out.ipynb")
    assert (said.code, said.json["run"]) == (0, failed.json["run"])
    assert ids(said) == dict.fromkeys(("a", "bad", "c", "d"), "succeeded")
    assert ids(said, "attempts") == {"a": 1, "bad": 2, "c": 1, "d": 1}
    assert box.begun() == {"a": 1, "bad": 2, "c": 1, "d": 1}
    assert "✓ a kept" in said.err
    assert "✓ bad succeeded" in said.err
    assert dagbook("runs").out.count("succeeded") == 1


@pytest.mark.parametrize("how", ["dagbook cancel", "Ctrl-C"])
def test_row_65_a_cancelled_run_goes_on_where_it_was_ended(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, how: str
) -> None:
    child = started("run", make_notebook(command("a"), GATED), *PROCESS)
    box.wait_for("gated")
    if how == "Ctrl-C":
        child.send_signal(signal.SIGINT)
    else:
        assert dagbook("cancel", "latest").code == 0
    child.communicate(timeout=60)
    assert child.returncode == (130 if how == "Ctrl-C" else 4)
    assert box.wait_until_empty() == []
    box.open_gate()
    said = dagbook("resume", "latest", "--json")
    assert (said.code, ids(said, "attempts")) == (0, {"a": 1, "gated": 2})


def test_row_65_other_parameters_run_again_exactly_what_depends_on_them(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(
        "# parameters\nn = 1\nm = 1",
        command("a", "echo $DAGBOOK_TAG_N > n.txt", "--param n"),
        command("b", "cat /input/a/n.txt > b.txt", "--after a"),
        command("c", "", "--param m"),
        command("d", "", "--after c"),
    )
    run = dagbook("run", flow, *PROCESS, "--json").json["run"]
    said = dagbook("resume", run, "-p", "n", "2", "--json")
    assert (said.code, said.json["run"]) == (0, run)
    assert ids(said, "attempts") == {"a": 2, "b": 2, "c": 1, "d": 1}
    assert Path(ids(said, "artifact")["b"], "b.txt").read_text() == "2\n"
    assert ids(dagbook("resume", run, "--json"), "attempts") == {"a": 2, "b": 2, "c": 1, "d": 1}  # it stays 2
    wrong = dagbook("resume", run, "-p", "nn", "2")
    assert wrong.code == 2
    assert "E-PARAM-UNKNOWN" in wrong.err
    assert '"n"' in wrong.err


def test_retry_runs_a_node_again_and_what_follows_only_when_its_result_is_another(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(
        command("a", 'cat "$BOX/value" > value.txt'),
        command("b", "cat /input/a/value.txt > b.txt", "--after a"),
        command("c"),
    )
    box.put("value", "1")
    run = dagbook("run", flow, *PROCESS, "--json").json["run"]
    assert ids(dagbook("retry", run, "--node", "a", "--json"), "attempts") == {"a": 2, "b": 1, "c": 1}
    box.put("value", "2")
    said = dagbook("retry", run, "--node", "a", "--json")
    assert ids(said, "attempts") == {"a": 3, "b": 2, "c": 1}
    assert Path(ids(said, "artifact")["b"], "b.txt").read_text() == "2"
    wrong = dagbook("retry", run, "--node", "aa")
    assert wrong.code == 2
    assert 'Did you mean "a"?' in wrong.err


def test_a_run_that_is_being_run_is_not_resumed(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Row F41."""
    child = started("run", make_notebook(command("a"), GATED), *PROCESS)
    box.wait_for("gated")
    for verb in ("resume", "retry"):
        said = dagbook(verb, "latest", "--json")
        assert said.code == 2
        (error,) = said.json["errors"]
        assert error["code"] == "E-RUN-LIVE"
        assert str(child.pid) in error["message"]
    box.open_gate()
    child.communicate(timeout=60)
    assert child.returncode == 0


def test_of_many_that_resume_at_once_one_does_and_nothing_runs_twice(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Row F41."""
    flow = make_notebook(command("a"), BAD, command("gated", 'read word < "$BOX/gate"', "--after bad"))
    assert dagbook("run", flow, *PROCESS).code == 1
    box.put("ok")
    children = [started("resume", "latest") for _ in range(4)]
    poll, handles = select.poll(), {os.pidfd_open(child.pid): child for child in children}
    for handle in handles:
        poll.register(handle, select.POLLIN)
    for _ in range(3):  # the one that has won waits at the gate
        (handle, _), *_ = poll.poll(60_000)
        out, _ = handles[handle].communicate()
        assert handles[handle].returncode == 2
        assert "E-RUN-LIVE" in out
        poll.unregister(handle)
    box.open_gate()
    for handle, child in handles.items():
        child.wait(60)
        os.close(handle)
    assert sorted(child.returncode for child in children) == [0, 2, 2, 2]
    assert box.begun() == {"a": 1, "bad": 2, "gated": 1}


# Imports all that it needs, says so, and waits for the word.
PREPARED = """
import sys
import dagbook.runner.cli_again, dagbook.runner.host, dagbook.runner.resume
from dagbook.runner.cli import main
print("prepared", flush=True)
sys.stdin.readline()
main(["resume", "latest"])
"""


def test_F41_of_two_that_resume_at_the_same_moment_one_does(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Pair after pair, let go at a barrier: the other one hears at once who has the run."""
    flow = make_notebook(command("flaky", '[ -z "$(dd if="$BOX/fails" iflag=nonblock bs=1 count=1 2>/dev/null)" ]'))
    for number in range(1, 1 + (50 if LONG else 5)):
        box.make_fail()
        assert dagbook("run", flow, *PROCESS, "--no-cache", "-q").code == 1
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        words = [sys.executable, "-c", PREPARED]
        pair = [subprocess.Popen(words, cwd=flow.parent, text=True, **pipes) for _ in range(2)]
        assert [child.stdout.readline() for child in pair if child.stdout] == ["prepared\n"] * 2
        for child in pair:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [(child.communicate(timeout=60)[0], child.returncode) for child in pair]
        assert box.begun()["flaky"] == 2 * number, said
        assert sorted(code for _, code in said) == [0, 2], said
        (refused,) = [text for text, code in said if code == 2]
        assert "E-RUN-LIVE" in refused or "E-RESUME" in refused, refused


@pytest.mark.parametrize("change", ["changed", "deleted"])
def test_what_became_of_the_notebook_does_not_matter(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, change: str
) -> None:
    flow = make_notebook(command("a"), BAD)
    assert dagbook("run", flow, *PROCESS).code == 1
    if change == "changed":
        make_notebook(command("other"))
    else:
        flow.unlink()
    box.put("ok")
    said = dagbook("resume", "latest", "--json", "-o", "out.ipynb")
    assert (said.code, ids(said, "attempts")) == (0, {"a": 1, "bad": 2})
    assert "bad" in flow.with_name("out.ipynb").read_text()


def test_a_result_that_was_damaged_meanwhile_is_made_again_and_what_follows_stays(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(command("a", "echo 1 > one.txt"), command("b", "cat /input/a/one.txt > b.txt", "--after a"))
    said = dagbook("run", flow, *PROCESS, "--json")
    file = Path(ids(said, "artifact")["a"], "one.txt")
    file.parent.chmod(0o755)
    file.chmod(0o644)
    file.write_text("2\n")
    said = dagbook("resume", "latest", "--json")
    assert (said.code, ids(said, "attempts")) == (0, {"a": 2, "b": 1})
    assert Path(ids(said, "artifact")["a"], "one.txt").read_text() == "1\n"


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_a_run_that_succeeded_has_nothing_to_resume_and_stays_as_it_is(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, verb: str
) -> None:
    """Its reports are written all the same; its time does not grow by the time since."""
    flow = make_notebook(command("a"), command("b", "", "--after a"))
    before = dagbook("run", flow, *PROCESS, "--json")
    said = dagbook(verb, "latest", "--json", "-o", "out.ipynb")
    assert (said.code, said.json) == (0, before.json)
    assert "there is nothing to resume" in said.err
    assert "dagbook retry" in said.err
    assert flow.with_name("out.ipynb").is_file()
    assert box.begun() == {"a": 1, "b": 1}


# between two lives


def test_a_command_that_nobody_took_does_not_end_the_next_life(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(command("a"), GATED)
    child = started("run", flow, *PROCESS)
    box.wait_for("gated")
    child.send_signal(signal.SIGSTOP)  # it takes no command any more
    store = Store(flow.parent / ".dagbook", create=False)
    leave_command(store, store.run("latest").id, "cancel", reason="too late")
    child.kill()
    child.communicate()
    assert box.wait_until_empty() == []
    box.open_gate()
    said = dagbook("resume", "latest", "--json")
    assert (said.code, said.json["state"]) == (0, "succeeded")
    store.close()


def test_a_run_whose_process_died_as_it_took_the_run_over_is_as_it_was(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(command("a"), BAD)
    failed = dagbook("run", flow, *PROCESS, "--json")
    store = Store(flow.parent / ".dagbook", create=False)
    row = store.run("latest")
    entries = len(store.facts(row.id))
    dead = {**row.process, "pid": 0}
    assert store.claim(row.id, row.process, entries, dead, row.record)  # all that it came to
    (listed,) = json.loads(dagbook("runs", "--json").out)
    assert (listed["state"], listed["reason"]) == ("failed", failed.json["reason"])
    row = store.run("latest")
    assert row.ended is not None
    box.put("ok")
    assert ids(dagbook("resume", "latest", "--json")) == {"a": "succeeded", "bad": "succeeded"}
    store.close()


def test_facts_of_a_dead_process_are_not_written_into_a_run_that_goes_on(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Whoever saw the process dead, and was slow, leaves the run to the one that has it now."""
    flow = make_notebook(command("a"), BAD)
    assert dagbook("run", flow, *PROCESS).code == 1
    store = Store(flow.parent / ".dagbook", create=False)
    seen = store.run("latest")
    recorded = len(store.facts(seen.id))
    alive = {**seen.process, "pid": os.getpid(), "began": start_of(os.getpid())}
    assert store.claim(seen.id, seen.process, recorded, alive, seen.record)
    assert not settle(store, replace(seen, state=RunState.RUNNING))
    assert len(store.facts(seen.id)) == recorded
    assert not store.claim(seen.id, seen.process, recorded, seen.process, seen.record)  # it is another's by now
    assert not store.claim(seen.id, alive, recorded + 1, seen.process, seen.record)  # its facts were not all read
    store.close()


# attempts


def test_timed_out_attempts_are_tried_again_each_in_a_folder_of_its_own(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Row P22."""
    held = command("held", 'touch mark\nread word < "$BOX/gate"', "--timeout 1s --retries 1")
    flow = make_notebook(held, command("after", "", "--after held"), command("other"))
    said = dagbook("run", flow, *PROCESS, "--json")
    assert said.code == 1
    assert ids(said) == {"held": "timed_out", "after": "upstream_failed", "other": "succeeded"}
    assert (ids(said, "attempts")["held"], box.begun()["held"]) == (2, 2)
    assert "--timeout of 1 s" in ids(said, "reason")["held"]
    assert len(list(flow.parent.glob(".dagbook/runs/*/held/[12]/output/mark"))) == 2
    assert box.wait_until_empty() == []


def test_a_retried_node_that_succeeds_fails_nobody(dagbook: Dagbook, make_notebook: MakeNotebook, box: Box) -> None:
    fails = '[ -z "$(dd if="$BOX/fails" iflag=nonblock bs=1 count=1 2>/dev/null)" ]'
    box.make_fail(2)
    flow = make_notebook(command("flaky", fails, "--retries 2"), command("after", "", "--after flaky"))
    said = dagbook("run", flow, *PROCESS, "--json")
    assert (said.code, ids(said, "attempts")) == (0, {"flaky": 3, "after": 1})


def wait_for_file(flow: Path, name: str) -> None:
    """Wait for a file in the folder of a run."""
    deadline = time.monotonic() + 60
    while not list(flow.parent.glob(f".dagbook/runs/*/{name}")):
        assert time.monotonic() < deadline


@pytest.mark.container
def test_a_lost_container_counts_as_an_attempt(started: Started, dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_command slow --retries 1\ntouch begun\nsleep 600")
    child = started("run", flow, "--executor", "docker")
    follower = follow(flow.parent / ".dagbook", run_id(child))
    for attempt in (1, 2):
        wait_for_file(flow, f"slow/{attempt}/output/begun")
        (container,) = containers(flow.parent / ".dagbook")
        subprocess.run(["docker", "rm", "-f", container], check=True, capture_output=True)
    child.communicate(timeout=60)
    assert child.returncode == 1
    (run,) = dagbook("show", "--json").json["node_runs"]
    assert (run["state"], run["attempts"]) == ("lost", 2)
    follower.store.close()


def test_conditions_and_gathering_under_each_rule_on_errors(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """What failed takes no part; with `continue` the rest is compared and gathered without it."""
    train = command("train", "test $DAGBOOK_TAG_X != 2\necho dagbook_tag_score: $DAGBOOK_TAG_X", "--grid x=1,2,3")
    flow = make_notebook(
        train,
        command("best", "", "--after train --when max:score"),
        command("all", "ls /input/train > list.txt", "--after train --gather train"),
    )
    said = dagbook("run", flow, *PROCESS, "--on-error", "continue", "--json")
    assert said.code == 1
    states = ids(said)
    assert states.pop("train#2") == "failed"
    assert set(states.values()) == {"succeeded"}
    assert [id for id in states if id.startswith("best")] == ["best#3"]
    listed = Path(ids(said, "artifact")["all"], "list.txt").read_text().split()
    assert listed == ["1", "2", "runs.json"]  # numbered by what is there; runs.json tells which they are
    said = dagbook("run", flow, *PROCESS, "--no-cache", "--json")
    assert (ids(said)["best#3"], ids(said)["all"]) == ("succeeded", "upstream_failed")


def test_a_run_of_a_notebook_that_was_mended_since_says_that_it_goes_on_as_it_began(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    flow = make_notebook(command("a", "exit 1"))
    dagbook("run", flow, *PROCESS)
    assert "W-RESUME-OLD" not in dagbook("resume", "latest").err
    make_notebook(command("a", "exit 0"))
    said = dagbook("resume", "latest")
    assert (said.code, said.err.count("W-RESUME-OLD")) == (1, 1)
    assert "dagbook run flow.ipynb" in said.err
    assert dagbook("run", flow, *PROCESS).code == 0
