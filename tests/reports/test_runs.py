"""What a run with skips, a tie, a pending node and cached results tells in JUnit, Markdown and on the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from dagbook.runner.reports.junit import junit_xml
from tests.conftest import MakeNotebook, Said, run_dagbook, write_notebook

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
    run: Callable[[], Reported], dagbook: Callable[..., Said], tmp_path: Path
) -> None:
    run()
    assert dagbook("approve", "latest", "publish", "--by", "leah").code == 0
    assert dagbook("resume", "latest", "--junit", "../resumed.xml").code == 0
    kept = [
        str(case.get("name"))
        for case in ElementTree.parse(tmp_path / "resumed.xml").iter("testcase")
        if "kept" in [one.get("name") for one in case.iter("property")]
    ]
    assert "attempt [size=1]" in kept
    assert not [name for name in kept if name.startswith("publish")]
    shown = dagbook("show", "latest").out
    assert [line for line in shown.splitlines() if "attempt [size=1]" in line and line.endswith("· kept")]
    assert [line for line in shown.splitlines() if "publish [size=1]" in line and "approved by leah" in line]
    assert shown.count(f"  {TIE}\n") == 1


FAILING = (
    '%%pipeline_node prepare\nprint("3 rows")\nprint("dagbook_tag_rows: 3")',
    "%%pipeline_node fit --after prepare --secret token\nimport os\n\ndef go():\n"
    '    raise ValueError("no luck with " + os.environ["TOKEN"])\n\ngo()',
    "%%pipeline_command other --after prepare\necho oh dear >&2\nexit 3",
)
SECRET = "s3cret-of-mine"
GITHUB = {"GITHUB_ACTIONS": "true", "DAGBOOK_SECRET_TOKEN": SECRET}


@dataclass(frozen=True)
class Project:
    """A project with a run that failed as a job of GitHub, with all reports in `out`."""

    folder: Path
    said: Said

    def say(self, *words: str | Path, **env: str) -> Said:
        """Run another command in it."""
        return run_dagbook(self.folder, *words, env={"DAGBOOK_SECRET_TOKEN": SECRET, **env})

    def read(self, name: str) -> str:
        """A report."""
        return (self.folder / "out" / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("repository")
    (folder / ".git").mkdir()
    write_notebook(folder / "flows" / "flow.ipynb", *FAILING)
    reports = ("--junit", "out/j.xml", "--html", "out/r.html", "--summary", "auto", "-o", "out/flow.ipynb")
    env = {**GITHUB, "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_WORKSPACE": str(folder)}
    said = run_dagbook(folder, "run", "flows/flow.ipynb", "--executor", "process", *reports, env=env)
    assert said.code == 1, said.err
    return Project(folder, said)


def test_a_failing_cell_is_annotated_at_its_line_of_the_notebooks_file(failing: Project) -> None:
    rows = (failing.folder / "flows" / "flow.ipynb").read_text().split("\n")
    (line,) = [number for number, row in enumerate(rows, 1) if "raise ValueError" in row]
    shown = [row for row in failing.said.out.splitlines() if row.startswith("::")]
    assert shown[0].startswith(f"::error file=flows/flow.ipynb,line={line},title=fit::ValueError: no luck with ••••%0A")
    assert shown[1].startswith("::error file=flows/flow.ipynb,line=")
    assert "the command exited (code 3)" in shown[1]
    assert "oh dear" in shown[1]
    assert len(shown) == 2


def test_the_test_case_of_a_failing_node_has_the_same_place_and_its_traceback(failing: Project) -> None:
    cases = {str(case.get("name")): case for case in ElementTree.fromstring(failing.read("j.xml")).iter("testcase")}
    fit = cases["fit"]
    assert fit.get("file") == "flows/flow.ipynb"
    text = fit.findtext("failure") or ""
    assert text.startswith(f"flows/flow.ipynb:{fit.get('line')}: cell 3, line 5\n")
    assert "raise ValueError" in text
    assert "\x1b" not in text


def test_the_jobs_summary_the_page_and_the_notebook_tell_it_too(failing: Project) -> None:
    assert "<b>fit</b> · ValueError: no luck" in (failing.folder / "summary.md").read_text()
    assert "flow.ipynb, cell 3, line 5" in failing.read("r.html")
    assert "ValueError" in failing.read("flow.ipynb")


def test_the_last_line_names_what_was_written_of_a_failed_run_too(failing: Project) -> None:
    assert failing.said.out.splitlines()[-1] == "Wrote out/flow.ipynb, out/r.html, out/j.xml, the job's summary."


def test_no_secret_stands_in_any_report(failing: Project) -> None:
    written = [path for path in failing.folder.rglob("*") if path.is_file() and path.suffix != ".db"]
    assert {"j.xml", "r.html", "flow.ipynb", "summary.md"} <= {path.name for path in written}
    assert [path.name for path in written if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in failing.said.out + failing.said.err
    assert "no luck with ••••" in failing.read("j.xml")


def test_reports_are_no_part_of_the_project_that_nodes_see(failing: Project) -> None:
    """Else nothing would be up to date any more."""
    (failing.folder / "flows" / "j.xml").write_text("from an earlier run")
    assert failing.say("report", "latest", "--store", "flows/.dagbook", "--html", "flows/later.html").code == 0
    again = failing.say("run", "flows/flow.ipynb", "--executor", "process", "--junit", "flows/j.xml")
    assert "↺ prepare cached" in again.out


def test_with_json_annotations_go_to_standard_error(failing: Project) -> None:
    said = failing.say("run", "flows/flow.ipynb", "--executor", "process", "--json", **GITHUB)
    assert said.json["state"] == "failed"
    assert "::error file=flows/flow.ipynb,line=" in said.err


def test_reports_of_any_run_can_be_written_later(failing: Project) -> None:
    run = failing.said.out.split()[1]
    said = failing.say(
        "report",
        run,
        "--store",
        "flows/.dagbook",
        "--junit",
        "later/j.xml",
        "--html",
        "later/r.html",
        "-o",
        "later/flow.ipynb",
    )
    assert said.code == 0, said.err
    assert (failing.folder / "later" / "j.xml").read_bytes() == (failing.folder / "out" / "j.xml").read_bytes()
    assert said.err == "Wrote later/flow.ipynb, later/r.html, later/j.xml.\n"


def test_asking_for_no_report_is_a_mistake(failing: Project) -> None:
    said = failing.say("report", "latest", "--store", "flows/.dagbook")
    assert said.code == 2
    assert "no report is asked for" in said.err


def test_a_detached_run_writes_its_reports_when_it_is_over(failing: Project) -> None:
    """The process that runs it becomes the one that writes, so that its end is the end of both."""
    flow = write_notebook(failing.folder / "flows" / "quick.ipynb", "%%pipeline_command quick\ntrue")
    os.mkfifo(failing.folder / "pipe.xml")
    said = failing.say("run", flow, "--detach", "--executor", "process", "--junit", "pipe.xml")
    assert said.code == 0, said.err
    xml = (failing.folder / "pipe.xml").read_text()  # waits until somebody writes it
    assert f'name="run" value="{said.out.strip()}"' in xml
    assert 'name="state" value="succeeded"' in xml


def test_what_is_wrong_with_a_pipeline_is_annotated_and_a_red_test_case(failing: Project) -> None:
    """By `check` and by `run`; with --json standard output has the object alone."""
    flow = write_notebook(failing.folder / "flows" / "wrong.ipynb", "%%pipeline_node fit --after prepaer\nprint(1)")
    checked = failing.say("check", flow, **GITHUB)
    assert checked.code == 2
    begins = '::error file=flows/wrong.ipynb,line=20,title=E-EDGE-UNKNOWN in node "fit"::'
    assert begins in checked.out
    run = failing.say("run", flow, "--json", "--junit", "out/wrong.xml", "--summary", "out/wrong.md", **GITHUB)
    assert run.code == 2
    assert run.json["errors"][0]["code"] == "E-EDGE-UNKNOWN"
    assert begins in run.err
    (case,) = ElementTree.fromstring(failing.read("wrong.xml")).iter("testcase")
    assert case.find("error") is not None
    assert "nothing was run" in failing.read("wrong.md")


def test_warnings_are_annotated_as_warnings_unless_nobody_wants_them(failing: Project) -> None:
    flow = failing.folder / "flows" / "old.ipynb"
    content = json.loads((failing.folder / "flows" / "flow.ipynb").read_text())
    content["metadata"] = {"language_info": {"name": "R"}}
    flow.write_text(json.dumps(content))
    assert "::warning file=flows/old.ipynb,title=W-NB-REPAIRED::" in failing.say("check", flow, **GITHUB).out
    assert "::" not in failing.say("check", flow, "--annotations", "none", **GITHUB).out


def test_a_file_that_cannot_be_written_keeps_the_run_from_beginning(failing: Project) -> None:
    runs = len(failing.say("runs", "--store", "flows/.dagbook", "--json").json)
    said = failing.say("run", "flows/flow.ipynb", "--junit", "flows/flow.ipynb/j.xml")
    assert said.code == 2
    assert "E-FILE-WRITE" in said.err
    assert len(failing.say("runs", "--store", "flows/.dagbook", "--json").json) == runs
