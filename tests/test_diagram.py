"""A pipeline as a picture: what the Mermaid chart and the tree of text tell of its nodes and edges."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.lifecycle import State
from dagbook.runner.core.model import Pipeline
from dagbook.runner.diagram import mermaid, tree

from .conftest import MakeNotebook

CELLS = (
    '%pipeline_data "raw images" --path images',
    '%%pipeline_node prepare --after "raw images" --grid size=1,2 --grid kind=a,b\nprint(1)',
    "%%pipeline_node train --input table=prepare/*.csv\nprint(1)",
    "%pipeline_edge prepare.metadata.rows train.parameter.count",
    "%%pipeline_node best --after train --when max:accuracy --when gt:accuracy:0.5\nprint(1)",
    "%%pipeline_node report --gather train\nprint(1)",
    "%%pipeline_node notify --after report --single\nprint(1)",
    "%%pipeline_node publish --after best --approve leah,yochay\nprint(1)",
)


@pytest.fixture
def pipeline(make_notebook: MakeNotebook) -> Pipeline:
    """A pipeline with one of everything that a picture tells apart."""
    from dagbook.runner.formats.notebook import read_notebook

    path = make_notebook(*CELLS)
    (Path(path).parent / "images").mkdir()
    return read_notebook(path).pipeline


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('n0[("raw images")]', id="dataset"),
        pytest.param('n1["prepare ×4<br>size=#123;1, 2#125;<br>kind=#123;a, b#125;"]', id="grids"),
        pytest.param('n3["best ×#63;<br>when max#58;accuracy<br>when gt#58;accuracy#58;0.5"]', id="row 44"),
        pytest.param('n6["publish ×#63;<br>‖ asks leah or yochay"]', id="row 52"),
        pytest.param("n0 --> n1", id="after"),
        pytest.param('n1 -- "table, count=rows" --> n2', id="slot and parameter"),
        pytest.param('n2 -- "all runs" --> n4', id="gather"),
        pytest.param("n4 -.-> n5", id="single"),
    ],
)
def test_the_chart_tells_what_a_node_is_and_what_goes_along_an_edge(pipeline: Pipeline, line: str) -> None:
    assert f"  {line}" in mermaid(pipeline).splitlines()


def test_the_chart_is_coloured_by_the_worst_state_of_each_node(pipeline: Pipeline) -> None:
    states = {"train": [State.SUCCEEDED, State.FAILED], "publish": [State.PENDING_APPROVAL]}
    lines = mermaid(pipeline, states).splitlines()
    assert any(line.startswith('  n2["✕ train') and line.endswith(":::failed") for line in lines)
    assert any(line.startswith('  n6["‖ publish') and line.endswith(":::pending_approval") for line in lines)


def test_no_title_ends_a_label_of_the_chart(make_notebook: MakeNotebook) -> None:
    from dagbook.runner.formats.notebook import read_notebook

    path = make_notebook("%%pipeline_node 'a\"] --> <b>x'\nprint(1)")
    (line,) = (line for line in mermaid(read_notebook(path).pipeline).splitlines() if "n0" in line)
    assert line == '  n0["a#34;#93; --#62; #60;b#62;x"]'


def test_the_tree_tells_grids_conditions_and_people_once_and_names_other_parents(pipeline: Pipeline) -> None:
    drawn = tree(pipeline)
    for words in (
        "raw images (data)",
        "prepare ×4  size={1, 2} kind={a, b}",
        "best ×?  when max:accuracy, when gt:accuracy:0.5",
        "publish ×?  ‖ asks leah or yochay",
        "notify  single",
    ):
        assert drawn.count(words) == 1, drawn


def test_another_parent_is_named_by_its_title_alone(make_notebook: MakeNotebook) -> None:
    from dagbook.runner.formats.notebook import read_notebook

    cells = ("%%pipeline_node a\n1", "%%pipeline_node b --grid x=1,2\n1", "%%pipeline_node c --after a b\n1")
    lines = tree(read_notebook(make_notebook(*cells)).pipeline).splitlines()
    (named,) = (line for line in lines if " c ×2" in line)
    assert named.endswith(("╾ also after b", "╾ also after a"))
    assert "\x00" not in "".join(lines)
