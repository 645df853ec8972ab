"""A run, recorded by hand, whose node runs came to every end that there is."""

from __future__ import annotations

from pathlib import Path

from dagbook.runner.core.lifecycle import Answered, RunChanged, RunState, State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.values import Value
from dagbook.runner.records.follow import Follower
from tests.board.by_hand import ByHand, display, stream

BEGUN = (State.QUEUED, State.STARTING, State.RUNNING)
TITLES = ("prepare", "fit", "lost", "slow", "old", "never", "after", "asks", "no", "cut", "unbegun", "flaky")


def every_end(folder: Path, end: RunState = RunState.CANCELLED) -> ByHand:
    """The run; `fit` is a grid of two values of a secret, the second of which failed twice."""
    nodes = [Node(title=title, cell=number, source="x = 1") for number, title in enumerate(TITLES, 2)]
    nodes[1] = nodes[1].model_copy(update={"grid": {"api_token": ["s3cret-value-1", "s3cret-value-2"], "lr": [0.1]}})
    made = ByHand(
        folder, Pipeline(name="churn", nodes=tuple(nodes)), parameters={"epochs": 3, "api_key": "k3y-value-9"}
    )
    for title in ("prepare", "old", "never", "after", "unbegun"):
        made.create(title, title)
    made.print("prepare", stream("read 3 rows\n"), display(text_plain="<table>"))
    made.go("prepare", *BEGUN, State.SUCCEEDED, duration_s=1.5, executor="docker", image={"reference": "python:3.12"})
    made.go("old", State.QUEUED, State.CACHED, attempt=0, reason="as in run 1a2b", duration_s=99.0)
    made.go("never", State.SKIPPED, attempt=0, reason="no run passed gt:x:1")
    made.go("after", State.UPSTREAM_FAILED, attempt=0, reason='"fit" failed')
    made.go("unbegun", State.CANCELLED, attempt=0, reason="Ctrl-C")
    _fit(made)
    for title, state in (("lost", State.LOST), ("slow", State.TIMED_OUT), ("cut", State.CANCELLED)):
        made.create(title, title)
        made.go(title, *BEGUN, state, reason=f"it is {state}")
    made.create("flaky", "flaky")
    made.go("flaky", *BEGUN, State.FAILED, reason="OSError: gone")
    made.go("flaky", *BEGUN, State.SUCCEEDED, attempt=2)
    for title in ("asks", "no"):
        made.create(title, title)
        made.go(title, State.PENDING_APPROVAL, attempt=0, reason="waits for leah", approvers=["leah"])
    made.tell(Answered("no", False, "leah", "dagbook reject", ""))
    made.go("no", State.REJECTED, attempt=0, reason='leah rejected "no"')
    made.tell(RunChanged(end, "Ctrl-C"))
    return made


def _fit(made: ByHand) -> None:
    for number in (1, 2):
        values: dict[str, Value] = {"api_token": f"s3cret-value-{number}", "lr": 0.1}
        made.create(f"fit#{number}.1", "fit", values, {"fit": values}, {"prepare": "prepare"})
    made.go("fit#1.1", *BEGUN)
    made.tell(Tagged("fit#1.1", "accuracy", 0.93), Tagged("fit#1.1", "loss", 0.25, 1))
    made.go("fit#1.1", State.SUCCEEDED, duration_s=2.0)
    error = {
        "name": "ValueError",
        "message": "no luck",
        "cell": 0,
        "traceback": ["\x1b[31mValueError\x1b[0m: no \x07luck"],
    }
    for attempt in (1, 2):
        made.print("fit#2.1", stream("\x1b[32mtrying\x1b[0m s3cret-value-2 \x00]]>\n"), attempt=attempt)
        made.go("fit#2.1", *BEGUN, State.FAILED, attempt=attempt, reason="ValueError: no luck", error=error)


def follower_of(folder: Path) -> Follower:
    """Whoever looks at it."""
    return every_end(folder).follower()
