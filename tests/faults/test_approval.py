"""Nodes that wait for a person, on real runs: nothing but a decision of a listed user moves them on (rows 50-56).

A decision is made once; it survives the death of everything and holds for what was asked.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbclient.exceptions import CellExecutionError

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.lifecycle import Answered, State
from dagbook.runner.deciding import waiting_run
from dagbook.runner.records.decisions import Decisions
from dagbook.runner.records.store import Store
from dagbook.runner.view import plain
from tests.conftest import DAGBOOK, MakeNotebook, Said, read_until
from tests.faults.box import Box, follow, run_id, wait_for_state
from tests.faults.test_resume import PROCESS, command, ids
from tests.kernel_magics.test_run_magics import executed, texts

pytestmark = pytest.mark.fault

Dagbook = Callable[..., Said]
Started = Callable[..., "subprocess.Popen[str]"]

ASK = command("ask", "", "--after a --approve leah,yochay")
ASKING = (command("a"), ASK, command("last", "", "--after ask"))
SLOW = command("slow", 'read word < "$BOX/gate"')
NO_WAIT = (*PROCESS, "--no-wait")


def answers(flow: Path) -> list[Answered]:
    """The decisions among the facts of the latest run."""
    store = Store(flow.parent / ".dagbook", create=False)
    found = [entry.fact for entry in store.facts(store.run("latest").id)]
    store.close()
    return [fact for fact in found if isinstance(fact, Answered)]


def pending(child: subprocess.Popen[str], flow: Path, node_run: str = "ask") -> str:
    """Wait until the node run of a started run is pending; the run's id."""
    run = run_id(child)
    follower = follow(flow.parent / ".dagbook", run)
    wait_for_state(follower, node_run, State.PENDING_APPROVAL)
    follower.close()
    follower.store.close()
    return run


def printed(text: str, verb: str) -> list[str]:
    """The words of the command with this verb that a text tells people to type, without the program."""
    lines = [line[line.index("dagbook ") :] for line in text.splitlines() if f"dagbook {verb} " in line]
    (words,) = {tuple(shlex.split(line, comments=True)) for line in lines}
    return list(words[1:])


# deciding while it runs


def test_rows_52_54_55_56_a_pending_node_waits_while_the_rest_goes_on_until_a_listed_user_approves(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(*ASKING, SLOW, command("more", "", "--after slow"))
    child = started("run", flow, *PROCESS)
    run = pending(child, flow)
    box.wait_for("slow")
    shown = dagbook("show", "--json")
    assert shown.json["state"] == "pending_approval"
    assert (ids(shown)["ask"], ids(shown)["slow"]) == ("pending_approval", "running")
    box.open_gate()
    box.wait_for("more")
    refused = dagbook("approve", run, "ask", "--by", "lea")
    assert refused.code == 2
    assert "E-NOT-APPROVER" in refused.err
    assert 'Did you mean "leah"?' in refused.err
    assert ids(dagbook("show", "--json"))["ask"] == "pending_approval"
    said = dagbook("approve", run, "ask", "--by", "yochay")
    assert (said.code, said.out) == (0, "ask: approved by yochay.\n")
    child.communicate(timeout=60)
    assert child.returncode == 0
    shown = dagbook("show", "--json")
    assert set(ids(shown).values()) == {"succeeded"}
    approval = ids(shown, "approval")["ask"]
    assert (approval["approved"], approval["by"], approval["how"]) == (True, "yochay", "dagbook approve")
    assert [(one.id, one.by) for one in answers(flow)] == [("ask", "yochay")]


def test_row_54_a_rejection_ends_what_runs_and_keeps_what_is_done(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(*ASKING, SLOW)
    child = started("run", flow, *PROCESS)
    run = pending(child, flow)
    box.wait_for("slow")
    assert dagbook("reject", run, "ask", "--by", "leah").out == "ask: rejected by leah.\n"
    child.communicate(timeout=60)
    assert child.returncode == 4
    shown = dagbook("show", "--json")
    assert (shown.json["state"], shown.json["reason"]) == ("rejected", 'leah rejected "ask"')
    assert ids(shown) == {"a": "succeeded", "ask": "rejected", "slow": "cancelled", "last": "cancelled"}
    assert box.wait_until_empty() == []
    for verb in ("resume", "retry"):
        said = dagbook(verb, run)
        assert said.code == 2
        assert "E-RESUME" in said.err
        assert 'leah rejected "ask"' in said.err


def test_one_of_several_is_decided_by_its_number_and_all_by_the_title(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(command("ask", "", "--grid x=1,2,3 --approve leah"))
    child = started("run", flow, *PROCESS)
    run = pending(child, flow, "ask#3")
    assert dagbook("approve", run, "ask#2", "--by", "leah").out == "ask#2: approved by leah.\n"
    said = dagbook("approve", run, "ask", "--by", "leah", "--json")
    assert [(one["id"], one["decision"]) for one in said.json["decided"]] == [
        ("ask#1", "approved"),
        ("ask#3", "approved"),
    ]
    child.communicate(timeout=60)
    assert child.returncode == 0
    again = dagbook("approve", run, "ask", "--by", "leah")
    assert again.code == 2
    assert "leah approved it" in again.err
    unknown = dagbook("approve", run, "asks", "--by", "leah")
    assert unknown.code == 2
    assert 'no node "asks"' in unknown.err


@pytest.mark.parametrize("lives", [True, False], ids=["while it runs", "while nobody runs it"])
def test_of_ten_that_decide_at_once_one_does_and_all_are_told_the_same(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, lives: bool
) -> None:
    """Row P19."""
    flow = make_notebook(*ASKING)
    child = started("run", flow, *PROCESS)
    run = pending(child, flow)
    if not lives:
        child.kill()
        child.communicate()
    verbs = ["approve", "reject"] * 5
    deciding = [
        started(verb, run, "ask", "--by", "leah" if number % 3 else "yochay") for number, verb in enumerate(verbs)
    ]
    heard = [one.communicate(timeout=60)[0] for one in deciding]
    store = Store(flow.parent / ".dagbook", create=False)
    (made,) = Decisions(store, run).all()
    store.close()
    assert sum(f"ask: {made.word} by {made.by}.\n" in text for text in heard) == 1
    for text in heard:  # some found it decided and gone on
        assert f"{made.word} by {made.by}" in text or f"{made.by} {made.word} it" in text, text
    wrong = "reject" if made.approved else "approve"
    assert all(one.returncode != 0 for one, verb in zip(deciding, verbs, strict=True) if verb == wrong)
    if lives:
        child.communicate(timeout=60)
        assert child.returncode == (0 if made.approved else 4)
    elif made.approved:
        assert dagbook("resume", run).code == 0
    else:
        assert dagbook("show", "--json").json["state"] == "rejected"
    assert len(answers(flow)) == 1


# nobody runs it


def test_it_survives_the_death_of_the_run_process(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Row P19, F50."""
    flow = make_notebook(*ASKING, SLOW)
    child = started("run", flow, *PROCESS)
    run = pending(child, flow)
    box.wait_for("slow")
    child.kill()
    child.communicate()
    shown = dagbook("show", "--json")
    assert shown.json["state"] == "pending_approval"
    assert (ids(shown)["ask"], ids(shown)["slow"]) == ("pending_approval", "lost")
    said = dagbook("approve", run, "ask", "--by", "leah")
    assert said.out.startswith("ask: approved by leah.\n")
    assert box.wait_until_empty() == []
    box.open_gate()
    said = dagbook(*printed(said.out, "resume"), "--json")
    assert (said.code, said.json["run"]) == (0, run)
    assert ids(said, "attempts") == {"a": 1, "ask": 1, "slow": 2, "last": 1}
    assert [one.by for one in answers(flow)] == ["leah"]


def test_a_run_that_waits_in_the_background_is_decided_too(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(*ASKING)
    assert dagbook("run", flow, *PROCESS, "--detach").code == 0
    follower = follow(flow.parent / ".dagbook", "latest")
    wait_for_state(follower, "ask", State.PENDING_APPROVAL)
    assert dagbook("approve", "latest", "ask", "--by", "leah").code == 0
    for _ in follower.follow():
        pass
    assert follower.so_far.state == "succeeded"
    follower.store.close()


@pytest.mark.parametrize("how", ["reject", "cancel"])
def test_what_nobody_runs_can_be_ended(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, how: str
) -> None:
    """Also when it was killed with something under way."""
    flow = make_notebook(*ASKING, SLOW)
    child = started("run", flow, *PROCESS)
    run = pending(child, flow)
    box.wait_for("slow")
    child.kill()
    child.communicate()
    said = dagbook("cancel", run) if how == "cancel" else dagbook("reject", run, "ask", "--by", "leah")
    assert said.code == 0
    shown = dagbook("show", "--json")
    word = "cancelled" if how == "cancel" else "rejected"
    assert shown.json["state"] == word
    assert {name: ids(shown)[name] for name in ("a", "ask", "slow")} == {"a": "succeeded", "ask": word, "slow": "lost"}
    if how == "cancel":
        assert said.out == f"Run {run} cancelled.\n"
        assert box.wait_until_empty() == []
        box.open_gate()
        again = dagbook("resume", run, "--no-wait", "--json")
        assert (again.code, ids(again)["ask"]) == (3, "pending_approval")


def test_a_process_that_is_killed_as_it_resumes_leaves_a_run_that_can_still_be_decided(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(*ASKING)
    assert dagbook("run", flow, *NO_WAIT).code == 3
    child = started("resume", "latest")
    run_id(child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert dagbook("show", "--json").json["state"] == "pending_approval"
    assert dagbook("approve", "latest", "ask", "--by", "leah").code == 0
    assert dagbook("resume", "latest").code == 0


# nothing else moves it on


def test_no_resume_no_retry_and_no_earlier_result_moves_a_pending_node_on(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Row P19."""
    flow = make_notebook(*ASKING)
    assert dagbook("run", flow, *NO_WAIT).code == 3
    for words in (["resume", "latest"], ["retry", "latest"], ["retry", "latest", "--node", "ask"]):
        said = dagbook(*words, "--no-wait", "--json")
        assert (said.code, said.json["state"], ids(said)["ask"]) == (3, "pending_approval", "pending_approval")
    assert dagbook("approve", "latest", "ask", "--by", "leah").code == 0
    assert dagbook("resume", "latest").code == 0
    assert box.begun() == {"a": 1, "ask": 1, "last": 1}
    second = dagbook("run", flow, *NO_WAIT, "--json")
    assert second.code == 3
    assert ids(second) == {"a": "cached", "ask": "pending_approval"}
    assert dagbook("approve", "latest", "ask", "--by", "leah").code == 0
    said = dagbook("resume", "latest", "--json")
    assert (said.code, ids(said)["ask"]) == (0, "cached")
    assert box.begun()["ask"] == 1


def test_an_approval_holds_for_what_was_asked_and_not_for_other_parameters(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Row P19, F50."""
    flow = make_notebook(
        "# parameters\nn = 1\nm = 1",
        command("a", "echo $DAGBOOK_TAG_N > n.txt", "--param n"),
        ASK,
        command("other", "", "--param m"),
    )
    assert dagbook("run", flow, *NO_WAIT).code == 3
    assert dagbook("approve", "latest", "ask", "--by", "leah").code == 0
    said = dagbook("resume", "latest", "-p", "n", "2", "--no-wait", "--json")
    assert (said.code, ids(said)["ask"]) == (3, "pending_approval")
    assert dagbook("approve", "latest", "ask", "--by", "yochay").code == 0
    said = dagbook("resume", "latest", "-p", "m", "2", "--no-wait", "--json")  # it does not depend on that
    assert (said.code, ids(said)["ask"]) == (0, "succeeded")
    assert ids(said, "approval")["ask"]["by"] == "yochay"


def test_F50_T1_an_edit_while_it_waits_changes_neither_who_decides_nor_what_is_decided(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Nobody runs it meanwhile; a run of what is written now asks those who are named now."""
    flow = make_notebook(command("a"), command("ask", "echo asked >said", "--after a --approve leah,yochay"))
    assert dagbook("run", flow, *NO_WAIT).code == 3
    make_notebook(command("a"), command("ask", "echo edited >said", "--after a --approve yochay,mallory"))
    assert "E-NOT-APPROVER" in dagbook("approve", "latest", "ask", "--by", "mallory").err
    assert dagbook("approve", "latest", "ask", "--by", "leah").code == 0
    said = dagbook("resume", "latest", "--json")
    assert said.code == 0
    (asked,) = [one for one in said.json["node_runs"] if one["node"] == "ask"]
    assert (Path(asked["artifact"]) / "said").read_text() == "asked\n"
    assert dagbook("run", flow, *NO_WAIT).code == 3
    assert "E-NOT-APPROVER" in dagbook("approve", "latest", "ask", "--by", "leah").err


# the commands that go on


def test_without_waiting_it_ends_with_3_and_prints_commands_that_work_as_they_stand(
    make_notebook: MakeNotebook, box: Box, tmp_path: Path
) -> None:
    """Also in another folder than the notebook's."""

    def say(*words: str) -> Said:
        done = subprocess.run([DAGBOOK, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    make_notebook(*ASKING)
    said = say("run", "project/flow.ipynb", *NO_WAIT)
    assert said.code == 3
    assert "pending approval" in said.out.splitlines()[-1]
    approved = say(*printed(said.out, "approve"))
    assert (approved.code, approved.out.splitlines()[0]) == (0, "ask: approved by leah.")
    assert printed(approved.out, "resume") == printed(said.out, "resume")
    assert say(*printed(said.out, "resume")).code == 0


def test_under_papermill_the_cell_ends_with_an_error_that_names_the_commands_that_go_on(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    path = make_notebook(*ASKING, "%pipeline_run --executor process")
    with pytest.raises(CellExecutionError) as raised:
        executed(path)
    text = plain(str(raised.value))
    assert "E-PENDING" in text
    assert "leah or yochay" in text
    assert dagbook(*printed(text, "approve")).code == 0
    said = dagbook(*printed(text, "resume"), "--json")
    assert (said.code, ids(said, "attempts")) == (0, {"a": 1, "ask": 1, "last": 1})
    assert dagbook("resume", "latest", "-o", "out.ipynb").code == 2  # a kernel under papermill does not know its file


@pytest.mark.parametrize("word", ["approved", "rejected"])
def test_the_magic_decides(dagbook: Dagbook, make_notebook: MakeNotebook, box: Box, word: str) -> None:
    flow = make_notebook(*ASKING)
    assert dagbook("run", flow, *NO_WAIT).code == 3
    reject = "--reject" if word == "rejected" else ""
    with pytest.raises(CellExecutionError, match="E-NOT-APPROVER"):
        executed(make_notebook(f"%pipeline_approve ask --by ann {reject}", name="decide.ipynb"))
    notebook: Any = executed(make_notebook(f"%pipeline_approve ask --by leah {reject}", name="decide.ipynb"))
    assert f"ask: {word} by leah." in texts(notebook.cells[-1])
    if word == "approved":
        assert "Go on with: dagbook resume" in texts(notebook.cells[-1])
        assert dagbook("resume", "latest").code == 0
    else:
        assert dagbook("show", "--json").json["state"] == "rejected"
    (made,) = answers(flow)
    assert (made.by, made.how) == ("leah", "%pipeline_approve")


def test_the_magic_means_the_run_that_waits_and_not_a_later_one(
    dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    flow = make_notebook(*ASKING)
    first = dagbook("run", flow, *NO_WAIT, "--json").json["run"]
    assert dagbook("run", make_notebook(command("a"), name="later.ipynb"), *PROCESS).code == 0
    store = Store(flow.parent / ".dagbook", create=False)
    assert waiting_run(store, "ask") == first
    assert waiting_run(store, "a") == "latest"  # it waits in none: decide tells that
    second = dagbook("run", flow, *NO_WAIT, "--json").json["run"]
    with pytest.raises(PipelineError, match=f'"ask" waits in 2 runs: {second}, {first}\n.*--run {second}'):
        waiting_run(store, "ask")
    store.close()


def test_the_line_that_asks_is_printed_when_it_is_asked(
    started: Started, dagbook: Dagbook, make_notebook: MakeNotebook, box: Box
) -> None:
    """Whoever looks on while the run waits is told whom it waits for, and the command."""
    child = started("run", make_notebook(*ASKING), *PROCESS)
    line = read_until(child, "dagbook approve")
    assert "leah or yochay" in line
    assert dagbook(*printed(line, "approve")).code == 0
    child.communicate(timeout=60)
    assert child.returncode == 0
