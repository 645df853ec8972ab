"""A run shown in its cells while it goes on: each run keeps its own, and what is shown comes to the end of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from dagbook.extension.run_board import run_board
from dagbook.kernel_magics import live
from dagbook.kernel_magics.boards import Kept
from dagbook.kernel_magics.draft import Origin
from dagbook.kernel_magics.live import Live
from dagbook.runner.core.lifecycle import Changed, Created, Fact, RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.processes import start_of
from tests.board.by_hand import ByHand


class Page:
    """Stands for the front end: the last text of each display, and how many messages came."""

    def __init__(self) -> None:
        self.text: dict[str, str] = {}
        self.messages = 0

    def update(self, bundle: Mapping[str, Any], display_id: str, about: Mapping[str, Any]) -> int:
        bundle["text/html"].encode()  # as a message is: lone surrogates do not go
        self.text[display_id] = bundle["text/plain"]
        self.messages += 1
        return 0


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    made = Page()
    monkeypatch.setattr(live, "_update", made.update)
    return made


def going(folder: Path, *titles: str) -> ByHand:
    """A run whose process is this one, with all nodes under way."""
    made = ByHand(folder, Pipeline(name="flow", nodes=tuple(Node(title=title, source="1") for title in titles)))
    here = {"host": os.uname().nodename, "pid": os.getpid(), "began": start_of(os.getpid()), "bell": None}
    made.store.set_process(made.run, here)
    facts: list[Fact] = []
    for title in titles:
        facts.append(Created(title, title, (), {}, {}, {}))
        facts += [Changed(title, state, 1) for state in (State.QUEUED, State.STARTING, State.RUNNING)]
    made.tell(*facts)
    return made


def end(run: ByHand, *titles: str) -> None:
    run.tell(*(Changed(title, State.SUCCEEDED, 1) for title in titles), RunChanged(RunState.SUCCEEDED))


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_a_later_run_takes_over_the_cells_that_it_shares_and_no_more(tmp_path: Path, page: Page) -> None:
    run = going(tmp_path, "a", "b")
    first = Live(run.follower(), {"a": "cell-a", "b": "cell-b"}, "picture")
    first.start()
    until(lambda: "cell-a" in page.text and "cell-b" in page.text)
    first.leave_cells(["cell-b"])
    page.text["cell-b"] = "of the later run"
    end(run, "a", "b")
    until(lambda: "succeeded" in page.text["cell-a"] and "succeeded" in page.text["picture"])
    assert page.text["cell-b"] == "of the later run"
    first.close()


def test_a_thousand_cells_are_not_sent_at_once_and_end_in_their_last_state(tmp_path: Path, page: Page) -> None:
    titles = [f"n{number}" for number in range(1000)]
    run = going(tmp_path, *titles)
    follower = run.follower()
    shown = Live(follower, {title: title for title in titles}, "picture")
    sent = threading.Event()
    shown._flusher._send_soon("first", sent.set)
    assert sent.wait(30)
    before = page.messages
    with shown._lock:
        shown.paint()
        assert page.messages - before == 1  # the picture; the cells wait for their turn
    end(run, *titles)
    shown.follow()
    assert all("succeeded" in page.text[title] for title in titles)


def test_what_cannot_be_sent_is_told_in_a_line(tmp_path: Path, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    run = going(tmp_path, "a")
    end(run, "a")
    bad = {"text/html": "\ud800", "text/plain": ""}
    monkeypatch.setattr("dagbook.extension.pictures.bundle", lambda *_: bad)
    monkeypatch.setattr(live, "run_picture", lambda *_: bad)
    Live(run.follower(), {"a": "cell"}, "picture").follow()
    assert page.text["cell"].startswith("a · 1 succeeded · cannot be drawn: UnicodeEncodeError")
    assert page.text["picture"].startswith(f"Run {run.run} · succeeded · cannot be drawn: UnicodeEncodeError")


def test_a_cell_that_runs_again_ends_the_follower_and_the_board_that_it_showed(tmp_path: Path, page: Page) -> None:
    run, kept = going(tmp_path, "a"), Kept()
    for execution in range(3):
        follower = run.follower()
        shown = kept.keep(Origin("cell", execution), Live(follower, {}, "picture", run_board(follower)))
        shown.start()
    name = f"dagbook-{run.run}"
    until(lambda: [one.name for one in threading.enumerate()].count(name) == 1)
    shown.close()
    until(lambda: name not in [one.name for one in threading.enumerate()])
    shown.start()  # what a button still does that was clicked before
    assert name not in [one.name for one in threading.enumerate()]


def test_one_cell_may_show_several_runs(tmp_path: Path, page: Page) -> None:
    run, kept = going(tmp_path, "a"), Kept()
    first, second = (kept.keep(Origin("cell", 1), Live(run.follower(), {}, id)) for id in ("one", "two"))
    first.start()
    second.start()
    until(lambda: {"one", "two"} <= page.text.keys())
    end(run, "a")
    until(lambda: all("succeeded" in text for text in page.text.values()))
    first.close()
    second.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    manager, made = start_new_kernel(cwd=str(tmp_path))
    yield made
    made.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_run_that_another_one_follows_in_the_notebook_is_shown_to_its_end(client: Any) -> None:
    shown: dict[str, str] = {}

    def note(message: dict[str, Any]) -> None:
        assert message["msg_type"] != "error", message["content"]
        if message["msg_type"] in ("display_data", "update_display_data"):
            id = message["content"].get("transient", {}).get("display_id", "")
            shown[id] = message["content"]["data"].get("text/plain", "")

    def run(*cells: str) -> None:
        for cell in cells:
            client.execute_interactive(cell, allow_stdin=True, stdin_hook=lambda _: None, timeout=60, output_hook=note)

    def pictures() -> list[str]:
        return [id for id in shown if id.startswith("dagbook-run-")]

    run("%load_ext dagbook", "%%pipeline_node slow\nimport time\ntime.sleep(600)", "%pipeline_run --executor process")
    (first,) = pictures()
    run("%%pipeline_node quick\n1", "%pipeline_run --executor process --node quick")
    assert len(pictures()) == 2
    run(f"%pipeline_stop {first.removeprefix('dagbook-run-')}")

    def ended() -> bool:
        if " · cancelled · " in shown[first] and "cancelled" in shown["dagbook-node-slow"]:
            return True
        note(client.get_iopub_msg(timeout=30))
        return False

    until(ended)
