"""Earlier results on real runs: what is up to date, what changes that, and what is never taken for granted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Flow

PARAMETERS = "# parameters\nepochs = 3"
SHARED = "%%pipeline_shared\ndef double(x):\n    return 2 * x"
PREPARE = "%%pipeline_command prepare\necho rows > rows.csv\necho cnvrg_tag_rows: 4"
TRAIN = (
    "%%pipeline_node train --after prepare --grid lr=1,2 --param epochs --env MODE=fast\n"
    "import dagbook\nprint('trained with', lr)\ndagbook.log_metric('loss', double(lr), 0)\n"
    "open('model.txt', 'w').write(str(lr))"
)
REPORT = "%%pipeline_command report --after train\ncp /input/train/model.txt ."
COUNT = "%%pipeline_command count --after prepare\nwc -l < /input/prepare/rows.csv > n.txt"
CELLS = (PARAMETERS, SHARED, PREPARE, TRAIN, REPORT)
ALL = {"prepare", "train#1", "train#2", "report#1", "report#2"}


@pytest.fixture(scope="module")
def once(shared_flow: MakeFlow) -> Flow:
    """The flow, run once; tests plan changes of it, and leave what is stored alone."""
    made = shared_flow(*CELLS)
    (made.folder / "lookup.txt").write_text("1")
    made.run()
    return made


@pytest.fixture
def done(flow: MakeFlow) -> Flow:
    """A flow of commands that was run once."""
    made = flow(PREPARE, COUNT)
    made.run()
    return made


def whys(made: Flow, *words: str) -> dict[str, str]:
    """Of the node runs that would run: why."""
    return {step["id"]: step["why"] for step in made.plan(*words)["steps"] if step["state"] == "run"}


def test_a_second_run_starts_nothing_and_has_everything(flow: MakeFlow) -> None:
    """Artifacts, tags, metrics and the executed notebook are those of the first; the reason says of which run."""
    made = flow(*CELLS)
    first = made.run()
    second = made.run()
    assert second.states == dict.fromkeys(first.states, "cached")
    for id, run in first.runs.items():
        again = second.runs[id]
        assert all(again[name] == run[name] for name in ("tags", "metrics", "artifact", "params", "notebook"))
        assert again["reason"] == f"as in run {first.id}"
        assert again["attempts"] == 0
    said = made.say("plan", made.file, "--executor", "process")
    assert "Nothing would be started: 5 of 5 up to date." in said.out


def change(cells: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(cell.replace(old, new) for cell in cells)


NOT_UP_TO_DATE = [
    pytest.param(change(CELLS, "trained with", "fitted with"), {"train#1", "train#2"}, "code changed", id="code"),
    pytest.param(change(CELLS, "2 * x", "x + x"), {"train#1", "train#2"}, "shared code changed", id="shared code"),
    pytest.param(change(CELLS, "lr=1,2", "lr=1,3"), {"train#2"}, "parameter lr: 2 is now 3", id="a grid value"),
    pytest.param(
        change(CELLS, "epochs = 3", "epochs = 4"), {"train#1", "train#2"}, "epochs: 3 is now 4", id="parameter"
    ),
    pytest.param(
        change(CELLS, "MODE=fast", "MODE=slow"), {"train#1", "train#2"}, "environment variable MODE changed", id="--env"
    ),
    pytest.param(
        change(CELLS, "MODE=fast", "MODE=fast --env NEW=1"),
        {"train#1", "train#2"},
        "environment variable NEW is new",
        id="a new variable",
    ),
]


@pytest.mark.parametrize(("cells", "which", "why"), NOT_UP_TO_DATE)
def test_a_change_runs_what_it_concerns_and_plan_says_why(
    once: Flow, cells: tuple[str, ...], which: set[str], why: str
) -> None:
    """And what comes after it; the rest is up to date."""
    once.rewrite(*cells)
    found = whys(once)
    assert {id for id in found if not id.startswith("report")} == which
    assert all(why in found[id] for id in which)
    after = {id.replace("train", "report") for id in which}
    assert {id for id in found if id.startswith("report")} == after
    assert all('"train" runs before it' in found[id] for id in after)


def test_what_changes_no_result_leaves_everything_up_to_date(once: Flow) -> None:
    """Time limits, retries, rules on errors, the place of a cell, other nodes, outputs of the notebook."""
    changed = change(CELLS, "--after prepare", "--after prepare --timeout 9m --retries 2 --on-error continue")
    once.rewrite("import this", "%%pipeline_command other\n:", *reversed(changed))
    assert set(whys(once)) == {"other"}


def test_a_changed_project_file_concerns_the_nodes_that_see_it(once: Flow) -> None:
    once.rewrite(*CELLS)
    (once.folder / "lookup.txt").write_text("2")
    try:
        assert whys(once)["prepare"] == "project files changed (lookup.txt changed)"
        assert whys(once, "--code", "none")["prepare"].count("project files changed") == 0
    finally:
        (once.folder / "lookup.txt").write_text("1")
    assert whys(once) == {}


def test_force_and_no_cache_run_what_is_up_to_date(once: Flow) -> None:
    once.rewrite(*CELLS)
    assert set(whys(once, "--force", "report")) == {"report#1", "report#2"}
    assert set(whys(once, "--no-cache")) == ALL
    once.rewrite(*change(CELLS, "report --after", "report --no-cache --after"))
    assert set(whys(once)) == {"report#1", "report#2"}


def test_a_result_that_comes_out_the_same_leaves_what_comes_after_up_to_date(done: Flow) -> None:
    done.rewrite(PREPARE.replace("echo rows", "echo  rows"), COUNT)
    assert done.run().states == {"prepare": "succeeded", "count": "cached"}


def test_an_upstream_tag_is_part_of_what_a_node_sees(done: Flow) -> None:
    done.rewrite(PREPARE.replace("rows: 4", "rows: 5"), COUNT)
    ended = done.run()
    assert ended.states == {"prepare": "succeeded", "count": "succeeded"}
    assert "environment variable CNVRG_PREPARE_ROWS changed" in ended.runs["count"]["why"]


def damage(file: Path) -> None:
    """Flip a byte, and leave size and time as they were."""
    before = file.stat()
    file.parent.chmod(0o755)
    file.chmod(0o644)
    text = file.read_bytes()
    file.write_bytes(bytes([text[0] ^ 1]) + text[1:])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_flipped_byte_in_the_store_is_set_aside_and_the_node_runs_again(done: Flow) -> None:
    """Plan and run say so; what comes after is up to date again, and sound."""
    file = Path(done.show().runs["prepare"]["artifact"], "rows.csv")
    damage(file)
    ended = done.run()
    assert ended.states == {"prepare": "succeeded", "count": "cached"}
    assert "rows.csv differs" in ended.runs["prepare"]["why"]
    assert "set aside at" in ended.runs["prepare"]["why"]
    [kept] = (done.store / "quarantine").rglob("rows.csv")
    assert kept.read_text() == "sows\n"
    assert file.read_text() == "rows\n"
    assert set(done.run().states.values()) == {"cached"}


def test_a_failed_node_run_is_never_taken_for_a_result(flow: MakeFlow) -> None:
    made = flow("%%pipeline_command bad\nexit 3")
    made.run(code=1)
    assert whys(made) == {"bad": "no earlier run of it succeeded"}
    assert made.run(code=1).runs["bad"]["attempts"] == 1


@pytest.mark.container
def test_a_second_run_in_containers_starts_none_and_another_image_does(flow: MakeFlow) -> None:
    """The image counts by what it is now, not by its name; another executor is another image."""
    made = flow(PREPARE, REPORT.replace("train", "prepare").replace("model.txt", "rows.csv"))
    made.run(executor="docker")
    assert set(made.run(executor="docker").states.values()) == {"cached"}
    assert {step["state"] for step in made.plan(executor="docker")["steps"]} == {"cached"}
    assert "image" in whys(made)["prepare"]
