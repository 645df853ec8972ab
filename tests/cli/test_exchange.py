"""The commands on files of other systems, run for real: what they print, write and return."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest

from tests.conftest import Said

Dagbook = Callable[..., Said]
DATA = Path(__file__).parents[1] / "data"

FLOW = """flow: Demo
tasks:
- {title: A, type: exec, input: echo a, computes: [m], params: [{key: x, value: [1, 2]}]}
- {title: B, type: exec, input: echo b, computes: [m], notify_on_error: true, periodic_sync: true}
relations:
- {from: a, to: B}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def written(project: Path, name: str, text: str) -> Path:
    (project / name).write_text(text)
    return project / name


def test_row_75_an_import_reports_each_thing_that_was_not_kept_with_its_place(dagbook: Dagbook, project: Path) -> None:
    said = dagbook("import", written(project, "flow.yaml", FLOW))
    assert said.code == 0
    assert "Demo: 2 nodes, 1 edge (1 relation)" in said.out
    assert "flow.yaml, line 4, column" in said.err
    assert "W-KEPT" in said.err
    assert "relations[0].from" in said.err
    assert "Traceback" not in said.err


def test_the_report_as_json_has_a_record_for_each_thing(dagbook: Dagbook, project: Path) -> None:
    found = dagbook("import", written(project, "flow.yaml", FLOW), "--json").json
    assert found["format"] == "cnvrg"
    assert found["pipelines"] == [{"name": "Demo", "nodes": 2, "edges": 1, "kinds": {"relation": 1}}]
    assert {record["path"] for record in found["records"]} >= {"tasks[1].periodic_sync", "relations[0].from"}
    for record in found["records"]:
        assert set(record) == {
            "file", "line", "column", "node", "code", "severity", "path", "message", "hint", "done",
        }  # fmt: skip
        assert record["line"] > 0
        assert record["severity"] == "warning"


def test_an_imported_file_becomes_native_yaml_and_a_notebook_which_say_the_same(
    dagbook: Dagbook, project: Path
) -> None:
    flow = written(project, "flow.yaml", FLOW)
    assert dagbook("import", flow, "-o", "own.yaml").code == 0
    assert dagbook("import", flow, "-o", "own.ipynb").code == 0
    nbformat.validate(nbformat.read(project / "own.ipynb", as_version=4))  # type: ignore[no-untyped-call]
    assert dagbook("check", "own.ipynb").code == 0
    plans = [dagbook("plan", name, "--json", "--executor", "process").json for name in ("flow.yaml", "own.yaml")]
    assert plans[0]["steps"] == plans[1]["steps"]
    assert (project / "own.yaml").read_text().startswith("# yaml-language-server: $schema=dagbook.schema.json\n")
    assert dagbook("export", "own.ipynb", "--to", "native").out.splitlines()[1:4] == [
        "dagbook: 1",
        "name: Demo",
        "nodes:",
    ]


def test_export_writes_a_vendors_own_format_back(dagbook: Dagbook, project: Path) -> None:
    flow = written(project, "flow.yaml", FLOW)
    out = dagbook("export", flow, "--to", "cnvrg")
    assert out.code == 0
    written(project, "again.yaml", out.out)
    first, second = (dagbook("export", name, "--to", "native").out for name in ("flow.yaml", "again.yaml"))
    assert first == second
    assert "notify_on_error: true" in out.out


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("flwo: x\n", "E-FORMAT", "Did you mean"),
        ("[1, 2]\n", "E-YAML-ROOT", "--from"),
        ("", "E-YAML-EMPTY", ""),
        ("a: [\n", "E-YAML-SYNTAX", "line 2"),
        ("function(x) { pipeline: x }", "E-UNSUPPORTED", "Render it first"),
        ("/*\ntitle: x\n*/\n// more\nfunction(x) { pipeline: x }", "E-UNSUPPORTED", "Render it first"),
        ("- endpoint: {name: digits, image: 'a:1', server-command: run}\n", "E-NO-PIPELINE", "a step or a task"),
        ("flow: x\ntasks:\n- {title: a, type: train}\nrelations: []\n", "E-ENUM", "data, exec"),
    ],
)
def test_a_file_that_cannot_be_taken_over_is_told_and_nothing_is_written(
    dagbook: Dagbook, project: Path, text: str, code: str, says: str
) -> None:
    said = dagbook("import", written(project, "f.yaml", text), "-o", "out.yaml")
    assert said.code == 2
    assert code in said.err
    assert says in said.err
    assert "Traceback" not in said.err
    assert not (project / "out.yaml").exists()


def test_strict_makes_an_unknown_key_an_error(dagbook: Dagbook, project: Path) -> None:
    flow = written(project, "flow.yaml", FLOW.replace("notify_on_error", "notify_on_eror"))
    assert dagbook("import", flow).code == 0
    strict = dagbook("import", flow, "--strict")
    assert strict.code == 2
    assert "notify_on_error" in strict.err, "row Y8: the nearest name"


def test_csv_grid_makes_a_grid_of_a_text_with_commas(dagbook: Dagbook, project: Path) -> None:
    flow = written(project, "flow.yaml", FLOW.replace("value: [1, 2]", "value: '1,2,3'"))
    assert dagbook("plan", flow, "--json", "--executor", "process").json["node_run_count"] == 2
    dagbook("import", flow, "--csv-grid", "-o", "grid.yaml")
    assert dagbook("plan", "grid.yaml", "--json", "--executor", "process").json["node_run_count"] == 6


def test_a_name_that_does_not_exist_is_told_with_the_nearest(dagbook: Dagbook, project: Path) -> None:
    written(project, "flow.yaml", FLOW)
    said = dagbook("run", "flwo.yaml")
    assert said.code == 2
    assert 'Did you mean "flow.yaml"?' in said.err


def test_row_137_the_seeds_broken_yaml_is_explained_and_mended(dagbook: Dagbook, project: Path) -> None:
    seed = DATA / "valohai_three_trainings.yaml"
    broken = dagbook("import", seed)
    assert broken.code == 2
    assert "line 8, column 13" in broken.err
    assert "--repair" in broken.err
    mended = dagbook("import", seed, "--repair", "--json")
    assert mended.code == 0, mended.err
    (found,) = mended.json["pipelines"]
    assert (found["nodes"], found["edges"]) == (9, 23)
    assert found["kinds"] == {"output -> file": 1, "output -> input": 21, "parameter -> parameter": 1}
    api = dagbook("import", DATA / "valohai_three_trainings.json", "--json").json
    assert [(one["nodes"], one["edges"]) for one in api["pipelines"]] == [(9, 22)]


def test_row_122_the_two_specs_of_the_seed_are_a_chain(dagbook: Dagbook, project: Path) -> None:
    specs = sorted(DATA.glob("pachyderm_*.json"))
    both = written(project, "both.json", "\n".join(path.read_text() for path in specs))
    found = dagbook("import", both, "--json").json
    assert [(one["nodes"], one["edges"]) for one in found["pipelines"]] == [(2, 2)]
    assert dagbook("graph", both).out.split() == [
        "╙──", "dogs-and-cats", "(data)", "└─╼", "dogs-and-cats-model", "(command)",
        "└─╼", "dogs-and-cats-deploy", "(command)",
    ]  # fmt: skip


@pytest.fixture
def served(project: Path) -> Iterator[str]:
    """The project's folder, served on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(project)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_row_118_a_file_may_be_a_url_which_is_private_only_where_that_is_allowed(
    dagbook: Dagbook, project: Path, served: str, tmp_path: Path
) -> None:
    written(project, "flow.yaml", FLOW)
    url = f"http://{served}/flow.yaml"
    refused = dagbook("import", url)
    assert refused.code == 2
    assert "E-URL-PRIVATE" in refused.err
    allowed = {"DAGBOOK_DATA_HOSTS": served}
    assert "Demo: 2 nodes" in dagbook("import", url, env=allowed).out
    said = dagbook("run", url, "--executor", "process", env=allowed)
    assert said.code == 0, said.err
    gone = dagbook("import", f"http://{served}/none.yaml", env=allowed)
    assert gone.code == 2
    assert "404" in gone.err


def test_images_can_be_exchanged_and_a_mistyped_one_is_told(dagbook: Dagbook, project: Path) -> None:
    flow = written(project, "flow.yaml", FLOW.replace("computes: [m], params", "image: old:1.0, computes: [m], params"))
    said = dagbook("plan", flow, "--image-map", "odl:*=new:1")
    assert said.code == 2
    assert "old:1.0" in said.err
    assert dagbook("run", flow, "--image-map", "old:*=new:1", "--executor", "process").code == 0


def test_parameters_of_a_file_are_given_as_papermill_gives_them(dagbook: Dagbook, project: Path) -> None:
    text = "dagbook: 1\nparameters: {epochs: 3}\nnodes:\n- {title: a, uses: [epochs], source: 'print(epochs)'}\n"
    flow = written(project, "own.yaml", text)
    assert "a | 3" in dagbook("run", flow, "--executor", "process").out
    assert "a | 7" in dagbook("run", flow, "-p", "epochs", "7", "--executor", "process").out
    wrong = dagbook("run", flow, "-p", "epoch", "7")
    assert wrong.code == 2
    assert '"epochs"' in wrong.err


def test_the_written_notebook_of_a_file_holds_the_outputs(dagbook: Dagbook, project: Path) -> None:
    text = "dagbook: 1\nnodes:\n- {title: a, source: 'print(41 + 1)'}\n- {title: b, after: [a], source: 'print(7)'}\n"
    flow = written(project, "own.yaml", text)
    assert dagbook("run", flow, "-o", "out.ipynb", "--executor", "process").code == 0
    assert "42" in (project / "out.ipynb").read_text()
    said = dagbook("run", written(project, "flow.yaml", FLOW), "-o", "out2.ipynb", "--executor", "process")
    assert said.code == 0, said.err
    shown = (project / "out2.ipynb").read_text()
    assert "A [x=2]" in shown
    assert json.loads(shown)["metadata"]["dagbook"]["state"] == "succeeded"


def test_the_schema_is_json(dagbook: Dagbook) -> None:
    assert dagbook("schema").json["title"] == "dagbook pipeline"


def test_what_each_attempt_prints_is_printed(dagbook: Dagbook, project: Path) -> None:
    text = "dagbook: 1\nnodes:\n- {title: a, kind: command, retries: 2, source: 'echo one; echo two; exit 3'}\n"
    said = dagbook("run", written(project, "own.yaml", text), "--executor", "process")
    assert said.code == 1
    assert said.out.count("a | one") == said.out.count("a | two") == 3
    again = dagbook("resume", "latest")
    assert again.out.count("a | one") == again.out.count("a | two") == 3
