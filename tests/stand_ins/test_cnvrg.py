"""cnvrg's two packages, without cnvrg: what a task says with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stand_ins.conftest import Script, lines

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


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
