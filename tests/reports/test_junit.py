"""JUnit XML of runs, as those read it who show it: counts, places, reasons, logs; and its size."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from junitparser import JUnitXml

from dagbook.runner.core.errors import Place, problem
from dagbook.runner.core.lifecycle import RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.reports import junit
from dagbook.runner.reports.junit import junit_xml, mistakes_xml
from dagbook.runner.reports.texts import hiding_of
from tests.board.by_hand import ByHand, stream
from tests.reports.every_end import BEGUN, every_end, follower_of

Cases = dict[str, ElementTree.Element]


def cases_of(xml: bytes) -> Cases:
    """The test cases by name, of which there are no two."""
    found = list(ElementTree.fromstring(xml).iter("testcase"))
    by_name = {str(case.get("name")): case for case in found}
    assert len(by_name) == len(found)
    return by_name


@pytest.fixture(scope="module")
def xml(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The report of a run with every end."""
    follower = follower_of(tmp_path_factory.mktemp("store"))
    return junit_xml(follower, hiding_of(follower))


@pytest.fixture(scope="module")
def cases(xml: bytes) -> Cases:
    """Its cases."""
    return cases_of(xml)


def ended(case: ElementTree.Element) -> tuple[str, str | None, str | None]:
    """How a case ended: its element, type and message."""
    for kind in ("failure", "error", "skipped"):
        if (found := case.find(kind)) is not None:
            return kind, found.get("type"), found.get("message")
    return "passed", None, None


def test_each_end_of_a_node_run_is_told_as_a_ci_user_expects(cases: Cases) -> None:
    assert {name: ended(case) for name, case in cases.items()} == {
        "prepare": ("passed", None, None),
        "old": ("passed", None, None),
        "flaky": ("passed", None, None),
        "fit [api_token=•••• lr=0.1]": ("passed", None, None),
        "fit [api_token=•••• lr=0.1] (fit#2.1)": ("failure", "ValueError", "ValueError: no luck"),
        "slow": ("failure", "timed_out", "it is timed_out"),
        "no": ("failure", "rejected", 'leah rejected "no"'),
        "lost": ("error", "lost", "it is lost"),
        "cut": ("error", "cancelled", "cancelled while it ran: it is cancelled"),
        "unbegun": ("skipped", "cancelled", "cancelled: Ctrl-C"),
        "never": ("skipped", "skipped", "skipped: no run passed gt:x:1"),
        "after": ("skipped", "upstream_failed", 'upstream failed: "fit" failed'),
        "asks": ("skipped", "pending_approval", "waits for leah"),
    }


def test_counts_are_right_for_those_who_read_them_and_for_those_who_count(xml: bytes, cases: Cases) -> None:
    """The suite's own numbers, junitparser's, and those of the cases."""
    told = ElementTree.fromstring(xml)
    (suite,) = told.iter("testsuite")
    kinds = [ended(case)[0] for case in cases.values()]
    wanted = {"tests": 13, "failures": 3, "errors": 2, "skipped": 4}
    assert {name: int(suite.get(name) or -1) for name in wanted} == wanted
    assert {name: int(told.get(name) or -1) for name in wanted} == wanted
    assert [kinds.count(kind) for kind in ("failure", "error", "skipped")] == [3, 2, 4]
    (parsed,) = JUnitXml.fromstring(xml)
    assert (parsed.tests, parsed.failures, parsed.errors, parsed.skipped) == (13, 3, 2, 4)


def test_the_suite_tells_which_run_of_what_it_was(xml: bytes) -> None:
    (suite,) = JUnitXml.fromstring(xml)
    told = {one.name: one.value for one in suite.properties()}
    assert told["pipeline"] == "churn"
    assert told["state"] == "cancelled"
    assert told["parameter.epochs"] == "3"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", suite.timestamp)


def test_a_case_tells_time_place_parameters_and_tags(cases: Cases) -> None:
    prepare, fit = cases["prepare"], cases["fit [api_token=•••• lr=0.1]"]
    assert prepare.get("time") == "1.5"
    assert prepare.get("classname") == "churn"
    assert prepare.findtext("system-out") == "read 3 rows\n<table>"
    assert cases["old"].get("time") == "0.0"  # it took no time in this run
    told = {one.get("name"): one.get("value") for one in fit.iter("property")}
    assert told["parameter.lr"] == "0.1"
    assert told["tag.accuracy"] == "0.93"
    assert told["attempts"] == "1"


def test_attempts_before_are_told_as_reruns_and_of_what_passed_at_last_as_flaky(cases: Cases) -> None:
    (flaky,) = cases["flaky"].iter("flakyFailure")
    assert flaky.get("message") == "attempt 1: OSError: gone"
    (rerun,) = cases["fit [api_token=•••• lr=0.1] (fit#2.1)"].iter("rerunFailure")
    assert rerun.findtext("stackTrace") == "ValueError: no luck"


def test_control_characters_colours_and_ends_of_markup_spoil_nothing(cases: Cases) -> None:
    case = cases["fit [api_token=•••• lr=0.1] (fit#2.1)"]
    assert case.findtext("system-out") == "trying •••• ]]>"
    assert (case.findtext("failure") or "").endswith("ValueError: no luck")


def test_no_secret_given_in_the_open_is_told(xml: bytes) -> None:
    assert b"s3cret-value" not in xml
    assert b"k3y-value" not in xml


def test_what_was_cancelled_as_another_node_failed_is_no_error_of_its_own(tmp_path: Path) -> None:
    found = cases_of(junit_xml(every_end(tmp_path, RunState.FAILED).follower()))
    assert ended(found["cut"]) == ("skipped", "cancelled", "cancelled: it is cancelled")


def test_what_still_ran_when_the_run_process_broke_is_an_error(tmp_path: Path) -> None:
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="fit"),)))
    made.create("fit", "fit")
    made.go("fit", *BEGUN)
    assert ended(cases_of(junit_xml(made.follower()))["fit"])[0] == "error"


def test_long_logs_are_cut_so_that_the_file_stays_one_that_ci_systems_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end tells most, and there is room for failures before all else."""
    monkeypatch.setattr(junit, "ALL_LOGS", 40_000)
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="fit", grid={"n": list(range(20))}),)))
    for number in range(1, 21):
        made.create(f"fit#{number}", "fit", {"n": number}, {"fit": {"n": number}})
        made.print(f"fit#{number}", stream("line\n" * 20_000 + "ends"))
        made.go(f"fit#{number}", *BEGUN, State.FAILED if number == 7 else State.SUCCEEDED, reason="no")
    made.tell(RunChanged(RunState.FAILED))
    xml = junit_xml(made.follower())
    assert len(xml) < 120_000
    logs = [case.findtext("system-out") or "" for case in cases_of(xml).values()]
    assert all(log.endswith("ends") for log in logs)
    assert all("characters are left out here" in log for log in logs)
    assert max(range(20), key=lambda at: len(logs[at])) == 6  # the one that failed


def test_tracebacks_of_many_failures_are_cut_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "ALL_LOGS", 40_000)
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="fit", grid={"n": list(range(20))}),)))
    error = {"name": "ValueError", "message": "no", "traceback": ["frame\n" * 10_000, "ValueError: no"], "cell": 0}
    for number in range(1, 21):
        made.create(f"fit#{number}", "fit", {"n": number}, {"fit": {"n": number}})
        made.go(f"fit#{number}", *BEGUN, State.FAILED, reason="ValueError: no", error=error)
    made.tell(RunChanged(RunState.FAILED))
    xml = junit_xml(made.follower())
    assert len(xml) < 120_000
    assert all((case.findtext("failure") or "").endswith("ValueError: no") for case in cases_of(xml).values())


def test_what_keeps_a_pipeline_from_running_is_a_red_case_at_its_line(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "flow.yaml"), None, 12, "fit")
    found = [problem("E-EDGE-SELF", place, node="fit"), problem("W-NB-REPAIRED", Place(), what="no kernel\x07")]
    first, second, warned = cases_of(mistakes_xml("flow", [found[0], *found])).items()
    assert first[0] == f"E-EDGE-SELF: {place}"
    assert second[0] == f"E-EDGE-SELF: {place} (2)"
    assert ended(first[1])[:2] == ("error", "E-EDGE-SELF")
    assert first[1].get("line") == "12"
    assert str(first[1].get("file")).endswith("flow.yaml")
    assert (warned[0], ended(warned[1])[0]) == ("W-NB-REPAIRED", "passed")
