"""A store from elsewhere: its pages end, show only what is in it, and tell what they cannot read."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest

from dagbook.runner.board.document import static_page
from dagbook.runner.core.lifecycle import Pictured, State
from dagbook.runner.core.model import Node, Pipeline
from tests.board.by_hand import ByHand, stream

NOW = 4_000_000_000.0


@pytest.fixture
def made(tmp_path: Path) -> ByHand:
    run = ByHand(tmp_path / "store", Pipeline(name="flow", nodes=(Node(title="a"),)))
    run.create("a", "a")
    run.go("a", State.QUEUED, State.STARTING, State.RUNNING)
    return run


def failed(made: ByHand, notebook: Path) -> str:
    error = {"name": "E", "message": "m", "traceback": ["told"], "cell": 0}
    made.go("a", State.FAILED, reason="E: m", error=error, notebook=str(notebook))
    return static_page(made.follower(), NOW)


def test_a_pipe_in_a_notebooks_place_is_not_waited_for(made: ByHand) -> None:
    os.mkfifo(made.store.folder / "pipe")
    assert "told" in failed(made, made.store.folder / "pipe")


def test_a_notebook_outside_of_the_store_is_not_read(made: ByHand, tmp_path: Path) -> None:
    outside = tmp_path / "outside.ipynb"
    outside.write_text('{"cells": [{}, {}, {"outputs": [{"output_type": "error"}]}]}')
    assert "cell 3" not in failed(made, outside)


def test_a_link_in_a_pictures_place_is_not_followed(made: ByHand, tmp_path: Path) -> None:
    outside = tmp_path / "settings.xml"
    outside.write_text("<settings>PRIVATE</settings>")
    folder = made.store.attempt_folder(made.run, "a", 1) / "images"
    folder.mkdir(parents=True)
    (folder / "p.svg").symlink_to(outside)
    made.tell(Pictured("a", "p", 1.0, "images/p.svg"))
    made.go("a", State.SUCCEEDED)
    page = static_page(made.follower(), NOW)
    assert "not shown:" in page
    assert not any(b"PRIVATE" in base64.b64decode(one) for one in re.findall(r"base64,([A-Za-z0-9+/=]+)", page))


def test_a_pipe_in_a_journals_place_is_not_waited_for(made: ByHand) -> None:
    folder = made.store.attempt_folder(made.run, "a", 1)
    folder.mkdir(parents=True)
    os.mkfifo(folder / "outputs.jsonl")
    assert "flow" in static_page(made.follower(), NOW)


@pytest.mark.parametrize(
    "line", ["garbage", "[1]", "{}", "[" * 100_000 + "]" * 100_000, '{"cell": 0, "output_type": "stream"}']
)
def test_a_line_of_the_journal_that_is_no_message_is_told_and_hides_nothing(made: ByHand, line: str) -> None:
    folder = made.store.attempt_folder(made.run, "a", 1)
    folder.mkdir(parents=True)
    (folder / "outputs.jsonl").write_text(f"{line}\n")
    made.print("a", stream("printed after it\n"))
    page = static_page(made.follower(), NOW)
    assert "a line of the journal cannot be read" in page
    assert "printed after it" in page
