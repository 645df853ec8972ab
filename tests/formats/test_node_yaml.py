"""A node as YAML and as the text of a cell: both are read back as the same node."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dagbook.runner.core.edge import Edge, Port
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import ExecutorName, Kind, Node, OnError
from dagbook.runner.core.names import clean_title, slug_of
from dagbook.runner.core.values import typed
from dagbook.runner.formats.cell_text import cell_text, edge_text, quoted
from dagbook.runner.formats.cells import parse_edge, parse_node
from dagbook.runner.formats.magic_lines import tokens_of
from dagbook.runner.formats.node_yaml import node_from_yaml, node_yaml
from dagbook.runner.formats.sources import cell_magic

SEEN = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
LINE = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=12)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name.isidentifier())


def _is_title(text: str) -> bool:
    try:
        return clean_title(text) == text
    except PipelineError:
        return False


TITLES = st.text("abXYZé -.?'\"#$(){}&<>1", min_size=1, max_size=12).filter(_is_title)
SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | LINE
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
PARAMETERS = st.dictionaries(NAMES.map(lambda name: f"p_{name}"), VALUES, max_size=3)
GRIDS = st.dictionaries(NAMES.map(lambda name: f"g_{name}"), st.lists(VALUES, min_size=1, max_size=3), max_size=2)


@st.composite
def nodes(draw: st.DrawFn, source: st.SearchStrategy[str]) -> Node:
    """A node of any kind with any of its fields."""
    title = draw(TITLES)
    after = tuple(
        draw(st.lists(TITLES.filter(lambda other: slug_of(other) != slug_of(title)), max_size=3, unique=True))
    )
    kind = draw(st.sampled_from([Kind.CELL, Kind.COMMAND]))
    said: dict[str, Any] = {
        "params": draw(PARAMETERS),
        "grid": draw(GRIDS),
        "uses": tuple(draw(st.lists(NAMES.map(lambda name: f"u_{name}"), max_size=2, unique=True))),
        "gather": draw(st.sampled_from([(), after, after[:1]])),
        "env": draw(st.dictionaries(NAMES, LINE, max_size=2)),
        "cpus": draw(st.none() | st.sampled_from([0.5, 2, 0.0625])),
        "memory": draw(st.none() | st.integers(6 * 2**20, 2**40)),
        "timeout": draw(st.none() | st.sampled_from([0.25, 30, 600, 5400, 86400, 90])),
        "retries": draw(st.none() | st.integers(0, 100)),
        "on_error": draw(st.none() | st.sampled_from(OnError)),
        "executor": draw(st.none() | st.sampled_from(ExecutorName)),
        "network": draw(st.none() | st.booleans()),
        "cache": draw(st.none() | st.just(False)),
        "single": draw(st.booleans()),
        "image": draw(st.none() | st.sampled_from(["python:3.12-slim", "r-base"])),
        "requirements": draw(st.none() | st.just(("pandas>=2", "requirements.txt"))),
        "approve": draw(st.sampled_from([(), ("leah",), ("leah cohen", "yochay")])),
        "top": draw(st.none() | st.integers(0, 100_000)),
        "left": draw(st.none() | st.integers(0, 100_000)),
    }
    return Node(title=title, kind=kind, after=after, source=draw(source), **said)


def _spellable(value: Any) -> bool:
    """Whether a single value can be typed after `--param`: a text must not look like another type."""
    if isinstance(value, str):
        return repr(typed(value)) == repr(value)
    return repr(typed(repr(value))) == repr(value)


def _same(one: Node, other: Node) -> bool:
    return repr(one.model_dump(mode="json")) == repr(other.model_dump(mode="json"))


@given(nodes(st.text(SEEN, max_size=80)))
@example(Node(title="a", source="\x85"))  # line breaks to YAML
@example(Node(title="a", source="\u2028b\r\nc\n\n"))
@example(Node(title="a", source="  x\n"))
def test_row_20_a_node_is_read_back_from_its_yaml(node: Node) -> None:
    """Row 20: each task can be seen as YAML; safe loading gives the same node, types and odd characters included."""
    assert _same(node_from_yaml(node_yaml(node)), node)


@given(nodes(LINE.map(lambda text: f"x = 1\n{text}\n")))
def test_the_text_of_a_cell_is_read_back_as_the_same_node(node: Node) -> None:
    """Whatever a line can say comes back as it was, whatever quotes and spaces are in it."""
    assume(all(map(_spellable, node.params.values())))
    assume(not any("{{" in text.replace(" ", "") for text in [*map(str, node.params.values()), *node.env.values()]))
    assume(not any("{{" in repr(values).replace(" ", "") for values in node.grid.values()))
    assume(not any("nan" in repr(values) or "inf" in repr(values) for values in node.grid.values()))
    cut = cell_magic(cell_text(node))
    assert cut is not None
    assert _same(parse_node(cut.magic.name, cut.magic.rest, cut.body), node)


@given(st.text(SEEN, max_size=20))
def test_a_quoted_word_is_one_word_again(word: str) -> None:
    assert [token.text for token in tokens_of("pipeline_node", quoted(word))] == [word]


def test_a_whole_node_is_written_as_people_write_it() -> None:
    line = (
        '"Train model" --after prepare --param epochs "note=two words" --grid lr=0.1,0.01 --when max:prepare.accuracy '
        "--approve leah,yochay --memory 2g --timeout 90m --no-cache --left 40 --top 300"
    )
    text = f"%%pipeline_node {line}\nfit()\n"
    assert cell_text(parse_node("pipeline_node", line, "fit()\n")) == text


@pytest.mark.parametrize(
    ("magic", "line"),
    [
        ("pipeline_data", "images --url 'https://example.org/a?b=\"c\"' --left 0 --top 20"),
        ("pipeline_notebook", 'score --after "Train model" --path "my score.ipynb" --gather'),
        ("pipeline_command", 'report --after a b --gather b --input table?=a/*.csv rest=b --env "A=x y"'),
    ],
)
def test_every_kind_of_node_is_written(magic: str, line: str) -> None:
    node = parse_node(magic, line, "echo\n" if magic == "pipeline_command" else "")
    first, _, body = cell_text(node).partition("\n")
    spelled, _, rest = first.partition(" ")
    assert spelled == ("%%" if magic == "pipeline_command" else "%") + magic
    assert _same(parse_node(magic, rest, body), node)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"params": {"p": "3"}}, "params would be read back differently"),
        ({"params": {"p": "a\nb"}}, "a value holds a line break"),
        ({"env": {"A": "a\u2028b"}}, "a value holds a line break"),
        ({"cache": True}, "cache would be read back differently"),
        ({"gather": ("x",)}, "after would be read back differently"),
        ({"params": {"p": "{{ a"}, "image": "x"}, "the braces are opened in this word"),
    ],
)
def test_what_no_line_can_say_is_refused(said: dict[str, Any], why: str) -> None:
    """Never a cell that says something else than the node."""
    with pytest.raises(PipelineError) as caught:
        cell_text(Node(title="fit", **said))
    assert caught.value.problems[0].code == "E-CELL-TEXT"
    assert why in caught.value.problems[0].message


def test_an_edge_is_written_and_read_back() -> None:
    edge = parse_edge('prepare.output.*.csv "Train model".input.table --optional')
    assert edge_text(edge) == '%pipeline_edge prepare.output.*.csv "Train model.input.table" --optional'
    assert parse_edge(edge_text(edge).removeprefix("%pipeline_edge ")) == edge


def test_an_edge_whose_title_holds_a_port_is_refused() -> None:
    """`a.output.b.output.x` would be read as another title."""
    edge = Edge(
        source="a.output.b", source_port=Port.OUTPUT, source_key="x", target="c", target_port=Port.INPUT, target_key="t"
    )
    with pytest.raises(PipelineError, match="would be read back differently"):
        edge_text(edge)


def test_a_parameter_may_be_called_float() -> None:
    """JSON's detour for NaN is a mapping with that one key."""
    node = Node(title="fit", params={"float": "nan"}, env={"float": "nan"}, grid={"x": [float("nan"), 1e400]})
    assert _same(node_from_yaml(node_yaml(node)), node)
    assert "    - .nan\n    - .inf\n" in node_yaml(node)


def test_yaml_says_what_is_not_as_by_default_and_code_as_a_block() -> None:
    node = Node(title="fit", after=("prepare",), grid={"lr": [0.1]}, source="import x\nx.fit()\n", cell=3, cell_id="c")
    assert node_yaml(node) == (
        "title: fit\nkind: cell\nsource: |\n  import x\n  x.fit()\nafter:\n  - prepare\ngrid:\n  lr:\n    - 0.1\n"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title: [a", "line 1, column 10"),
        ("- a", "it is no mapping"),
        ("", "it is no mapping"),
        ("title: a\ncolour: red", "colour: Extra inputs"),
        ("title: a\ntitle: b", "line 2, column 1"),
        ("title: !!python/object/apply:os.system [ls]", "line 1, column 8"),
    ],
)
def test_yaml_that_tells_no_node_is_an_error_with_its_place(text: str, why: str) -> None:
    with pytest.raises(PipelineError, match="E-VALUE") as caught:
        node_from_yaml(text)
    assert why in caught.value.problems[0].message
