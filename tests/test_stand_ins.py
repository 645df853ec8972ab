"""The stand-ins for cnvrg's and Valohai's packages, as a node's scripts import them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dagbook import node
from dagbook.runner.executors.rundir import stand_ins

ROOT = Path(__file__).parents[1]
OURS = {"dagbook", "dagbook_stand_in"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def script(tmp_path: Path, output: Path) -> Script:
    """Runs Python code in a process that has the standard library, the helpers and the stand-ins."""
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "dagbook.py").write_bytes(Path(node.__file__).read_bytes())

    def run(
        code: str, *arguments: str, after: Path | None = None, fails: bool = False, **more: str
    ) -> subprocess.CompletedProcess[str]:
        path = [str(lib), str(stand_ins()), *([str(after)] if after else [])]
        variables = {"PYTHONPATH": ":".join(path), "PYTHONDONTWRITEBYTECODE": "1", "DAGBOOK_OUTPUT": str(output)}
        command = [sys.executable, "-S", "-c", code, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**variables, **more}, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done

    return run


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("file", sorted(stand_ins().rglob("*.py")), ids=lambda file: file.stem)
def test_they_are_python_3_8_and_import_the_standard_library_only(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))
    named = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and not one.level}
    named |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    assert {name.partition(".")[0] for name in named} <= set(sys.stdlib_module_names) | OURS


def test_row_29_a_parameter_of_the_sdk_is_a_tag(script: Script) -> None:
    done = script('from cnvrg import Experiment; Experiment().log_param("route", "1,2,3")')
    assert lines(done) == ["dagbook_tag_route: 1,2,3"]


@pytest.mark.parametrize("value", ["0", "None", "''", "False", "[]"])
def test_an_empty_parameter_is_told_and_left_out_as_in_cnvrg(script: Script, value: str) -> None:
    done = script(f'from cnvrg import Experiment; Experiment.init(title="a").log_param("x", {value})')
    assert lines(done) == []
    assert "cnvrg takes no empty value" in done.stderr


@pytest.mark.parametrize("key", ["a b", "a:b", "-a", "", "a-b"])
def test_a_key_that_cnvrg_refuses_is_told_and_left_out(script: Script, key: str) -> None:
    done = script(f"from cnvrg import Experiment; Experiment().log_param({key!r}, 1)")
    assert lines(done) == []
    assert "a key is made of letters" in done.stderr


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("'loss', 0.5", ["loss@0: 0.5"]),
        ("'loss', [3, 2]", ["loss@0: 3", "loss@1: 2"]),
        ("'loss', [3, 2], Xs=[10, 20]", ["loss@10: 3", "loss@20: 2"]),
        ("'loss', [3, 2], Xs=['a', None]", ["loss@0: 3", "loss@1: 2"]),
        ("'loss', [3, 2, 1], Xs=[1, 1, 2], grouping=['a', 'b', 'a']", ["loss_a@1: 3", "loss_b@1: 2", "loss_a@2: 1"]),
        ("'a:b', 1, x_axis='x', y_axis='y', run_async=False", ["a_b@0: 1"]),
        ("'when', 1, [__import__('datetime').datetime(1970, 1, 2, tzinfo=__import__('datetime').timezone.utc)]",
         ["when@86400: 1"]),
    ],
)  # fmt: skip
def test_points_of_the_sdk_are_points_of_a_metric(script: Script, call: str, expected: list[str]) -> None:
    done = script(f"from cnvrg import Experiment; Experiment().log_metric({call})")
    assert lines(done) == [f"dagbook_metric_{line}" for line in expected]


def test_points_without_x_are_counted_on(script: Script) -> None:
    done = script("from cnvrg import Experiment; e = Experiment(); [e.log_metric('a', 1) for _ in range(3)]")
    assert lines(done)[-1] == "dagbook_metric_a@2: 1"


def test_charts_are_kept_as_files(script: Script, output: Path) -> None:
    code = """
from cnvrg import Experiment
from cnvrg.charts import Bar, MatrixHeatmap, Scatterplot, CategoricalScatterplot
e = Experiment()
e.log_chart("bars", Bar(x=["a", "b"], y=[1, 2], name="one", colors=["#fff"]), title="Bars")
e.log_chart("heat", [MatrixHeatmap([[1, 2], [float("nan"), 4]])], group="g", step=1)
e.log_chart("points/1", data=[Scatterplot([1, 2], [3, 4]), Scatterplot([1], [1], name="more")], x_axis="x")
e.log_chart("words", CategoricalScatterplot(["b", "a"], ["y", "x"]))
e.log_chart("odd", object()); e.log_chart("none", [])
"""
    assert "chart bars: " in script(code).stdout
    kept = {file.stem: json.loads(file.read_text()) for file in (output / "charts").iterdir()}
    assert kept["bars"]["x_ticks"] == ["a", "b"]
    assert kept["bars"]["series"] == [{"name": "one", "data": [1, 2], "colors": ["#fff"]}]
    assert kept["heat-g-1"]["series"][0]["data"] == [[0, 0, 1], [1, 0, 2], [1, 1, 4]]
    assert [series["data"] for series in kept["points_1"]["series"]] == [[[1, 3], [2, 4]], [[1, 1]]]
    assert kept["words"]["series"][0]["data"] == [[1, 1], [0, 0]]
    assert {"odd", "none"} <= set(kept)


def test_images_and_artifacts_are_kept_in_the_output(script: Script, output: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "a.svg").write_text(SVG)
    (tmp_path / "model.bin").write_text("m")
    (tmp_path / "one.csv").write_text("1")
    (output / "own.txt").write_text("own")
    code = """
from cnvrg import Experiment
e = Experiment()
e.log_images(["made/a.svg", "one.csv"], target="../pictures")
e.log_artifacts(["made", "*.bin", "absent"])
e.log_artifacts("output/own.txt")
print(sorted(one["fullpath"] for one in e.artifacts()))
print(len(e.pull_artifacts(path="back")))
"""
    done = script(code)
    kept = sorted(str(file.relative_to(output)) for file in output.rglob("*") if file.is_file())
    assert kept == ["made/a.svg", "model.bin", "own.txt", "pictures/made/a.svg", "pictures/one.csv"]
    assert lines(done)[0].startswith("dagbook_image_a@0: ")
    assert str(kept) in done.stdout
    assert (tmp_path / "back" / "pictures" / "made" / "a.svg").exists()
    assert "absent is not there" in done.stderr
    assert "one.csv is no PNG" in done.stderr


def test_what_needs_no_server_does_nothing_or_is_printed(script: Script) -> None:
    code = """
from cnvrg import Experiment, Endpoint, Project
e = Experiment()
e.alert("look", subject="It"); e.log(["a", "b"]); e.finish(exit_status=0); e.sync(); e.set_title("New")
print(e.title, e["slug"], e.job_id(), e.as_env())
n = Endpoint(); n.log_param("a", 1); n.log_metric("m", y=2, x=3); n.log_prediction(1, 2)
"""
    assert lines(script(code, CNVRG_JOB_ID="r-1")) == [
        "It: look", "a", "b", "New r-1 r-1 {'CNVRG_JOB_ID': 'r-1'}", "dagbook_tag_a: 1", "dagbook_metric_m@3: 2",
        '{"input": 1, "output": 2, "elapsed_time": 0}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("from cnvrg import Flow; Flow('a')", "NoServerError: Flow() asks a server, and there is no cnvrg server here; "
         "run the flow's file with `dagbook run FILE`"),
        ("from cnvrg import Experiment; Experiment.run('python a.py')", "Experiment.run() asks a server"),
        ("from cnvrg import Experiment; Experiment().restart()", "Experiment.restart() asks a server"),
        ("from cnvrg import Experiment; Experiment('other')", "Experiment('other') asks a server"),
        ("from cnvrg import Dataset; Dataset('d').load()", "its files are at /data/<dataset>"),
        ("from cnvrg import Experiment; Experiment().fly()",
         "AttributeError: dagbook's stand-in for cnvrg has no Experiment.fly; it has alert, "),
        ("from cnvrgv2 import Cnvrg; Cnvrg(token='t').projects.get('p').flows.create(yaml_path='f')",
         "Cnvrg().projects.get() asks a server"),
        ("from cnvrgv2 import Cnvrg; Cnvrg().me()", "there is no cnvrg server here"),
        ("from cnvrgv2 import Project; Project().flows.create(yaml_path='f.yaml')", "Project() asks a server"),
        ("from cnvrgv2 import Project; Project.flows.create(yaml_path='f.yaml')", "dagbook run FILE"),
        ("from cnvrgv2 import Experiment; Experiment().merge_to_master()", "merge_to_master() asks a server"),
        ("from cnvrgv2 import Experiment; Experiment().fly", "stand-in for cnvrgv2 has no Experiment.fly"),
        ("import valohai; valohai.triggers", "stand-in for valohai-utils has no valohai.triggers"),
        ("import valohai; valohai.distributed.master()", "no member of a distributed task"),
    ],
)  # fmt: skip
def test_what_asks_a_server_says_so_and_what_to_do(script: Script, code: str, words: str) -> None:
    assert words in script(code, fails=True).stderr


def test_the_second_sdk_logs_too(script: Script, output: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.bin").write_text("m")
    code = """
from cnvrgv2 import BarChart, Cnvrg, Experiment, Heatmap, LineChart, ScatterPlot
e = Experiment()
e.log_param("zero", 0)
chart = LineChart("loss", Ys=[3, 2], Xs=[10, 20])
e.log_metric(chart)
chart.add_series([1], "more"); e.log_metric(chart)
e.update_chart("loss", [0.5], series_name="late")
e.log_metric(BarChart("bars", Ys=[1], bars=["a"]))
e.log_metric(Heatmap("heat", matrix=[(1, 2), (3, 4)]))
e.log_artifacts(["*.bin"], work_dir="sub")
client = Cnvrg(domain="d"); e.finish(0); e.log("line")
"""
    assert lines(script(code))[:5] == [
        "dagbook_tag_zero: 0", "dagbook_metric_loss@10: 3", "dagbook_metric_loss@20: 2",
        "dagbook_metric_loss_more@10: 1", "dagbook_metric_loss_late@0: 0.5",
    ]  # fmt: skip
    assert json.loads((output / "charts" / "bars.json").read_text())["x_ticks"] == ["a"]
    assert (output / "m.bin").exists()


@pytest.mark.parametrize("name", ["cnvrg", "cnvrgv2", "valohai"])
def test_the_real_package_wins_wherever_it_is(script: Script, tmp_path: Path, name: str) -> None:
    """A script has the helpers in front of what is installed; its submodules are the real one's, too."""
    package = tmp_path / "site" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import own\nWHO = 'the real one'")
    (package / "own.py").write_text("HERE = __name__")
    code = f"import {name}, {name}.own; print({name}.WHO, {name}.own.HERE, hasattr({name}, 'Experiment'))"
    assert lines(script(code, after=tmp_path / "site")) == [f"the real one {name}.own False"]


def test_a_real_package_that_cannot_be_imported_says_why(script: Script, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "cnvrg.py").write_text("import absent_dependency")
    assert "absent_dependency" in script("import cnvrg", after=tmp_path / "site", fails=True).stderr


def test_a_folder_of_the_users_of_the_same_name_hides_nothing(script: Script, tmp_path: Path) -> None:
    (tmp_path / "valohai").mkdir()
    (tmp_path / "valohai" / "notes.txt").touch()
    assert lines(script("import valohai; print(valohai.inputs)")) == ["<class 'valohai._inputs.Input'>"]


def execution(tmp_path: Path) -> dict[str, str]:
    """The folders and variables of a Valohai execution; the paths that its inputs tell are not here."""
    for name in ("config", "inputs/raw", "outputs"):
        (tmp_path / "vh" / name).mkdir(parents=True)
    (tmp_path / "vh" / "inputs" / "raw" / "a.csv").write_text("1,2")
    (tmp_path / "vh" / "inputs" / "raw" / "b.txt").write_text("b")
    files = [{"name": name, "path": f"/valohai/inputs/raw/{name}"} for name in ("a.csv", "b.txt")]
    said = {
        "parameters": {"lr": 0.5, "flag": False, "names": ["a", "b"], "depth": 3},
        "inputs": {"raw": {"files": files}, "empty": {"files": []}},
        "execution": {"valohai.execution-id": "e1", "valohai.execution-counter": 2},
    }
    for name, content in said.items():
        (tmp_path / "vh" / "config" / f"{name}.json").write_text(json.dumps(content))
    folders = {f"VH_{name.upper()}_DIR": str(tmp_path / "vh" / name) for name in ("config", "inputs", "outputs")}
    return {"VH_JOB_ID": "exec-e1", **folders}


PREPARE = (
    "import valohai; valohai.prepare(step='s', image='i', default_parameters={'lr': 0.1, 'more': {'default': 7}}, "
    "default_inputs={'raw': 'here*.csv', 'far': 's3://bucket/x.csv', 'none': ''})\n"
)


def test_row_88_parameters_come_from_the_command_line_then_the_configuration(script: Script, tmp_path: Path) -> None:
    code = PREPARE + "print(*(valohai.parameters(n, default='d').value for n in ('lr','flag','names','depth','more')))"
    variables = execution(tmp_path)
    assert lines(script(code, **variables)) == ["0.5 False ['a', 'b'] 3 d"]
    done = script(code, "--lr=0.25", "--flag", "--names=x,y", "--depth", "4", "--unknown", **variables)
    assert lines(done) == ["0.25 True ['x', 'y'] 4 d"]


def test_parameters_of_a_node_of_dagbooks_own_win_over_the_prepared_ones(script: Script) -> None:
    code = PREPARE + "print(*(valohai.parameters(name).value for name in ('lr', 'more', 'absent')))"
    assert lines(script(code, DAGBOOK_TAG_LR="0.5")) == ["0.5 7 None"]


def test_row_78_inputs_follow_the_folders_of_the_execution(script: Script, tmp_path: Path) -> None:
    code = (
        PREPARE
        + """
raw = valohai.inputs("raw")
print([p.rpartition("/")[2] for p in raw.paths()], raw.path("*.txt")[-5:], raw.stream("*.csv").read(), raw.path("x"))
print(valohai.inputs("empty").path(default="d"), valohai.inputs("empty").stream(), raw.dir_path()[-10:])
print(valohai.execution().config.id, valohai.config.is_running_in_valohai(), valohai.distributed.is_distributed_task())
"""
    )
    code = code.replace("import valohai;", "import valohai, valohai.config;")
    assert lines(script(code, **execution(tmp_path))) == [
        "['a.csv', 'b.txt'] b.txt b'1,2' None", "d None inputs/raw", "e1 True False",
    ]  # fmt: skip


def test_inputs_of_a_node_of_dagbooks_own_are_what_came_before(script: Script, tmp_path: Path) -> None:
    (tmp_path / "before" / "deep").mkdir(parents=True)
    (tmp_path / "before" / "deep" / "x.csv").write_text("x")
    (tmp_path / "here1.csv").write_text("h")
    code = PREPARE + (
        "print(*(valohai.inputs(n).path() for n in ('Task A', 'photos', 'raw', 'none', 'unknown')))\n"
        "print(valohai.inputs('Task A').path('deep/*'), valohai.execution().config)"
    )
    done = script(code, INPUT_TASK_A=str(tmp_path / "before"), DATA_PHOTOS=str(tmp_path / "before"))
    file = tmp_path / "before" / "deep" / "x.csv"
    assert lines(done) == [f"{file} {file} here1.csv None None", f"{file} None"]


def test_an_input_can_be_named_on_the_command_line(script: Script, tmp_path: Path) -> None:
    (tmp_path / "other.csv").touch()
    done = script(PREPARE + "print(list(valohai.inputs('raw').paths()))", "--raw", "other.csv", "absent.csv")
    assert lines(done) == ["['other.csv']"]


def test_an_address_that_is_not_fetched_says_what_to_do(script: Script) -> None:
    done = script(PREPARE + "valohai.inputs('far').path()", fails=True)
    assert "the input 'far' is to come from s3://bucket/x.csv, and nothing is fetched within a node" in done.stderr


def test_archives_are_unpacked_unless_that_is_not_wanted(script: Script, tmp_path: Path) -> None:
    import io
    import tarfile

    folder = tmp_path / "before"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("in/x.txt", "x")
    with tarfile.open(folder / "b.tar", "w") as tar:
        for name in ("y.txt", "../../escaped.txt"):
            about = tarfile.TarInfo(name)
            about.size = 1
            tar.addfile(about, io.BytesIO(b"y"))
    code = """
import valohai
found = list(valohai.inputs("t").paths())
print([open(path).read() for path in found], len(list(valohai.inputs("t").paths(process_archives=False))))
print(valohai.inputs("t").path("in/*") in found)
"""
    done = script(code, INPUT_T=str(folder), TMPDIR=str(tmp_path))
    assert lines(done) == ["['x', 'y', 'y'] 2", "True"]
    assert not list(tmp_path.parent.glob("escaped.txt"))
    assert not (tmp_path / "escaped.txt").exists()


def test_row_97_outputs_go_to_the_executions_folder_or_the_nodes(script: Script, output: Path, tmp_path: Path) -> None:
    code = """
import valohai
path = valohai.outputs("deep").path("er/x.txt"); open(path, "w").write("x"); print(path)
valohai.outputs("deep").live_upload("er/x.txt")
packed = valohai.outputs().compress("deep/**/*.txt", "all.zip", remove_originals=False)
print(valohai.outputs().compress("deep/er", "all.tar.gz")[-10:], valohai.outputs().dir_path)
with valohai.output_properties() as said:
    said.add(file="all.zip", properties={"a": 1})
    said.add_to_dataset(file="all.zip", dataset_version=said.dataset_version_uri("d", "v"))
valohai.set_status_detail("half")
"""
    for folder, variables in ((output, {}), (tmp_path / "vh" / "outputs", execution(tmp_path))):
        done = script(code, **variables)
        assert lines(done) == [f"{folder}/deep/er/x.txt", f"all.tar.gz {folder}", "status: half"]
        assert zipfile.ZipFile(folder / "all.zip").namelist() == ["er/x.txt"]
        assert not (folder / "deep" / "er" / "x.txt").exists()
        assert json.loads((folder / "valohai.metadata.jsonl").read_text()) == {
            "file": "all.zip", "metadata": {"a": 1, "valohai.dataset-versions": ["dataset://d/v"]},
        }  # fmt: skip


LOG = """
import valohai
with valohai.logger() as logger:
    logger.log("epoch", 3); logger.log("loss", 0.5, "kind", "small"); logger.log(done=True)
logger.log("lone", 1); logger.flush(); logger.flush()
"""


def test_metadata_of_an_execution_is_a_line_of_json(script: Script, tmp_path: Path) -> None:
    done = script(LOG, **execution(tmp_path))
    assert [json.loads(line) for line in lines(done)] == [
        {"epoch": 3, "loss": 0.5, "kind": "small", "done": True}, {"lone": 1},
    ]  # fmt: skip
    assert done.stdout.startswith("\n{"), "on a line of its own, whatever was printed before"


def test_metadata_elsewhere_is_logged_as_dagbook_takes_such_lines(script: Script) -> None:
    assert lines(script(LOG)) == [
        "dagbook_metric_epoch@3: 3", "dagbook_metric_loss@3: 0.5", "dagbook_tag_kind: small", "dagbook_tag_done: True",
        "dagbook_metric_lone@0: 1",
    ]  # fmt: skip


def test_numbers_of_numpy_are_numbers(script: Script) -> None:
    numpy = pytest.importorskip("numpy")
    code = (
        "import numpy, valohai, cnvrg, json\n"
        "with valohai.logger() as logger: logger.log('a', numpy.float32(0.5))\n"
        "e = cnvrg.Experiment(); e.log_metric('b', numpy.array([1, 2])); e.log_param('c', numpy.int64(3))\n"
        "e.log_param('d', numpy.array([1, 2]))"
    )
    done = script(code, after=Path(numpy.__file__).parents[1])
    assert lines(done) == [
        "dagbook_metric_a@0: 0.5", "dagbook_metric_b@0: 1", "dagbook_metric_b@1: 2", "dagbook_tag_c: 3",
        "dagbook_tag_d: [1, 2]",
    ]  # fmt: skip


def test_an_odd_number_of_arguments_is_refused(script: Script) -> None:
    assert "Odd number of arguments" in script("import valohai; valohai.logger().log('a')", fails=True).stderr
