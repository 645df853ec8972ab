"""Every row 22-56 and 63-67 of docs/acceptance.md: the tests that show it, or the issue that will."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
RELIABILITY = "issue: CI and reliability"
VENDORS = "issue: cnvrg, Valohai and Pachyderm files"

ARTIFACTS = "flows/test_artifacts_and_tags.py"
ROUTES = "flows/test_routes.py"
CONDITIONS = "flows/test_conditions.py"
APPROVAL = "flows/test_approval.py"
RUNNING = "flows/test_running.py"
ON_BOARD = "browser/test_model_search.py::the_model_search_is_started_watched"
SHOWN: dict[int, tuple[str, ...]] = {
    22: (f"{ARTIFACTS}::all_artifacts_of_each_node_before", f"{ARTIFACTS}::what_came_before_cannot_be_changed"),
    23: (f"{ARTIFACTS}::folder_and_variable_are_named_after",),
    24: (f"{ARTIFACTS}::folder_and_variable_are_named_after",),
    25: (f"{ARTIFACTS}::a_file_written_by_a_relative_path",),
    26: (f"{ARTIFACTS}::a_nodes_own_parameters_are_variables",),
    27: (f"{ARTIFACTS}::tags_and_parameters_of_the_nodes_before",),
    28: (f"{ARTIFACTS}::references_take_the_tag",),
    29: (f"{ARTIFACTS}::tags_are_made_by_the_helper", VENDORS),  # cnvrg's own Experiment() is theirs
    30: (f"{ARTIFACTS}::tags_are_made_by_the_helper",),
    31: (f"{ARTIFACTS}::are_kept_with_the_run", f"{ARTIFACTS}::a_run_is_shown_with", ON_BOARD),
    32: (f"{ROUTES}::34_one_run_for_each_value", f"{ROUTES}::is_no_grid", VENDORS),  # YAML lists and `params:`
    33: (f"{ROUTES}::34_one_run_for_each_value",),
    34: (f"{ROUTES}::34_one_run_for_each_value", f"{ROUTES}::seed_counts"),
    35: (f"{ROUTES}::seed_counts", f"{ROUTES}::gathering_one_parent_keeps"),
    36: (f"{ROUTES}::seed_counts",),
    37: (f"{ROUTES}::seed_counts",),
    38: (f"{ROUTES}::one_run_for_each_value_in_a_tag", f"{ROUTES}::a_slow_route_keeps_only"),
    39: (f"{ROUTES}::a_node_waits_for_all_of_its_parents", f"{ROUTES}::seed_counts"),
    40: (f"{ROUTES}::one_run_for_each_value_in_a_tag",),
    41: (f"{ROUTES}::a_single_node_runs_once", f"{ROUTES}::a_single_node_refuses"),
    42: (f"{ROUTES}::a_single_node_runs_once",),
    43: (f"{ROUTES}::a_single_node_runs_once",),
    44: (f"{CONDITIONS}::the_runs_that_pass_go_on", f"{CONDITIONS}::what_passed_nobody_is_skipped"),
    45: (f"{CONDITIONS}::the_runs_that_pass_go_on", f"{CONDITIONS}::thresholds_over_all_tasks"),
    46: (f"{CONDITIONS}::the_runs_that_pass_go_on",),
    47: (f"{CONDITIONS}::the_runs_that_pass_go_on",),
    48: (f"{CONDITIONS}::the_runs_that_pass_go_on", f"{CONDITIONS}::the_best_of_all_goes_on"),
    49: (f"{CONDITIONS}::the_runs_that_pass_go_on",),
    50: (f"{CONDITIONS}::a_named_task_is_tested_alone", f"{CONDITIONS}::the_best_of_all_goes_on", VENDORS),
    51: (f"{CONDITIONS}::all_parents_that_passed_are_listed", f"{CONDITIONS}::the_best_of_all_goes_on"),
    52: (f"{APPROVAL}::an_approved_node_starts", f"{APPROVAL}::nobody_but_the_named", f"{APPROVAL}::made_once"),
    53: (RELIABILITY,),  # mails; the dialog that opens by itself
    54: (f"{APPROVAL}::a_rejection_aborts", f"{APPROVAL}::a_run_that_waits_hears", ON_BOARD),
    55: (f"{APPROVAL}::flow_and_node_wait",),
    56: (f"{APPROVAL}::nobody_but_the_named", ON_BOARD),
    63: (f"{RUNNING}::what_depends_on_nothing_unfinished_runs_at_once", ON_BOARD),
    64: (f"{RUNNING}::a_run_is_seen_while_it_goes_on", ON_BOARD),
    65: (f"{RUNNING}::a_run_is_stopped_midway_and_restarted",),
    66: (f"{RUNNING}::a_run_is_seen_while_it_goes_on", ON_BOARD),
    67: (f"{RUNNING}::runs_and_routes_are_compared", "cli/test_compare.py::the_routes_of_a_run_are_compared"),
}
ISSUES = {RELIABILITY, VENDORS}


@cache
def cases_in(file: str) -> dict[str, str]:
    """The tests of a file: name, and the text from the marks before it to the next one."""
    text = (TESTS / file).read_text("utf-8")
    pieces = re.split(r"(?m)^(?=def |@pytest|[A-Z_]+ ?[:=])", text)
    found, marks = {}, ""
    for piece in pieces:
        name = re.match(r"def (test_\w+)", piece)
        if name:
            found[name[1]] = marks + piece
        marks = piece if piece.startswith("@pytest") else ""
    return found


def named(text: str) -> set[int]:
    """The rows that a name or docstring names: `rows_34_to_39`, `rows 41 43`, `row_25`."""
    found: set[int] = set()
    for numbers in re.findall(r"\brows?[ _]((?:\d+|to|and|[ _,])+)", text.replace("test_", " ")):
        for first, last in re.findall(r"(\d+)[ _]to[ _](\d+)", numbers):
            found.update(range(int(first), int(last) + 1))
        found.update(int(number) for number in re.findall(r"\d+", numbers))
    return found


def test_no_row_is_missing() -> None:
    assert sorted(SHOWN) == [*range(22, 57), *range(63, 68)]


@pytest.mark.parametrize("row", SHOWN)
def test_each_row_has_a_test_that_names_it_or_an_issue(row: int) -> None:
    """Exactly one test has the words; its name or text names the row."""
    shown = [one for one in SHOWN[row] if one not in ISSUES]
    assert shown or SHOWN[row]
    rows: set[int] = set()
    for one in shown:
        file, _, words = one.partition("::")
        [name] = [name for name in cases_in(file) if words in name]
        rows |= named(cases_in(file)[name])
    assert not shown or row in rows
