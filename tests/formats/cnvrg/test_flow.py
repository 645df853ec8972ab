"""A cnvrg flow as the editor exports it: each thing in it, as a node (rows 1-20, 32-62, 72-74)."""

from __future__ import annotations

from dagbook.runner.core.axes import hyper_parameters
from dagbook.runner.core.check import check
from dagbook.runner.core.dialect import Argument, Dialect, Serving, Setup
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.model import Kind
from dagbook.runner.core.notify import Notify
from dagbook.runner.formats.cnvrg import is_cnvrg
from dagbook.runner.formats.documents import documents_of

from .reading import BLUEPRINT, FLOW, read, sound

FOUND = sound(FLOW)


def test_rows_1_74_a_flow_file_is_its_title_its_tasks_and_its_relations() -> None:
    assert FOUND.name == "Weekly demand"
    assert {node.title: (str(node.kind), node.after) for node in FOUND.nodes} == {
        "Sales": ("data", ()),
        "Holidays": ("data", ()),
        "Clean the Data": ("command", ("Sales", "Holidays")),
        "Trees": ("command", ("Clean the Data",)),
        "Baseline": ("command", ("Clean the Data",)),
        "Choose": ("command", ("Trees", "Baseline")),
        "Serve": ("deploy", ("Choose",)),
    }
    assert all(node.dialect is Dialect.CNVRG for node in FOUND.nodes if node.kind is not Kind.DATA)


def test_the_counts_are_those_of_the_file() -> None:
    ((_, counts),), _ = read(FLOW)
    assert (counts.nodes, counts.edges, dict(counts.kinds)) == (7, 7, {"relation": 7})


def test_an_imported_flow_passes_the_check_of_the_whole() -> None:
    assert [one.message for one in check(FOUND) if one.is_error] == []


def test_row_5_data_tasks_are_datasets_with_a_version_or_a_query() -> None:
    sales, holidays = FOUND.node("Sales"), FOUND.node("Holidays")
    assert (sales.dataset, sales.query) == ("sales@4f1c9a7e03d2b86f5a1e4c9d7b20a6f3c8e5d914", None)
    assert (holidays.dataset, holidays.query) == ("calendar", "only-2030")
    assert holidays.origin == {"cnvrg": {"use_cached": True}}


def test_rows_7_10_12_an_exec_task_is_a_command_with_its_image_and_its_compute_templates() -> None:
    node = FOUND.node("Clean the Data")
    assert node.source == "set -e\npython3 clean.py\n"
    assert (node.image, node.compute) == ("python:3.12-slim", ("medium", "large"))


def test_row_9_a_commit_wins_over_a_branch_which_is_kept() -> None:
    node = FOUND.node("Clean the Data")
    assert node.git == ".@9b2d41c"
    assert node.origin["cnvrg"]["git_branch"] == "weekly"


def test_rows_11_13_14_the_setup_of_a_task() -> None:
    assert FOUND.node("Clean the Data").setup == Setup(requirements=False, prerun=True, output="cleaned")
    assert FOUND.node("Trees").setup == Setup()


def test_rows_16_17_18_what_is_about_cnvrgs_machines_is_kept_and_a_restart_is_a_retry() -> None:
    node = FOUND.node("Clean the Data")
    assert (node.retries, FOUND.node("Trees").retries) == (1, None)
    assert node.origin["cnvrg"].items() >= {"periodic_sync": True, "notify_on_success": False}.items()
    assert node.notify == Notify(events=("failure",), emails=("ines@example.org",))


def test_rows_4_19_place_and_description_of_a_task() -> None:
    sales = FOUND.node("Sales")
    assert (sales.top, sales.left) == (20, 10)
    assert sales.origin == {"cnvrg": {"description": "every receipt of three years"}}
    assert (FOUND.node("Trees").top, FOUND.node("Trees").left) == (None, None)


def test_rows_8_32_values_keep_their_types_and_the_order_of_the_file() -> None:
    trees = FOUND.node("Trees")
    assert trees.params == {"seed": 7, "rows": "{{ Clean the Data.rows }}"}
    assert trees.grid == {"depth": [4, 8, 16], "batch-size": ["128", "256"]}
    assert trees.arguments == tuple(Argument(name=name) for name in ("seed", "depth", "batch-size", "rows"))


def test_rows_28_40_133_references_stay_and_hyper_is_an_axis_in_both_spellings() -> None:
    assert hyper_parameters(FOUND, FOUND.node("Baseline")) == ["window"]
    assert hyper_parameters(FOUND, FOUND.node("Trees")) == []


def test_row_41_single_mode() -> None:
    assert [node.title for node in FOUND.nodes if node.single] == ["Baseline"]


def test_rows_44_45_48_50_conditions_test_a_tag_of_one_task_or_of_all() -> None:
    assert FOUND.node("Choose").when == (
        Condition(objective=Objective.GT, tag="r 2", tasks=("Trees",), target=0.5),
        Condition(objective=Objective.MAX, tag="r 2"),
    )


def test_rows_52_56_human_validation_names_the_approvers() -> None:
    assert FOUND.node("Choose").approve == ("ines", "jonas")
    assert FOUND.node("Trees").approve == ()


def test_rows_57_58_59_60_61_62_a_deploy_task_is_what_it_would_serve() -> None:
    node = FOUND.node("Serve")
    assert node.serving == Serving(
        endpoint="demand-2031",
        file="predict.py",
        function="predict",
        least=1,
        most=3,
        variables=("WORKERS=2", "TIMEOUT=30"),
        accepts_files=True,
    )
    assert (node.image, node.compute) == ("registry.example.org:5000/serving", ("small",))
    assert node.when == (Condition(objective=Objective.LT, tag="latency", tasks=("Choose",), target=200),)


def test_row_72_the_schedule_is_a_moment() -> None:
    assert (FOUND.schedule, FOUND.recurring) == ("2031-01-31T16:25", None)
    assert FOUND.origin == {"cnvrg": {"next_run_utc": "2031-01-31 15:25:00"}}


def test_each_thing_that_is_not_kept_as_it_was_is_told_once_with_its_line() -> None:
    _, records = read(FLOW)
    assert [(one.problem.code, one.problem.place.line, one.path, one.done) for one in records] == [
        ("W-KEPT", 17, "tasks[1].use_cached", "kept for export"),
        ("W-KEPT", 25, "tasks[2].computes", "kept for export"),
        ("W-KEPT", 33, "tasks[2].periodic_sync", "kept for export"),
        ("W-CHANGED", 44, "tasks[2].params[1].value", "read as one text"),
        ("W-KEPT", 50, "tasks[3].computes", "kept for export"),
        ("W-KEPT", 65, "tasks[4].computes", "kept for export"),
        ("W-KEPT", 73, "tasks[5].computes", "kept for export"),
        ("W-CHANGED", 76, "tasks[5].conditions[0].task", 'read as "Trees"'),
        ("W-KEPT", 89, "tasks[6].computes", "kept for export"),
        ("W-LATEST", 90, "tasks[6].image", "kept"),
        ("W-CHANGED", 105, "relations[4].from", 'read as "Trees"'),
    ]


def test_a_flow_is_known_by_its_content_alone() -> None:
    yes = ["flow: x", "tasks: []\nrelations: []", BLUEPRINT, FLOW]
    no = ["dagbook: 1\ntasks: []", "- step: {}", "pipeline: {name: x}\nflow: y", "text", "a: 1", "nodes: []\ntasks: 1"]
    assert [is_cnvrg(documents_of(text, "f")) for text in yes] == [True] * len(yes)
    assert [is_cnvrg(documents_of(text, "f")) for text in no] == [False] * len(no)
    assert not is_cnvrg([])
