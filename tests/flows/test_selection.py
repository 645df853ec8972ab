"""Parts of a pipeline on earlier results, on real runs (row 40): what is not selected is not run, and yet its
conditions, its references and its axes hold as if it had been."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Flow

SCORED = '%%pipeline_command a --grid x=1,2,3\necho "cnvrg_tag_acc: $CNVRG_TAG_X"'
TAGGED = "%%pipeline_command a\necho cnvrg_tag_t: 5\necho cnvrg_tag_all: 1,2"


def command(title: str, words: str, script: str = ":") -> str:
    return f"%%pipeline_command {title} {words}\n{script}"


# cells, the last node, the node runs when it runs alone on what was before
WHOLE = {
    "condition": (
        [SCORED, command("best", "--after a --when max:acc"), command("rep", "--after best")],
        {"a#1": "cached", "a#2": "cached", "a#3": "cached", "best#3": "cached", "rep#3": "succeeded"},
    ),
    "reference": (
        [TAGGED, command("b", '--after a --param "v={{ a.t }}"'), command("rep", "--after b")],
        {"a": "cached", "b": "cached", "rep": "succeeded"},
    ),
    "hyper": (
        [TAGGED, command("b", '--after a --param "v={{ a.all | hyper }}"'), command("rep", "--after b")],
        {"a": "cached", "b#1": "cached", "b#2": "cached", "rep#1": "succeeded", "rep#2": "succeeded"},
    ),
    "skipped parent": (
        [TAGGED, command("b", "--after a --when gt:t:9"), command("rep", "--after b")],
        {"a": "cached", "b": "skipped", "rep": "skipped"},
    ),
}


@pytest.mark.parametrize("option", ["--node", "--from"])
@pytest.mark.parametrize("case", [pytest.param(case, id=f"row 40: {case}") for case in WHOLE])
def test_row_40_a_node_runs_on_earlier_results_of_what_only_a_run_decides(
    flow: MakeFlow, case: str, option: str
) -> None:
    cells, wanted = WHOLE[case]
    made = flow(*cells)
    made.run()
    assert made.run(option, "rep", "--force", "rep").states == wanted


def test_row_40_what_surely_lacks_an_earlier_result_is_told_before_anything_starts(flow: MakeFlow) -> None:
    made = flow(*WHOLE["condition"][0])
    only = made.run("--until", "a")
    said = made.say("run", made.file, *EXECUTORS["process"], "--node", "rep")
    assert (said.code, said.out) == (2, "")
    assert 'E-NO-EARLIER: "best" is not selected' in said.err
    assert made.show().id == only.id


@pytest.fixture
def gated(flow: MakeFlow) -> Flow:
    """A node that runs where n is above 3, after a run with 5."""
    made = flow(
        "# parameters\nn = 5",
        command("a", "--param n", 'echo "cnvrg_tag_t: $CNVRG_TAG_N"\necho $CNVRG_TAG_N > n.txt'),
        command("b", "--after a --when gt:t:3", "cp /input/a/n.txt . && echo b > b.txt"),
        command("c", "--after b", "cp /input/b/n.txt ."),
    )
    made.run()
    return made


def test_row_40_a_condition_that_is_false_now_skips_what_it_let_pass_before(gated: Flow) -> None:
    skipped = {"a": "succeeded", "b": "skipped", "c": "skipped"}
    assert gated.run("-p", "n", "1").states == skipped
    assert gated.run("--node", "c", "--force", "c", "-p", "n", "1").states == {**skipped, "a": "cached"}


def test_row_40_the_earlier_result_is_the_one_that_came_from_the_parents_as_they_stand(gated: Flow) -> None:
    gated.run("-p", "n", "7")
    alone = ("--node", "c", "--force", "c", "-p", "n")
    assert [gated.run(*alone, n).text("c", "n.txt") for n in ("5", "7")] == ["5", "7"]


def test_row_40_a_damaged_result_is_not_taken(gated: Flow) -> None:
    """Where it is the only one, there is none."""
    Path(gated.show().runs["b"]["artifact"], "n.txt").unlink()
    said = gated.say("run", gated.file, *EXECUTORS["process"], "--node", "c")
    assert said.code == 2
    assert 'E-NO-EARLIER: "b" is not selected' in said.err


def test_row_40_what_is_to_run_again_runs_though_it_is_not_selected(gated: Flow) -> None:
    forced = gated.run("--node", "c", "--force", "b")
    assert {id: forced.states[id] for id in ("a", "b")} == {"a": "cached", "b": "succeeded"}
    assert gated.again("retry", "--node", "a").states["a"] == "succeeded"
