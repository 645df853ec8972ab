"""Reports of real runs that are ended from outside, or do not begin: written, whole, and telling it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeNotebook, read_until
from tests.reports.test_junit import cases_of, ended

WAITS = "print('at work', flush=True)\nimport threading\nthreading.Event().wait()"
ALL = ("--junit", "out/j.xml", "--summary", "out/s.md", "--html", "out/r.html", "-o", "out/flow.ipynb")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def at_work(make_notebook: MakeNotebook, started: Start) -> Callable[[], subprocess.Popen[str]]:
    """Starts a run with all reports, and waits until its second node is at work."""
    flow = make_notebook(
        "%%pipeline_node first\nprint('done')",
        f"%%pipeline_node second --after first\n{WAITS}",
        "%%pipeline_node third --after second\n1",
    )

    def start() -> subprocess.Popen[str]:
        child = started("run", flow.name, "--executor", "process", *ALL)
        read_until(child, "second | at work")
        return child

    return start


def end_of(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and what it still printed."""
    out, _ = child.communicate(timeout=60)
    return child.returncode, out


@pytest.mark.fault
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 4), (signal.SIGINT, 130), (signal.SIGHUP, 4)])
def test_a_run_that_is_ended_by_a_signal_writes_every_report(
    at_work: Callable[[], subprocess.Popen[str]], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    child = at_work()
    child.send_signal(number)
    assert end_of(child)[0] == code
    out = tmp_path / "project" / "out"
    cases = cases_of((out / "j.xml").read_bytes())
    assert {name: ended(case)[0] for name, case in cases.items()} == {
        "first": "passed",
        "second": "error",
        "third": "skipped",
    }
    assert "## ■ flow: cancelled\n" in (out / "s.md").read_text()
    assert "cancelled" in (out / "r.html").read_text()
    assert "at work" in (out / "flow.ipynb").read_text()
    assert sorted(path.name for path in out.iterdir()) == ["flow.ipynb", "j.xml", "r.html", "s.md"]


@pytest.mark.fault
def test_reports_are_written_when_nobody_is_left_to_be_told(
    at_work: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    """As when the terminal is closed, or what it was piped to has ended."""
    child = at_work()
    assert child.stdout
    child.stdout.close()
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=60)
    assert ended(cases_of((tmp_path / "project" / "out" / "j.xml").read_bytes())["second"])[0] == "error"


@pytest.mark.fault
def test_a_command_that_is_ended_before_its_run_begins_says_so_in_its_reports(
    make_notebook: MakeNotebook, started: Start, tmp_path: Path
) -> None:
    """It waits for its parameters; whoever opens the other end of that pipe knows that it does."""
    flow = make_notebook("%%pipeline_node first\nprint('done')")
    pipe = tmp_path / "parameters.yaml"
    os.mkfifo(pipe)
    child = started("run", flow.name, "-f", pipe, "--junit", "out/j.xml", "--summary", "out/s.md")
    with pipe.open("w"):
        child.send_signal(signal.SIGTERM)
        code, said = end_of(child)
    assert code == 4
    assert said == "Cancelled by SIGTERM; nothing was run.\nWrote out/j.xml, out/s.md.\n"
    (case,) = cases_of((tmp_path / "project" / "out" / "j.xml").read_bytes()).values()
    assert ended(case) == ("error", "E-CANCELLED", "cancelled by SIGTERM before the run had begun")
    assert "nothing was run" in (tmp_path / "project" / "out" / "s.md").read_text()


@pytest.fixture
def writing(make_notebook: MakeNotebook, started: Start, tmp_path: Path) -> subprocess.Popen[str]:
    """A run that is over, as Ctrl-C has ended it, and writes JUnit XML to a pipe that nobody reads yet."""
    flow = make_notebook(f"%%pipeline_node first\n{WAITS}")
    os.mkfifo(tmp_path / "j.xml")
    child = started("run", flow.name, "--executor", "process", "--junit", tmp_path / "j.xml")
    read_until(child, "first | at work")
    child.send_signal(signal.SIGINT)
    read_until(child, "cancelled after")
    return child


@pytest.mark.fault
def test_a_ci_system_that_loses_patience_does_not_keep_reports_from_being_written(
    writing: subprocess.Popen[str], tmp_path: Path
) -> None:
    """GitHub sends SIGINT, after 7.5 seconds SIGTERM, and kills 2.5 seconds later."""
    writing.send_signal(signal.SIGTERM)
    writing.send_signal(signal.SIGHUP)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "j.xml").read_bytes()), daemon=True)
    reader.start()
    reader.join(timeout=60)  # for ever, where nobody writes any more
    assert heard
    assert ended(cases_of(heard[0])["first"])[0] == "error"
    assert writing.wait(timeout=60) == 130


@pytest.mark.fault
def test_a_second_ctrl_c_ends_the_writing_too(writing: subprocess.Popen[str]) -> None:
    writing.send_signal(signal.SIGINT)
    assert writing.wait(timeout=60) == 130
