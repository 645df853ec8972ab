"""Outputs of nodes as HTML: nothing that a node shows runs, is without bounds, or hides what stands beside it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from dagbook.extension import pictures
from dagbook.runner.board import output_html as drawing
from dagbook.runner.board.inspector import inspect_run
from dagbook.runner.board.inspector_html import inspected_html
from dagbook.runner.board.output_html import ansi_html, output_html
from dagbook.runner.core.lifecycle import State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.folding import LONGEST_STREAM, fold
from tests.board.by_hand import ByHand, display, stream
from tests.board.payloads import PAYLOADS

HARMFUL = f"\x1b[{'9' * 5000}mhi"


def shown(folder: Path, *messages: dict[str, Any]) -> tuple[str, str]:
    """What the cell and the inspector show of a node that left these messages."""
    made = ByHand(folder, Pipeline(name="flow", nodes=(Node(title="a"),)))
    made.create("a", "a")
    made.go("a", State.QUEUED, State.STARTING, State.RUNNING)
    made.print("a", *messages)
    made.go("a", State.SUCCEEDED, notebook="/store/notebook.ipynb")
    follower = made.follower()
    cell = pictures.bundle("a", follower.listed(), made.run)["text/html"]
    return cell, inspected_html(inspect_run(follower, "a", time.time()))


@pytest.mark.parametrize("kind", ["text_html", "image_svg__xml", "text_markdown"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_node_displays_is_never_an_element_of_the_page(kind: str, payload: str) -> None:
    drawn = output_html(display(**{kind: payload}))
    if kind == "text_html":
        assert drawn.startswith('<iframe sandbox="" ')
        assert drawn.count("<") == 2  # the frame and its end
    else:
        assert drawn.startswith("<img alt=" if kind == "image_svg__xml" else "<pre ")
        assert drawn.count("<") == (1 if kind == "image_svg__xml" else 2)


def test_a_frame_is_as_high_as_its_rows_within_bounds() -> None:
    rows = "<tr><td>1</td></tr>"
    assert "height:60px" in output_html(display(text_html="<b>x</b>"))
    assert "height:154px" in output_html(display(text_html=f"<table>{rows * 5}</table>"))
    assert "height:420px" in output_html(display(text_html=f"<table>{rows * 500}</table>"))


@pytest.mark.parametrize("width", [10**400, float("inf"), float("nan"), -1, 0, "12"], ids=lambda one: str(one)[:9])
def test_a_width_that_is_none_hides_nothing(width: Any, tmp_path: Path) -> None:
    odd = {**display(image_png="AAAA"), "metadata": {"image/png": {"width": width}}}
    for told in shown(tmp_path, odd, display(text_plain="beside it")):
        assert "data:image/png;base64,AAAA" in told
        assert " width=" not in told.partition("data:image/png")[0].rpartition("<img")[2]
        assert "beside it" in told


def test_a_colour_with_thousands_of_digits_hides_nothing(tmp_path: Path) -> None:
    assert ansi_html(HARMFUL) == "hi"
    for told in shown(tmp_path, stream(HARMFUL), display(text_plain="beside it")):
        assert "hi" in told
        assert "beside it" in told


def test_an_output_that_cannot_be_drawn_is_told_in_its_place(tmp_path: Path) -> None:
    odd = {"output_type": "display_data", "data": {"text/html": [1, 2]}, "metadata": {}}
    for told in shown(tmp_path, odd, display(text_plain="beside it")):
        assert "cannot be shown: TypeError" in told
        assert "beside it" in told


def test_what_is_too_large_is_told_with_the_place_of_the_notebook(tmp_path: Path) -> None:
    html, png = "<b>x</b>" * 1_000_000, "A" * (drawing.LARGEST_PICTURE + 1)
    for told in shown(tmp_path, display(text_html=html), display(image_png=png), display(text_plain="beside it")):
        assert told.count("larger than") == 2
        assert "/store/notebook.ipynb" in told
        assert "beside it" in told
        assert len(told) < 100_000


def test_many_outputs_have_a_bound_together(tmp_path: Path) -> None:
    for told in shown(tmp_path, *(display(image_png="A" * 1_000_000) for _ in range(20))):
        assert "together larger than" in told
        assert len(told) < drawing.LARGEST_BUNDLE + 100_000


def test_the_first_text_printed_is_shortened_too() -> None:
    (output,) = fold([stream("line\n" * LONGEST_STREAM)])
    assert len(output["text"]) <= LONGEST_STREAM


def test_a_long_text_in_many_colours_is_shown_plain_and_its_end() -> None:
    drawn = ansi_html("\x1b[31ma\x1b[0m" * 200_000 + "the end")
    assert "<span" not in drawn
    assert drawn.endswith("the end")
    assert len(drawn) <= drawing.LONGEST_COLOURED


def test_the_id_of_a_run_is_escaped_on_the_board(tmp_path: Path) -> None:
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="a"),)))
    follower = made.follower()
    object.__setattr__(follower.row, "id", "<img src=x>")
    assert "<img" not in pictures.board(follower)["text/html"]
