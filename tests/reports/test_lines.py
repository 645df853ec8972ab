"""At which line of a file the code of a cell stands: exactly, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.errors import Place
from dagbook.runner.core.lifecycle import RunChanged, RunState, State
from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.failing_code import Origin, Origins, frames_of, origin_of_place
from dagbook.runner.formats.file_lines import line_in_text, lines_of_cells
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.records.run_rows import SNAPSHOT
from tests.board.by_hand import ByHand
from tests.conftest import write_notebook

LINES = st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=12)
LAYOUTS: list[dict[str, Any]] = [{"indent": 1}, {"indent": 4, "ensure_ascii": False}, {"sort_keys": True}, {}]


def pieces(lines: list[str]) -> list[str]:
    """A source as notebooks hold it: a piece for each line, with its end."""
    *before, last = lines or [""]
    return [f"{line}\n" for line in before] + ([last] if last else [])


@settings(max_examples=60)
@given(st.lists(st.lists(LINES, max_size=5), max_size=5), st.sampled_from(LAYOUTS), st.booleans())
def test_each_line_of_each_cell_is_found_where_the_json_has_it(
    sources: list[list[str]], layout: dict[str, Any], as_one: bool
) -> None:
    """However the file is laid out, also where a source is one text, and behind outputs that look like cells."""
    shown = [{"output_type": "stream", "text": ['{"cells": [{"source": ["no"]}]}\n']}]
    held = [pieces(lines) for lines in sources]
    cells = [
        {"metadata": {"source": "no"}, "outputs": shown, "source": "".join(one) if as_one else one} for one in held
    ]
    text = json.dumps({"metadata": {"cells": []}, "cells": cells}, **layout)
    rows = text.split("\n")
    found = lines_of_cells(text)
    assert [len(numbers) for numbers in found] == [len(one) or int(as_one) for one in held]
    for one, numbers in zip(held, found, strict=True):
        for piece, number in zip(one, numbers, strict=False):
            spelled = json.dumps(piece, ensure_ascii=bool(layout.get("ensure_ascii", True)))
            assert spelled[1:-1] in rows[number - 1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', '{"cells": [{"source": {}}]}', '{"cells": [1', "no"])
def test_what_is_no_notebook_has_no_lines(text: str) -> None:
    assert lines_of_cells(text) == []


def test_code_is_found_in_yaml_and_in_a_script_by_what_stands_before_its_lines() -> None:
    yaml = "nodes:\n- title: fit\n  source: |\n    x = 1\n\n    y = x / 0\n- title: other\n"
    assert line_in_text(yaml, ["x = 1", "", "y = x / 0", ""]) == 4
    script = "# %%\n# %%pipeline_node fit\n# !ls\n# x = 1\n"
    assert line_in_text(script, ["!ls", "x = 1"]) == 3


def test_code_that_stands_in_a_text_twice_or_not_at_all_is_not_guessed() -> None:
    assert line_in_text("a = 1\nb = 2\na = 1\n", ["a = 1"]) is None
    assert line_in_text("a = 1\n", ["a = 2"]) is None
    assert line_in_text("a = 1\n", ["", ""]) is None


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("Cell In[3], line 7, in f(x)", 7),  # IPython from 8.7 on
        ("Cell In [3], line 7", 7),
        ("Input In [3], in <cell line: 2>()\n      6 a\n----> 7 b", 7),
        ("<ipython-input-3-a1b2c3d4> in <module>\n      6 a\n----> 7 b", 7),
        ("  Cell In[3], line 7\n    x = = 1\n        ^", 7),
    ],
)
def test_a_frame_is_read_as_each_ipython_writes_it(header: str, line: int) -> None:
    assert list(frames_of(f"Traceback (most recent call last)\n{header}\nValueError: no")) == [(3, line)]


def frame(number: int, line: int) -> str:
    return f"\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[{number}]\x1b[39m\x1b[32m, line {line}\x1b[39m"


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    """A notebook with shared code, a node that calls it, and a notebook as a node."""
    write_notebook(tmp_path / "score.ipynb", "# parameters\nlimit = 3", "a = 1\nb = a / 0\nc = 2")
    return write_notebook(
        tmp_path / "flow.ipynb",
        "%%pipeline_shared\ndef half(x):\n    return x / 0",
        "%%pipeline_node fit\nx = 1\n\ndef go():\n    return half(x)\n\ngo()",
        "%pipeline_notebook score --path score.ipynb --after fit",
    )


def failed_at(flow: Path, node: str, cell: int, *frames: str) -> Origin:
    """Where a run of the notebook says that this node failed in this cell with this traceback."""
    pipeline = read_notebook(flow).pipeline
    made = ByHand(flow.parent / ".dagbook", pipeline, file=str(flow), folder=str(flow.parent))
    kept = made.store.folder / "runs" / made.run / SNAPSHOT
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(flow.read_bytes())
    made.create(node, node)
    error = {"name": "ZeroDivisionError", "message": "no", "traceback": [*frames], "cell": cell}
    made.go(node, State.QUEUED, State.STARTING, State.RUNNING, State.FAILED, reason="no", error=error)
    made.tell(RunChanged(RunState.FAILED))
    follower = made.follower()
    return Origins(follower).of(follower.so_far.node_runs[node])


def line_of(file: Path, text: str) -> int:
    """The line of the file that holds this text alone."""
    (found,) = [number for number, row in enumerate(file.read_text().split("\n"), 1) if text in row]
    return found


def test_a_failure_lies_at_the_innermost_line_of_its_own_cell_whatever_that_called(flow: Path) -> None:
    origin = failed_at(flow, "fit", 1, frame(2, 7), frame(2, 5) + ", in go()", frame(1, 3) + ", in half(x)")
    assert origin == Origin(flow, 3, 5, line_of(flow, "return half(x)"))
    assert origin.words() == "flow.ipynb, cell 3, line 5"


def test_a_failure_of_the_shared_code_itself_lies_in_its_cell(flow: Path) -> None:
    assert failed_at(flow, "fit", 0, frame(1, 3)) == Origin(flow, 2, 3, line_of(flow, "return x / 0"))


def test_a_failure_in_a_notebook_that_is_a_node_lies_in_that_file(flow: Path) -> None:
    """papermill puts a cell with the parameters in, so that the kernel counts one cell more than the file has."""
    score = flow.parent / "score.ipynb"
    assert failed_at(flow, "score", 2, frame(3, 2)) == Origin(score, 3, 2, line_of(score, "b = a / 0"))


def test_a_failure_without_a_traceback_lies_where_its_cell_begins(flow: Path) -> None:
    assert failed_at(flow, "fit", 1) == Origin(flow, 3, None, line_of(flow, "%%pipeline_node fit"))


def test_lines_are_those_of_the_file_as_it_was_when_the_run_began(flow: Path) -> None:
    pipeline = Pipeline(nodes=(Node(title="fit", cell=2, kind=Kind.CELL, source="x"),))
    made = ByHand(flow.parent / ".dagbook", pipeline, file=str(flow), folder=str(flow.parent))
    kept = made.store.folder / "runs" / made.run / SNAPSHOT
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(flow.read_bytes())
    before = line_of(flow, "%%pipeline_shared")
    made.create("fit", "fit")
    flow.write_text("\n" * 50 + flow.read_text())
    follower = made.follower()
    assert Origins(follower).of(follower.so_far.node_runs["fit"]).file_line == before


def test_a_finding_before_the_run_has_the_line_of_its_file_too(flow: Path, tmp_path: Path) -> None:
    found = origin_of_place(Place(str(flow), 3, 4))
    assert found == Origin(flow, 3, 4, line_of(flow, "def go():"))
    yaml = tmp_path / "flow.yaml"
    assert origin_of_place(Place(str(yaml), None, 12)) == Origin(yaml, None, None, 12)
    assert origin_of_place(Place()) == Origin()
