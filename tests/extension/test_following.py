"""Following a run: what goes wrong is told, the last state is shown all the same, and nothing is left behind."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances

from dagbook.extension.board import Board
from dagbook.extension.board_subjects import WatchedRun
from dagbook.extension.compare_board import CompareBoard
from dagbook.extension.following import Following, paint_board
from dagbook.extension.opened_run import OpenedRun
from dagbook.extension.run_board import run_board
from dagbook.extension.runs_board import RunsBoard
from dagbook.runner.board import estimate
from dagbook.runner.compared import compare_in
from dagbook.runner.core.lifecycle import RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.processes import start_of
from dagbook.runner.records.store import Store
from tests.board.by_hand import ByHand
from tests.board.searches import record_search

PIPELINE = Pipeline(name="flow", nodes=(Node(title="fit", source="1"), Node(title="post", source="1", after=("fit",))))


@pytest.fixture
def going(tmp_path: Path) -> ByHand:
    """A run whose process is this one, with one node under way."""
    made = ByHand(tmp_path / "store", PIPELINE)
    here = {"host": os.uname().nodename, "pid": os.getpid(), "began": start_of(os.getpid()), "bell": None}
    made.store.set_process(made.run, here)
    made.create("fit", "fit")
    made.go("fit", State.QUEUED, State.STARTING, State.RUNNING)
    return made


def end(run: ByHand) -> None:
    run.go("fit", State.SUCCEEDED)
    run.tell(RunChanged(RunState.SUCCEEDED))


def until(true: Callable[[], object]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


class Seen:
    """What was painted: the run's state, and the trouble that was told."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.all: list[tuple[RunState, str]] = []

    def paint(self, trouble: str) -> None:
        self.all.append((self.follower.so_far.state, trouble))


def words(board: Board) -> str:
    return str(board._header._words.value)


def test_trouble_with_reading_is_told_and_the_run_is_followed_to_its_end(going: ByHand) -> None:
    """A ValueError, and what descends from it, once ended every display in silence."""
    follower = going.follower()
    seen = Seen(follower)
    update, troubles = follower.update, [UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), ValueError("no JSON")]

    def read() -> bool:
        if troubles:
            raise troubles.pop()
        return update()

    follower.update = read  # type: ignore[method-assign]  # what a damaged journal does
    following = Following(follower, threading.RLock(), seen.paint)
    following.start()
    until(lambda: len(seen.all) > 2)
    end(going)
    until(lambda: seen.all[-1] == (RunState.SUCCEEDED, ""))
    assert "going on, cannot be read: ValueError: no JSON" in seen.all[0][1]
    following.close()


def test_a_run_that_can_never_be_read_again_is_shown_with_the_state_that_the_store_tells(going: ByHand) -> None:
    follower = going.follower()
    seen = Seen(follower)

    def read() -> bool:
        raise ValueError("no JSON")

    follower.update = read  # type: ignore[method-assign]
    end(going)
    Following(follower, threading.RLock(), seen.paint).follow()
    assert "succeeded, cannot be read: ValueError: no JSON" in seen.all[-1][1]


def test_a_board_that_cannot_be_drawn_says_so_in_a_line(going: ByHand) -> None:
    board = run_board(going.follower())

    def scene(_opened: frozenset[str]) -> None:
        raise ValueError("no\n\ncolour <b>")

    board.subject.scene = scene  # type: ignore[method-assign,assignment]
    paint_board(board, True, "")
    assert "cannot be drawn: ValueError: no colour &lt;b&gt;" in words(board)
    board.close()


@pytest.mark.parametrize("harm", ["deleted", "damaged"])
def test_a_store_that_goes_while_it_is_shown_is_told_of_and_not_followed_any_more(going: ByHand, harm: str) -> None:
    folder = going.store.folder
    shown = OpenedRun(Store(folder, create=False), going.run)
    until(lambda: "running" in words(shown.board))
    going.store.close()
    if harm == "deleted":
        shutil.rmtree(folder)
    else:
        for file in folder.glob("dagbook.db*"):
            file.write_bytes(b"\1" * max(file.stat().st_size, 8192))
    until(lambda: "no longer followed" in words(shown.board))
    thread = shown._following._thread
    assert thread is not None
    thread.join(30)
    assert not thread.is_alive()
    assert "running" not in words(shown.board)
    shown.close()


def left() -> tuple[set[str], int, int]:
    """The living widgets, and how many stores and file descriptors there are."""
    gc.collect()
    stores = sum(isinstance(one, Store) for one in gc.get_objects())
    return set(_instances), stores, len(os.listdir("/proc/self/fd"))


def ours() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("dagbook")}


def wait_for_the_end_of(threads: Callable[[], set[threading.Thread]]) -> None:
    """Wait until there are none of these any more."""
    deadline = time.monotonic() + 30
    while (going_on := threads()) and time.monotonic() < deadline:
        going_on.pop().join(max(0.0, deadline - time.monotonic()))
    assert sorted(one.name for one in threads()) == []


def test_a_closed_board_leaves_no_widget_store_descriptor_and_thread_behind(going: ByHand) -> None:
    """Only what is new is counted: other tests of the same process have widgets and threads of their own."""
    others, before = ours(), left()
    for _ in range(5):
        shown = OpenedRun(Store(going.store.folder, create=False), going.run)
        shown.board.inspect("fit")
        shown.board.inspect("post")
        shown.close()
        del shown
    wait_for_the_end_of(lambda: ours() - others)
    until(lambda: left()[0] <= before[0])
    until(lambda: left()[1:] <= before[1:])


def test_a_steering_that_was_used_ends_with_its_board(going: ByHand) -> None:
    others = ours()
    shown = OpenedRun(Store(going.store.folder, create=False), going.run)
    buttons = shown.board._inspector._buttons.children[0].children[0]
    stop = next(one for one in buttons.children if getattr(one, "description", "") == "Stop run")
    stop.click()
    stop.click()
    until(lambda: any(one.name.startswith("dagbook-steer") for one in ours() - others))
    shown.close()
    wait_for_the_end_of(lambda: ours() - others)


@pytest.mark.parametrize("kind", ["runs", "comparison"])
def test_a_closed_list_or_comparison_leaves_no_widget_behind(tmp_path: Path, kind: str) -> None:
    runs = [record_search(tmp_path, seed=seed, depths=(3,)).run for seed in range(2)]
    before, store = left()[0], Store(tmp_path)
    board = RunsBoard(store) if kind == "runs" else CompareBoard(store, compare_in(store, runs))
    assert left()[0] > before
    board.close()
    until(lambda: left()[0] <= before)


def test_the_past_is_read_once_and_no_painting_waits_for_it(going: ByHand, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = [], threading.Event()
    read = estimate.history

    def slow(store: Store, pipeline: str, follower: Follower) -> estimate.History:
        asked.append(threading.current_thread())
        assert go_on.wait(30)
        return read(store, pipeline, follower)

    monkeypatch.setattr("dagbook.extension.board_subjects.history", slow)
    monkeypatch.setattr("dagbook.extension.board_subjects.ESTIMATE_SECONDS", -1.0)
    earlier = ByHand(going.store.folder, PIPELINE)
    earlier.create("post", "post")
    earlier.go("post", State.QUEUED, State.STARTING, State.RUNNING)
    earlier.go("post", State.SUCCEEDED, duration_s=60.0)
    earlier.tell(RunChanged(RunState.SUCCEEDED))
    board = run_board(going.follower())
    for _ in range(3):
        board.paint()  # returns while the past is still being read
    go_on.set()
    subject = board.subject
    assert isinstance(subject, WatchedRun)
    until(lambda: subject._history)
    for _ in range(3):
        board.paint()
    assert "left" in words(board)
    assert len(asked) == 1
    assert asked[0] is not threading.current_thread()
    board.close()
