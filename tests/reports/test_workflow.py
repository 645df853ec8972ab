"""The workflow files that dagbook brings, run: what they check, run, keep and show, and what docs say of them."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML

from dagbook.runner.scaffold import installing
from tests.conftest import read_until, write_notebook
from tests.reports.jobs import Job, Machine, repository

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "runner" / "templates"
GITHUB = TEMPLATES / "workflow.yml"
PACKAGE = "dagbook"  # found as a wheel
PREPARE = '%%pipeline_node prepare\nprint("3 rows")'
TRAIN = "%%pipeline_node train --after prepare\n{}"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"), wheel)


@pytest.fixture(scope="module")
def workflow(machine: Machine) -> Path:
    """The file of GitHub as init writes it where it knows from where dagbook was installed."""
    file = machine.folder / "workflow.yml"
    file.write_text(installing(GITHUB.read_text(encoding="utf-8"), PACKAGE), encoding="utf-8")
    return file


def commit(folder: Path, train: str) -> Path:
    """A repository with the pipeline, whose second node has this code."""
    folder.mkdir(parents=True)
    write_notebook(folder / "pipeline.ipynb", PREPARE, TRAIN.format(train))
    return repository(folder)


@pytest.fixture(scope="module")
def first(machine: Machine, workflow: Path) -> Job:
    """The job of a commit whose second node fails."""
    job = Job(machine, workflow, commit(machine.folder / "origin1", 'x = 1\nraise ValueError("no luck")'), 1)
    job.run()
    return job


@pytest.fixture(scope="module")
def second(machine: Machine, workflow: Path, first: Job) -> Job:
    """The job of the commit that mends it."""
    assert first.steps
    job = Job(machine, workflow, commit(machine.folder / "origin2", 'print("dagbook_tag_accuracy: 0.93")'), 2)
    job.run()
    return job


def ran(job: Job) -> dict[str, int]:
    """The exit codes of the steps, by name."""
    return {step.name: step.code for step in job.steps}


def log(job: Job, name: str) -> str:
    """What a step printed."""
    return next(step.log for step in job.steps if step.name == name)


def test_row_132_a_failing_node_fails_the_job_and_is_annotated_at_its_line(first: Job) -> None:
    assert ran(first) == {
        "actions/checkout": 0,
        "actions/setup-python": 0,
        "Install": 0,
        "actions/cache/restore": 0,
        "Check": 0,
        "Run": 1,
        "actions/cache/save": 0,
        "actions/upload-artifact": 0,
    }, log(first, "Run")
    rows = (first.repository / "pipeline.ipynb").read_text().split("\n")
    (line,) = [number for number, row in enumerate(rows, 1) if "raise ValueError" in row]
    annotation = f"::error file=pipeline.ipynb,line={line},title=train::ValueError: no luck%0A"
    assert [row for row in log(first, "Run").splitlines() if row.startswith(annotation)]


def test_the_package_that_the_job_installs_is_the_wheel(first: Job) -> None:
    assert "Successfully installed dagbook-" in log(first, "Install")
    (site,) = first.machine.python.glob("lib/python*/site-packages")
    assert (site / "dagbook" / "runner" / "templates" / "workflow.yml").read_text() == GITHUB.read_text()


def test_a_failed_job_leaves_its_summary_and_every_report(first: Job) -> None:
    assert "<b>train</b> · ValueError: no luck" in first.summary
    assert "(<https://github.example/leah/churn/blob/0123abc/pipeline.ipynb?plain=1#L" in first.summary
    assert sorted(path.name for path in first.artifacts.iterdir()) == ["junit.xml", "pipeline.ipynb", "report.html"]
    cases = ElementTree.parse(first.artifacts / "junit.xml").iter("testcase")
    assert [(case.get("name"), case.find("failure") is not None) for case in cases] == [
        ("prepare", False),
        ("train", True),
    ]
    assert "What failed" in (first.artifacts / "report.html").read_text()
    assert "no luck" in (first.artifacts / "pipeline.ipynb").read_text()


def test_the_next_job_goes_on_with_what_succeeded(second: Job) -> None:
    assert set(ran(second).values()) == {0}, log(second, "Run")
    assert "↺ prepare cached" in log(second, "Run")
    assert "accuracy=0.93" in log(second, "Run")
    assert "## ✓ pipeline: succeeded" in second.summary
    assert "::error" not in log(second, "Run")


def test_a_job_that_is_cancelled_writes_its_reports(machine: Machine, workflow: Path, second: Job) -> None:
    """The system signals the process that it has started, and nothing below it: that process is dagbook."""
    waits = 'print("at work", flush=True)\nimport threading\nthreading.Event().wait()'
    job = Job(machine, workflow, commit(machine.folder / "origin3", waits), 3)
    job._checkout({})
    process = job.begun(job.named("Run"))
    read_until(process, "train | at work")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert process.stdout
    process.stdout.close()
    reports = job.workspace / "dagbook-reports"
    assert sorted(path.name for path in reports.iterdir()) == ["junit.xml", "pipeline.ipynb", "report.html"]
    assert "## ■ pipeline: cancelled" in job.summary


def test_a_mistake_fails_the_job_before_anything_runs(machine: Machine, workflow: Path, second: Job) -> None:
    job = Job(machine, workflow, commit(machine.folder / "origin4", "x = ("), 4)
    job.run()
    assert ran(job)["Check"] == 2
    assert "Run" not in ran(job)
    assert "::error file=pipeline.ipynb,line=" in log(job, "Check")


def test_a_job_that_nobody_told_where_dagbook_comes_from_says_so(machine: Machine, second: Job) -> None:
    job = Job(machine, GITHUB, first_commit(machine), 5)
    job._checkout({})
    install = job._run(job.named("Install"))
    assert install.code != 0
    assert "DAGBOOK: say in this file where dagbook comes from" in install.log


@pytest.fixture(scope="module")
def gitlab() -> dict[str, Any]:
    """The job of GitLab's file."""
    found: dict[str, Any] = YAML(typ="safe").load(TEMPLATES / "gitlab-ci.yml")["dagbook"]
    return found


def test_gitlabs_job_leaves_what_gitlab_looks_for(machine: Machine, second: Job, gitlab: dict[str, Any]) -> None:
    """Its lines are those of one script, which ends at the first that fails."""
    project = machine.folder / "builds"
    subprocess.run(["git", "clone", "--quiet", first_commit(machine), project], check=True)
    provided = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(project), "CI_COMMIT_REF_SLUG": "main"}
    env = {
        **machine.environment(machine.folder / "home of gitlab"),
        **gitlab["variables"],
        "DAGBOOK": PACKAGE,
        **provided,
    }
    script = "set -eo pipefail\n" + "\n".join(gitlab["script"])
    done = subprocess.run(["bash", "-c", script], cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "::error" not in done.stdout
    junit = project / gitlab["artifacts"]["reports"]["junit"]
    failed = [case for case in ElementTree.parse(junit).iter("testcase") if case.find("failure") is not None]
    assert [(case.get("name"), case.get("file")) for case in failed] == [("train", "pipeline.ipynb")]
    (kept,) = gitlab["artifacts"]["paths"]
    assert sorted(path.name for path in (project / kept).iterdir()) == [
        "junit.xml",
        "pipeline.ipynb",
        "report.html",
        "summary.md",
    ]
    (cached,) = gitlab["cache"]["paths"]
    assert (project / cached / "dagbook.db").exists()


def first_commit(machine: Machine) -> Path:
    """The repository whose second node fails."""
    return machine.folder / "origin1"


@pytest.mark.parametrize("name", ["workflow.yml", "gitlab-ci.yml"])
def test_the_docs_show_each_file_as_it_is(name: str) -> None:
    page = (ROOT / "docs" / "howto" / "ci.md").read_text(encoding="utf-8")
    shown = re.findall(r"(?ms)^<!-- file: [^\n]*\.yml -->\n```yaml\n(.*?)^```$", page)
    assert (TEMPLATES / name).read_text(encoding="utf-8") in shown


def test_what_both_files_install_and_run_is_the_same(gitlab: dict[str, Any]) -> None:
    steps = YAML(typ="safe").load(GITHUB)["jobs"]["pipeline"]["steps"]
    of_github = [
        " ".join(step["run"].replace("exec ", "").replace("\\", "").split()) for step in steps if "run" in step
    ]
    of_gitlab = [" ".join(line.split()) for line in gitlab["script"]]
    assert [line.replace("dagbook-reports/summary.md", "auto") for line in of_gitlab] == of_github


def test_steps_that_keep_something_do_so_after_a_failure_too() -> None:
    steps: list[dict[str, Any]] = YAML(typ="safe").load(GITHUB)["jobs"]["pipeline"]["steps"]
    keeping = [step for step in steps if step.get("uses", "").partition("@")[0].endswith(("save", "upload-artifact"))]
    assert [step["if"] for step in keeping] == ["always()"] * 2
