"""What earlier runs left, handed over to a later one: by reference, verified, no copies (rows 101 and 107)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Ended, Flow

TRAIN = "%%pipeline_command train --grid rate=1,2\necho model $DAGBOOK_TAG_RATE > model.txt\nmkdir log; echo ok > log/a"
BREAK = "%%pipeline_command break\nexit 1"
USE = (
    "%%pipeline_command use --after models\n"
    "(cd /data/models && find . -type f | sort) > seen.txt\ncp /data/models/runs.json ."
)
EXECUTORS = ["process", pytest.param("docker", marks=pytest.mark.container)]


@pytest.fixture
def trained(flow: MakeFlow) -> tuple[Flow, str]:
    """A project in which a training has run, and that run's id."""
    made = flow(TRAIN, BREAK)
    return made, made.run("--code", "none", code=1).id


def used(made: Flow, *names: str, executor: str = "process", code: int = 0) -> Ended:
    made.rewrite(f"%pipeline_data models --artifact {' '.join(names)}", USE)
    return made.run("--code", "none", executor=executor, code=code)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_rows_101_107_a_later_run_finds_what_earlier_node_runs_left(trained: tuple[Flow, str], executor: str) -> None:
    """By number, with a list that tells parameters and tags; one that is named twice is there once."""
    made, run = trained
    ended = used(made, f"{run}/train#2", f"{run}/train", executor=executor)
    assert ended.lines("use", "seen.txt") == [
        f"./{path}" for path in ("1/log/a", "1/model.txt", "2/log/a", "2/model.txt", "runs.json")
    ]
    listed = json.loads(ended.text("use", "runs.json"))
    assert [(one["folder"], one["id"], one["params"], one["node"]) for one in listed] == [
        ("1", "train#2", {"rate": 2}, "train"),
        ("2", "train#1", {"rate": 1}, "train"),
    ]


def test_row_107_nothing_is_copied_and_the_same_results_are_the_same_dataset(trained: tuple[Flow, str]) -> None:
    """Trained again in another run: the later node's result still stands."""
    made, run = trained
    ended = used(made, f"{run}/train")
    place = Path(ended.runs["models"]["artifact"])
    (original,) = (one for one in made.store.glob("artifacts/*/*/model.txt") if one.read_text() == "model 1\n")
    assert original.samefile(place / "1" / "model.txt")
    made.rewrite(TRAIN)
    again = made.run("--code", "none", "--no-cache").id
    assert used(made, f"{again}/train").states == {"models": "cached", "use": "cached"}


def test_row_107_a_damaged_artifact_is_found(trained: tuple[Flow, str]) -> None:
    made, run = trained
    model = next(made.store.glob("artifacts/*/*/model.txt"))
    model.chmod(0o644)
    model.write_text("other!!\n")
    ended = used(made, f"{run}/train", code=1)
    assert ended.states == {"models": "failed", "use": "upstream_failed"}
    assert "train#2 cannot be had: its artifact " in ended.runs["models"]["reason"]
    made.say("resume", run)
    assert used(made, f"{run}/train").states["models"] == "succeeded"


def test_row_107_files_of_earlier_runs_are_listed_and_copied(trained: tuple[Flow, str]) -> None:
    """The runs of a grid get a folder each; copies may be written to, and nothing that differs is replaced."""
    made, run = trained
    listed = made.say("artifact", run, "train")
    assert [line.split()[-1] for line in listed.out.splitlines()] == [
        "[rate=1]", "log/a", "model.txt", "[rate=2]", "log/a", "model.txt",
    ]  # fmt: skip
    assert made.say("artifact", run, "train", "*.txt", "-o", "all").out == f"2 files of {run} in all\n"
    assert {path.name: (path / "model.txt").read_text() for path in (made.folder / "all").iterdir()} == {
        "train.1": "model 1\n",
        "train.2": "model 2\n",
    }
    copy = made.folder / "one" / "model.txt"
    said = made.say("artifact", run, "train#2", "-o", "one", "--json").json
    assert [file["path"] for file in said["node_runs"][0]["files"]] == ["log/a", "model.txt"]
    copy.write_text("mine")
    refused = made.say("artifact", run, "train#2", "-o", "one")
    assert (refused.code, copy.read_text()) == (2, "mine")
    assert made.say("artifact", run, "train#2", "-o", "one", "--force").code == 0
    assert copy.read_text() == "model 2\n"
    unknown = made.say("artifact", run, "train#2", "model.text")
    assert (unknown.code, 'Did you mean "model.txt"?' in unknown.err) == (2, True)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("trian", "has no node 'trian'. Did you mean \"train\"?"),
        ("break", "left nothing: failed. Wait for it, or run it again: dagbook resume"),
    ],
)
def test_row_107_what_is_not_there_fails_the_data_node(trained: tuple[Flow, str], node: str, said: str) -> None:
    made, run = trained
    reason = used(made, f"{run}/{node}", code=1).runs["models"]["reason"]
    assert reason.startswith("E-ARTIFACT: ")
    assert said in reason


def test_row_107_a_name_of_another_form_is_told_before_anything_runs(flow: MakeFlow) -> None:
    told = flow("%pipeline_data models --artifact latest/train", USE).refused()
    assert "E-ARTIFACT: 'latest/train' does not name what a node run left" in told
    assert "Write RUN/NODE" in told


def test_data_has_one_source(flow: MakeFlow) -> None:
    told = flow("%pipeline_data models --artifact 10c7e5ad/train --path data", USE).refused()
    assert "--path and --artifact are given together" in told
