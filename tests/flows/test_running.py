"""Running, seeing, stopping and restarting a flow, for real (rows 63-67; D2)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import read_until
from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Flow

Started = Callable[..., "subprocess.Popen[str]"]

HELD = "mkfifo gate; read word < gate; rm gate"  # waits for a word from outside
PREPARE = "%%pipeline_command prepare\necho rows > rows.csv"
TRAIN = (
    "%%pipeline_command train --after prepare --param epochs\necho dagbook_metric_loss@0: 0.5\n"
    f"if [ $CNVRG_TAG_EPOCHS = 3 ]; then echo held; {HELD}; fi\necho $CNVRG_TAG_EPOCHS > epochs.txt"
)
REPORT = "%%pipeline_command report --after train\ncp /input/train/epochs.txt ."
CELLS = ("# parameters\nepochs = 3", PREPARE, TRAIN, REPORT)


def gates(made: Flow) -> dict[str, Path]:
    """The gates at which node runs wait, by the folder of the node run."""
    return {path.parents[2].name: path for path in made.store.glob("runs/*/*/*/output/gate")}


@pytest.fixture
def midway(flow: MakeFlow, started: Started) -> tuple[Flow, subprocess.Popen[str]]:
    """A flow that is being run: prepare is done, train is under way."""
    made = flow(*CELLS)
    child = started("run", made.file, *EXECUTORS["process"])
    read_until(child, "| held")
    return made, child


def test_row_63_what_depends_on_nothing_unfinished_runs_at_once(flow: MakeFlow, started: Started) -> None:
    """Two nodes wait, each for a word from outside, at the same time; what needs both starts after both."""
    held = "%%pipeline_command {}\necho ready\n" + HELD
    made = flow(held.format("a"), held.format("b"), "%%pipeline_command both --after a b\n:")
    child = started("run", made.file, *EXECUTORS["process"], "--jobs", "2")
    seen = read_until(child, "| ready")
    seen += read_until(child, "| ready")
    assert "a | ready" in seen
    assert "b | ready" in seen
    assert set(made.show().states.values()) == {"running"}
    for gate in gates(made).values():
        gate.write_text("go\n")
    read_until(child, "✓ both succeeded")
    assert child.wait(60) == 0


def test_rows_64_66_a_run_is_seen_while_it_goes_on(midway: tuple[Flow, subprocess.Popen[str]]) -> None:
    """Progress, parameters and metrics of each node run, by a command beside it; what has not run is not claimed."""
    made, _ = midway
    shown = made.show()
    assert shown.said.json["state"] == "running"
    assert shown.states == {"prepare": "succeeded", "train": "running"}
    assert shown.runs["train"]["params"] == {"epochs": 3}
    assert shown.runs["train"]["metrics"] == {"loss": [[0, 0.5]]}
    assert "held" in made.say("logs", "latest", "train").out


def test_row_65_a_run_is_stopped_midway_and_restarted_with_another_parameter(
    midway: tuple[Flow, subprocess.Popen[str]],
) -> None:
    """Exit code 4; resumed under the same id, what does not depend on the parameter is not run again."""
    made, child = midway
    said = made.say("cancel", "latest")
    assert said.code == 0, said.err
    child.communicate(timeout=60)
    assert child.returncode == 4
    stopped = made.show()
    assert stopped.said.json["state"] == "cancelled"
    assert stopped.states.items() >= {"prepare": "succeeded", "train": "cancelled"}.items()
    ended = made.again("resume", "-p", "epochs", "9")
    assert ended.id == stopped.id
    assert set(ended.states.values()) == {"succeeded"}
    assert ended.runs["prepare"]["notebook"] == stopped.runs["prepare"]["notebook"]
    assert ended.runs["prepare"]["attempts"] == 1
    assert ended.text("report", "epochs.txt") == "9"


def test_row_65_a_parameter_that_there_is_not_is_refused(flow: MakeFlow) -> None:
    """The nearest is told, and the run stays as it was."""
    made = flow("# parameters\nepochs = 4", "%%pipeline_command train --param epochs\nexit 1")
    made.run(code=1)
    said = made.say("resume", "latest", "-p", "epohcs", "9")
    assert said.code == 2
    assert "E-PARAM-UNKNOWN" in said.err
    assert '"epochs"' in said.err
    assert made.show().said.json["state"] == "failed"


def test_row_65_a_node_that_failed_is_run_again_by_retry_alone(flow: MakeFlow) -> None:
    """As another attempt, what succeeded before it kept; it fails again until a parameter mends it."""
    bad = "%%pipeline_command train --after prepare --param epochs\n[ $CNVRG_TAG_EPOCHS != 3 ]\necho > ok.txt"
    made = flow("# parameters\nepochs = 3", PREPARE, bad, "%%pipeline_command report --after train\n:")
    assert made.run(code=1).states == {"prepare": "succeeded", "train": "failed", "report": "upstream_failed"}
    again = made.again("retry", "--node", "train", code=1)
    assert again.states == {"prepare": "succeeded", "train": "failed", "report": "upstream_failed"}
    assert again.runs["train"]["attempts"] == 2
    assert set(made.again("resume", "-p", "epochs", "4").states.values()) == {"succeeded"}


def test_row_67_runs_and_routes_are_compared(flow: MakeFlow) -> None:
    """The routes of one run beside each other, best first; then two runs, and what differs."""
    train = "%%pipeline_command train --grid lr=1,2 --param epochs\necho cnvrg_tag_accuracy: 0.$CNVRG_TAG_LR"
    made = flow("# parameters\nepochs = 3", train)
    first = made.run()
    rows = made.say("compare", "latest", "--by", "accuracy", "--json").json["rows"]
    assert [(row["id"], row["params"]["lr"], row["tags"]["accuracy"]) for row in rows] == [
        ("train#2", 2, 0.2),
        ("train#1", 1, 0.1),
    ]
    second = made.run("-p", "epochs", "4")
    compared = made.say("compare", first.id, second.id, "--json").json
    assert compared["differs"]["parameters"] == {"epochs": {first.id: 3, second.id: 4}}


# D2: limits that no machine has

LIMITS = [
    ("--memory=-1", "E-VALUE"),
    ("--memory '10 GB!'", "E-VALUE"),
    ("--cpus 0", "E-VALUE"),
    ("--cpus nan", "E-VALUE"),
    ("--cpus 1e9", "E-VALUE"),
    ("--cpus 4096", "E-RESOURCE"),
    ("--memory 4000t", "E-RESOURCE"),
    ("--gpus 7", "E-RESOURCE"),
]


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
@pytest.mark.parametrize(("words", "code"), LIMITS)
def test_D2_a_limit_that_means_nothing_or_cannot_be_had_is_refused(
    flow: MakeFlow, words: str, code: str, executor: str
) -> None:
    """The node is named, and for what the machine lacks, what it has; nothing is stored."""
    made = flow(f"%%pipeline_command train {words}\n:")
    said = made.say("run", made.file, *EXECUTORS[executor])
    assert (said.code, said.out) == (2, "")
    assert code in said.err
    assert "train" in said.err
    if code == "E-RESOURCE":
        assert str(os.cpu_count()) in said.err
        assert "no GPU" in said.err
    assert not made.store.exists()
