"""The helpers that nodes import as `dagbook`, and the variables that tags become (rows 26, 27, 31; N6, N7)."""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dagbook
from dagbook import node
from dagbook.runner.core.environment import LONGEST_VALUE, environment_problems, own_variables, upstream_variables
from dagbook.runner.core.model import Node, Pipeline
from tests.conftest import MakeNotebook, Said

Dagbook = Callable[..., Said]

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 16


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A process that is no node: no variables of a run, an empty working directory, all counts at 0."""
    for name in list(os.environ):
        if name.startswith(("DATA_", "DAGBOOK_", "CNVRG_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(node, "_steps", {})
    return monkeypatch


def test_the_helpers_are_python_3_8_and_import_the_standard_library_only() -> None:
    """They are mounted into images with older Pythons, where nothing of ours is."""
    tree = ast.parse(Path(node.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    named = {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    named |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    at_start = {alias.name for one in tree.body if isinstance(one, ast.Import) for alias in one.names}
    assert at_start <= set(sys.stdlib_module_names)
    assert named - set(sys.stdlib_module_names) == {"IPython", "PIL", "numpy"}
    assert set(node.__all__) <= set(dagbook.__all__)


def test_a_dataset_is_found_by_its_name(alone: pytest.MonkeyPatch) -> None:
    """Row 6's folder, wherever the executor shows it; an unknown name is answered with those there are."""
    alone.setenv("DATA_DOGS_CATS", "/data/dogs-cats")
    assert dagbook.data("Dogs-Cats") == Path("/data/dogs-cats")
    with pytest.raises(LookupError, match=r"no dataset 'birds' here\. Datasets of this node: dogs_cats"):
        dagbook.data("birds")
    alone.delenv("DATA_DOGS_CATS")
    with pytest.raises(LookupError, match="none \\(name their data nodes with --after\\)"):
        dagbook.data("birds")


def test_without_a_kernel_what_is_logged_is_printed(
    alone: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line each, also for a text of several lines; a metric keeps its step, an image is left in a file."""
    dagbook.log_tag("accuracy", 0.5)
    dagbook.log_param("text", "one\r\n  two")
    dagbook.log_metric("loss", 2)
    dagbook.log_metric("loss", 1)
    dagbook.log_metric("loss", 0.5, step=1_000_000)
    dagbook.log_image("drawing", SVG, step=2)
    lines = [line for line in capfd.readouterr().out.splitlines() if line]
    assert lines[:5] == [
        "dagbook_tag_accuracy: 0.5", "dagbook_tag_text: one two", "dagbook_metric_loss@0: 2",
        "dagbook_metric_loss@1: 1", "dagbook_metric_loss@1000000: 0.5",
    ]  # fmt: skip
    found = re.fullmatch(r"dagbook_image_drawing@2: (.+\.svg)", lines[5])
    assert found
    assert Path(found[1]).read_bytes() == SVG


@pytest.mark.parametrize("name", ["", " ", "a:b", "a\nb", "a\rb", "a" * 201, 3, None])
def test_names_that_no_line_could_carry_are_refused(alone: pytest.MonkeyPatch, name: Any) -> None:
    for log in (dagbook.log_tag, dagbook.log_param, dagbook.log_metric):
        with pytest.raises(ValueError, match="a tag's name is a text"):
            log(name, 1)
    with pytest.raises(ValueError, match="a tag's name is a text"):
        dagbook.log_image(name, SVG)


@pytest.mark.parametrize("step", [float("nan"), float("inf")])
def test_a_step_is_a_finite_number(alone: pytest.MonkeyPatch, step: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        dagbook.log_metric("loss", 1, step=step)


def logged_image(capfd: pytest.CaptureFixture[str], image: Any) -> bytes:
    """The bytes that logging `image` leaves for the run."""
    dagbook.log_image("it", image)
    return Path(capfd.readouterr().out.partition(": ")[2].strip()).read_bytes()


def test_images_are_given_as_bytes_or_as_a_path(
    alone: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.dat").write_bytes(JPEG)  # the content tells, not the name
    for image, content in ((SVG, SVG), (bytearray(JPEG), JPEG), (tmp_path / "a.dat", JPEG), ("a.dat", JPEG)):
        assert logged_image(capfd, image) == content


@pytest.mark.parametrize("image", [b"GIF89a", b"", 3, None, [[1]], object()])
def test_what_is_no_image_is_refused(alone: pytest.MonkeyPatch, image: Any) -> None:
    with pytest.raises(ValueError, match=r"PNG, JPEG or SVG"):
        dagbook.log_image("it", image)


def test_figures_and_pillow_images_become_png(alone: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A figure of matplotlib, its axes, and Pillow images of modes that PNG lacks."""
    image_module = pytest.importorskip("PIL.Image")
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    for one in (figure, axes, *(image_module.new(mode, (2, 3)) for mode in ("RGB", "L", "1", "CMYK", "F", "HSV"))):
        kept = image_module.open(io.BytesIO(logged_image(capfd, one)))
        assert kept.format == "PNG"
        assert kept.size == (2, 3) or kept.size[0] > 100


def test_arrays_are_whole_numbers_to_255_or_fractions(
    alone: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    numpy, image_module = pytest.importorskip("numpy"), pytest.importorskip("PIL.Image")
    for array in (
        numpy.array([[0, 255], [51, 102]]),
        numpy.array([[0, 1], [0.2, 0.4]]),
        numpy.array([[[0], [255]], [[51], [102]]], dtype="uint8"),
    ):
        kept = image_module.open(io.BytesIO(logged_image(capfd, array)))
        assert numpy.asarray(kept).tolist() == [[0, 255], [51, 102]]
    coloured = image_module.open(io.BytesIO(logged_image(capfd, numpy.zeros((2, 2, 4)))))
    assert coloured.mode == "RGBA"
    for array in (numpy.array([[0, 256]]), numpy.array([[0, 1.5]]), numpy.array([[float("nan")]])):
        with pytest.raises(ValueError, match="scale the array"):
            dagbook.log_image("it", array)
    for shape in ((2,), (2, 2, 2), (0, 2), (1, 1, 1, 1)):
        with pytest.raises(ValueError, match="this array has the shape"):
            dagbook.log_image("it", numpy.zeros(shape))


def test_an_array_without_pillow_is_an_error_that_says_so(alone: pytest.MonkeyPatch) -> None:
    numpy = pytest.importorskip("numpy")
    alone.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="needs Pillow for an array"):
        dagbook.log_image("it", numpy.zeros((2, 2)))


def test_own_parameters_become_variables() -> None:
    """Row 26."""
    expected = {f"{dialect}_TAG_LEARNING_RATE": "0.1" for dialect in ("CNVRG", "DAGBOOK")}
    assert own_variables({"learning_rate": 0.1}) == expected


@pytest.mark.parametrize(
    ("title", "tag", "variable"),
    [
        ("Task A", "model accuracy", "CNVRG_TASK_A_MODEL_ACCURACY"),
        ("Dynamic [?]", "a=b", "CNVRG_DYNAMIC__AB"),
        ("t", "PATH", "CNVRG_T_PATH"),
        ("t", "LD_PRELOAD", "CNVRG_T_LD_PRELOAD"),
        ("t", "1st", "CNVRG_T_1ST"),
        ("1st", "f1-score", "CNVRG_1ST_F1_SCORE"),
    ],
)
def test_row_27_tags_of_tasks_before_become_variables(title: str, tag: str, variable: str) -> None:
    """N7: whatever a tag is called, its variable begins with the dialect and the task, so it can clash with none of
    the system's."""
    found, unset = upstream_variables({Node(title=title).slug: {tag: 1}})
    assert found == {variable: "1", variable.replace("CNVRG", "DAGBOOK", 1): "1"}
    assert unset == []


@pytest.mark.parametrize(
    ("tags", "unset"),
    [
        ({"a_b": {"c": 1}, "a": {"b c": 2}}, ["CNVRG_A_B_C", "DAGBOOK_A_B_C"]),
        ({"a": {"x y": 1, "X-Y": 1}}, ["CNVRG_A_X_Y", "DAGBOOK_A_X_Y"]),
        ({"tag": {"x": 1}}, ["CNVRG_TAG_X", "DAGBOOK_TAG_X"]),
        ({"node": {"run": 1}}, ["DAGBOOK_NODE_RUN"]),
        ({"tasks": {"passed condition": 1}}, ["CNVRG_TASKS_PASSED_CONDITION", "DAGBOOK_TASKS_PASSED_CONDITION"]),
        ({"a": {"=": 1}}, ["CNVRG_A_", "DAGBOOK_A_"]),
        ({"a": {"nul": "a\0b"}}, ["CNVRG_A_NUL", "DAGBOOK_A_NUL"]),
        ({"a": {"half": "\ud800"}}, ["CNVRG_A_HALF", "DAGBOOK_A_HALF"]),
        ({"a": {"big": "x" * (LONGEST_VALUE + 1)}}, ["CNVRG_A_BIG", "DAGBOOK_A_BIG"]),
    ],
)
def test_N6_N7_a_tag_whose_variable_is_taken_or_impossible_stays_unset(tags: Any, unset: list[str]) -> None:
    found, refused = upstream_variables({**tags, "other": {"fine": True}})
    assert refused == unset
    assert not set(unset) & set(found)
    assert found["CNVRG_OTHER_FINE"] == "True"


def test_N7_a_parameter_that_takes_a_name_of_ours_downstream_is_refused() -> None:
    nodes = (Node(title="node", params={"run": 1}), Node(title="next", after=("node",)))
    (one,) = list(environment_problems(Pipeline(nodes=nodes)))
    assert one.code == "E-ENV-RESERVED"
    assert "DAGBOOK_NODE_RUN" in one.message


SHOW = "import json, os\njson.dump(dict(os.environ), open('env', 'w'))"
FLOW = (
    '%%pipeline_node "Task A" --param rate=0.5\n'
    "import dagbook, os\ndagbook.log_tag('model accuracy', 0.9); dagbook.log_metric('loss', 3, 1)\n"
    "dagbook.log_metric('loss', 2, 2); print('cnvrg_tag_PATH: /x'); print('cnvrg_tag_1st: a=b')\n"
    "dagbook.log_tag('Model-Accuracy', 1); dagbook.log_tag('nul', 'a\\0b'); dagbook.log_tag('big', 'x' * 10 ** 6)\n"
    f"{SHOW}",
    f'%%pipeline_node "Task B" --after "Task A"\n{SHOW}',
    '%%pipeline_command "Task C" --after "Task A"\necho "$CNVRG_TASK_A_RATE $DAGBOOK_TASK_A_LOSS" > out',
)
EXECUTORS = [pytest.param("docker", marks=pytest.mark.container), "process"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_rows_26_27_a_real_run_passes_parameters_and_tags_on(
    dagbook: Dagbook, make_notebook: MakeNotebook, executor: str
) -> None:
    """N6: two tags of one variable leave it unset, and so do values that no variable holds; all is told."""
    said = dagbook("run", make_notebook(*FLOW), "--executor", executor, "--json")
    assert said.code == 0, said.err
    runs = {run["slug"]: run for run in said.json["node_runs"]}
    first, second = (json.loads(Path(runs[slug]["artifact"], "env").read_text()) for slug in ("task_a", "task_b"))
    for dialect in ("CNVRG", "DAGBOOK"):
        assert first[f"{dialect}_TAG_RATE"] == "0.5"
        assert f"{dialect}_TAG_RATE" not in second
        seen = {key: value for key, value in second.items() if key.startswith(f"{dialect}_TASK_A_")}
        expected = {"RATE": "0.5", "LOSS": "2", "PATH": "/x", "1ST": "a=b"}
        assert seen == {f"{dialect}_TASK_A_{name}": value for name, value in expected.items()}
    assert Path(runs["task_c"]["artifact"], "out").read_text() == "0.5 2\n"
    told = [f"{dialect}_TASK_A_{name}" for dialect in ("CNVRG", "DAGBOOK") for name in ("BIG", "MODEL_ACCURACY", "NUL")]
    assert [line.split()[0] for line in runs["task_b"]["warnings"]] == told
    assert runs["task_a"]["metrics"] == {"loss": [[1.0, 3], [2.0, 2]]}


def test_row_31_a_runs_json_has_metrics_and_images(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    """The images' files stay beside the attempt's notebook."""
    cell = f"%%pipeline_node a\nimport dagbook\ndagbook.log_metric('loss', 0.5); dagbook.log_image('drawing', {SVG!r})"
    said = dagbook("run", make_notebook(cell), "--executor", "process", "--json")
    assert said.code == 0, said.err
    shown = dagbook("show", "--json").json["node_runs"][0]
    assert shown["metrics"] == {"loss": [[0.0, 0.5]]}
    ((step, file),) = shown["images"]["drawing"]
    assert step == 0.0
    assert (Path(shown["notebook"]).parent / file).read_bytes() == SVG
    assert shown["images"] == said.json["node_runs"][0]["images"]


def test_base64_of_images_is_what_front_ends_expect() -> None:
    """What a kernel would show of an image: text without line ends."""
    program = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(); shell.kernel = object(); shell.display_pub.session = object()\n"
        "shell.display_pub.publish = lambda **kept: print(kept, file=sys.stderr)\n"
        f"import dagbook; dagbook.log_image('a', {JPEG!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    shown = ast.literal_eval(done.stderr.splitlines()[-1])
    assert shown["data"] == {"image/jpeg": base64.b64encode(JPEG).decode(), "text/plain": "<image a>"}
    assert shown["metadata"] == {"dagbook": {"image": "a", "step": 0.0}}
