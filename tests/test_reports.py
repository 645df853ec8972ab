"""What a run with skips, a tie, a pending node and cached results tells in JUnit, Markdown and on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from dagbook.runner.reports.junit import junit_xml

from .conftest import MakeNotebook, Said

CELLS = (
    "%%pipeline_command attempt --grid size=1,2,3\necho dagbook_tag_score: 7",
    "%%pipeline_command best --after attempt --when max:score\ntrue",
    "%%pipeline_command never --after attempt --when gt:score:9\ntrue",
    "%%pipeline_command late --after never\ntrue",
    "%%pipeline_command publish --after attempt --approve leah,yochay\ntrue",
)
TIE = "max:attempt.score: attempt#1 wins with 7 (a tie with attempt#2, attempt#3; the earliest wins)"


@dataclass(frozen=True)
class Reported:
    """A run and its reports: JUnit cases by name, the summary, what it printed."""

    said: Said
    folder: Path

    @property
    def cases(self) -> dict[str, ElementTree.Element]:
        """The test cases."""
        found = ElementTree.parse(self.folder / "junit.xml").iter("testcase")
        return {str(case.get("name")): case for case in found}

    @property
    def summary(self) -> str:
        """The Markdown summary."""
        return (self.folder / "summary.md").read_text()


@pytest.fixture
def run(make_notebook: MakeNotebook, dagbook: Callable[..., Said], tmp_path: Path) -> Callable[[], Reported]:
    """Runs the pipeline with reports; nobody is there to decide."""
    flow = make_notebook(*CELLS)

    def go() -> Reported:
        (tmp_path / "summary.md").unlink(missing_ok=True)
        words = ("--no-wait", "--executor", "process", "--junit", "../junit.xml", "--summary", "../summary.md")
        return Reported(dagbook("run", flow.name, *words), tmp_path)

    return go


def message(case: ElementTree.Element, kind: str) -> str | None:
    """The message of a case that was skipped or failed; None when it was not."""
    found = case.find(kind)
    return None if found is None else found.get("message")


def test_rows_48_and_52_a_run_that_waits_tells_who_decides_who_won_and_why_nodes_were_skipped(
    run: Callable[[], Reported],
) -> None:
    first = run()
    assert first.said.code == 3, first.said.err
    cases = first.cases
    assert message(cases["publish [size=2]"], "skipped") == "waits for leah or yochay"
    assert (message(cases["never"], "skipped") or "").startswith("skipped: no run passed gt:attempt.score:9: ")
    assert message(cases["late"], "skipped") == 'skipped: "never" was skipped'
    assert message(cases["best [size=1]"], "skipped") is None
    assert "**publish, 3 runs, waits for leah or yochay.** Decide with `dagbook approve " in first.summary
    assert f"| {TIE} |" in first.summary
    assert "no run passed gt:attempt.score:9" in first.summary
    assert first.said.out.count(f"  {TIE}\n") == 0  # plain lines tell it with the node run
    assert f" · {TIE}\n" in first.said.out
    assert "publish, 3 runs, waits for leah or yochay." in first.said.out
    assert "one of them alone: publish#1, publish#2, publish#3" in first.said.out


def test_a_cached_case_took_no_time_and_tells_which_run_it_is_from(run: Callable[[], Reported]) -> None:
    first = run()
    again = run()
    case = again.cases["attempt [size=1]"]
    assert float(case.get("time") or 0) == 0
    assert list(case.iter("skipped")) == []
    name = first.said.out.split()[1]
    assert f"as in run {name}" in again.summary


def test_row_54_a_rejected_case_is_a_failure_that_names_who_said_no(
    run: Callable[[], Reported], dagbook: Callable[..., Said], tmp_path: Path
) -> None:
    run()
    assert dagbook("reject", "latest", "publish", "--by", "yochay").code == 0
    store = Store(tmp_path / "project" / ".dagbook", create=False)
    follower = Follower(store, store.run("latest").id)
    follower.update()
    (tmp_path / "junit.xml").write_bytes(junit_xml(follower))
    failed = {name: message(case, "failure") for name, case in Reported(Said(0, "", ""), tmp_path).cases.items()}
    assert 'yochay rejected "publish"' in failed.values()
    assert failed["attempt [size=1]"] is None


def test_row_54_what_a_resumed_run_keeps_is_told_as_kept(
    run: Callable[[], Reported], dagbook: Callable[..., Said]
) -> None:
    run()
    assert dagbook("approve", "latest", "publish", "--by", "leah").code == 0
    assert dagbook("resume", "latest").code == 0
    shown = dagbook("show", "latest").out
    assert [line for line in shown.splitlines() if "attempt [size=1]" in line and line.endswith("· kept")]
    assert [line for line in shown.splitlines() if "publish [size=1]" in line and "approved by leah" in line]
    assert shown.count(f"  {TIE}\n") == 1
