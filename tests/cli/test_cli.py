"""The command line, run for real, with nodes as processes: what it prints, writes and returns."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from dagbook.runner.console import follow_on
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.conftest import MakeNotebook, Said, read_until

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

PROCESS = ("--executor", "process")
PREPARE = "%%pipeline_node prepare\nimport json\njson.dump([1, 2, 3], open('data.json', 'w'))\nprint('prepared')"
TRAIN = (
    '%%pipeline_node "Train model" --after prepare --grid lr=0.1,0.01 --param epochs\nimport json\n'
    "data = json.load(open('/input/prepare/data.json'))\nprint('dagbook_tag_accuracy:', lr * sum(data))\n"
    "open('model.txt', 'w').write(f'{lr} {epochs}')"
)
REPORT = (
    '%%pipeline_command report --after "Train model"\n'
    "cat /input/train_model/model.txt > report.txt\necho $CNVRG_TRAIN_MODEL_LR $DAGBOOK_TRAIN_MODEL_ACCURACY"
)
PARAMETERS = "# parameters\nepochs = 3  # how often"


@pytest.fixture
def flow(make_notebook: MakeNotebook) -> Path:
    return make_notebook(PARAMETERS, "%pipeline demo", PREPARE, TRAIN, REPORT, "%pipeline_run")


@pytest.fixture
def failing(make_notebook: MakeNotebook) -> Path:
    """b fails on the third line of its cell; c comes after it, d does not."""
    return make_notebook(
        "%%pipeline_node a\nprint('a')",
        "%%pipeline_node b --after a\nvalue = 0\nprint('before'); 1 / value",
        "%%pipeline_node c --after b\n1",
        "%%pipeline_node d --after a\n1",
    )


def test_a_run_prints_one_json_object_with_everything_that_is_known(dagbook: Dagbook, flow: Path) -> None:
    """Rows 22-25, 34, 35, 39: inputs, names, parameters, a grid's routes."""
    said = dagbook("run", flow, *PROCESS, "-p", "epochs", "5", "--json")
    assert said.code == 0, said.err
    assert said.json["state"] == "succeeded"
    assert said.json["pipeline"] == "demo"
    runs = {run["id"]: run for run in said.json["node_runs"]}
    assert list(runs) == ["prepare", "train_model#1", "train_model#2", "report#1", "report#2"]
    second = runs["train_model#2"]
    assert second["node"] == "Train model"
    assert second["slug"] == "train_model"
    assert second["route"] == {"Train model": {"lr": 0.01}}
    assert second["params"] == {"epochs": 5, "lr": 0.01}
    assert second["tags"] == {"epochs": 5, "lr": 0.01, "accuracy": pytest.approx(0.06)}
    assert second["attempts"] == 1
    assert Path(second["artifact"], "model.txt").read_text() == "0.01 5"
    assert Path(runs["report#1"]["artifact"], "report.txt").read_text() == "0.1 5"
    nbformat.validate(nbformat.read(second["notebook"], 4))  # type: ignore[no-untyped-call]


def test_lines_are_printed_as_the_run_goes(dagbook: Dagbook, flow: Path) -> None:
    said = dagbook("run", flow, *PROCESS)
    assert "prepare | prepared" in said.out
    assert "report [lr=0.01] | 0.01 0.06" in said.out
    assert "✓ Train model [lr=0.1] succeeded" in said.out
    assert said.out.rstrip().splitlines()[-1].endswith("5 succeeded.")
    store = Store(flow.parent / ".dagbook")
    at_once = io.StringIO()  # all of it is news at the same time, as of a node that is quick
    follow_on(at_once, Follower(store, store.run("latest").id))
    told = at_once.getvalue()
    assert told.index("▶ prepare running") < told.index("prepare | prepared") < told.index("✓ prepare succeeded")


def test_the_written_notebook_holds_every_nodes_outputs_in_its_cell(dagbook: Dagbook, flow: Path) -> None:
    before = flow.read_bytes()
    assert dagbook("run", flow, *PROCESS, "-o", "out.ipynb", "-q").code == 0
    notebook = nbformat.read(flow.with_name("out.ipynb"), 4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    train = next(cell for cell in notebook.cells if "Train model" in cell.source and "%%pipeline_node" in cell.source)
    texts = [out.get("text") or out["data"]["text/plain"] for out in train.outputs]
    assert any("✓ Train model [lr=0.01] · succeeded" in text for text in texts)
    assert any("dagbook_tag_accuracy: 0.6" in text for text in texts)
    assert notebook.metadata.dagbook["state"] == "succeeded"
    assert flow.read_bytes() == before


def test_a_failed_node_ends_with_1_and_shows_the_users_traceback_with_the_cells_lines(
    dagbook: Dagbook, failing: Path
) -> None:
    said = dagbook("run", failing, *PROCESS, "--junit", "junit.xml", "--summary", "summary.md", "-o", "out.ipynb")
    assert said.code == 1
    assert "✕ b (flow.ipynb, cell 3, line 3): ZeroDivisionError: division by zero" in said.out
    assert "line 3" in said.out
    assert "----> 3 print('before'); 1 / value" in said.out
    assert "site-packages" not in said.out
    assert "  notebook: .dagbook/runs/" in said.out
    assert "2 succeeded, 1 failed, 1 upstream failed" in said.out
    suite = ElementTree.parse(failing.with_name("junit.xml")).getroot()[0]
    cases = {case.get("name"): case for case in suite}
    assert [child.tag for child in cases["a"]] == ["properties", "system-out"]
    failure = cases["b"].find("failure")
    assert failure is not None
    assert failure.get("type") == "ZeroDivisionError"
    assert "1 / value" in (failure.text or "")
    assert cases["c"].find("skipped") is not None
    summary = failing.with_name("summary.md").read_text()
    assert "## ✕ flow: failed" in summary
    assert "```mermaid" in summary
    assert "<details><summary>✕ <b>b</b> · ZeroDivisionError" in summary
    notebook = nbformat.read(failing.with_name("out.ipynb"), 4)  # type: ignore[no-untyped-call]
    cell = next(cell for cell in notebook.cells if cell.source.startswith("%%pipeline_node b"))
    assert [out.output_type for out in cell.outputs] == ["display_data", "stream", "error"]


def test_plan_and_check_and_graph_start_nothing_and_store_nothing(dagbook: Dagbook, flow: Path) -> None:
    planned = dagbook("plan", flow, "--json").json
    counts = {name: planned[name] for name in ("nodes", "edges", "node_run_count", "route_count", "unknown")}
    assert counts == {"nodes": 3, "edges": 2, "node_run_count": 5, "route_count": 2, "unknown": []}
    assert [step["state"] for step in planned["steps"]] == ["run"] * 5
    assert dagbook("check", flow, "--json").json == {"errors": [], "warnings": []}
    assert "Train model ×2" in dagbook("graph", flow).out
    assert dagbook("graph", flow, "--format", "mermaid").out.startswith("flowchart LR")
    svg = dagbook("graph", flow, "--format", "svg").out
    assert dagbook("graph", flow, "-o", "flow.svg").err == "Wrote flow.svg.\n"
    assert flow.with_name("flow.svg").read_text() == svg
    refused = dagbook("graph", flow, "-o", "flow.png")
    assert (refused.code, "Call it .svg, .mmd or .txt" in refused.err) == (2, True)
    assert svg.startswith("<svg xmlns=")
    assert "<title>Train model · ×2" in svg
    assert sorted(path.name for path in flow.parent.iterdir()) == ["flow.ipynb", "flow.svg"]


def test_a_mistake_ends_with_2_and_leaves_no_store(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node a --after prepaer\n1", "%%pipeline_node prepare\n1")
    said = dagbook("run", flow, *PROCESS, "--json")
    assert said.code == 2
    (error,) = said.json["errors"]
    assert error["code"] == "E-EDGE-UNKNOWN"
    assert error["hint"] == 'Did you mean "prepare"?'
    assert (error["file"], error["cell"], error["node"]) == (str(flow), 2, "a")
    assert "Traceback" not in said.err
    assert not (flow.parent / ".dagbook").exists()


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["-p", "epoch", "5"], "E-PARAM-UNKNOWN", "epochs"),
        (["-p", "x = 1; import os #", "5"], "E-PARAM", ""),
        (["--node", "Train modle"], "E-NODE-UNKNOWN", "Train model"),
        (["--max-runs", "4"], "E-GRID-SIZE", "--max-runs 5"),
        (["-y", "[1, 2]"], "E-USAGE", ""),
        (["--node", "report"], "E-NO-EARLIER", "--until"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_was_meant(
    dagbook: Dagbook, flow: Path, words: list[str], code: str, hint: str
) -> None:
    said = dagbook("run", flow, *PROCESS, *words)
    assert said.code == 2
    assert code in said.err
    assert hint in said.err
    assert "Traceback" not in said.err


def test_a_mistyped_command_is_answered_with_the_nearest(dagbook: Dagbook) -> None:
    said = dagbook("rnu")
    assert said.code == 2
    assert 'there is no command "rnu". Did you mean "run"?' in said.err


def test_a_file_that_is_not_there_ends_with_2(dagbook: Dagbook, flow: Path) -> None:
    said = dagbook("run", flow.with_name("flwo.ipynb"))
    assert said.code == 2
    assert "flow.ipynb" in said.err


def test_parts_of_a_pipeline_run_on_earlier_results(dagbook: Dagbook, flow: Path) -> None:
    assert dagbook("run", flow, *PROCESS, "--until", "prepare", "-q").code == 0
    first = dagbook("run", flow, *PROCESS, "--from", "Train model", "--json").json
    states = {run["id"]: run["state"] for run in first["node_runs"]}
    assert states.pop("prepare") == "cached"
    assert set(states.values()) == {"succeeded"}
    alone = dagbook("run", flow, *PROCESS, "--node", "report", "--force", "report", "--json").json
    assert [run["state"] for run in alone["node_runs"]] == ["cached"] * 3 + ["succeeded"] * 2


def test_runs_show_and_logs_tell_of_what_was(dagbook: Dagbook, flow: Path) -> None:
    dagbook("run", flow, *PROCESS, "-q")
    (row,) = dagbook("runs", "--json").json
    assert (row["pipeline"], row["state"]) == ("demo", "succeeded")
    assert dagbook("show", row["run"][:5], "--json").json["run"] == row["run"]
    assert "✓ report [lr=0.1]" in dagbook("show").out
    assert dagbook("logs", "latest", "report#2").out == "0.01 0.06\n"
    assert "prepare | prepared" in dagbook("logs").out
    wrong = dagbook("logs", "latest", "reprot")
    assert wrong.code == 2
    assert 'Did you mean "report"?' in wrong.err


def test_retries_are_attempts_of_one_node_run(dagbook: Dagbook, make_notebook: MakeNotebook, tmp_path: Path) -> None:
    """The second attempt finds a fresh output folder and succeeds."""
    marker = tmp_path / "project" / "marker"
    flow = make_notebook(
        "%%pipeline_command flaky --retries 2 --no-network\n"
        'test -z "$(ls)" || exit 9\ntouch half\ntest -e /code/marker && exit 0\nexit 3',
    )
    said = dagbook("run", flow, *PROCESS, "--json")
    assert said.code == 1
    (run,) = said.json["node_runs"]
    assert (run["attempts"], run["state"]) == (3, "failed")
    assert "3" in run["reason"]
    marker.touch()
    assert dagbook("run", flow, *PROCESS, "--json").json["node_runs"][0]["attempts"] == 1


def test_a_timeout_ends_the_node_and_keeps_its_notebook(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node slow --timeout 3\nprint('begun', flush=True)\nimport time\ntime.sleep(600)")
    said = dagbook("run", flow, *PROCESS, "--json")
    assert said.code == 1
    (run,) = said.json["node_runs"]
    assert run["state"] == "timed_out"
    assert "--timeout of 3 s" in run["reason"]
    assert "begun" in Path(run["notebook"]).read_text()


SLOW = "%%pipeline_node slow\nprint('begun', flush=True)\nimport time\ntime.sleep(600)"


def test_F9_ctrl_c_ends_the_run_in_order_with_130(
    started: Started, make_notebook: MakeNotebook, dagbook: Dagbook
) -> None:
    child = started("run", make_notebook(SLOW, "%%pipeline_node after --after slow\n1"), *PROCESS)
    read_until(child, "slow | begun")
    os.killpg(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=15)
    assert child.returncode == 130
    assert "2 cancelled" in out
    shown = dagbook("show", "--json").json
    assert shown["state"] == "cancelled"
    assert "begun" in Path(shown["node_runs"][0]["notebook"]).read_text()


@pytest.mark.parametrize("command", ["run", "plan"])
def test_F9_ctrl_c_before_a_run_begins_ends_the_command_with_130(
    started: Started, make_notebook: MakeNotebook, command: str
) -> None:
    """The exit code 1 would say that a node has failed."""
    notebook = make_notebook("%%pipeline_node a --secret vault:token\n1")
    asked = notebook.parent / "asked"
    os.mkfifo(asked)
    (notebook.parent / "dagbook.toml").write_text(f"secret_command = 'sh -c \"echo x > {asked}; exec cat {asked}\"'")
    child = started(command, notebook, *PROCESS)
    assert asked.read_text() == "x\n"  # it is being asked
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=15)
    os.close(os.open(asked, os.O_RDWR))  # whoever still reads there ends
    assert child.returncode == 130
    assert "Cancelled" in out
    assert "Traceback" not in out


def test_F9_sigterm_ends_the_run_in_order_with_4(started: Started, make_notebook: MakeNotebook) -> None:
    child = started("run", make_notebook(SLOW), *PROCESS)
    read_until(child, "slow | begun")
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=15)
    assert child.returncode == 4


def test_a_detached_run_goes_on_alone_and_can_be_cancelled(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(SLOW)
    said = dagbook("run", flow, *PROCESS, "--detach")
    assert said.code == 0
    run = said.out.strip()
    assert dagbook("show", run, "--json").json["state"] == "running"
    ended = dagbook("cancel", run)
    assert ended.out.strip() == f"Run {run} cancelled."
    shown = dagbook("show", run, "--json").json
    assert shown["state"] == "cancelled"
    assert "dagbook cancel" in shown["reason"]
    assert "over already" in dagbook("cancel", run).out


def test_F9_sigterm_ends_a_detached_run_in_order_too(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(SLOW)
    run = dagbook("run", flow, *PROCESS, "--detach").out.strip()
    follower = Follower(Store(flow.parent / ".dagbook"), run)
    for _ in follower.follow():
        if any("begun" in str(one.outputs) for one in follower.watched.values()):
            os.kill(int(follower.store.run(run).process["pid"]), signal.SIGTERM)
    assert follower.so_far.state == "cancelled"
    assert "begun" in Path(follower.so_far.node_runs["slow"].detail["notebook"]).read_text()


def test_a_users_module_is_not_taken_for_the_librarys(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    """A `secrets.py` beside the notebook is not imported by the run's process."""
    flow = make_notebook("%%pipeline_command a\necho a")
    (flow.parent / "secrets.py").write_text("raise SystemExit('the wrong secrets')")
    said = dagbook("run", flow, *PROCESS, "--detach")
    assert said.code == 0, said.err


def test_a_run_whose_store_is_deleted_ends_with_5_and_says_so(started: Started, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_node ask --approve leah\n1")
    child = started("run", flow, *PROCESS)
    read_until(child, "waits for leah")
    shutil.rmtree(flow.parent / ".dagbook")
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 5
    assert "E-STORE" in said
    assert "deleted" in said
    assert "Traceback" not in said


def test_logs_of_what_printed_nothing_say_so_and_where_to_look(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook("%%pipeline_command quiet\ntrue")
    run = dagbook("run", flow, "--executor", "process", "--json").json["run"]
    said = dagbook("logs", "latest", "quiet")
    assert (said.code, said.out) == (0, "")
    assert said.err == f"Nothing was printed. How it went: dagbook show {run}\n"


def test_logs_follow_a_run_until_it_is_over(started: Started, dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    flow = make_notebook(SLOW)
    dagbook("run", flow, *PROCESS, "--detach")
    child = started("logs", "latest", "slow", "-f")
    read_until(child, "begun")
    dagbook("cancel", "latest")
    child.communicate(timeout=15)
    assert child.returncode == 0


def test_settings_come_from_flag_environment_and_file_in_this_order(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    flow = make_notebook("%%pipeline_command say\necho $GREETING")
    (flow.parent / "dagbook.toml").write_text('executor = "procses"\n[env]\nGREETING = "from the file"\n')
    wrong = dagbook("run", flow)
    assert wrong.code == 2
    assert "dagbook.toml line 1" in wrong.err
    assert '"process"' in wrong.err
    said = dagbook("run", flow, env={"DAGBOOK_EXECUTOR": "process"})
    assert said.code == 2, "a wrong file is told even when something else decides"
    (flow.parent / "dagbook.toml").write_text('executor = "docker"\n[env]\nGREETING = "from the file"\n')
    said = dagbook("run", flow, env={"DAGBOOK_EXECUTOR": "process"})
    assert said.code == 0, said.err
    assert "say | from the file" in said.out


def test_an_executor_asked_for_by_name_is_never_swapped(dagbook: Dagbook, flow: Path) -> None:
    said = dagbook("run", flow, "--executor", "docker", env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert said.code == 5
    assert "E-DOCKER-DOWN" in said.err
    assert "Traceback" not in said.err
    assert not (flow.parent / ".dagbook").exists()


def test_a_flag_overrules_the_pipelines_line_and_a_nodes_own_word_stands(
    dagbook: Dagbook, make_notebook: MakeNotebook
) -> None:
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    flow = make_notebook("%pipeline demo --executor docker", "%%pipeline_command a\necho a")
    assert dagbook("run", flow, env=nowhere).code == 5
    assert dagbook("run", flow, *PROCESS, env=nowhere).code == 0
    own = make_notebook("%%pipeline_command a --executor docker\necho a", name="own.ipynb")
    assert dagbook("run", own, *PROCESS, env=nowhere).code == 5


def test_auto_falls_back_to_processes_and_says_why_in_one_line(dagbook: Dagbook, flow: Path) -> None:
    said = dagbook("run", flow, "-q", env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert said.code == 0
    assert "nodes run as processes" in said.err
    assert "(process)" in said.out


def test_gathered_runs_are_handed_over_all_at_once(dagbook: Dagbook, make_notebook: MakeNotebook) -> None:
    """One run of the gathering node, with every run of the parent and a list of them."""
    flow = make_notebook(
        "%%pipeline_node train --grid x=3,1,2\nprint('dagbook_tag_score:', x * 10)\nopen('x.txt', 'w').write(str(x))",
        "%%pipeline_node compare --gather train\nimport json, os\nfrom pathlib import Path\n"
        "top = Path(os.environ['INPUT_TRAIN'])\nruns = json.loads((top / 'runs.json').read_text())\n"
        "for run in runs:\n    x = (top / run['folder'] / 'x.txt').read_text()\n"
        "    print(run['id'], run['params'], run['tags']['score'], x)",
    )
    said = dagbook("run", flow, *PROCESS)
    assert said.code == 0, said.out
    assert "compare | train#1 {'x': 3} 30 3" in said.out
    assert "compare | train#3 {'x': 2} 20 2" in said.out


def test_bare_dagbook_says_what_to_do_next(dagbook: Dagbook) -> None:
    said = dagbook()
    assert said.code == 0
    assert "dagbook tutorial intro" in said.out
    assert json.dumps(dagbook("--help").out).count("Traceback") == 0
