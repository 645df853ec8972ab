"""Annotations, as GitHub's runner reads them: one line each, escaped, at a line of the repository."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from dagbook.runner.core.errors import Place, problem
from dagbook.runner.core.lifecycle import RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.reports.annotations import annotate_problems, annotate_run, wanted
from dagbook.runner.reports.texts import hiding_of
from tests.board.by_hand import ByHand
from tests.reports.every_end import BEGUN, every_end

COMMAND = re.compile(r"::(error|warning) ([^:]*(?:%3A[^:]*)*)::(.*)")


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What the runner makes of the output: kind, properties, message."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        named = dict(part.split("=", 1) for part in match[2].split(","))
        found.append((match[1], {name: meant(value) for name, value in named.items()}, meant(match[3])))
    return found


def meant(text: str) -> str:
    """The runner's way back."""
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def failing(folder: Path, count: int, title: str = "fit", reason: str = "ValueError: no") -> ByHand:
    made = ByHand(folder, Pipeline(name="flow", nodes=(Node(title=title, grid={"n": list(range(count))}),)))
    for number in range(1, count + 1):
        made.create(f"fit#{number}", title, {"n": number}, {"fit": {"n": number}})
        made.go(f"fit#{number}", *BEGUN, State.FAILED, reason=reason)
    made.tell(RunChanged(RunState.FAILED))
    return made


def test_failures_come_first_then_what_is_asked_of_people(tmp_path: Path) -> None:
    follower, out = every_end(tmp_path).follower(), io.StringIO()
    annotate_run(follower, out, hiding_of(follower))
    told = [(kind, named["title"]) for kind, named, _ in read(out.getvalue())]
    assert ("error", "fit [api_token=•••• lr=0.1]") in told
    assert told[-1] == ("warning", "asks waits for leah")
    assert [kind for kind, _ in told] == ["error"] * 4 + ["warning"]
    assert "s3cret" not in out.getvalue()


def test_no_text_ends_its_line_or_its_property(tmp_path: Path) -> None:
    """What a node raises is not taken for a command of its own."""
    reason = "ValueError: 100%, a:b\r\n::set-output name=x::y"
    out = io.StringIO()
    annotate_run(failing(tmp_path, 1, "a, b = 1%").follower(), out)
    annotate_run(failing(tmp_path / "other", 1, reason=reason).follower(), out)
    first, second = read(out.getvalue())
    assert first[1] == {"title": "a, b = 1% [n=1]"}
    assert second[2].startswith(reason)
    assert len(out.getvalue().splitlines()) == 2


def test_of_more_than_github_shows_the_last_tells_how_many_there_are(tmp_path: Path) -> None:
    out = io.StringIO()
    annotate_run(failing(tmp_path, 40).follower(), out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error::and 31 more errors; the log and the reports tell them"


def test_the_file_is_named_as_the_repository_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the root that the runner tells; where it does not lie there, from the folder with .git."""
    file = tmp_path / "flows" / "flow.yaml"
    file.parent.mkdir()
    (file.parent / ".git").mkdir()
    found = [problem("E-EDGE-SELF", Place(str(file), None, 12, "fit"), node="fit"), problem("W-NB-REPAIRED", what="x")]
    paths = []
    for root in (tmp_path, None):
        monkeypatch.setenv("GITHUB_WORKSPACE", str(root)) if root else monkeypatch.delenv(
            "GITHUB_WORKSPACE", raising=False
        )
        out = io.StringIO()
        annotate_problems(found, out)
        error, warning = read(out.getvalue())
        paths.append(error[1].get("file"))
        assert error[0] == "error"
        assert error[1]["line"] == "12"
        assert error[1]["title"] == 'E-EDGE-SELF in node "fit"'
        assert warning[:2] == ("warning", {"title": "W-NB-REPAIRED"})
    assert paths == ["flows/flow.yaml", "flow.yaml"]


def test_auto_means_a_job_of_github_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert [wanted(choice) for choice in ("auto", "github", "none")] == [False, True, False]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert [wanted(choice) for choice in ("auto", "github", "none")] == [True, True, False]
