"""A pipeline that is a node of another one: a run of its own, whose results are the node's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from dagbook.runner.core.lifecycle import ENDED, Changed, State
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK, read_until, write_notebook
from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Ended, Flow

PREPARE = "%%pipeline_node prepare\nopen('rows.txt', 'w').write('a b c')\nprint('dagbook_tag_count: 3')"
INNER = (
    "# parameters\nscale = 2",
    "%pipeline fitting",
    "%%pipeline_node load --param scale\n"
    "import os\n"
    "rows = open(os.environ['INPUT_PREPARE'] + '/rows.txt').read().split()\n"
    "assert os.environ['DAGBOOK_PREPARE_COUNT'] == '3'\n"
    "open('sum.txt', 'w').write(str(len(rows) * scale))",
    "%%pipeline_node fit --after load --grid lr=1,2\n"
    "total = int(open('/input/load/sum.txt').read())\n"
    "print('dagbook_tag_score:', total * lr)\nprint('dagbook_metric_loss@1: 0.5')",
    "%%pipeline_node best --after fit --when max:score\nopen('model.txt', 'w').write('the best')\n"
    "print('dagbook_tag_final: 42')\nprint('dagbook_metric_curve@1: 0.5')\nprint('dagbook_metric_curve@2: 0.25')",
    "%%pipeline_node side --after fit\nopen('side.txt', 'w').write(str(total) if 'total' in globals() else 'none')\n"
    "print('dagbook_tag_each: 1')",
    "%pipeline_run",
)
USE = (
    "%%pipeline_node use --after inner\nimport os, pathlib\n"
    "for path in sorted(pathlib.Path('/input/inner').rglob('*.*')):\n    print(path)\n"
    "print('dagbook_tag_seen:', os.environ['DAGBOOK_INNER_FINAL'])"
)


def inner(flow: Flow, *cells: str, name: str = "inner.ipynb") -> Path:
    """Write a notebook beside the pipeline's own."""
    return write_notebook(flow.folder / name, *cells)


def runs_of(flow: Flow) -> list[dict[str, Any]]:
    """The runs of the flow's store, newest first."""
    found: list[dict[str, Any]] = flow.say("runs", "--json").json
    return found


def shown(flow: Flow, run: str) -> Ended:
    """A run as `dagbook show` tells it."""
    return Ended(flow.say("show", run, "--json"))


def within(flow: Flow) -> dict[str, Any]:
    """The only run that is a node of another one."""
    (found,) = (run for run in runs_of(flow) if run["inside"])
    return found


# a whole one


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.container)])
def ran(request: pytest.FixtureRequest, shared_flow: MakeFlow) -> tuple[Flow, Ended]:
    """A pipeline with another one in it, run once."""
    flow: Flow = shared_flow(
        PREPARE, "%pipeline_notebook inner --path inner.ipynb --after prepare --param scale=5", USE, "%pipeline_run"
    )
    inner(flow, *INNER)
    return flow, flow.run("-o", "out.ipynb", executor=request.param)


def test_a_pipeline_in_a_pipeline_is_a_run_of_its_own(ran: tuple[Flow, Ended]) -> None:
    flow, ended = ran
    found = within(flow)
    assert found["inside"] == {"run": ended.id, "node_run": "inner", "node": "inner", "top": ended.id}
    assert ended.runs["inner"]["nested"] == {"run": found["run"], "pipeline": "fitting"}
    states = shown(flow, found["run"]).states
    assert states == dict.fromkeys(["load", "fit#1", "fit#2", "best#2", "side#1", "side#2"], "succeeded")
    assert f'node "inner" of run {ended.id}' in flow.say("runs").out
    assert f"run {found['run']}" in flow.say("show", ended.id).out
    assert flow.say("show", "latest", "--json").json["run"] == ended.id


def test_its_nodes_see_what_is_before_the_node_and_its_parameters(ran: tuple[Flow, Ended]) -> None:
    flow, _ = ran
    run = shown(flow, within(flow)["run"])
    assert run.text("load", "sum.txt") == "15"
    assert run.runs["fit#2"]["tags"]["score"] == 30


def test_its_leaves_are_folders_of_the_nodes_artifact_without_bytes_of_their_own(ran: tuple[Flow, Ended]) -> None:
    """One that ran once has its files there; one that ran several times is numbered, as gathered runs are."""
    flow, ended = ran
    artifact = Path(ended.runs["inner"]["artifact"])
    files = {str(path.relative_to(artifact)) for path in artifact.rglob("*") if path.is_file()}
    assert files == {"best/model.txt", "side/1/side.txt", "side/2/side.txt", "side/runs.json"}
    listed = json.loads((artifact / "side" / "runs.json").read_text())
    assert [(one["folder"], one["id"]) for one in listed] == [("1", "side#1"), ("2", "side#2")]
    assert [one["tags"]["each"] for one in listed] == [1, 1]
    model = Path(shown(flow, within(flow)["run"]).runs["best#2"]["artifact"]) / "model.txt"
    assert model.stat().st_ino == (artifact / "best" / "model.txt").stat().st_ino


def test_what_its_leaves_logged_is_logged_by_the_node(ran: tuple[Flow, Ended]) -> None:
    """Of a leaf that ran once; of several runs there is no one value."""
    _, ended = ran
    tags = ended.runs["inner"]["tags"]
    assert {name: tags[name] for name in tags if name != "scale"} == {"final": 42, "curve": 0.25}
    assert ended.runs["inner"]["metrics"] == {"curve": [[1, 0.5], [2, 0.25]]}
    assert ended.runs["use"]["tags"]["seen"] == 42


def test_the_cell_of_the_node_holds_what_all_its_nodes_showed(ran: tuple[Flow, Ended]) -> None:
    flow, ended = ran
    notebook: Any = nbformat.read(flow.folder / "out.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    (cell,) = (one for one in notebook.cells if one.source.startswith("%pipeline_notebook inner"))
    told = "\n".join(one.get("text") or one.data["text/plain"] for one in cell.outputs)
    assert "load succeeded after" in told
    assert "dagbook_tag_final: 42" in told
    record: Any = nbformat.read(ended.runs["inner"]["notebook"], as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(record)
    assert len(record.cells) == 6


def test_a_second_run_finds_all_of_it_and_a_change_within_runs_what_follows_from_it(ran: tuple[Flow, Ended]) -> None:
    flow, ended = ran
    executor = str(ended.runs["use"]["executor"])
    again = flow.run(executor=executor)
    assert set(again.states.values()) == {"cached"}
    inner(flow, *(cell.replace("'the best'", "'another one'") for cell in INNER))
    try:
        assert flow.run(executor=executor).states == {"prepare": "cached", "inner": "succeeded", "use": "succeeded"}
        states = shown(flow, str(runs_of(flow)[0]["run"])).states
    finally:
        inner(flow, *INNER)
    assert states.pop("best#2") == "succeeded"
    assert set(states.values()) == {"cached"}


# small ones: commands, as processes


def test_a_node_run_of_a_grid_is_a_run_each_and_they_can_be_gathered(flow: MakeFlow) -> None:
    made = flow(
        "%pipeline_notebook part --path inner.ipynb --grid size=1,2",
        "%%pipeline_command all --after part --gather\ncat /input/part/*/write/size.txt",
    )
    inner(made, "# parameters\nsize = 0", "%%pipeline_command write --param size\necho $DAGBOOK_TAG_SIZE > size.txt")
    ended = made.run()
    assert set(ended.states.values()) == {"succeeded"}
    assert sorted(run["inside"]["node_run"] for run in runs_of(made) if run["inside"]) == ["part#1", "part#2"]
    assert made.say("logs", "latest", "all").out.split() == ["1", "2"]


def test_any_file_of_a_pipeline_can_be_a_node_and_pipelines_stand_within_each_other(flow: MakeFlow) -> None:
    """A notebook in a script in YAML in a notebook; the innermost sees what is before the outermost."""
    made = flow(
        "%%pipeline_command first\necho hello > first.txt",
        "%pipeline_notebook yaml --path yaml.yaml --after first",
        "%%pipeline_command last --after yaml\ncat /input/yaml/script/notebook/say/said.txt",
    )
    (made.folder / "yaml.yaml").write_text(
        "dagbook: 1\nname: in yaml\nnodes:\n  - {title: script, kind: notebook, path: script.py}\n"
    )
    (made.folder / "script.py").write_text("# %%\n# %pipeline_notebook notebook --path inner.ipynb\n")
    inner(made, "%%pipeline_command say\ncat /input/first/first.txt > said.txt")
    ended = made.run()
    assert set(ended.states.values()) == {"succeeded"}
    assert made.say("logs", "latest", "last").out.strip() == "hello"
    tops = {run["inside"]["top"] for run in runs_of(made) if run["inside"]}
    assert (len(runs_of(made)), tops) == (4, {ended.id})


def test_a_node_of_the_pipeline_within_hides_one_of_its_name_around_it(flow: MakeFlow) -> None:
    made = flow(
        "%%pipeline_command prepare\necho outer > x.txt",
        "%pipeline_notebook inner --path inner.ipynb --after prepare",
        "%%pipeline_command last --after inner\ncat /input/inner/use/*.txt",
    )
    inner(
        made,
        "%%pipeline_command prepare\ncp /input/prepare/x.txt before.txt; echo inner > x.txt",
        "%%pipeline_command use --after prepare\ncp /input/prepare/*.txt .",
    )
    assert set(made.run().states.values()) == {"succeeded"}
    assert made.say("logs", "latest", "last").out.split() == ["outer", "inner"]


def test_two_leaves_that_log_the_same_name_have_their_slugs_before_it(flow: MakeFlow) -> None:
    made = flow("%pipeline_notebook inner --path inner.ipynb")
    say = "%%pipeline_command {0}\necho dagbook_tag_x: {1}\necho dagbook_tag_{0}: {1}"
    inner(made, say.format("a", 1), say.format("b", 2))
    assert made.run().runs["inner"]["tags"] == {"a.x": 1, "a": 1, "b.x": 2, "b": 2}


def test_what_the_node_says_holds_for_its_nodes_that_do_not_say_it(flow: MakeFlow) -> None:
    """A variable is filled from around; what the pipeline within says stands above it."""
    made = flow(
        "%%pipeline_command first\necho dagbook_tag_word: hello",
        '%pipeline_notebook inner --path inner.ipynb --after first --env "WORD={{ first.word }}" --env OWN=outer',
    )
    inner(made, "%pipeline --env OWN=inner", "%%pipeline_command say\necho dagbook_tag_said: $WORD-$OWN")
    assert made.run().runs["inner"]["tags"]["said"] == "hello-inner"


def test_without_cache_or_by_force_all_of_it_runs_again(flow: MakeFlow) -> None:
    made = flow("%pipeline_notebook inner --path inner.ipynb")
    inner(made, "%%pipeline_command a\necho a", "%%pipeline_command b --after a\necho b")
    for words in ((), ("--no-cache",), ("--force", "inner")):
        made.run(*words)
        assert set(shown(made, str(runs_of(made)[0]["run"])).states.values()) == {"succeeded"}
    assert made.run().states == {"inner": "cached"}


# what is wrong with one

MISTAKES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "an unknown parameter": (
        ("%pipeline_notebook inner --path inner.ipynb --param scal=3",),
        ("# parameters\nscale = 1", "%%pipeline_node a --param scale\nprint(scale)"),
        'cell 2, node "inner"\n  E-PARAM-UNKNOWN: there is no parameter \'scal\' here\n  Did you mean "scale"?',
    ),
    "a parameter of another type": (
        ("%pipeline_notebook inner --path inner.ipynb --grid scale=3,many",),
        ("# parameters\nscale = 1", "%%pipeline_node a --param scale\nprint(scale)"),
        'flow.ipynb, cell 2, node "inner"\n  E-PARAM-TYPE',
    ),
    "a mistake in a node of it": (
        ("%pipeline_notebook inner --path inner.ipynb",),
        ("%%pipeline_node a\nx = (",),
        'inner.ipynb, cell 2, line 2, node "a"\n  E-SYNTAX',
    ),
    "a mistake in its edges": (
        ("%pipeline_notebook inner --path inner.ipynb",),
        ("%%pipeline_node a --after nobody\n1",),
        'inner.ipynb, cell 2, node "a"\n  E-EDGE-UNKNOWN',
    ),
    "a mistyped edge, and the input that it was for": (
        ("%pipeline_notebook inner --path inner.ipynb",),
        ("%%pipeline_node first\n1", "%%pipeline_node a --after frist\nopen('/input/first/x.txt')"),
        'inner.ipynb, cell 3, node "a"\n  E-EDGE-UNKNOWN',
    ),
    "a parameter without a value": (
        ("%pipeline_notebook inner --path inner.ipynb",),
        ("%%pipeline_node a --param scale\nprint(scale)",),
        "Give it a value in a cell of inner.ipynb that has the tag `parameters`",
    ),
    "an input that is neither before it nor in it": (
        ("%%pipeline_node first\n1", "%pipeline_notebook inner --path inner.ipynb --after first"),
        ("%%pipeline_node a\nopen('/input/frist/x.txt')", "%%pipeline_node b\nopen('/input/first/x.txt')"),
        "E-NO-INPUT",
    ),
    "an option that means nothing": (
        ("%%pipeline_node first\n1", "%pipeline_notebook inner --path inner.ipynb --after first --map first:/*"),
        ("%%pipeline_node a\n1",),
        'E-NEST-OPTION: "inner" is a pipeline',
    ),
    "itself within itself": (
        ("%pipeline_notebook inner --path inner.ipynb",),
        ("%pipeline_notebook outer --path flow.ipynb",),
        "E-NEST-CYCLE: a pipeline would contain itself: inner.ipynb → flow.ipynb → inner.ipynb",
    ),
}


@pytest.mark.parametrize("case", list(MISTAKES))
def test_what_is_wrong_is_told_before_anything_runs(flow: MakeFlow, case: str) -> None:
    outer, cells, told = MISTAKES[case]
    made = flow(*outer)
    inner(made, *cells)
    found = made.refused()
    assert told in found.replace(f"{made.folder}/", ""), found
    assert "Traceback" not in found


def test_pipelines_stand_within_each_other_to_a_limit(flow: MakeFlow) -> None:
    made = flow("%pipeline_notebook n --path inner0.ipynb")
    for number in range(9):
        inner(made, f"%pipeline_notebook n --path inner{number + 1}.ipynb", name=f"inner{number}.ipynb")
    inner(made, "%%pipeline_node a\n1", name="inner9.ipynb")
    assert "E-NEST-DEPTH: more than 8 pipelines stand within each other, the last one is inner8.ipynb" in made.refused()


# failures, ends, resumptions


@pytest.fixture
def switch() -> Iterator[Path]:
    """A file that nodes which run as processes see, though not in /tmp: a node may look whether it is there."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder, "on")


def failing(flow: MakeFlow, switch: Path) -> Flow:
    use = "%%pipeline_command use --after inner\ncat /input/inner/fit/x"
    made = flow("%pipeline_notebook inner --path inner.ipynb", use)
    inner(
        made,
        "%%pipeline_command load\necho loaded > x",
        f"%%pipeline_node fit --after load\nimport os\nif not os.path.exists('{switch}'):\n"
        "    raise ValueError('no rows')\nopen('x', 'w').write('fitted')",
    )
    return made


def test_a_failure_within_is_the_nodes_with_run_node_and_the_users_traceback(flow: MakeFlow, switch: Path) -> None:
    made = failing(flow, switch)
    said = made.say("run", made.file, *EXECUTORS["process"])
    assert said.code == 1
    run = within(made)["run"]
    assert f"✕ inner (inner.ipynb, cell 3, line 4): fit failed in run {run} of inner: ValueError: no rows" in said.out
    assert "----> 4     raise ValueError('no rows')" in said.out
    assert made.show().states == {"inner": "failed", "use": "upstream_failed"}


def test_a_resumed_run_goes_on_with_the_run_within(flow: MakeFlow, switch: Path) -> None:
    made = failing(flow, switch)
    ended = made.run(code=1)
    run = within(made)["run"]
    switch.touch()
    again = made.again("resume")
    assert (again.id, again.states) == (ended.id, {"inner": "succeeded", "use": "succeeded"})
    assert within(made)["run"] == run
    said = made.say("show", run)
    assert "✓ load  succeeded" in said.out
    assert said.out.count("kept") == 1


def test_a_run_within_that_was_resumed_by_itself_is_taken_as_it_is(flow: MakeFlow, switch: Path) -> None:
    made = failing(flow, switch)
    made.run(code=1)
    switch.touch()
    assert made.say("resume", within(made)["run"]).code == 0
    assert made.again("resume").states == {"inner": "succeeded", "use": "succeeded"}
    assert made.say("show", within(made)["run"]).out.count("kept") == 2


def test_a_failed_attempt_is_tried_again_and_keeps_what_is_done(flow: MakeFlow) -> None:
    made = flow("%pipeline_notebook inner --path inner.ipynb --retries 1")
    inner(made, "%%pipeline_command load\necho x", "%%pipeline_command fit --after load\nexit 3")
    ended = made.run(code=1)
    assert ended.runs["inner"]["attempts"] == 2
    run = shown(made, within(made)["run"])
    assert (run.runs["load"]["attempts"], run.runs["fit"]["attempts"]) == (1, 2)


def test_a_timeout_ends_the_run_within(flow: MakeFlow) -> None:
    made = flow("%pipeline_notebook inner --path inner.ipynb --timeout 2s")
    inner(made, "%%pipeline_command wait\nsleep 600")
    assert made.run(code=1).states == {"inner": "timed_out"}
    found = within(made)
    assert (found["state"], found["reason"]) == ("cancelled", "it took longer than its --timeout of 2 s")


Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def waiting(flow: MakeFlow, started: Started) -> tuple[Flow, subprocess.Popen[str]]:
    """A run whose node within is at work and will not end by itself."""
    made = flow("%pipeline_notebook inner --path inner.ipynb", "%%pipeline_command use --after inner\necho x")
    inner(made, "%%pipeline_command load\necho x", "%%pipeline_command wait --after load\necho here; sleep 600")
    child = started("run", made.file, *EXECUTORS["process"])
    read_until(child, "load succeeded")
    run = within(made)["run"]
    while "here" not in made.say("logs", run, "wait").out:
        assert child.poll() is None
    return made, child


@pytest.mark.fault
@pytest.mark.parametrize("how", ["Ctrl-C", "cancel", "cancel within"])
def test_the_end_of_one_is_the_end_of_the_other(waiting: tuple[Flow, subprocess.Popen[str]], how: str) -> None:
    made, child = waiting
    run = within(made)["run"]
    if how == "Ctrl-C":
        child.send_signal(signal.SIGINT)
    else:
        assert made.say("cancel", run if how == "cancel within" else "latest").code == 0
    assert child.wait(timeout=30) == {"Ctrl-C": 130, "cancel": 4, "cancel within": 1}[how]
    assert shown(made, run).states == {"load": "succeeded", "wait": "cancelled"}
    states = made.show().states
    assert states["inner"] == ("failed" if how == "cancel within" else "cancelled")
    assert within(made)["state"] == "cancelled"


@pytest.mark.fault
def test_what_a_killed_process_left_is_settled_and_can_be_resumed(waiting: tuple[Flow, subprocess.Popen[str]]) -> None:
    made, child = waiting
    child.kill()
    child.wait()
    run = within(made)["run"]
    assert made.show().states["inner"] == "lost"
    assert shown(made, run).states == {"load": "succeeded", "wait": "lost"}
    resumed = subprocess.Popen(
        [DAGBOOK, "resume", "latest"], cwd=made.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    read_until(resumed, "load succeeded before")
    assert within(made)["run"] == run
    resumed.send_signal(signal.SIGINT)
    assert resumed.wait(timeout=30) == 130
    assert resumed.stdout is not None
    resumed.stdout.close()


# approvals


@pytest.fixture
def asking(flow: MakeFlow) -> Flow:
    """A pipeline with one in it that asks lea."""
    made = flow("%pipeline_notebook inner --path inner.ipynb", "%%pipeline_command use --after inner\necho used")
    inner(made, "%%pipeline_command load\necho x", "%%pipeline_command publish --after load --approve lea\necho y")
    return made


def test_who_is_asked_within_is_asked_by_the_run_around(asking: Flow) -> None:
    """By either run; whoever goes on, goes on with the outer one."""
    waits = asking.run("--no-wait", code=3)
    run = within(asking)["run"]
    assert waits.states == {"inner": "pending_approval"}
    assert waits.runs["inner"]["reason"] == f"publish waits for lea (run {run})"
    assert asking.say("approve", "latest", "inner", "--by", "bob").code == 2
    told = asking.say("approve", "latest", "inner", "--by", "lea").out
    assert f"publish: approved by lea.\nNobody runs it now. Go on with: dagbook resume {waits.id}" in told
    ended = asking.again("resume")
    assert ended.states == {"inner": "succeeded", "use": "succeeded"}
    assert shown(asking, run).runs["publish"]["approval"]["by"] == "lea"


def test_a_run_that_waits_goes_on_when_somebody_decides_within(asking: Flow, started: Started) -> None:
    child = started("run", asking.file, *EXECUTORS["process"])
    read_until(child, "publish waits for lea")
    assert asking.show().said.json["state"] == "pending_approval"
    assert asking.say("approve", within(asking)["run"], "publish", "--by", "lea").code == 0
    assert child.wait(timeout=60) == 0


def test_a_rejection_within_fails_the_node_and_another_start_asks_anew(asking: Flow) -> None:
    asking.run("--no-wait", code=3)
    run = within(asking)["run"]
    assert asking.say("reject", run, "publish", "--by", "lea").code == 0
    refused = asking.again("resume", code=1)
    assert "it was rejected" in refused.runs["inner"]["reason"]
    asking.again("resume", "--no-wait", code=3)
    assert [one["state"] for one in runs_of(asking) if one["inside"]] == ["pending_approval", "rejected"]


# room


def at_once(flow: Flow) -> int:
    """The most attempts of nodes, pipelines aside, that were under way at one moment, over all runs of the store."""
    store = Store(flow.store, create=False)
    moments: list[tuple[float, int]] = []
    for row in store.runs():
        nodes = {node["title"]: node["kind"] for node in row.record["pipeline"]["nodes"]}
        state = store.state_of(row.id).node_runs
        for entry in store.facts(row.id):
            fact = entry.fact
            if isinstance(fact, Changed) and nodes[state[fact.id].node] != "pipeline":
                if fact.state is State.RUNNING:
                    moments.append((entry.at, 1))
                elif fact.state in ENDED and state[fact.id].attempt:
                    moments.append((entry.at, -1))
    store.close()
    now = most = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


def test_runs_within_share_the_room_of_the_run_around_them(flow: MakeFlow) -> None:
    busy = "sleep 0.5"  # long enough for others to be at work at the same moment
    made = flow(
        "%pipeline_notebook part --path inner.ipynb --grid size=1,2",
        f"%%pipeline_command own --grid n=1,2\n{busy}",
        f"%%pipeline_command last --after part own --gather\n{busy}",
    )
    inner(made, "# parameters\nsize = 0", f"%%pipeline_command work --param size --grid n=1,2\n{busy}")
    assert set(made.run("--jobs", "2").states.values()) == {"succeeded"}
    assert at_once(made) == 2
    assert set(made.run("--jobs", "1", "--no-cache").states.values()) == {"succeeded"}  # nobody waits for oneself


def test_papermill_runs_a_pipeline_with_one_in_it(flow: MakeFlow) -> None:
    made = flow("%pipeline_notebook inner --path inner.ipynb", "%pipeline_run")
    inner(made, "%%pipeline_command say\necho said within", "%pipeline_run")
    done = subprocess.run(
        [Path(sys.executable).with_name("papermill"), "flow.ipynb", "out.ipynb"],
        cwd=made.folder,
        env={**os.environ, "DAGBOOK_EXECUTOR": "process"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "said within" in (made.folder / "out.ipynb").read_text()
    assert within(made)["state"] == "succeeded"
