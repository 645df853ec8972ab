"""The examples of other systems' pipelines, run as their READMEs say: on each executor, from folders of their own."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .running import EXAMPLES, EXECUTORS, Ran, command, environment

FILES = {"cnvrg": "flow.yaml", "pachyderm": "specs.json", "valohai": "valohai.yaml"}
COUNTS = {
    "cnvrg": {"Kinds of Iris": (6, 5)},
    "pachyderm": {"specs": (3, 6)},
    "valohai": {"Three-Trainings Pipeline": (9, 23)},
}
IMAGES = {"pachyderm", "valohai"}  # whose nodes name images
SECRET = "https://seldon.example"
WEIGHT = 300_000  # bytes of all three folders


@dataclass
class Example:
    """One of the folders, copied to where its store may lie beside it, and what was said there."""

    folder: Path
    env: dict[str, str]
    image_map: tuple[str, ...] = ()
    said: dict[str, Ran] = field(default_factory=dict)

    def do(self, *words: str, code: int = 0) -> Ran:
        """Run `dagbook` in the folder; it must end with this exit code."""
        ran = command("dagbook", *words, at=self.folder, out=self.folder, env=self.env)
        assert ran.code == code, ran.stdout + ran.stderr
        return ran

    def run(self, name: str, *words: str, code: int = 0) -> Ran:
        """`dagbook run`, with the images of this machine; what it says is kept under `name`."""
        self.said[name] = self.do("run", *words, *self.image_map, code=code)
        return self.said[name]

    def nodes(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """The node runs that a command printed as JSON, by node."""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in json.loads(self.said[name].stdout)["node_runs"]:
            found.setdefault(one["node"], []).append(one)
        return found

    def states(self, name: str) -> dict[str, Counter[str]]:
        """How many node runs of each node are in which state."""
        return {node: Counter(one["state"] for one in runs) for node, runs in self.nodes(name).items()}


def copied(vendor: str, place: Path, executor: str) -> Example:
    """The example in a folder of its own under `place`; git ignores what must not be seen as the project."""
    folder = place / vendor
    shutil.copytree(EXAMPLES / vendor, folder, ignore=shutil.ignore_patterns(".dagbook", "__pycache__"))
    env = environment(place, executor)
    del env["DAGBOOK_STORE"]  # commands find it beside the file
    image_map = ("--image-map", f"*={env['DAGBOOK_IMAGE']}") if vendor in IMAGES else ()
    return Example(folder, env, image_map)


@pytest.mark.parametrize("vendor", FILES)
def test_an_example_holds_what_its_file_counts_and_comes_back_equal(vendor: str, tmp_path: Path) -> None:
    example = copied(vendor, tmp_path, "process")
    found = json.loads(example.do("import", FILES[vendor], "--json").stdout)
    assert found["format"] == vendor
    assert {one["name"]: (one["nodes"], one["edges"]) for one in found["pipelines"]} == COUNTS[vendor]
    assert {one["severity"] for one in found["records"]} <= {"warning"}
    again = f"again/{FILES[vendor]}"
    (example.folder / "again").mkdir()
    example.do("export", FILES[vendor], "--to", vendor, "-o", again)
    for file, native in ((FILES[vendor], "first.yaml"), (again, "second.yaml")):
        example.do("import", file, "-o", native)
    first, second = ((example.folder / name).read_text() for name in ("first.yaml", "second.yaml"))
    assert first == second


def test_the_examples_are_light() -> None:
    files = [path for vendor in FILES for path in (EXAMPLES / vendor).rglob("*") if path.is_file()]
    kept = [path for path in files if ".dagbook" not in path.parts and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in kept) < WEIGHT


@pytest.fixture(scope="module", params=EXECUTORS)
def cnvrg(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The README of the cnvrg flow, typed in."""
    example = copied("cnvrg", tmp_path_factory.mktemp("cnvrg"), str(request.param))
    example.do("data", "create", "flowers")
    example.do("data", "put", "flowers", "flowers/")
    example.run("run", "flow.yaml", "--no-wait", "--json", code=3)
    example.said["approve"] = example.do("approve", "latest", "Publish Model", "--by", "Leah")
    example.said["resume"] = example.do("resume", "latest")
    example.said["end"] = example.do("show", "latest", "--json")
    return example


def test_rows_34_75_the_flow_runs_its_grid_and_waits_for_a_person(cnvrg: Example) -> None:
    assert cnvrg.states("run") == {
        "Flowers": Counter(succeeded=1),
        "Split": Counter(succeeded=1),
        "Train": Counter(succeeded=4),
        "Best": Counter(succeeded=1),
        "Publish Model": Counter(pending_approval=1),
    }


def test_rows_45_48_of_the_trainings_that_are_good_enough_the_surest_one_goes_on(cnvrg: Example) -> None:
    tried = [one["tags"] for one in cnvrg.nodes("run")["Train"]]
    assert {(one["rate"], one["epochs"]) for one in tried} == {(0.0005, 5), (0.0005, 50), (0.02, 5), (0.02, 50)}
    good = [one for one in tried if one["accuracy"] > 0.8]
    assert 1 < len(good) < 4, "both conditions decide"
    winner = max(good, key=lambda one: one["confidence"])
    (best,) = cnvrg.nodes("run")["Best"]
    assert best["tags"] == {name: winner[name] for name in ("rate", "epochs", "accuracy", "confidence")}
    assert winner["accuracy"] > 0.9


def test_rows_54_58_after_the_approval_the_run_goes_on_and_tells_what_would_be_deployed(cnvrg: Example) -> None:
    before, after = cnvrg.nodes("run"), cnvrg.nodes("end")
    assert json.loads(cnvrg.said["end"].stdout)["state"] == "succeeded"
    assert [one["artifact"] for one in after["Train"]] == [one["artifact"] for one in before["Train"]]
    (published,) = after["Publish Model"]
    assert published["approval"]["by"] == "Leah"
    assert "would deploy predict of predict.py to kinds-of-iris" in cnvrg.said["resume"].stdout
    (endpoint,) = after["Kinds Endpoint"]
    told = json.loads((Path(endpoint["artifact"]) / "deployment.json").read_text())
    assert (told["endpoint"], told["file"], told["function"]) == ("kinds-of-iris", "predict.py", "predict")


@pytest.fixture(scope="module", params=EXECUTORS)
def pachyderm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The README of the Pachyderm specs, typed in."""
    example = copied("pachyderm", tmp_path_factory.mktemp("pachyderm"), str(request.param))
    example.env["DAGBOOK_SECRET_PIPELINE_SECRET_SEL_URL"] = SECRET
    for name, folder in (("dogs-and-cats", "pictures/"), ("code", "code/")):
        example.do("data", "create", name)
        example.do("data", "put", name, folder)
    example.run("first", "specs.json", "--json")
    drawn = command("python", "code/draw.py", "cat", "7", at=example.folder, out=example.folder, env=example.env)
    assert drawn.code == 0, drawn.stderr
    example.do("data", "put", "dogs-and-cats", "cat-07.png", "-m", "one more cat")
    example.run("second", "specs.json", "--json")
    return example


def test_rows_113_121_every_picture_is_a_datum_and_the_model_knows_cats_from_dogs(
    pachyderm: Example, tmp_path: Path
) -> None:
    """Rows 124, 125, 126: the training takes its parameters from the spec, the deployment the model's name and version
    from its input; what it would serve, and the detectors beside it, it tells."""
    titles = ("dogs-and-cats", "code", "dogs-and-cats-colours", "dogs-and-cats-model", "dogs-and-cats-deploy")
    assert pachyderm.states("first") == {title: Counter(succeeded=1) for title in titles}
    told = deployed(pachyderm, tmp_path)
    assert told["deploy_name"] == "dogcat-deploy"
    assert told["accuracy"] > 0.85


def test_row_123_secrets_come_from_variables_or_from_the_command_that_prints_them_and_are_not_shown(
    pachyderm: Example, tmp_path: Path
) -> None:
    keys = ("DET_MASTER", "DET_USER", "DET_PASSWORD", "SEL_URL", "SEL_SECRET", "SEL_NAMESPACE")
    assert deployed(pachyderm, tmp_path)["secrets"] == list(keys)
    printed = pachyderm.do("logs", "latest", "dogs-and-cats-deploy").stdout
    assert "dogcat-deploy: would serve dogs-and-cats at" in printed
    assert SECRET not in printed


def deployed(pachyderm: Example, place: Path) -> dict[str, Any]:
    """What the deploying pipeline left in its repo."""
    pachyderm.do("data", "get", "dogs-and-cats-deploy", "-o", str(place / "deployed"))
    told: dict[str, Any] = json.loads((place / "deployed" / "deployment.json").read_text())
    return told


def test_rows_112_119_one_more_picture_is_one_more_datum(pachyderm: Example) -> None:
    (datums,) = json.loads(pachyderm.do("datums", "latest", "dogs-and-cats-colours", "--json").stdout).values()
    assert Counter(one["state"] for one in datums) == {"done": 1, "skipped": 12}
    assert [one["part"] for one in datums if one["state"] == "done"] == ["data:/cat-07.png + code:/"]
    assert pachyderm.states("second")["code"] == Counter(cached=1)


def test_rows_111_122_each_run_is_a_commit_of_the_pipelines_repo(pachyderm: Example) -> None:
    log = json.loads(pachyderm.do("data", "log", "dogs-and-cats-model", "--json").stdout)
    assert len(log) == 2
    new = pachyderm.do("data", "diff", "dogs-and-cats-colours").stdout.split()
    assert {"cat-07.json", "thumbnails/cat-07.png"} <= set(new)


@pytest.fixture(scope="module", params=EXECUTORS)
def valohai(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The README of the Valohai pipeline, typed in."""
    example = copied("valohai", tmp_path_factory.mktemp("valohai"), str(request.param))
    example.run("run", "valohai.yaml", "--json")
    words = ("--until", "train2-node", "--force", "train2-node")
    example.run("again", "valohai.yaml", *words, "--json")
    return example


def test_rows_76_84_all_nine_nodes_of_the_three_trainings_succeed(valohai: Example) -> None:
    names = ["preprocess", *(f"{what}{number}" for what in ("train", "evaluate") for number in (1, 2, 3))]
    titles = (f"{name}-node" for name in (*names, "find-best-model", "deploy"))
    assert valohai.states("run") == {title: Counter(succeeded=1) for title in titles}


def test_row_87_the_trainings_tell_their_metrics_and_learn_the_digits(valohai: Example) -> None:
    nodes = valohai.nodes("run")
    trained = [nodes[f"train{number}-node"][0] for number in (1, 2, 3)]
    assert [one["params"]["learning_rate"] for one in trained] == [0.5, 0.05, 0.2]
    for one in trained:
        assert [step for step, _ in one["metrics"]["loss"]] == [50, 100, 150, 200, 250, 300]
        assert one["metrics"]["loss"][0][1] > one["metrics"]["loss"][-1][1]
        assert one["tags"]["accuracy"] > 0.85


def test_rows_81_82_the_best_model_of_the_three_is_found_and_would_be_deployed(valohai: Example) -> None:
    nodes = valohai.nodes("run")
    tried = {nodes[f"evaluate{n}-node"][0]["tags"]["model"]: nodes[f"evaluate{n}-node"][0]["tags"] for n in (1, 2, 3)}
    assert len(tried) == 3
    (found,), (deployed,) = nodes["find-best-model-node"], nodes["deploy-node"]
    best = found["tags"]["best"]
    assert found["tags"]["accuracy"] == tried[best]["accuracy"] == max(one["accuracy"] for one in tried.values())
    assert [path.name for path in Path(found["artifact"]).iterdir()] == [best]
    assert deployed["warnings"] == [
        f"would deploy {best} as predict-digit/model to MyDeployment; dagbook serves no models yet"
    ]
    model = Path(deployed["artifact"]) / "predict-digit" / "model"
    assert model.read_bytes() == (Path(found["artifact"]) / best).read_bytes()


def test_one_training_alone_runs_again_on_what_was_there_and_leaves_the_same(valohai: Example) -> None:
    assert valohai.states("again") == {"preprocess-node": Counter(cached=1), "train2-node": Counter(succeeded=1)}
    first, again = (valohai.nodes(name)["train2-node"][0]["artifact"] for name in ("run", "again"))
    assert first == again
