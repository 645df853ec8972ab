"""Axes given on the command line: `--grid NODE.NAME=A,B` means what it would mean in the node's own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.errors import Problem
from dagbook.runner.core.model import Pipeline
from dagbook.runner.core.routes import count
from dagbook.runner.formats.notebook import Definition, read_notebook
from dagbook.runner.formats.pipeline_file import without_places
from tests.conftest import MakeNotebook

SCORE = ("# parameters\nlr = 0.1\nseed: int = 0", "print(lr, seed)")
FLOW = (
    "# parameters\nepochs = 3\nlr = 0.1",
    "%%pipeline_node prepare --param lr\nprint(lr)",
    '%%pipeline_node "Train v1.2" --after prepare --param epochs lr depth=2 --grid rate=1,2\n[epochs, lr, depth, rate]',
    "%%pipeline_node Train --after prepare --param steps=1\nsteps",
    '%pipeline_notebook score --path score.ipynb --after "Train v1.2" --param lr',
)


def told(definition: Definition) -> tuple[Problem, ...]:
    """What is found; that a parameter is taken by nobody is not, also where an axis has taken its place."""
    return definition.problems


@pytest.fixture
def flow(make_notebook: MakeNotebook) -> Path:
    make_notebook(*SCORE, name="score.ipynb")
    return make_notebook(*FLOW)


def with_grids(flow: Path, *grids: str, **given: object) -> Definition:
    return read_notebook(flow, given, grids=grids)  # type: ignore[arg-type]


def runs(pipeline: Pipeline) -> int | None:
    return count(pipeline).by_node["score"]


TAKEN: list[tuple[str, str, str, list[object]]] = [
    ("Train v1.2.depth=3,4", "Train v1.2", "depth", [3, 4]),
    ("train_v12.depth=3,4", "Train v1.2", "depth", [3, 4]),
    ("TRAIN V1.2.depth=3,4", "Train v1.2", "depth", [3, 4]),
    ("Train v1.2.rate=0.5,x,True", "Train v1.2", "rate", [0.5, "x", True]),
    ("Train.steps=[1, 2]", "Train", "steps", [1, 2]),
    ("epochs=1,2", "Train v1.2", "epochs", [1, 2]),
    ("prepare.lr=1,0.5", "prepare", "lr", [1, 0.5]),
    ("score.seed=1,2", "score", "seed", [1, 2]),  # its notebook has it, its line does not name it
    ("Train v1.2.depth={{ prepare.a, b }},7", "Train v1.2", "depth", ["{{ prepare.a, b }}", 7]),
]


@pytest.mark.parametrize(("grid", "title", "name", "values"), TAKEN)
def test_an_axis_takes_the_place_of_what_the_node_had(
    flow: Path, grid: str, title: str, name: str, values: list[object]
) -> None:
    read = with_grids(flow, grid)
    node = read.pipeline.node(title)
    assert told(read) == ()
    assert node.grid[name] == values
    assert name not in node.params
    assert name not in node.uses


def test_it_is_the_same_pipeline_as_one_whose_line_says_so(flow: Path, make_notebook: MakeNotebook) -> None:
    written = [cell.replace("--param epochs lr depth=2 --grid rate=1,2", "--param epochs lr --grid rate=1,2 depth=3,4")
               for cell in FLOW]  # fmt: skip
    given = with_grids(flow, "Train v1.2.depth=3,4").pipeline
    same = read_notebook(make_notebook(*written)).pipeline
    assert runs(given) == runs(same) == 4
    assert without_places(given).model_dump() == without_places(same).model_dump()


REFUSED = [
    (("lr=1,2",), "E-GRID-TAKEN", "several nodes", "--grid prepare.lr=1,2 or --grid 'Train v1.2.lr=1,2'"),
    (("rate=1,2",), "E-PARAM-UNKNOWN", "'rate'", "--grid 'Train v1.2.rate=1,2'"),
    (("epoch=1,2",), "E-PARAM-UNKNOWN", "'epoch'", 'Did you mean "epochs"?'),
    (("Train v1.2.dept=1,2",), "E-PARAM-UNKNOWN", "'dept'", 'Did you mean "depth"?'),
    (("Trian v1.2.depth=1,2",), "E-NODE-UNKNOWN", "'Trian v1.2'", 'Did you mean "Train v1.2"?'),
    (("epochs",), "E-USAGE", "--grid epochs gives no values", "NODE.NAME=A,B"),
    (("epochs=1,,2",), "E-GRID-EMPTY", "an empty value", ""),
    (("epochs=1,abc",), "E-PARAM-TYPE", "the text 'abc', which is not int", ""),
    (("score.seed=1,x",), "E-PARAM-TYPE", "which is not int (as it is annotated)", ""),
    (
        ("epochs=1,2", "Train v1.2.epochs=3"),
        "E-PARAM-TWICE",
        "--grid 'epochs=1,2' and --grid 'Train v1.2.epochs=3'",
        "",
    ),
]


@pytest.mark.parametrize(("grids", "code", "says", "hint"), REFUSED)
def test_an_axis_that_means_nothing_is_told(
    flow: Path, grids: tuple[str, ...], code: str, says: str, hint: str
) -> None:
    (found,) = told(with_grids(flow, *grids))
    assert found.code == code
    assert says in found.message
    assert hint in found.hint
    assert found.place.file


def test_a_value_and_an_axis_for_one_parameter_are_refused(flow: Path) -> None:
    (found,) = told(with_grids(flow, "epochs=1,2", epochs=3))
    assert found.code == "E-PARAM-TWICE"
    assert told(with_grids(flow, "prepare.lr=1,2", lr=3.0)) == ()  # the others take what -p gives


def test_a_parameter_that_nobody_takes_can_be_no_axis(make_notebook: MakeNotebook) -> None:
    flow = make_notebook("# parameters\nepochs = 3", "%%pipeline_node a\n1")
    (found,) = [one for one in with_grids(flow, "epochs=1,2").problems if one.is_error]
    assert (found.code, found.hint) == ("E-GRID-TAKEN", "Let one take it: --param epochs")
