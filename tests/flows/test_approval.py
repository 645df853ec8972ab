"""Nodes that people let start, on real runs: states, who may decide, what a decision means (rows 52, 54-56)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import read_until
from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Flow

Started = Callable[..., "subprocess.Popen[str]"]

TRAIN = "%%pipeline_command train --grid n=1,2\necho cnvrg_tag_score: $CNVRG_TAG_N\necho $CNVRG_TAG_N > n.txt"
DEPLOY = '%%pipeline_command "Deploy model" --after train --approve Leah,Yochay\ncp /input/train/n.txt .'
AFTER = '%%pipeline_command after --after "Deploy model"\ncp /input/deploy_model/n.txt .'
BESIDE = "%%pipeline_command beside --after train\n:"
NODE = "Deploy model"
PENDING = {f"deploy_model#{n}": "pending_approval" for n in (1, 2)}


@pytest.fixture
def waiting(flow: MakeFlow) -> Flow:
    """A flow of which nothing but an approval is left to wait for."""
    made = flow(TRAIN, DEPLOY, AFTER, BESIDE)
    ended = made.run("--no-wait", code=3)
    assert ended.states.items() >= PENDING.items()
    return made


def decide(made: Flow, verb: str, node: str, by: str, code: int = 0) -> str:
    said = made.say(verb, "latest", node, "--by", by)
    assert said.code == code, said.out + said.err
    return said.out + said.err


def test_rows_52_55_flow_and_node_wait_while_the_rest_goes_on(waiting: Flow) -> None:
    """Nothing of the node ran; the flow and both of its runs are pending."""
    shown = waiting.show()
    assert shown.said.json["state"] == "pending_approval"
    assert not [id for id in shown.states if id.startswith("after")]
    assert [run["state"] for run in shown.of("beside")] == ["succeeded", "succeeded"]
    assert not list(waiting.store.glob("runs/*/deploy*"))
    assert "pending approval" in waiting.say("runs").out
    assert waiting.say("show").out.count("waits for Leah or Yochay") == 2


def test_row_52_the_command_that_decides_and_the_one_that_goes_on_are_printed(flow: MakeFlow) -> None:
    """Exit code 3, as CI wants it."""
    made = flow(TRAIN, DEPLOY)
    said = made.say("run", made.file, *EXECUTORS["process"], "--no-wait")
    run = made.show().id
    assert said.code == 3
    assert f"dagbook approve {run} 'Deploy model' --by Leah" in said.out
    assert f"dagbook reject {run} 'Deploy model' --by Leah" in said.out
    assert f"dagbook resume {run}" in said.out


@pytest.mark.parametrize("user", ["Mallory", "leah", "Leah,Yochay"])
def test_rows_52_56_nobody_but_the_named_may_decide(waiting: Flow, user: str) -> None:
    """The message tells whom the node asks; nothing is decided."""
    told = decide(waiting, "approve", NODE, user, code=2)
    assert "E-NOT-APPROVER" in told
    assert "deploy_model#" in told
    assert "it asks Leah, Yochay" in told
    assert waiting.show().states.items() >= PENDING.items()


def test_rows_52_54_an_approved_node_starts_and_who_decided_is_recorded(waiting: Flow) -> None:
    """Approved while nobody ran it: `resume` goes on, runs nothing twice, and what comes after follows."""
    told = decide(waiting, "approve", NODE, "Yochay")
    assert "Go on with: dagbook resume" in told
    before = {run["id"]: run["notebook"] for run in waiting.show().of("train")}
    ended = waiting.again("resume")
    assert set(ended.states.values()) == {"succeeded"}
    assert [ended.text(f"after#{n}", "n.txt") for n in (1, 2)] == ["1", "2"]
    assert {run["id"]: run["notebook"] for run in ended.of("train")} == before
    answer = ended.runs["deploy_model#1"]["approval"]
    assert (answer["approved"], answer["by"], answer["how"]) == (True, "Yochay", "dagbook approve")


def test_row_52_one_run_of_the_node_can_be_let_start_alone(waiting: Flow) -> None:
    decide(waiting, "approve", "deploy_model#2", "Leah")
    ended = waiting.again("resume", "--no-wait", code=3)
    assert (
        ended.states.items()
        >= {
            "deploy_model#1": "pending_approval",
            "deploy_model#2": "succeeded",
            "after#2": "succeeded",
        }.items()
    )
    assert "after#1" not in ended.states


def test_row_54_a_rejection_aborts_the_flow_and_keeps_what_is_done(waiting: Flow) -> None:
    """It is final: nobody can approve any more, and the run cannot be resumed."""
    decide(waiting, "reject", NODE, "Leah")
    shown = waiting.show()
    assert shown.said.json["state"] == "rejected"
    assert 'Leah rejected "Deploy model"' in shown.said.json["reason"]
    assert "rejected" in shown.states.values()
    assert shown.text("train#1", "n.txt") == "1"
    assert not list(waiting.store.glob("runs/*/deploy*"))
    assert "E-NOT-PENDING" in decide(waiting, "approve", NODE, "Yochay", code=2)
    said = waiting.say("resume", "latest")
    assert said.code == 2
    assert "E-RESUME" in said.err


def test_row_52_a_decision_is_made_once(waiting: Flow) -> None:
    """The second of two is told what holds, and changes nothing."""
    decide(waiting, "approve", "deploy_model#1", "Leah")
    told = decide(waiting, "reject", "deploy_model#1", "Yochay", code=1)
    assert "approved by Leah, before you" in told
    assert "deploy_model#1" in told
    assert waiting.again("resume", "--no-wait", code=3).states["deploy_model#1"] == "succeeded"


def test_row_52_waiting_survives_restarts(waiting: Flow) -> None:
    """Resumed without a decision it waits as before, and runs nothing again."""
    ended = waiting.again("resume", "--no-wait", code=3)
    assert ended.states.items() >= PENDING.items()
    assert [run["attempts"] for run in ended.of("train")] == [1, 1]


def test_row_52_an_earlier_result_never_answers_an_approval(waiting: Flow) -> None:
    """The node ran in another run of the same pipeline, approved; here it is asked for again."""
    decide(waiting, "approve", NODE, "Leah")
    waiting.again("resume")
    ended = waiting.run("--no-wait", code=3)
    assert ended.states == {
        "train#1": "cached",
        "train#2": "cached",
        **PENDING,
        "beside#1": "cached",
        "beside#2": "cached",
    }


def test_row_52_an_approval_holds_for_the_plan_that_was_asked_for(flow: MakeFlow) -> None:
    """With another parameter the node would run on something else: it is asked for again."""
    made = flow(
        "# parameters\nepochs = 3",
        "%%pipeline_command deploy --param epochs --approve Leah\necho $CNVRG_TAG_EPOCHS > e.txt",
    )
    made.run("--no-wait", code=3)
    decide(made, "approve", "deploy", "Leah")
    made.again("resume", "-p", "epochs", "9", "--no-wait", code=3)
    decide(made, "approve", "deploy", "Leah")
    assert made.again("resume").text("deploy", "e.txt") == "9"


def test_row_56_conditions_hold_before_anybody_is_asked(flow: MakeFlow) -> None:
    """Of two runs one passes, and only for that one somebody is asked."""
    ended = flow(TRAIN, DEPLOY.replace("--approve", "--when gt:score:1 --approve")).run("--no-wait", code=3)
    [asked] = ended.of(NODE)
    assert (asked["state"], asked["route"]["train"]) == ("pending_approval", {"n": 2})


@pytest.mark.parametrize(("verb", "code", "told"), [("approve", 0, "succeeded"), ("reject", 4, "rejected")])
def test_row_54_a_run_that_waits_hears_of_the_decision(
    flow: MakeFlow, started: Started, verb: str, code: int, told: str
) -> None:
    """Without --no-wait the command stays, and goes on or ends as soon as somebody has decided."""
    made = flow(TRAIN.replace(" --grid n=1,2", " --param n=7"), DEPLOY)
    child = started("run", made.file, *EXECUTORS["process"])
    read_until(child, "dagbook reject")
    assert made.show().said.json["state"] == "pending_approval"
    decide(made, verb, NODE, "Leah")
    out, _ = child.communicate(timeout=60)
    assert child.returncode == code, out
    ended = made.show()
    assert ended.said.json["state"] == told
    assert ended.states["deploy_model"] == told


@pytest.mark.parametrize("node", ["Deploi model", "train"])
def test_row_55_a_node_that_waits_for_nobody_cannot_be_decided_on(waiting: Flow, node: str) -> None:
    told = decide(waiting, "approve", node, "Leah", code=2)
    assert "E-NOT-PENDING" in told
    assert '"deploy_model#' in told
