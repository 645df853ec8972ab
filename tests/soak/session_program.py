"""A program that lives long and runs pipelines one after the other: `python -m tests.soak.session_program`.

It prints a line per run, and ends when its standard input does. The project is the working directory.
"""

from __future__ import annotations

import itertools
import select
import sys

import dagbook


def train(n: int) -> dict[str, float]:
    """Leave a file, and give a metric."""
    with open("model.txt", "w") as file:
        file.write(str(n))
    print("trained", n)  # noqa: T201
    return {"accuracy": 1 / (n + 1)}


def built(n: int, approve: tuple[str, ...] = ()) -> dagbook.Pipeline:
    """Two nodes, the second of which waits for a person where there is somebody to ask."""
    flow = dagbook.Pipeline("session", parameters={"n": n}, folder=".", store=".dagbook")
    flow.node("Train", train)
    flow.command("Pack", "cat /input/train/model.txt > packed.txt", after="Train", approve=list(approve) or None)
    return flow


def passes(number: int) -> str:
    """New results, then the same ones from the cache."""
    run = built(number).run(quiet=True, executor="process")
    artifact = run["Pack"].artifact
    assert artifact is not None
    assert (artifact / "packed.txt").read_text() == str(number)
    again = built(number).run(quiet=True, executor="process")
    assert {one.state for one in again} == {"cached"}
    return again.state


def fails(number: int) -> str:
    """A node that fails, and fails again when the run goes on."""
    run = dagbook.read("failing.ipynb").run(quiet=True, executor="process", check=False, n=number)
    assert run.state == "failed", run.state
    again = run.resume().wait()
    assert again.state == "failed", again.state
    return again.state


def asks(number: int) -> str:
    """A person is waited for, and says yes."""
    run = built(number, approve=("lea",)).start(executor="process")
    for change in run.follow():
        if change.state == "pending_approval" and change.node_run:
            run.approve("Pack", by="lea")
    return run.check().state


def is_cancelled(number: int) -> str:
    """A run that somebody ends as soon as it runs."""
    flow = dagbook.Pipeline("long", parameters={"n": number}, folder=".", store=".dagbook")
    flow.command("Sleep", "sleep 600", params={"n": number})
    run = flow.start(executor="process")
    for change in run.follow():
        if change.state == "running" and change.node_run:
            run.cancel()
    assert run.state == "cancelled", run.state
    return run.state


RUNS = (passes, fails, asks, is_cancelled)


def main() -> None:
    """Run until standard input ends."""
    for number in itertools.count():
        does = RUNS[number % len(RUNS)]
        print(does.__name__, does(number), flush=True)  # noqa: T201
        if select.select([sys.stdin], [], [], 0)[0]:
            return


if __name__ == "__main__":
    main()
