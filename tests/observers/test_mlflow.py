"""A run in MLflow: looked at through MLflow's own client, in real databases, after real runs."""

from __future__ import annotations

import math
import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.observers.mlflow_address import checked
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK, read_until
from tests.flows.flow import Ended, Flow

PutDatabase = Callable[[Path], str]

TRAIN = """%%pipeline_node "Train model" --after prepare --grid lr=0.1,0.2 --param epochs --param api_token
import math

import dagbook

for epoch in range(epochs):
    dagbook.log_metric("loss", lr / (epoch + 1), epoch)
for step, value in ((0.5, 1.0), (1.0, math.inf), (1.5, math.nan)):
    dagbook.log_metric("f1 [macro]", value, step)
dagbook.log_tag("accuracy", 0.9 + lr)
dagbook.log_tag("verdict", "good")
open("model.bin", "w").write("m" * 500)
open("large.bin", "w").write("l" * 5000)
print("trained")"""
CELLS = (
    "# parameters\nepochs = 3\napi_token = 'abc-def-ghi'",
    "%pipeline_data images --path images.txt",
    "%%pipeline_command prepare --after images\necho dagbook_tag_rows: 12\nmkdir sub\necho 1 > sub/one.csv",
    TRAIN,
    '%%pipeline_command never --after "Train model" --when gt:accuracy:2\ntrue',
    "%%pipeline_command broken --after prepare --retries 1\necho oh >&2\nfalse",
    "%%pipeline_command last --after broken\ntrue",
)


@dataclass(frozen=True)
class Mirrored:
    """What MLflow has in one experiment of a database."""

    uri: str
    experiment: str = "flow"

    @cached_property
    def client(self) -> MlflowClient:
        """Its own client."""
        return MlflowClient(tracking_uri=self.uri)

    @property
    def all(self) -> list[Run]:
        """Every run there, the oldest first."""
        found = self.client.get_experiment_by_name(self.experiment)
        assert found
        return list(reversed(self.client.search_runs([found.experiment_id])))

    def parents(self) -> list[Run]:
        """Those that are nested in no other."""
        return [run for run in self.all if "mlflow.parentRunId" not in run.data.tags]

    def nested(self, parent: Run) -> dict[str, Run]:
        """Those within `parent`, by name; fails when two have one name."""
        within = [run for run in self.all if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        named = {str(run.info.run_name): run for run in within}
        assert len(named) == len(within), sorted(str(run.info.run_name) for run in within)
        return named

    def files(self, run: Run, folder: str | None = None) -> set[str]:
        """The paths of its artifacts."""
        found: set[str] = set()
        for one in self.client.list_artifacts(run.info.run_id, folder):
            found |= self.files(run, one.path) if one.is_dir else {one.path}
        return found

    def text(self, run: Run, path: str) -> str:
        """An artifact that is a text, from the disk."""
        place = Path(run.info.artifact_uri.removeprefix("file://"))
        return (place / path).read_text()

    def points(self, run: Run, metric: str) -> list[tuple[int, float]]:
        """A metric's steps and values, in order."""
        history = self.client.get_metric_history(run.info.run_id, metric)
        return [(point.step, point.value) for point in sorted(history, key=lambda point: point.step)]


@dataclass(frozen=True)
class Story:
    """A pipeline that ran twice, mirrored: it failed, and what had succeeded was there already."""

    flow: Flow
    mirrored: Mirrored
    first: Ended
    second: Ended


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, empty_database: PutDatabase) -> Story:
    """Run once for all tests that look at it. The database is named by a relative path, from elsewhere."""
    made = Flow(tmp_path_factory.mktemp("mirrored"), *CELLS)
    uri = empty_database(made.folder)
    (made.folder / "images.txt").write_text("of harbours")
    (made.folder / "dagbook.toml").write_text('mlflow = "sqlite:///mlflow.db"\nmlflow_files = "1k"\n')
    first, second = made.run(code=1), made.run("--until", "Train model")
    return Story(made, Mirrored(uri), first, second)


def test_a_run_is_a_run_there_with_its_parameters_state_and_notebook(story: Story) -> None:
    first, _ = story.mirrored.parents()
    tags = first.data.tags
    assert first.info.status == "FAILED"
    assert first.data.params == {"epochs": "3", "api_token": "••••"}
    assert (tags["dagbook.run"], tags["dagbook.state"], tags["dagbook.reason"]) == (
        story.first.id,
        "failed",
        '"broken" failed',
    )
    assert tags["mlflow.source.name"] == str(story.flow.file)
    assert story.mirrored.text(first, "pipeline.ipynb") == story.flow.file.read_text()
    started = Store(story.flow.store, create=False).run(story.first.id).started
    assert first.info.start_time == int(started * 1000)


def test_each_attempt_of_a_node_run_is_nested_in_it(story: Story) -> None:
    first, _ = story.mirrored.parents()
    found = {name: run.info.status for name, run in story.mirrored.nested(first).items()}
    assert found == {
        "prepare": "FINISHED",
        "Train model [lr=0.1]": "FINISHED",
        "Train model [lr=0.2]": "FINISHED",
        "broken": "FAILED",
        "broken attempt 2": "FAILED",
    }


def test_what_never_ran_is_a_tag_of_the_run_and_so_is_a_dataset(story: Story) -> None:
    tags = story.mirrored.parents()[0].data.tags
    assert tags["dagbook.skipped"].startswith("never")
    assert tags["dagbook.upstream_failed"] == 'last: "broken" failed'
    assert len(tags["dagbook.dataset.images"]) == 64


def test_values_of_grid_and_pipeline_are_parameters_and_secrets_are_dots(story: Story) -> None:
    run = story.mirrored.nested(story.mirrored.parents()[0])["Train model [lr=0.2]"]
    assert run.data.params == {"lr": "0.2", "epochs": "3", "api_token": "••••"}


def test_metrics_are_series_and_numbers_among_tags_are_metrics(story: Story) -> None:
    """Steps that are not whole are counted; infinities and NaN are what MLflow makes of them."""
    run = story.mirrored.nested(story.mirrored.parents()[0])["Train model [lr=0.2]"]
    assert story.mirrored.points(run, "loss") == [(0, 0.2), (1, 0.1), (2, pytest.approx(0.2 / 3))]
    (first, infinite, nan) = story.mirrored.points(run, "f1 _x5b_macro_x5d_")
    assert first == (0, 1.0)
    assert (infinite[0], infinite[1] > 1e300) == (1, True)
    assert (nan[0], math.isnan(nan[1])) == (2, True)
    assert run.data.metrics["accuracy"] == pytest.approx(1.1)
    assert run.data.tags["verdict"] == "good"
    assert "accuracy" not in run.data.tags


def test_times_are_those_at_which_things_happened(story: Story) -> None:
    run = story.mirrored.nested(story.mirrored.parents()[0])["Train model [lr=0.2]"]
    points = story.mirrored.client.get_metric_history(run.info.run_id, "loss")
    assert all(run.info.start_time <= point.timestamp <= run.info.end_time for point in points)


def test_notebook_log_and_files_up_to_the_limit_are_artifacts(story: Story) -> None:
    nested = story.mirrored.nested(story.mirrored.parents()[0])
    train, prepare = nested["Train model [lr=0.1]"], nested["prepare"]
    assert story.mirrored.files(train) == {"notebook.ipynb", "log.txt", "outputs/model.bin"}
    assert story.mirrored.files(prepare) == {"notebook.ipynb", "log.txt", "outputs/sub/one.csv"}
    assert story.mirrored.text(train, "log.txt") == "trained\n"
    assert story.mirrored.text(nested["broken"], "log.txt") == "oh\n"
    assert train.data.tags["dagbook.left_out"] == "large.bin (4.9 KiB)"
    assert "W-MLFLOW" in story.first.said.err
    assert "large.bin" in story.first.said.err
    assert (story.flow.folder / "mlruns" / "flow").is_dir(), "beside the database, wherever the command was typed"


def test_an_earlier_result_is_there_with_its_values_and_without_its_files(story: Story) -> None:
    _, second = story.mirrored.parents()
    run = story.mirrored.nested(second)["Train model [lr=0.1]"]
    assert (second.info.status, run.info.status) == ("FINISHED", "FINISHED")
    assert run.data.tags["dagbook.state"] == "cached"
    assert run.data.tags["dagbook.cached_from"] == f"{story.first.id}/train_model#1/1"
    assert run.data.params["lr"] == "0.1"
    assert len(story.mirrored.points(run, "loss")) == 3
    assert story.mirrored.files(run) == set()


def test_the_record_of_a_run_says_where_it_is(story: Story) -> None:
    record = Store(story.flow.store, create=False).run(story.first.id).record
    first = story.mirrored.parents()[0]
    assert record["observers"]["mlflow"] == {
        "uri": story.mirrored.uri,
        "experiment": "flow",
        "experiment_id": first.info.experiment_id,
        "run": first.info.run_id,
    }
    assert "Mirrored to MLflow" in story.first.said.err
    shown = story.flow.say("show", story.first.id).out
    assert f"MLflow: {story.mirrored.uri}, experiment flow" in shown
    assert "W-MLFLOW: output files of Train model [lr=0." in shown


@pytest.fixture
def flow(tmp_path: Path) -> Callable[..., Flow]:
    """Makes a pipeline of these cells in the test's folder."""
    return lambda *cells: Flow(tmp_path, *cells)


def test_a_server_that_is_not_there_is_told_and_the_run_is_sent_later(
    flow: Callable[..., Flow], empty_database: PutDatabase
) -> None:
    """The password of its address is told nowhere, and not needed to send it elsewhere."""
    made = flow("%%pipeline_command prepare\necho dagbook_tag_rows: 12")
    ended = made.run("--mlflow", "http://leah:pass-word-1@127.0.0.1:9")
    assert ended.said.err.count("W-MLFLOW") == 2, "that it does not answer, and what is left at the end"
    assert f"dagbook mirror {ended.id}" in ended.said.err
    uri = empty_database(made.folder)
    refused = made.say("mirror")
    assert (refused.code, "E-MLFLOW" in refused.err) == (2, True), "the password was not kept"
    sent = made.say("mirror", "--mlflow", "sqlite:///mlflow.db", "--mlflow-experiment", "late")
    assert "1 attempts sent" in sent.out, sent.err
    (parent,) = Mirrored(uri, "late").parents()
    assert Mirrored(uri, "late").nested(parent)["prepare"].data.metrics == {"rows": 12.0}
    everything = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    assert b"pass-word-1" not in everything
    assert "pass-word-1" not in ended.said.err + ended.said.out + refused.err + sent.out


@pytest.mark.fault
def test_a_killed_run_goes_on_in_the_same_one_and_nothing_is_there_twice(
    flow: Callable[..., Flow], empty_database: PutDatabase
) -> None:
    """What was under way is failed; a resumed run knows without being told that it is mirrored, and where.

    While it waits for an approval and nobody runs it, it is scheduled there.
    """
    made = flow(
        "# parameters\nn = 1",
        "%%pipeline_command prepare\necho dagbook_tag_rows: 12",
        '%%pipeline_command work --after prepare --param n\necho begun\n[ "$DAGBOOK_TAG_N" = 2 ] || sleep 600',
        "%%pipeline_command publish --after work --approve leah\ntrue",
    )
    mirrored = Mirrored(empty_database(made.folder), "killed")
    command = [DAGBOOK, "run", str(made.file), "--executor", "process", "--mlflow", "sqlite:///mlflow.db"]
    command += ["--mlflow-experiment", "killed"]
    with subprocess.Popen(command, cwd=made.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        read_until(run, "Mirrored to MLflow")
        read_until_begun(made)
        run.kill()
    made.again("resume", "-p", "n", "2", "--no-wait", code=3)
    (parent,) = mirrored.parents()
    assert parent.info.status == "SCHEDULED"
    found = {name: one.info.status for name, one in mirrored.nested(parent).items()}
    assert found == {"prepare": "FINISHED", "work": "FAILED", "work attempt 2": "FINISHED"}
    assert mirrored.nested(parent)["work attempt 2"].data.params == {"n": "2"}
    assert (parent.data.params, parent.data.tags["dagbook.changed.n"]) == ({"n": "1"}, "2")
    assert made.say("approve", "latest", "publish", "--by", "leah").code == 0
    made.again("resume")
    (parent,) = mirrored.parents()
    assert parent.info.status == "FINISHED"
    assert mirrored.nested(parent).keys() == {*found, "publish"}


def read_until_begun(made: Flow) -> None:
    """Wait until the node run `work` has printed."""
    logs = [DAGBOOK, "logs", "latest", "work", "--follow"]
    with subprocess.Popen(logs, cwd=made.folder, stdout=subprocess.PIPE, text=True) as child:
        read_until(child, "begun")
        child.kill()


def test_a_cancelled_run_and_what_was_under_way_are_killed_there(
    flow: Callable[..., Flow], empty_database: PutDatabase
) -> None:
    made = flow("%%pipeline_command work\necho begun\nsleep 600", "%%pipeline_command next --after work\ntrue")
    mirrored = Mirrored(empty_database(made.folder))
    command = [DAGBOOK, "run", str(made.file), "--executor", "process", "--mlflow", "sqlite:///mlflow.db"]
    with subprocess.Popen(command, cwd=made.folder, stdout=subprocess.PIPE, text=True) as run:
        read_until(run, "begun")
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=120)
        assert run.returncode == 4
    (parent,) = mirrored.parents()
    assert (parent.info.status, mirrored.nested(parent)["work"].info.status) == ("KILLED", "KILLED")
    assert parent.data.tags["dagbook.reason"] == "SIGTERM"


WRONG: list[tuple[str, tuple[str, ...]]] = [
    ("sqllite:///ml.db", ("sqllite:// is not known", 'Did you mean "sqlite"?')),
    ("./mlruns", ("is a folder", "sqlite:///mlflow.db")),
    ("file:///tmp/mlruns", ("is a folder",)),
    ("sqlite:///not/there/ml.db", ("the folder ", "is not there")),
    ("sqlite://", ("names no file",)),
    ("http:///", ("names no server",)),
    ("auto", ("MLFLOW_TRACKING_URI is not set",)),
]


def test_what_is_no_address_stops_before_anything_runs(flow: Callable[..., Flow]) -> None:
    said = flow("%%pipeline_command prepare\ntrue").refused("--mlflow", WRONG[0][0])
    assert "E-MLFLOW" in said


@pytest.mark.parametrize(("uri", "told"), WRONG)
def test_what_is_no_address_is_told_with_what_would_be_one(uri: str, told: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="E-MLFLOW") as caught:
        checked(uri, tmp_path, {})
    for words in told:
        assert words in str(caught.value)


def test_without_mlflow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagbook.runner.observers.mlflow_address.find_spec", lambda name: None)
    with pytest.raises(PipelineError, match=re.escape("pip install 'dagbook[mlflow]'")):
        checked("sqlite:///ml.db", tmp_path, {})


def test_mlflow_is_where_its_own_variable_says(tmp_path: Path) -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    assert checked("auto", tmp_path, environ) == "http://127.0.0.1:5000"
    assert checked("none", tmp_path, environ) is None
