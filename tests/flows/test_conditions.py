"""Which runs go on, on real runs: every objective, over one task or all, ties and what cannot be compared (44-51)."""

from __future__ import annotations

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Ended

TRAIN = (
    "%%pipeline_command train --grid acc=0.5,0.7,0.9,nan\n"
    'echo "cnvrg_tag_accuracy: $CNVRG_TAG_ACC"\n'
    'echo "cnvrg_tag_kind: kind $CNVRG_TAG_ACC"'
)


def after_train(title: str, condition: str) -> str:
    return f"%%pipeline_command {title} --after train --when '{condition}'\n:"


# node -> its condition, the values of acc that go on
ONE_TASK = {
    "gt": ("gt:accuracy:0.7", [0.9]),
    "ge": ("ge:accuracy:0.7", [0.7, 0.9]),
    "lt": ("lt:accuracy:0.7", [0.5]),
    "le": ("le:accuracy:0.7", [0.5, 0.7]),
    "eq": ("eq:accuracy:0.7", [0.7]),
    "ne": ("ne:accuracy:0.7", [0.5, 0.9]),
    "eqtext": ("eq:kind:kind 0.5", [0.5]),
    "max": ("max:accuracy", [0.9]),
    "min": ("min:train.accuracy", [0.5]),
    "maxbelow": ("max:accuracy' 'lt:accuracy:0.8", [0.7]),
    "exact": ("eq:accuracy:0.30000000000000004", []),
    "missing": ("gt:acuracy:0", []),
    "text": ("gt:kind:0", []),
}


@pytest.fixture(scope="module")
def one_task(shared_flow: MakeFlow) -> Ended:
    """One node with each condition after a grid of four, of which one logs NaN."""
    cells = [after_train(title, condition) for title, (condition, _) in ONE_TASK.items()]
    more = "%%pipeline_command after --after text\n:", "%%pipeline_command beside --after train\n:"
    return shared_flow(TRAIN, *cells, *more).run()


ROWS = {"gt": "45", "lt": "46", "eq": "47", "eqtext": "47", "max": "48", "min": "49", "exact": "C3", "missing": "C1"}


@pytest.mark.parametrize(
    "title", [pytest.param(title, id=f"row {ROWS.get(title, '44')}: {title}") for title in ONE_TASK]
)
def test_rows_44_to_49_the_runs_that_pass_go_on_and_no_others(one_task: Ended, title: str) -> None:
    _, wanted = ONE_TASK[title]
    went_on = [run["route"]["train"]["acc"] for run in one_task.of(title) if run["state"] != "skipped"]
    assert went_on == wanted
    assert all(run["state"] in ("succeeded", "cached") for run in one_task.of(title) if wanted)


def test_row_44_what_passed_nobody_is_skipped_with_a_reason_and_so_is_what_comes_after(one_task: Ended) -> None:
    """The rest goes on, and the flow succeeds."""
    assert one_task.said.json["state"] == "succeeded"
    assert [(one_task.states[id]) for id in ("text", "missing", "exact", "after")] == ["skipped"] * 4
    assert one_task.runs["after"]["reason"] == '"text" was skipped'
    assert len(one_task.of("beside")) == 4


def test_C1_the_reason_names_run_tag_and_value(one_task: Ended) -> None:
    reason = one_task.runs["missing"]["reason"]
    assert reason.startswith("no run passed gt:train.acuracy:0: ")
    unlogged = 'no run of "train" logged "acuracy". Did you mean "accuracy"?'
    assert reason.endswith(unlogged)
    assert one_task.runs["missing"]["warnings"] == [f"it did not run, because {unlogged}"]
    assert one_task.runs["text"]["warnings"] == []
    reason = one_task.runs["text"]["reason"]
    assert "kind 0.5" in reason
    assert "train#1" in reason


def test_C2_a_nan_never_wins_and_never_passes(one_task: Ended) -> None:
    [best] = one_task.of("max")
    assert best["route"]["train"] == {"acc": 0.9}
    assert "train#3 wins with 0.9" in best["because"]
    assert "nan" in best["because"]


# several tasks

MODEL = 'echo "cnvrg_tag_accuracy: 0.$CNVRG_TAG_N"\necho $CNVRG_TAG_N > m'
RANDOM = f"%%pipeline_command 'Random forest' --grid n=1,2\n{MODEL}"
LINEAR = f"%%pipeline_command linear --grid n=3,4\n{MODEL}"
SEEN = "env > env.txt\ncat /input/*/m > models.txt"


def both(title: str, *conditions: str) -> str:
    asked = " ".join(f"--when '{one}'" for one in conditions)
    return f"%%pipeline_command {title} --after 'Random forest' linear {asked}\n{SEEN}"


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.container)])
def two_tasks(request: pytest.FixtureRequest, shared_flow: MakeFlow) -> Ended:
    """Conditions over two grids of two."""
    cells = (
        RANDOM,
        LINEAR,
        both("best", "max:accuracy"),
        both("named", "max:Random forest.accuracy"),
        both("each", "max:Random forest.accuracy", "min:linear.accuracy"),
        both("above", "gt:accuracy:0.15"),
        both("quarrel", "max:accuracy", "min:accuracy"),
        "%%pipeline_command report --after best\nls /input > input.txt",
    )
    return shared_flow(*cells).run(executor=request.param)


def passed(ended: Ended, title: str) -> list[tuple[str, list[str]]]:
    """What each run of a node was told of its parents, and the models that it saw."""
    return [
        (ended.environment(run["id"])["CNVRG_TASKS_PASSED_CONDITION"], ended.lines(run["id"], "models.txt"))
        for run in ended.of(title)
    ]


def test_rows_48_50_51_without_a_task_the_best_of_all_goes_on(two_tasks: Ended) -> None:
    """One winner over both tasks; the other is not there at all."""
    assert passed(two_tasks, "best") == [("/input/linear", ["4"])]
    [run] = two_tasks.of("best")
    seen = two_tasks.environment(run["id"])
    assert seen["DAGBOOK_TASKS_PASSED_CONDITION"] == "/input/linear"
    assert seen["CNVRG_LINEAR_PASSED_CONDITION"] == "true"
    assert "INPUT_RANDOM_FOREST" not in seen
    assert "CNVRG_RANDOM_FOREST_ACCURACY" not in seen
    assert "CNVRG_RANDOM_FOREST_PASSED_CONDITION" not in seen


def test_row_50_a_named_task_is_tested_alone(two_tasks: Ended) -> None:
    """Both runs of the other one go on with its winner, and are not in the list of those that passed."""
    assert passed(two_tasks, "named") == [("/input/random_forest", ["3", "2"]), ("/input/random_forest", ["4", "2"])]


def test_row_51_all_parents_that_passed_are_listed_with_their_artifacts(two_tasks: Ended) -> None:
    [(paths, models)] = passed(two_tasks, "each")
    assert paths == "/input/random_forest,/input/linear"
    assert sorted(models) == ["2", "3"]


def test_rows_45_51_thresholds_over_all_tasks_join_what_passed(two_tasks: Ended) -> None:
    """0.2 of the first and both of the second: two routes."""
    assert [sorted(models) for _, models in passed(two_tasks, "above")] == [["2", "3"], ["2", "4"]]


def test_C2_max_and_min_that_agree_on_no_run_skip_the_node(two_tasks: Ended) -> None:
    [run] = two_tasks.of("quarrel")
    assert run["state"] == "skipped"
    assert "do not agree on a winner" in run["reason"]


def test_row_51_what_comes_after_the_winner_sees_only_it(two_tasks: Ended) -> None:
    [run] = two_tasks.of("report")
    assert two_tasks.lines(run["id"], "input.txt") == ["best"]


TIED = "%%pipeline_command train --grid n=1,2,3\necho cnvrg_tag_score: 5"


def test_C2_of_a_tie_the_earliest_goes_on_and_the_tie_is_told(flow: MakeFlow) -> None:
    ended = flow(TIED, "%%pipeline_command best --after train --when max:score\n:").run()
    [best] = ended.of("best")
    assert best["route"]["train"] == {"n": 1}
    assert "a tie with train#2, train#3; the earliest wins" in best["because"]


@pytest.mark.parametrize("value", ["nan", "inf", "high"])
def test_C2_when_nothing_can_be_compared_the_node_is_skipped(flow: MakeFlow, value: str) -> None:
    train = f"%%pipeline_command train --grid n=1,2\necho cnvrg_tag_score: {value}"
    ended = flow(train, "%%pipeline_command best --after train --when max:score\n:").run()
    assert ended.runs["best"]["state"] == "skipped"
    assert value in ended.runs["best"]["reason"]
    assert "train#1" in ended.runs["best"]["reason"]


def test_row_44_when_all_tested_runs_failed_the_node_failed_upstream(flow: MakeFlow) -> None:
    ended = flow(
        "%%pipeline_command train --grid n=1,2\nexit 1", "%%pipeline_command best --after train --when max:score\n:"
    ).run(code=1)
    [best] = ended.of("best")
    assert best["state"] == "upstream_failed"


def test_row_44_of_a_failed_run_nothing_is_compared(flow: MakeFlow) -> None:
    """It logged the best value and then failed: another one wins."""
    train = "%%pipeline_command train --grid n=1,2\necho cnvrg_tag_score: $CNVRG_TAG_N\n[ $CNVRG_TAG_N = 1 ]"
    ended = flow(train, "%%pipeline_command best --after train --when max:score\n:").run(code=1)
    [best] = ended.of("best")
    assert (best["state"], best["route"]["train"]) == ("succeeded", {"n": 1})


REFUSED = [
    pytest.param("--when gte:score:1", "E-COND-OP", 'Did you mean "gt"?', id="C1: gte"),
    pytest.param("--when gt:score", "E-COND-TARGET", "no value", id="C1: no target"),
    pytest.param("--when gt:score:high", "E-COND-TARGET", "high", id="C1: a text as target"),
    pytest.param("--when gt:score:nan", "E-COND-TARGET", "nan", id="C1: NaN as target"),
    pytest.param("--when gt::1", "E-COND-TAG", "names no tag", id="C1: no tag"),
    pytest.param("--when max:score:1", "E-COND", "takes no value", id="C1: max with a value"),
    pytest.param("--when gt:other.score:1", "E-COND-TASK", '"other"', id="row 50: no task before it"),
    pytest.param("--approve ''", "E-APPROVERS", "nobody", id="C4: nobody"),
    pytest.param("--approve leah,", "E-APPROVERS", "ends in a comma", id="C4: a comma at the end"),
    pytest.param("--approve leah,Leah", "E-APPROVERS", "twice", id="C4: a name twice"),
    pytest.param("--when human_validation:score:1", "E-COND", "tests no tag", id="C5: an approval with a tag"),
    pytest.param("--when human_validation", "E-COND-OP", "--approve", id="C5: an approval as objective"),
]


@pytest.mark.parametrize(("words", "code", "told"), REFUSED)
def test_C1_C4_C5_what_means_nothing_is_refused_before_anything_runs(
    flow: MakeFlow, words: str, code: str, told: str
) -> None:
    """The message has the code, the node, its cell, and what is wrong."""
    other = "%%pipeline_command other\n:"
    said = flow(TIED, other, f"%%pipeline_command best --after train {words}\n:").refused()
    assert f"{code}: " in said
    assert told in said
    assert "cell 4" in said
    assert "best" in said


def test_row_50_a_condition_on_a_node_without_parents_is_refused(flow: MakeFlow) -> None:
    said = flow("%%pipeline_command best --when max:score\n:").refused()
    assert "E-COND: " in said
    assert "best" in said
    assert "--after" in said
