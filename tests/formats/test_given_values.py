"""Values given to a pipeline from outside: -p, -y, -f, -b, -r; what is wrong with them, and what is meant."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from papermill.iorw import NoDatesSafeLoader  # type: ignore[import-untyped]

from dagbook.runner.cli_given import given_parameters
from dagbook.runner.core.errors import PipelineError, Problem
from dagbook.runner.core.values import Value
from dagbook.runner.formats.notebook import Definition, read_notebook
from dagbook.runner.formats.parameters import from_base64, from_yaml
from dagbook.runner.formats.pipeline_file import read_definition
from tests.conftest import MakeNotebook
from tests.formats.notebooks import code, write

PARAMETERS = """\
# parameters
epochs = 3  # how often
lr: float = 0.1
name = "x"  # type: str  of the model
flag = False
most: int | None = None
sizes = [1, 2]
mode: Literal["fast", "good"] = "fast"
anything = None
where = Path(".")
api_token = 5"""
NODE = '%%pipeline_node "Train model" --param epochs depth=2 --grid "rate=0.1,0.2"\nprint(epochs, depth, rate)'


def told(definition: Definition) -> tuple[Problem, ...]:
    """What is found, but that a parameter is taken by nobody: these notebooks have more than they take."""
    return tuple(one for one in definition.problems if one.code != "W-PARAM-UNUSED")


@pytest.fixture
def flow(make_notebook: MakeNotebook) -> Path:
    return make_notebook(PARAMETERS, NODE)


FITTING: list[tuple[str, Value]] = [
    ("epochs", 5),
    ("lr", 1),
    ("lr", float("inf")),
    ("name", "5"),
    ("flag", True),
    ("most", 3),
    ("most", None),
    ("sizes", ["a"]),
    ("mode", "good"),
    ("anything", [1]),
    ("where", "/tmp"),
    ("epochs", "{{ prepare.epochs }}"),
]


@pytest.mark.parametrize(("name", "value"), FITTING)
def test_a_value_that_fits_is_the_parameters(flow: Path, name: str, value: Value) -> None:
    read = read_notebook(flow, {name: value})
    assert told(read) == ()
    assert read.pipeline.parameters[name] == value


ILL_TYPED: list[tuple[str, Value, int, str, str]] = [
    ("epochs", "abc", 2, "the text 'abc', which is not int (as its default is: 3)", "epochs: int | str = …"),
    ("epochs", "5", 2, "the text '5', which is not int", "-p epochs 5"),
    ("epochs", 2.5, 2, "the number 2.5, which is not int", "epochs = 3.0"),
    ("epochs", True, 2, "the truth value True, which is not int", "int | bool"),
    ("epochs", None, 2, "None, which is not int", "epochs: int | None = …"),
    ("lr", "fast", 3, "which is not float (as it is annotated)", "float | str"),
    ("name", 5, 4, "5, which is not str", "-r name 5"),
    ("name", 2.0, 4, "the number 2.0, which is not str", "-r name 2.0"),
    ("flag", 1, 5, "1, which is not bool", "bool | int"),
    ("flag", "true", 5, "the text 'true', which is not bool", "-p flag True"),
    ("most", "x", 6, "which is not int | None", "int | None | str"),
    ("sizes", 3, 7, "3, which is not list", "list | int"),
    ("mode", "slow", 8, "which is not Literal['fast', 'good']", ""),
]


@pytest.mark.parametrize(("name", "value", "line", "says", "hint"), ILL_TYPED)
def test_an_ill_typed_value_is_told_with_the_type_the_line_of_the_default_and_what_to_do(
    flow: Path, name: str, value: Value, line: int, says: str, hint: str
) -> None:
    (found,) = told(read_notebook(flow, {name: value}))
    assert (found.code, found.place.file, found.place.cell, found.place.line) == ("E-PARAM-TYPE", str(flow), 2, line)
    assert found.message.startswith(f"the value of {name} is ")
    assert says in found.message
    assert hint in found.hint


def test_a_secret_that_is_ill_typed_is_not_shown(flow: Path) -> None:
    (found,) = [one for one in told(read_notebook(flow, {"api_token": "hunter2-hunter2"})) if one.is_error]
    assert "hunter2" not in found.describe()
    assert "which is not int" in found.message


def test_a_nodes_own_parameter_is_given_by_its_title_or_slug_and_takes_the_place_of_a_grid(flow: Path) -> None:
    read = read_notebook(flow, {"Train model.depth": 7, "train_model.rate": 0.5, "Train model.epochs": 9})
    (node,) = read.pipeline.nodes
    assert told(read) == ()
    assert (node.params, node.grid, node.uses) == ({"depth": 7, "rate": 0.5, "epochs": 9}, {}, ())
    assert read.pipeline.parameters["epochs"] == 3


UNKNOWN = [
    ("epoch", 'Did you mean "epochs"?'),
    ("depth", "It is a parameter of \"Train model\" alone: -p 'Train model.depth' VALUE"),
    ("Train model.depht", 'Did you mean "Train model.depth"?'),
    ("x = 1; import os", "Known: "),
]


@pytest.mark.parametrize(("name", "hint"), UNKNOWN)
def test_an_unknown_parameter_is_answered_with_what_was_meant(flow: Path, name: str, hint: str) -> None:
    (found,) = told(read_notebook(flow, {name: 1}))
    assert found.code == "E-PARAM-UNKNOWN"
    assert found.hint.startswith(hint)


def test_a_nodes_ill_typed_parameter_is_told_at_the_node(flow: Path) -> None:
    (found,) = told(read_notebook(flow, {"Train model.depth": "deep"}))
    assert (found.code, found.place.cell, found.place.node) == ("E-PARAM-TYPE", 3, "Train model")


def test_what_papermill_injected_changes_values_and_not_types(tmp_path: Path) -> None:
    cells = [code("lr: float = 0.1  # how fast", "parameters"), code("lr = 1\nmore = 2", "injected-parameters")]
    known = read_notebook(write(tmp_path / "p.ipynb", *cells)).parameters
    assert [(one.type, one.help, one.value) for one in known.values()] == [("float", "how fast", 1), ("int", "", 2)]


YAML_FLOW = """\
dagbook: 1
name: flow
parameters: {epochs: 3}
nodes:
  - {title: train, kind: command, source: "true", uses: [epochs], params: {depth: 2}}
"""


def yaml_flow(folder: Path) -> Path:
    file = folder / "flow.yaml"
    file.write_text(YAML_FLOW, encoding="utf-8")
    return file


def given_to(file: Path, given: dict[str, Value]) -> Definition:
    return read_definition(file, given)


def test_a_file_takes_values_as_a_notebook_does(tmp_path: Path) -> None:
    file = yaml_flow(tmp_path)
    read = given_to(file, {"epochs": 5, "train.depth": "deep"})  # a command's parameters are text in any case
    assert told(read) == ()
    assert (read.pipeline.parameters, read.pipeline.nodes[0].params) == ({"epochs": 5}, {"depth": "deep"})
    (found,) = told(given_to(file, {"epochs": "many"}))
    assert (found.code, found.place.file) == ("E-PARAM-TYPE", str(file))
    (found,) = told(given_to(file, {"epoch": 5}))
    assert (found.code, found.hint) == ("E-PARAM-UNKNOWN", 'Did you mean "epochs"?')


WORDS = (
    "yes no on off y Yes TRUE true ~ null 1 -1 012 0o12 0x1F 1_000 1e3 1.0e3 1.0e+3 .5 1. .inf -.INF "
    "2024-01-02 2024-01-02T10:00:00 12:30 'a' abc 1.2.3 [1,yes] \"5\""
)


@pytest.mark.parametrize("word", WORDS.split())
def test_yaml_means_what_it_means_to_papermill(word: str) -> None:
    text = f"x: {word}"
    expected = yaml.load(text, Loader=NoDatesSafeLoader)
    assert repr(from_yaml(text, "-y")) == repr(expected)
    assert repr(from_base64(base64.b64encode(text.encode()).decode(), "-b")) == repr(expected)


def test_of_several_ways_to_give_one_parameter_papermills_wins(tmp_path: Path) -> None:
    """papermill takes -b, -f, -y, -p, -r in this order, wherever they stand; the last one wins."""
    (tmp_path / "p.yaml").write_text("{a: f, b: f, c: f, d: f}")
    ways = {
        "base64_texts": (base64.b64encode(b"{a: b, b: b, c: b, d: b, e: b}").decode(),),
        "yaml_files": (str(tmp_path / "p.yaml"),),
        "yaml_texts": ("{a: y, b: y, c: y}",),
        "typed": (("a", "p"), ("b", "p")),
        "raw": (("a", "5"),),
    }
    assert given_parameters(**ways) == {"a": "5", "b": "p", "c": "y", "d": "f", "e": "b"}


WRONG = [
    (lambda: from_yaml("{a: [", "-y"), "-y is not YAML"),
    (lambda: from_yaml("[1, 2]", "-y"), "-y holds no mapping"),
    (lambda: from_yaml("a: !!python/object:os.system x", "-y"), "-y is not YAML"),
    (lambda: from_base64("%%%", "-b"), "-b is not base64"),
    (lambda: from_base64("/////w==", "-b"), "-b is not base64 of a text"),
    (lambda: from_yaml("a: {b: 1}", "-y"), "of type dict, which is not a parameter type"),
    (lambda: from_yaml("a-b: 1", "-y"), "'a-b' cannot be a parameter"),
    (lambda: from_yaml(None, "p.yaml"), "p.yaml does not exist"),
]


@pytest.mark.parametrize(("read", "says"), WRONG)
def test_what_is_no_yaml_of_parameters_is_told(read: object, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        read()  # type: ignore[operator]


def test_what_a_line_gives_to_a_notebook_is_checked_against_its_parameters(make_notebook: MakeNotebook) -> None:
    make_notebook("# parameters\nepochs = 3\nrate: float = 1", "print(epochs, rate)", name="train.ipynb")
    line = "%pipeline_notebook train --path train.ipynb"
    assert told(read_notebook(make_notebook(f"{line} --param epochs=5 --grid rate=1,0.5"))) == ()
    found = told(read_notebook(make_notebook(f"{line} --param epochs=many --grid rate=1,fast")))
    assert [(one.code, one.place.cell, one.place.node) for one in found] == [("E-PARAM-TYPE", 2, "train")] * 2
    assert "is the text 'many', which is not int (as its default is: 3)" in found[0].message
