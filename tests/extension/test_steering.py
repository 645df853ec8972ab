"""The board's buttons steer real runs, and each is there exactly where it makes sense."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagbook.extension.steering import Report, Steering, buttons_box, buttons_for, notebook_link
from dagbook.extension.steering_buttons import END, GO, LOOKS, SURE, Buttons, result_html
from dagbook.runner.core.lifecycle import PASSED, Created, NodeRun, RunState, State
from dagbook.runner.launch import cancel
from dagbook.runner.records.decisions import Decisions
from dagbook.runner.records.processes import user_name
from dagbook.runner.records.store import Store
from dagbook.runner.steer import wait_for_the_end
from tests.faults.box import Box
from tests.flows.flow import Flow

PATIENCE = 90  # seconds
TRAIN = "%%pipeline_command train\necho cnvrg_tag_score: 3"
DEPLOY = '%%pipeline_command "Deploy model" --after train --approve Leah,Yochay\necho deployed'


class Steered:
    """A steering whose reports are kept, and the run that it steers."""

    def __init__(self, flow: Flow, run: str) -> None:
        self.store = Store(flow.store, create=False)
        self.begun: list[str] = []
        self.told: list[str] = []
        self._reports: queue.Queue[Report] = queue.Queue()
        self.steering = Steering(flow.store, run, self.told.append, lambda launched: self.begun.append(launched.run))
        self.steering.listen(lambda report: None if report.under_way else self._reports.put(report))

    def report(self) -> Report:
        """What came of the next command."""
        return self._reports.get(timeout=PATIENCE)

    def end(self) -> tuple[RunState, dict[str, State]]:
        """The end of the run: its state and those of its node runs."""
        so_far = wait_for_the_end(self.store, self.steering.run, PATIENCE).so_far
        return so_far.state, {id: run.state for id, run in so_far.node_runs.items()}

    def node_run(self, id: str) -> NodeRun:
        """A node run as it is now."""
        return self.store.state_of(self.steering.run).node_runs[id]


@pytest.fixture
def steered(tmp_path: Path) -> Iterator[Flow]:
    """A folder for a flow; runs that are left alive end with the test."""
    flow = Flow(tmp_path)
    yield flow
    if flow.store.exists():
        store = Store(flow.store, create=False)
        for row in store.live_runs():
            cancel(store, row.id, "the test is over")
            wait_for_the_end(store, row.id, PATIENCE)
        store.close()


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.close()


def pending(flow: Flow) -> Steered:
    """A run that waits for an approval, and nobody runs it."""
    flow.rewrite(TRAIN, DEPLOY)
    return Steered(flow, flow.run("--no-wait", code=3).id)


def held(flow: Flow, box: Box) -> Steered:
    """A run that goes on in a process of its own, its node held up."""
    flow.rewrite(f"%%pipeline_command slow\necho slow > {box.path}/seen\nread line < {box.path}/gate")
    said = flow.say("run", flow.file, "--executor", "process", "--detach")
    assert said.code == 0, said.err
    box.wait_for("slow")
    return Steered(flow, flow.show().id)


# which buttons there are


@pytest.mark.parametrize(("state", "run"), [*itertools.product([None, *State], RunState)], ids=str)
def test_a_button_is_there_exactly_where_it_makes_sense(state: State | None, run: RunState) -> None:
    """Every state of a node run in every state of a run."""
    names = buttons_for(state, run)
    goes_on = run in (RunState.RUNNING, RunState.PENDING_APPROVAL)
    again = not goes_on and run is not RunState.REJECTED
    broken = state in (State.FAILED, State.TIMED_OUT, State.LOST)
    assert ("stop" in names) is goes_on
    assert ("approve" in names) is ("reject" in names) is (goes_on and state is State.PENDING_APPROVAL)
    retried = broken or state in (State.CANCELLED, State.UPSTREAM_FAILED)
    assert ("retry" in names) is (retried and run is not RunState.REJECTED)
    assert names.get("retry", "") == ("When the run is over, or has been stopped" if retried and goes_on else "")
    assert ("force" in names) is (again and state in PASSED)
    assert ("attach" in names) is (state is State.FAILED)
    executed = state in PASSED or broken or state in (State.RUNNING, State.CANCELLED)
    assert ("open_notebook" in names) is executed
    assert set(names) <= set(LOOKS)


def test_what_waits_without_a_process_can_be_gone_on_with() -> None:
    assert not buttons_for(State.FAILED, RunState.PENDING_APPROVAL, lives=False)["retry"]
    assert buttons_for(State.FAILED, RunState.PENDING_APPROVAL, lives=True)["retry"]


# what they do, on real runs


def test_row_54_an_approval_from_the_board_lets_a_run_go_on_that_nobody_runs(steered: Flow) -> None:
    """Rows 52, 54: recorded with who and how; the run goes on by itself, and the board is told to follow it."""
    found = pending(steered)
    found.steering.approve("deploy_model", "Leah")
    report = found.report()
    assert report.done, report.text
    assert report.text == "deploy_model: approved by Leah. The run goes on."
    assert found.end() == (RunState.SUCCEEDED, {"train": State.SUCCEEDED, "deploy_model": State.SUCCEEDED})
    assert found.begun == [found.steering.run]
    assert [(one.by, one.how) for one in Decisions(found.store, found.steering.run).all()] == [("Leah", "the board")]


def test_row_56_who_is_not_asked_is_told_what_the_command_line_tells(steered: Flow) -> None:
    found = pending(steered)
    found.steering.approve("deploy_model")
    report = found.report()
    assert not report.done
    refused = f"'{user_name()}' may not decide on deploy_model: it asks Leah, Yochay."
    assert report.text == f"{refused} Choose one of them beside the button."
    said = steered.say("approve", "latest", "deploy_model")
    assert report.text.partition(". ")[0] in said.err
    assert found.node_run("deploy_model").state is State.PENDING_APPROVAL
    assert found.told == [report.text]


def test_a_rejection_from_the_board_ends_the_run(steered: Flow) -> None:
    found = pending(steered)
    found.steering.reject("deploy_model", "Yochay")
    assert found.report().text == "deploy_model: rejected by Yochay."
    assert found.end()[0] is RunState.REJECTED
    found.steering.retry("train")
    assert "that is final" in found.report().text


def test_F57_of_two_tabs_the_one_that_is_behind_is_told_what_holds_and_changes_nothing(steered: Flow) -> None:
    """Each button of the other tab, as it was before the first one decided."""
    first = pending(steered)
    other = Steered(steered, first.steering.run)
    first.steering.approve("deploy_model", "Leah")
    assert first.report().done
    ended = first.end()
    presses: tuple[Callable[[], object], ...] = (
        lambda: other.steering.reject("deploy_model", "Yochay"),
        lambda: other.steering.approve("deploy_model", "Yochay"),
        lambda: other.steering.stop(),
    )
    for press in presses:
        press()
        report = other.report()
        assert not report.done, report.text
    assert first.end() == ended == (RunState.SUCCEEDED, dict.fromkeys(ended[1], State.SUCCEEDED))
    assert [one.by for one in Decisions(other.store, other.steering.run).all()] == ["Leah"]


def test_a_run_that_goes_on_is_stopped_and_retried_from_the_board(steered: Flow, box: Box) -> None:
    """Row 65: stopped midway, and gone on with; while it goes on nothing can be retried."""
    found = held(steered, box)
    found.steering.retry("slow")
    assert "The run goes on" in found.report().text
    found.steering.stop()
    assert found.report().text == f"Run {found.steering.run} was asked to end."
    assert found.end() == (RunState.CANCELLED, {"slow": State.CANCELLED})
    assert found.store.run(found.steering.run).reason == f"cancelled by {user_name()} with the board"
    found.steering.stop()
    assert found.report().text == f"Run {found.steering.run} is over already: cancelled."
    found.steering.retry("slow")
    assert found.report().text == "The run goes on: slow and what did not succeed again."
    box.wait_for("slow", 2)
    box.open_gate()
    assert found.end() == (RunState.SUCCEEDED, {"slow": State.SUCCEEDED})


@pytest.mark.fault
def test_a_second_stop_ends_a_run_whose_process_does_not_listen(steered: Flow, box: Box) -> None:
    """As a second Ctrl-C: the process is killed, the end is written, the node is gone."""
    found = held(steered, box)
    process = found.store.run(found.steering.run).process
    os.kill(process["pid"], signal.SIGSTOP)
    found.steering.stop()
    assert "was asked to end" in found.report().text
    assert found.store.run(found.steering.run).state is RunState.RUNNING
    found.steering.stop()
    assert found.report().text == f"Run {found.steering.run} was ended."
    assert found.end() == (RunState.FAILED, {"slow": State.LOST})


def test_what_is_up_to_date_is_forced_from_the_board(steered: Flow) -> None:
    steered.rewrite(TRAIN)
    steered.run()
    again = steered.run()
    assert again.states == {"train": "cached"}
    found = Steered(steered, again.id)
    found.steering.force("train")
    assert found.report().text == 'The run goes on: "train" again.'
    assert found.end() == (RunState.SUCCEEDED, {"train": State.SUCCEEDED})


def test_attach_tells_what_to_paste_or_why_nothing_was_kept(steered: Flow) -> None:
    steered.rewrite("%%pipeline_node bad\n1 / 0")
    found = Steered(steered, steered.run(code=1).id)
    found.steering.attach("bad")
    report = found.report()
    assert not report.done
    assert report.text.startswith("bad failed, and its kernel was ended, as nobody asked for it to stay. Run it again")
    kept = Steered(steered, steered.run("--keep-failed", code=1).id)
    kept.steering.attach("bad")
    magic, command = kept.report().copy
    assert magic == f"%%pipeline_attach bad --run {kept.steering.run} --store {steered.store}"
    assert steered.say(*command.split()[1:], "-c", "print(6 * 7)").out == "42\n"
    assert "is ended" in steered.say(*command.split()[1:], "--done").out


def test_the_executed_notebook_is_copied_beside_the_users_own_on_a_click(
    steered: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only then; a second click brings the copy up to date. JupyterLab opens nothing in the store."""
    own = tmp_path / "work" / "search.ipynb"
    own.parent.mkdir()
    own.write_text("{}")
    monkeypatch.setenv("JPY_SESSION_NAME", str(own))
    steered.rewrite(TRAIN, DEPLOY)
    found = Steered(steered, steered.run("--no-wait", code=3).id)
    folder = own.with_name("search-runs") / found.steering.run
    assert not folder.parent.exists()
    for _ in range(2):
        found.steering.open_notebook("train")
        report = found.report()
        assert report.copy == (str(folder / "train.ipynb"),)
        assert report.link == f"search-runs/{found.steering.run}/train.ipynb"
        assert '"cells"' in (folder / "train.ipynb").read_text()
        (folder / "train.ipynb").write_text("old")


def test_a_copy_that_cannot_be_made_leaves_the_path(
    steered: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "work" / "search.ipynb"
    own.parent.mkdir()
    own.write_text("{}")
    own.with_name("search-runs").write_text("a file of somebody's")
    monkeypatch.setenv("JPY_SESSION_NAME", str(own))
    steered.rewrite(TRAIN, DEPLOY)
    found = Steered(steered, steered.run("--no-wait", code=3).id)
    found.steering.open_notebook("train")
    report = found.report()
    assert not report.done
    assert "could not be copied" in report.text
    assert '"cells"' in Path(report.copy[0]).read_text()
    found.steering.open_notebook("deploy_model")
    assert found.report().text == "deploy_model has no executed notebook."


@pytest.mark.parametrize(
    ("file", "link"),
    [
        ("store/runs/a b/n#1.ipynb", "store/runs/a%20b/n%231.ipynb"),
        (".dagbook/runs/n.ipynb", ""),
        ("../n.ipynb", ""),
        ("javascript:x/n.ipynb", "javascript%3Ax/n.ipynb"),
    ],
)
def test_a_notebook_is_linked_where_the_server_would_open_it(tmp_path: Path, file: str, link: str) -> None:
    """Nothing above the notebook's folder, nothing hidden; never another kind of address."""
    assert notebook_link(tmp_path / "project" / file, tmp_path / "project") == link


# the buttons themselves


def words(buttons: Buttons) -> list[str]:
    """What the buttons that are shown say."""
    made = [child for child in buttons.box.children if hasattr(child, "on_click")]
    return [button.description for button in made if button.layout.display != "none"]


def disabled(buttons: Buttons) -> set[str]:
    """The words of the buttons that are shown and cannot be pressed."""
    shown = [child for child in buttons.box.children if hasattr(child, "on_click") and child.layout.display != "none"]
    return {button.description for button in shown if button.disabled}


def made(node: str, state: State, **detail: object) -> NodeRun:
    """A node run that nobody ran."""
    return NodeRun(Created(node, node, (), {}, {}, {}), state, detail=detail)


def press(buttons: Buttons, word: str) -> None:
    next(one for one in buttons.box.children if getattr(one, "description", "") == word).click()


def test_a_click_approves_and_the_buttons_rest_meanwhile(steered: Flow) -> None:
    """Nobody stands there before one of those asked was chosen, and without one nothing can be decided."""
    found = pending(steered)
    buttons = Buttons(found.steering)
    buttons.show(found.node_run("deploy_model"), RunState.PENDING_APPROVAL)
    assert words(buttons) == ["Approve", "Reject", "Stop run"]
    who, result = buttons.box.children[0], buttons.box.children[-1]
    assert who.options == (("choose who decides …", ""), ("Leah", "Leah"), ("Yochay", "Yochay"))
    assert who.value == ""
    assert "names are not verified here" in who.tooltip
    assert disabled(buttons) == {"Approve", "Reject"}
    press(buttons, "Approve")
    assert found.told == []
    who.value = "Leah"
    assert disabled(buttons) == set()
    shown = threading.Event()

    def tell(report: Report) -> None:
        if not report.under_way:
            shown.set()

    found.steering.listen(tell)  # called after the buttons were
    press(buttons, "Approve")
    press(buttons, "Approve")  # nothing while the first is under way
    assert found.report().done
    assert shown.wait(PATIENCE)
    assert "approved by Leah" in result.value
    assert found.end()[0] is RunState.SUCCEEDED
    assert len(found.told) == len([text for text in found.told if "approved" in text])


@pytest.mark.parametrize(("asked", "offered"), [((), ["ME"]), (("Leah", "ME"), ["ME", "Leah"])])
def test_a_user_who_may_decide_comes_first(tmp_path: Path, asked: tuple[str, ...], offered: list[str]) -> None:
    names = [user_name() if name == "ME" else name for name in asked]
    buttons = Buttons(Steering(tmp_path, "run", lambda _: None))
    buttons.show(made("a", State.PENDING_APPROVAL, approvers=names), RunState.RUNNING)
    who = buttons.box.children[0]
    assert [value for _, value in who.options] == [user_name() if name == "ME" else name for name in offered]
    assert who.value == user_name()
    assert disabled(buttons) == set()


def test_what_was_told_of_one_name_goes_when_another_is_chosen(steered: Flow) -> None:
    found = pending(steered)
    buttons = Buttons(found.steering)
    run = found.node_run("deploy_model")
    run.detail["approvers"] = ["Dana", "Leah"]  # a board that knows less than the store
    buttons.show(run, RunState.PENDING_APPROVAL)
    who, result = buttons.box.children[0], buttons.box.children[-1]
    who.value = "Dana"
    press(buttons, "Approve")
    assert not found.report().done
    assert "may not decide" in result.value
    who.value = "Leah"
    assert result.value == ""
    buttons.show(run, RunState.PENDING_APPROVAL)
    assert who.value == "Leah"


def test_a_kernel_is_attached_to_only_where_one_stays(steered: Flow) -> None:
    steered.rewrite("%%pipeline_node bad\n1 / 0")
    found = Steered(steered, steered.run(code=1).id)
    buttons = Buttons(found.steering)
    buttons.show(found.node_run("bad"), RunState.FAILED)
    assert "Attach" in disabled(buttons)
    attach = next(one for one in buttons.box.children if getattr(one, "description", "") == "Attach")
    assert "%pipeline_run --keep-failed" in attach.tooltip
    kept = Steered(steered, steered.run("--keep-failed", code=1).id)
    buttons.show(kept.node_run("bad"), RunState.FAILED)
    assert disabled(buttons) == set()
    assert "is ended" in steered.say("attach", kept.steering.run, "bad", "--done").out
    buttons.show(kept.node_run("bad"), RunState.FAILED)
    assert disabled(buttons) == {"Attach"}


def test_what_can_be_run_again_later_says_when(tmp_path: Path) -> None:
    buttons = Buttons(Steering(tmp_path, "run", lambda _: None))
    buttons.show(made("a", State.FAILED), RunState.RUNNING)
    retry = next(one for one in buttons.box.children if getattr(one, "description", "") == "Retry")
    assert retry.disabled
    assert retry.tooltip == "When the run is over, or has been stopped"
    buttons.show(made("a", State.FAILED), RunState.FAILED)
    assert not retry.disabled


def test_a_node_that_runs_several_times_says_that_all_run_again(tmp_path: Path) -> None:
    buttons = Buttons(Steering(tmp_path, "run", lambda _: None))
    buttons.show(made("forest", State.SUCCEEDED), RunState.SUCCEEDED, of=4)
    assert "Run all 4 of forest again" in words(buttons)
    buttons.show(made("split", State.SUCCEEDED), RunState.SUCCEEDED)
    assert "Run again" in words(buttons)


def test_what_ends_a_run_asks_back(steered: Flow) -> None:
    found = pending(steered)
    buttons = Buttons(found.steering)
    buttons.show(found.node_run("deploy_model"), RunState.PENDING_APPROVAL)
    buttons.box.children[0].value = "Leah"
    press(buttons, "Stop run")
    assert words(buttons) == ["Approve", "Reject", "Really stop?"]
    press(buttons, "Reject")
    assert words(buttons) == ["Approve", "Really reject?", "Stop run"]
    assert found.told == []
    press(buttons, "Really reject?")
    assert found.report().text == "deploy_model: rejected by Leah."
    buttons.show(found.node_run("deploy_model"), RunState.REJECTED)
    assert words(buttons) == []


def test_another_node_run_makes_the_buttons_forget_the_question(tmp_path: Path) -> None:
    steering = Steering(tmp_path, "run", lambda _: None)
    buttons = Buttons(steering)
    one, other = (NodeRun(Created(id, "a", (), {}, {}, {}), State.PENDING_APPROVAL) for id in ("a#1", "a#2"))
    buttons.show(one, RunState.RUNNING)
    press(buttons, "Reject")
    buttons.show(other, RunState.RUNNING)
    assert words(buttons) == ["Approve", "Reject", "Stop run"]


def test_an_error_is_a_line_and_the_buttons_live_on(tmp_path: Path) -> None:
    """No store, no traceback."""
    found: queue.Queue[Report] = queue.Queue()
    steering = Steering(tmp_path / "<b>", "run", lambda _: None)
    buttons = Buttons(steering)
    steering.listen(found.put)
    buttons.show(None, RunState.RUNNING)
    press(buttons, "Stop run")
    press(buttons, "Really stop?")
    report = found.get(timeout=PATIENCE)
    assert not report.done
    assert "there is no store at" in report.text
    assert "&lt;b&gt;" in buttons.box.children[-1].value
    assert "<b>" not in buttons.box.children[-1].value
    assert words(buttons) == ["Stop run"]


def test_what_is_told_is_escaped() -> None:
    told = result_html(Report("x", "<script>1</script>", copy=('"><img src=x onerror=1>',)))
    assert "<script" not in told
    assert "<img" not in told


def test_the_box_alone_can_be_had(tmp_path: Path) -> None:
    box = buttons_box(Steering(tmp_path, "run", lambda _: None), None, RunState.RUNNING)
    assert [child.description for child in box.children if child.layout.display != "none"] == ["Stop run"]


@pytest.mark.parametrize("ground", [GO, END, SURE])
def test_white_words_are_read_on_the_grounds_of_buttons(ground: str) -> None:
    """A contrast of 4.5 at least, by the formula of WCAG."""

    def light(part: str) -> float:
        share = int(part, 16) / 255
        return share / 12.92 if share <= 0.03928 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (light(ground[at : at + 2]) for at in (1, 3, 5))
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
