"""Files of reports: whole or not at all, none for want of another, and known to be writable before a run begins."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError, Place, problem
from dagbook.runner.kept_definition import definition_of
from dagbook.runner.reports import files, junit
from dagbook.runner.reports.wanted import Reports
from dagbook.runner.reports.writing import write_mistakes, write_reports
from tests.reports.every_end import every_end

MISTAKE = [problem("E-EDGE-SELF", Place(None, None, None, "fit"), node="fit")]


@pytest.fixture
def all_of_them(tmp_path: Path) -> Reports:
    """Every report, in a folder that is not there yet."""
    out = tmp_path / "a" / "b"
    return Reports.asked(out / "flow.ipynb", out / "run.html", out / "junit.xml", str(out / "summary.md"))


def written(reports: Reports, folder: Path) -> list[str]:
    """Write them of a run that has every end; gives back what was told of those that could not be."""
    follower = every_end(folder / "store").follower()
    definition = lambda: definition_of(follower.store, follower.row)  # noqa: E731
    return [found.message for found in write_reports(reports, follower, definition, io.StringIO()).values()]


def test_a_report_that_cannot_be_made_keeps_no_other_from_being_written(
    all_of_them: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook of a run by hand is not known, and JUnit breaks; the page and the summary are there."""

    def broken(*_: object) -> bytes:
        raise KeyError("x")

    monkeypatch.setattr(junit, "junit_xml", broken)
    told = written(all_of_them, tmp_path)
    assert len(told) == 2
    assert [one for one in told if "junit.xml cannot be written: KeyError: 'x'" in one]
    assert [one for one in told if "the notebook of run" in one]
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["run.html", "summary.md"]


def test_a_full_disk_leaves_what_was_there_before(
    all_of_them: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all_of_them.junit
    all_of_them.junit.parent.mkdir(parents=True)
    all_of_them.junit.write_text("before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    told = written(all_of_them, tmp_path)
    assert [one for one in told if "junit.xml cannot be written: No space left on device" in one]
    assert [path.name for path in all_of_them.junit.parent.iterdir()] == ["junit.xml"]
    assert all_of_them.junit.read_text() == "before"


def test_what_a_link_leads_to_is_written_and_modes_stay(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_text("before")
    (tmp_path / "real.xml").chmod(0o640)
    (tmp_path / "link.xml").symlink_to("real.xml")
    files.save(tmp_path / "link.xml", b"after")
    assert (tmp_path / "link.xml").is_symlink()
    assert (tmp_path / "real.xml").read_bytes() == b"after"
    assert stat.S_IMODE((tmp_path / "real.xml").stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """/dev/stdout is one such file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    files.save(pipe, b"told")
    reader.join()
    assert heard == [b"told"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def unwritable(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Places at which no file can come to be."""
    (tmp_path / "file").write_text("")
    yield "below a file", tmp_path / "file" / "junit.xml"
    yield "a folder", tmp_path
    yield "where the system allows none", Path("/proc/dagbook/junit.xml")


def test_what_cannot_be_written_is_told_before_a_run_begins(tmp_path: Path) -> None:
    for what, path in unwritable(tmp_path):
        with pytest.raises(PipelineError, match="E-FILE-WRITE") as raised:
            Reports.asked(junit=path).make_room()
        assert str(path) in str(raised.value), what


def test_folders_are_made_and_nothing_is_left_in_them(all_of_them: Reports, tmp_path: Path) -> None:
    all_of_them.make_room()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_two_reports_of_one_file_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="--html and --junit name the same file"):
        Reports.asked(html=tmp_path / "x", junit=tmp_path / "y" / ".." / "x").make_room()


def test_a_jobs_summary_is_added_to_and_any_other_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    for name in ("job.md", "own.md"):
        (tmp_path / name).write_text("before\n")
        wanted = Reports.asked(summary="auto" if name == "job.md" else str(tmp_path / name))
        assert write_mistakes(wanted, "flow", MISTAKE, io.StringIO()) == {}
    assert (tmp_path / "job.md").read_text().startswith("before\n## ✕ flow")
    assert (tmp_path / "own.md").read_text().startswith("## ✕ flow")


def test_without_a_job_auto_is_no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert list(Reports.asked(summary="auto").paths()) == []


def test_what_was_told_of_a_run_is_not_replaced_by_the_fault_that_ended_it(
    all_of_them: Reports, tmp_path: Path
) -> None:
    written(all_of_them, tmp_path)
    assert all_of_them.junit
    before = all_of_them.junit.read_bytes()
    assert write_mistakes(all_of_them, "flow", MISTAKE, io.StringIO()) == {}
    assert all_of_them.junit.read_bytes() == before
