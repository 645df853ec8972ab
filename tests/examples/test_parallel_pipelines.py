"""Many pipelines and one big one, built in Python: the notebook run by papermill, in processes and in containers.

Rows 99 to 103, 105, 107 and 108 of the acceptance list.
"""

from __future__ import annotations

import base64
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest

import dagbook

from .running import EXAMPLES, EXECUTORS, Ran, command, environment, read

CHANCE = 1 / 3


@dataclass(frozen=True)
class Example:
    """The notebook after papermill has run it, in a folder of its own; what it was given, and its runs."""

    ran: Ran
    folder: Path
    harbors: list[str]
    epochs: list[int]

    def runs(self, pipeline: str) -> list[dagbook.Run]:
        """The runs of one of its pipelines, the first one first."""
        return dagbook.runs(store=self.folder / ".dagbook", pipeline=pipeline)[::-1]


@pytest.fixture(scope="module", params=EXECUTORS)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """In processes with its own values; in containers with fewer, given by papermill (row 105)."""
    executor = str(request.param)
    place = tmp_path_factory.mktemp("parallel")
    folder = place / "project"
    folder.mkdir()
    shutil.copy(EXAMPLES / "parallel_pipelines.ipynb", folder)
    env = environment(place, executor)
    del env["DAGBOOK_STORE"]
    harbors, epochs = ["aalborg", "oslo", "tallinn"], [1, 12]
    words: list[str] = []
    if executor == "docker":
        harbors, epochs = ["oslo", "tallinn"], [8]
        words = ["-y", f"harbors: {harbors}\nepochs: {epochs}"]
    out = place / "out.ipynb"
    ran = command("papermill", "parallel_pipelines.ipynb", out, *words, at=folder, out=out, env=env)
    assert ran.code == 0, ran.stderr[-4000:]
    return Example(ran, folder, harbors, epochs)


def test_rows_99_100_the_template_runs_once_per_combination_and_all_are_waited_for(example: Example) -> None:
    """Each in a run of its own; all had begun before one was waited for."""
    runs = example.runs("Training")
    wanted = [{"harbor": harbor, "epochs": n} for harbor in example.harbors for n in example.epochs]
    assert [run.parameters for run in runs] == wanted
    assert all(run.succeeded for run in runs)
    (listed,) = [cell for cell in example.ran.notebook.cells if cell.source.startswith("runs = [")]
    assert listed.outputs[0].data["text/plain"].count("of Training: ") == len(wanted)
    (shown,) = [cell for cell in example.ran.notebook.cells if "for change in dagbook.follow" in cell.source]
    assert shown.outputs[0].data["text/markdown"].count("% right") == len(wanted)


def test_rows_101_107_their_models_are_collected_and_one_more_run_gets_them_all(example: Example) -> None:
    (run,) = example.runs("Prediction")
    models, trainings = run["models"], example.runs("Training")
    assert models.artifact is not None
    for number, training in enumerate(trainings, 1):
        trained = training["Train"].artifact
        assert trained is not None
        (model,) = trained.glob("*.pkl")
        assert model.samefile(models.artifact / str(number) / model.name)
    assert run["Predict"].tags["models"] == len(trainings)


def test_rows_102_103_one_pipeline_has_a_node_for_each_combination_and_its_last_one_runs_after_all(
    example: Example,
) -> None:
    """The pictures that were prepared before are not prepared again."""
    (run,) = example.runs("Harbors")
    states = Counter((one.node.split()[0], str(one.state)) for one in run.node_runs)
    count = len(example.harbors)
    assert states == {
        ("ships", "cached"): 1,
        ("Preprocess", "cached"): count,
        ("Train", "succeeded"): count * len(example.epochs),
        ("Predict", "succeeded"): 1,
    }
    assert run["Predict"].tags["models"] == count * len(example.epochs)


def test_row_108_models_tell_ships_better_than_chance_and_more_epochs_help(example: Example) -> None:
    for pipeline in ("Prediction", "Harbors"):
        accuracy = example.runs(pipeline)[0]["Predict"].tags["accuracy"]
        assert isinstance(accuracy, float)
        assert accuracy > CHANCE + 0.4
    by_epochs: dict[object, list[float]] = {}
    for run in example.runs("Training"):
        trained = run["Train"]
        points = trained.metrics["accuracy"]
        assert len(points) == trained.values["epochs"]
        assert isinstance(points[-1][1], float)
        by_epochs.setdefault(trained.values["epochs"], []).append(points[-1][1])
    means = [sum(found) / len(found) for _, found in sorted(by_epochs.items(), key=lambda one: str(one[0]).zfill(3))]
    assert min(means) > CHANCE
    assert means == sorted(means)


def test_row_108_samples_are_kept_for_review_and_shown_with_what_was_said(example: Example) -> None:
    artifact = example.runs("Harbors")[0]["Predict"].artifact
    assert artifact is not None
    with numpy.load(artifact / "review.npz") as review:
        assert review["images"].shape == (24, 24, 24, 3)
        right = (review["kinds"] == review["said"]).mean()
        assert len(set(review["said"])) == 3
    assert right > CHANCE + 0.3
    picture = base64.b64decode(example.ran.notebook.cells[-1].outputs[-1].data["image/png"])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


def test_the_runs_stay_in_the_notebook_as_pictures(example: Example) -> None:
    pictures = [
        output.data["text/html"]
        for cell in example.ran.notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert all("succeeded" in picture and "<svg" in picture for picture in pictures)
    assert not [o for cell in example.ran.notebook.cells for o in cell.get("outputs", ()) if o.get("name") == "stderr"]


def test_the_example_is_stored_clean() -> None:
    code = [cell for cell in read(EXAMPLES / "parallel_pipelines.ipynb").cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [number for number, cell in enumerate(code) if "parameters" in cell.metadata.get("tags", ())] == [0]
