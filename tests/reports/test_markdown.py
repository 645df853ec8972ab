"""The Markdown summary: what it tells, that nothing in it takes itself for Markdown, and that it stays small enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from dagbook.runner.core.errors import Place, problem
from dagbook.runner.core.lifecycle import RunChanged, RunState, State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.follow import Follower
from dagbook.runner.reports import markdown
from dagbook.runner.reports.markdown import mistakes_summary, summary
from dagbook.runner.reports.texts import hiding_of
from tests.board.by_hand import ByHand, stream
from tests.reports.every_end import BEGUN, every_end

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "leah/churn",
    "GITHUB_SHA": "abc123",
}


def shown(text: str) -> str:
    """What a viewer makes of it."""
    return str(MarkdownIt("commonmark").enable("table").render(text))


def many(folder: Path, failed: int, traceback: str = "ValueError: no luck") -> Follower:
    """A run in which that many node runs failed, with that traceback."""
    made = ByHand(folder, Pipeline(name="many", nodes=(Node(title="fit", grid={"n": list(range(failed))}),)))
    error = {"name": "ValueError", "message": "no luck", "traceback": [traceback], "cell": 0}
    for number in range(1, failed + 1):
        made.create(f"fit#{number}", "fit", {"n": number}, {"fit": {"n": number}})
        made.go(f"fit#{number}", *BEGUN, State.FAILED, reason="ValueError: no luck", error=error)
    made.tell(RunChanged(RunState.FAILED))
    return made.follower()


def told(follower: Follower, room: int = markdown.LARGEST) -> str:
    pipeline = Pipeline.model_validate(follower.row.record["pipeline"])
    return summary(pipeline, follower, hiding_of(follower), room)


def test_it_tells_the_end_what_failed_the_graph_and_every_node_run(tmp_path: Path) -> None:
    text = told(every_end(tmp_path).follower())
    assert text.startswith("## ■ churn: cancelled\n\nRun `")
    assert "1 pending approval, 3 succeeded" in text
    assert "**asks waits for leah.** Decide with `dagbook approve" in text
    failure = re.search(r"<details><summary>(.*)</summary>\n\n((?:.*\n)*?)\n</details>", text)
    assert failure
    assert failure[1] == "✕ <b>fit [api_token=•••• lr=0.1]</b> · ValueError: no luck"
    assert "```text\nValueError: no luck\n```\n" in failure[2]
    assert "```mermaid\nflowchart LR\n" in text
    assert "| ↺ | old |  | cached |  |  | as in run 1a2b |\n" in text
    assert "s3cret" not in text


def test_a_command_shows_the_last_that_it_printed(tmp_path: Path) -> None:
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="fit"),)))
    made.create("fit", "fit")
    made.print("fit", stream("no such ship\n", "stderr"))
    error: dict[str, object] = {"name": "CommandFailed", "message": "", "traceback": [], "cell": None}
    made.go("fit", *BEGUN, State.FAILED, reason="the command exited (code 3)", error=error)
    made.tell(RunChanged(RunState.FAILED))
    assert "the command exited (code 3)\n\nno such ship\n```" in told(made.follower())


@pytest.mark.parametrize(
    "text", ["a|b", "<img src=x>", "`x", "*a*", "[a](http://b)", "~~a~~", "$x$ and $y$", "_a_b_c_", "&lt;"]
)
def test_names_and_values_are_shown_as_they_are(tmp_path: Path, text: str) -> None:
    """In the table, in a heading, and in what is folded, which is HTML."""
    made = ByHand(tmp_path, Pipeline(name=text, nodes=(Node(title="fit"),)))
    made.create("fit", "fit")
    made.go("fit", *BEGUN)
    made.tell(Tagged("fit", "note", text))
    made.go("fit", State.FAILED, reason=text)
    made.tell(RunChanged(RunState.FAILED))
    page = shown(told(made.follower()))
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<td>note={escaped}</td>" in page
    assert f"<td>{escaped}</td>" in page
    assert f"✕ {escaped}: failed</h2>" in page
    assert f"<b>fit</b> · {escaped}</summary>" in page


def test_no_text_of_a_node_ends_the_block_that_it_stands_in(tmp_path: Path) -> None:
    page = shown(told(many(tmp_path, 1, "``` \n````\n</details>\n# no")))
    assert "<h1>" not in page
    assert "```\n# no" not in page
    assert "</details>\n# no" not in page


def test_more_than_a_platform_shows_is_left_out_whole_and_that_is_said(tmp_path: Path) -> None:
    follower = many(tmp_path, 60, "x" * 100_000)
    whole = told(follower)
    assert len(whole.encode()) < markdown.LARGEST
    assert "… and 30 more that failed." in whole
    small = told(follower, 20_000)
    assert len(small.encode()) <= 20_000
    assert small.count("<details>") == small.count("</details>") >= 1
    assert small.rstrip().endswith("… The rest is left out: this page would be larger than the platform shows.")


def test_a_graph_that_the_platform_would_not_draw_is_left_out(tmp_path: Path) -> None:
    nodes = [Node(title=f"n{number}", after=(f"n{number - 1}",) if number else ()) for number in range(600)]
    made = ByHand(tmp_path, Pipeline(name="large", nodes=tuple(nodes)))
    made.tell(RunChanged(RunState.SUCCEEDED))
    text = told(made.follower())
    assert "mermaid" not in text
    assert "The graph of 600 nodes is too large to be drawn here" in text


def test_where_it_failed_is_a_link_in_a_job_of_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GITHUB, "GITHUB_WORKSPACE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "my flows" / "flow.yaml"
    file.parent.mkdir()
    file.write_text("nodes:\n- title: fit\n  source: |\n    raise 1\n")
    text = mistakes_summary("flow", [problem("E-EDGE-SELF", Place(str(file), None, 4, "fit"), node="fit")])
    assert "](<https://github.example/leah/churn/blob/abc123/my%20flows/flow.yaml?plain=1#L4>)" in text
    assert text.startswith("## ✕ flow: nothing was run\n")
