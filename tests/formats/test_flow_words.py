"""The written form of flow: conditions, approvers, slots, edges, data nodes, references in braces."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.edge import Condition, Edge, Objective, Port
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Kind, Pipeline
from dagbook.runner.core.templates import has_reference
from dagbook.runner.formats.cells import parse_edge, parse_node
from dagbook.runner.formats.flow_words import KINDS_OF_EDGES, condition_in_words
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.formats.options import NODE_MAGICS
from dagbook.runner.formats.parsers import help_text

from .notebooks import write


def node_of(line: str, magic: str = "pipeline_node") -> Any:
    return parse_node(magic, line, "pass", 3, "id")


def fault_of(line: str, magic: str = "pipeline_node") -> tuple[str, str, str]:
    """Code, message and hint of the one finding in a bad line, whose place is the cell."""
    with pytest.raises(PipelineError) as caught:
        parse_edge(line, 3) if magic == "pipeline_edge" else node_of(line, magic)
    (found,) = caught.value.problems
    assert (found.place.cell, found.place.line) == (3, 1)
    return found.code, found.message, found.hint


def marked(message: str) -> str:
    """The part of the magic line above the ^^^ mark."""
    _, line, mark = message.rsplit("\n", 2)
    start = mark.index("^")
    return line[start : start + mark.count("^")]


def outcome(make: Callable[[], Any]) -> Any:
    """What `make` gives, or the finding that it raises; any other error fails the test."""
    try:
        return make()
    except PipelineError as error:
        return error


CONDITIONS = [
    pytest.param("gt:accuracy:0.9", Objective.GT, "accuracy", 0.9, "gt:accuracy:0.9", id="row 45"),
    pytest.param("lt:loss:1", Objective.LT, "loss", 1, "lt:loss:1", id="row 46"),
    pytest.param("eq:verdict:good", Objective.EQ, "verdict", "good", "eq:verdict:good", id="row 47"),
    pytest.param("eq:depth:3", Objective.EQ, "depth", 3, "eq:depth:3", id="row 47 number"),
    pytest.param("max:accuracy", Objective.MAX, "accuracy", None, "max:accuracy", id="row 48"),
    pytest.param("min:loss", Objective.MIN, "loss", None, "min:loss", id="row 49"),
    pytest.param("ge:a:-1e3", Objective.GE, "a", -1000.0, "ge:a:-1000.0", id="C1 ge"),
    pytest.param("le:a:5", Objective.LE, "a", 5, "le:a:5", id="le"),
    pytest.param("ne:verdict:a b", Objective.NE, "verdict", "a b", "ne:verdict:a b", id="ne"),
    pytest.param("eq:done:True", Objective.EQ, "done", True, "eq:done:True", id="a truth value"),
    pytest.param("max:Train model.accuracy", Objective.MAX, "Train model.accuracy", None, None, id="row 50 task"),
    pytest.param("gt:A,B.val acc:.5", Objective.GT, "A,B.val acc", 0.5, "gt:A,B.val acc:0.5", id="row 44 some tasks"),
    pytest.param("eq:time:of:day:noon", Objective.EQ, "time:of:day", "noon", None, id="value after the last colon"),
    pytest.param(" gt : accuracy : 0.9 ", Objective.GT, "accuracy", 0.9, "gt:accuracy:0.9", id="spaces"),
]


@pytest.mark.parametrize(("text", "objective", "tag", "target", "spelled"), CONDITIONS)
def test_a_condition_is_an_objective_a_tag_and_a_typed_value(
    text: str, objective: Objective, tag: str, target: Any, spelled: str | None
) -> None:
    """Rows 44 to 50: what stands before the tag is kept as typed, and a condition prints as it is written."""
    (found,) = node_of(f'best --when "{text}"').when
    assert found == Condition(objective=objective, tag=tag, target=target)
    assert type(found.target) is type(target)
    assert str(found) == (spelled or text)


def test_row_50_several_conditions_and_several_lines_of_them_add_up() -> None:
    found = node_of("best --after a --when gt:acc:0.5 max:acc --image x --when lt:loss:2").when
    assert [str(one) for one in found] == ["gt:acc:0.5", "max:acc", "lt:loss:2"]
    assert condition_in_words(found[0]) == "acc gt 0.5"
    assert condition_in_words(found[1]) == "max acc"


BAD_CONDITIONS = [
    pytest.param("gte:acc:1", "E-COND-OP", "'gte'", 'Did you mean "gt"?', id="C1 objective"),
    pytest.param("maximum:acc", "E-COND-OP", "'maximum'", 'Did you mean "max"?', id="C1 max"),
    pytest.param("accuracy", "E-COND-OP", "'accuracy'", '"gt"', id="C1 no objective"),
    pytest.param(">:acc:1", "E-COND-OP", "'>'", '"ge"', id="C1 sign"),
    pytest.param("human_validation", "E-COND-OP", "human_validation", "--approve leah,yochay", id="C5 alone"),
    pytest.param("human_validation:acc:1", "E-COND", "'acc:1'", "--approve leah,yochay", id="C5 target and tag"),
    pytest.param("gt:acc", "E-COND-TARGET", "no value", "gt:acc:NUMBER", id="C1 target missing"),
    pytest.param("eq:acc:", "E-COND-TARGET", "no value", "eq:acc:VALUE", id="C1 target empty"),
    pytest.param("gt:acc:high", "E-COND-TARGET", "'high', which is no number", "gt:acc:NUMBER", id="C1 text"),
    pytest.param("le:acc:True", "E-COND-TARGET", "'True', which is no number", "le:acc:NUMBER", id="C1 truth value"),
    pytest.param("gt:acc:nan", "E-COND-TARGET", "nan", "gt:acc:NUMBER", id="C1 NaN"),
    pytest.param("eq:acc:-inf", "E-COND-TARGET", "-inf", "eq:acc:VALUE", id="C1 infinite"),
    pytest.param("ne:acc:1e999", "E-COND-TARGET", "1e999", "ne:acc:VALUE", id="C1 too large"),
    pytest.param("eq:acc:None", "E-COND-TARGET", "neither a number nor a text", "eq:acc:VALUE", id="C1 None"),
    pytest.param("eq:acc:[1]", "E-COND-TARGET", "neither a number nor a text", "eq:acc:VALUE", id="C1 list"),
    pytest.param("max", "E-COND-TAG", "max names no tag", "--when max:accuracy", id="C1 no tag"),
    pytest.param("gt::1", "E-COND-TAG", "gt names no tag", "--when gt:accuracy:0.9", id="C1 empty tag"),
    pytest.param("max:Train model.", "E-COND-TAG", "max names no tag", "--when max:accuracy", id="C1 task only"),
    pytest.param("max:acc:0.9", "E-COND", "takes no value", "--when max:acc", id="row 48 with a value"),
]


@pytest.mark.parametrize(("text", "code", "message_has", "hint_has"), BAD_CONDITIONS)
def test_C1_C5_a_condition_that_means_nothing_is_pointed_at(
    text: str, code: str, message_has: str, hint_has: str
) -> None:
    found, message, hint = fault_of(f'best --after a --when max:x "{text}"')
    assert found == code
    assert marked(message) == f'"{text}"'
    assert message_has in message
    assert hint_has in hint


APPROVERS = [
    ("leah", ("leah",)),
    ("leah,yochay", ("leah", "yochay")),
    ("leah yochay", ("leah", "yochay")),
    ('"Leah Cohen , yochay" a.b@example.org', ("Leah Cohen", "yochay", "a.b@example.org")),
]


@pytest.mark.parametrize(("text", "names"), APPROVERS)
def test_row_52_row_56_approvers_are_named_with_commas_or_as_words(text: str, names: tuple[str, ...]) -> None:
    assert node_of(f"publish --approve {text}").approve == names


BAD_APPROVERS = [
    ('""', "names nobody", '""'),
    ('","', "names nobody", '","'),
    ("leah,", "'leah,' ends in a comma", "leah,"),
    ("leah,,yochay", "without a name before it", "leah,,yochay"),
    ("leah,yochay,leah", '"leah" is named twice', "leah,yochay,leah"),
    ("leah Leah", '"Leah" is named twice', "Leah"),
    ('"le\u200bah"', "invisible", '"le\u200bah"'),
]


@pytest.mark.parametrize(("text", "message_has", "mark"), BAD_APPROVERS)
def test_C4_incomplete_or_repeated_approvers_are_refused(text: str, message_has: str, mark: str) -> None:
    code, message, hint = fault_of(f"publish --approve {text}")
    assert code == "E-APPROVERS"
    assert message_has in message
    assert marked(message) == mark
    assert "--approve leah,yochay" in hint


def test_single_is_a_switch() -> None:
    assert node_of("a --single").single
    assert not node_of("a").single
    assert fault_of("a --single yes")[0] == "E-MAGIC-ARG"


SLOTS = [
    ("table=prepare/*.csv", "prepare", "*.csv", "table", False),
    ('"table=Prepare  data/*.csv"', "Prepare data", "*.csv", "table", False),
    ('table="Prepare data"/*.csv', "Prepare data", "*.csv", "table", False),
    ("table=prepare", "prepare", "*", "table", False),
    ("table=prepare/", "prepare", "*", "table", False),
    ("table?=prepare/a/b*.csv", "prepare", "a/b*.csv", "table", True),
    ("train-images.v2=prepare/x=1/*", "prepare", "x=1/*", "train-images.v2", False),
    ("1=prepare", "prepare", "*", "1", False),
]


@pytest.mark.parametrize(("text", "source", "glob", "slot", "optional"), SLOTS)
def test_row_78_an_input_slot_takes_files_of_a_node(
    text: str, source: str, glob: str, slot: str, optional: bool
) -> None:
    (edge,) = node_of(f"best --input {text}").edges
    assert edge == Edge(
        source=source,
        source_port=Port.OUTPUT,
        source_key=glob,
        target="best",
        target_port=Port.INPUT,
        target_key=slot,
        optional=optional,
    )


def test_row_82_several_words_for_one_slot_are_several_edges() -> None:
    edges = node_of("best --input models=a/*.pkl models=b/*.pkl --input models=a/*.json").edges
    assert [(edge.source, edge.source_key) for edge in edges] == [("a", "*.pkl"), ("b", "*.pkl"), ("a", "*.json")]


BAD_SLOTS = [
    ("table", "E-MAGIC-ARG", "which node fills the slot", "--input table=TITLE/GLOB"),
    ("table=", "E-MAGIC-ARG", "which node fills the slot", "--input table=TITLE/GLOB"),
    ("=prepare", "E-SLOT", "''", "letters a-z"),
    ("..=prepare", "E-SLOT", "'..'", "letters a-z"),
    ("a/b=prepare", "E-SLOT", "'a/b'", "letters a-z"),
    (".a=prepare", "E-SLOT", "'.a'", "letters a-z"),
    ("-a=prepare", "E-SLOT", "'-a'", "letters a-z"),
    ('"a b=prepare"', "E-SLOT", "'a b'", "letters a-z"),
    (f"{'x' * 101}=prepare", "E-SLOT", "xxx", "100 at most"),
    ("table=pre:pare", "E-NAME-CHARS", ":", "letters"),
    ("table=/*.csv", "E-NAME-EMPTY", "no folder name", "at least one"),
    ("table=a/../b", "E-MAGIC-ARG", "leads out", "*.csv"),
    ("table=a//etc", "E-MAGIC-ARG", "leads out", "*.csv"),
]


@pytest.mark.parametrize(("text", "code", "message_has", "hint_has"), BAD_SLOTS)
def test_a_slot_that_means_nothing_is_pointed_at(text: str, code: str, message_has: str, hint_has: str) -> None:
    found, message, hint = fault_of(f"best --input ok=a {text}")
    assert found == code
    assert message_has in message
    assert hint_has in hint
    assert text.startswith(marked(message)[:40])


EDGES = [
    pytest.param("a.output.*.csv b.input.t", "a.output.*.csv -> b.input.t", id="row 78"),
    pytest.param("a.parameter.p b.parameter.q", "a.parameter.p -> b.parameter.q", id="row 79"),
    pytest.param("a.metadata.val.acc b.parameter.q", "a.metadata.val.acc -> b.parameter.q", id="metadata"),
    pytest.param("a.input.x b.input.y", "a.input.x -> b.input.y", id="row 80"),
    pytest.param("a.output.*train-images* b.input.t", "a.output.*train-images* -> b.input.t", id="row 83 glob"),
    pytest.param("a.output.x.output.y b.input.t", "a.output.x.output.y -> b.input.t", id="first port"),
    pytest.param("v1.2.output.* b.input.t", "v1.2.output.* -> b.input.t", id="title with a dot"),
    pytest.param('"Train model".output.* b.input.t', "Train model.output.* -> b.input.t", id="quoted title"),
    pytest.param('"Train model.output.a b" b.input.t', "Train model.output.a b -> b.input.t", id="quoted end"),
    pytest.param("a.output.x b.input.t --optional", "a.output.x -> b.input.t", id="optional"),
]


@pytest.mark.parametrize(("line", "spelled"), EDGES)
def test_row_83_an_edge_is_two_ends_of_title_port_and_key(line: str, spelled: str) -> None:
    edge = parse_edge(line)
    assert str(edge) == spelled
    assert edge.optional is ("--optional" in line)
    assert (edge.source_port, edge.target_port) in KINDS_OF_EDGES


def test_row_83_the_first_port_between_dots_ends_the_title() -> None:
    edge = parse_edge("v1.2.output.x.output.y b.input.t.input.u")
    assert (edge.source, edge.source_key) == ("v1.2", "x.output.y")
    assert (edge.target, edge.target_key) == ("b", "t.input.u")


def test_an_edge_with_one_end_speaks_of_options_only_where_there_are_some() -> None:
    assert fault_of("a.output.x", "pipeline_edge")[1] == "%pipeline_edge needs SOURCE and TARGET"


BAD_EDGES = [
    ("", "E-MAGIC-USAGE", "needs SOURCE and TARGET", "Usage: %pipeline_edge SOURCE TARGET", None),
    ("a.output.x", "E-MAGIC-USAGE", "needs SOURCE and TARGET", "Usage: %pipeline_edge SOURCE TARGET", None),
    ("--optional a.output.x b.input.y", "E-MAGIC-USAGE", "before the options", "Usage:", None),
    ("a.output.x b.input.y c", "E-MAGIC-ARG", "one word too many", '"Train model".output', "c"),
    ("a.ouput.x b.input.y", "E-EDGE-KIND", "names no port", 'Did you mean "output"?', "a.ouput.x"),
    ("a.output.x b.inputs.y", "E-EDGE-KIND", "names no port", 'Did you mean "input"?', "b.inputs.y"),
    ("a.output b.input.y", "E-EDGE-KIND", "names no port", "TITLE.output.GLOB", "a.output"),
    ("a b.input.y", "E-EDGE-KIND", "names no port", "TITLE.output.GLOB", "a"),
    ("a.output. b.input.y", "E-MAGIC-ARG", "says nothing after .output.", "TITLE.output.GLOB", "a.output."),
    (".output.x b.input.y", "E-NAME-EMPTY", "no folder name", "title", ".output.x"),
    ("a.output.x b.input.y/z", "E-SLOT", "'y/z'", "letters a-z", "b.input.y/z"),
    ("a.metadata.x b.parameter.a-b", "E-PARAM-NAME", "'a-b'", "learning_rate", "b.parameter.a-b"),
    ("a.output.../x b.input.y", "E-MAGIC-ARG", "leads out", "*.csv", "a.output.../x"),
    ("a.output.x b.parameter.y", "E-EDGE-KIND", "from output to parameter", "metadata -> parameter", "b.parameter.y"),
    ("a.parameter.x b.input.y", "E-EDGE-KIND", "from parameter to input", "output -> input", "b.input.y"),
    ("a.output.x b.output.y", "E-EDGE-KIND", "from output to output", "input -> input", "b.output.y"),
    ("a.metadata.x b.metadata.y", "E-EDGE-KIND", "from metadata to metadata", "parameter", "b.metadata.y"),
    ("a.output.m* d.file.e.f", "E-EDGE-KIND", "no deployments yet", "output -> input", "d.file.e.f"),
    ("a.parameter.x b.parameter.y --optional", "E-MAGIC-ARG", "fills none", "Take --optional", "--optional"),
    ("a.output.x b.input.y --image z", "E-MAGIC-ARG", "no option --image", '"--optional"', "--image"),
]


@pytest.mark.parametrize(("line", "code", "message_has", "hint_has", "mark"), BAD_EDGES)
def test_row_78_row_81_an_edge_of_no_kind_is_pointed_at(
    line: str, code: str, message_has: str, hint_has: str, mark: str | None
) -> None:
    """Row 81, an edge to a deployment, is refused with the reason that there are none yet."""
    found, message, hint = fault_of(line, "pipeline_edge")
    assert found == code
    assert message_has in message
    assert hint_has in hint
    assert mark is None or marked(message) == mark


PIN = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("line", "path", "url", "pin"),
    [
        ("images --path data/images", "data/images", None, None),
        ("images --url https://example.org/x.zip --pin " + PIN, None, "https://example.org/x.zip", PIN),
        ("images --path 'a b' --pin sha256:" + PIN.upper(), "a b", None, PIN),
    ],
)
def test_a_data_node_is_a_path_or_a_url_and_perhaps_a_pin(
    line: str, path: str | None, url: str | None, pin: str | None
) -> None:
    node = node_of(line, "pipeline_data")
    assert (node.kind, node.title, node.path, node.url, node.pin) == (Kind.DATA, "images", path, url, pin)


BAD_DATA = [
    ("images", "E-MAGIC-ARG", "nothing says where the data is", "images"),
    ("images --path a --url b", "E-MAGIC-ARG", "are given together", "b"),
    ("images --path ''", "E-VALUE", "no data is named", "''"),
    ("images --path a --pin abc", "E-VALUE", "'abc' is not a sha256", "abc"),
    ("images --path a --image b", "E-MAGIC-ARG", "no option --image", "--image"),
    ("images --path a --after b", "E-MAGIC-ARG", "no option --after", "--after"),
]


@pytest.mark.parametrize(("line", "code", "message_has", "mark"), BAD_DATA)
def test_a_data_node_without_one_source_or_with_a_kernels_options_is_refused(
    line: str, code: str, message_has: str, mark: str
) -> None:
    found, message, hint = fault_of(line, "pipeline_data")
    assert found == code
    assert message_has in message
    assert marked(message) == mark
    assert hint


REFERENCES = [
    ('--param "lr={{ Task A.best lr }}"', {"lr": "{{ Task A.best lr }}"}),
    ("--param lr='{{ Task A.best lr }}'", {"lr": "{{ Task A.best lr }}"}),
    ("--param lr={{A.lr}} n=3", {"lr": "{{A.lr}}", "n": 3}),
    ('--param "lr={ { A.lr } }"', {"lr": "{ { A.lr } }"}),
    ('--param "lr={{ A.lr | hyper }}"', {"lr": "{{ A.lr | hyper }}"}),
    ('--param "lr={{ A.lr }}" "n={{ B.n"', {"lr": "{{ A.lr }}", "n": "{{ B.n"}),
    ('--param "x=[{{ A.lr }}, 2]"', {"x": "[{{ A.lr }}, 2]"}),
    ("--param x=[{{1}}]", {"x": "[{{1}}]"}),
]


@pytest.mark.parametrize(("line", "params"), REFERENCES)
def test_P_7_braces_in_a_parameter_stay_as_they_are_typed(line: str, params: dict[str, Any]) -> None:
    found = node_of(f"a {line}").params
    assert found == params
    assert any(map(has_reference, found.values()))


GRIDS = [
    pytest.param("lr={{ A.x, y }},0.1", ["{{ A.x, y }}", 0.1], id="comma inside braces"),
    pytest.param("lr={ { A,B.x } },{{B.y}}", ["{ { A,B.x } }", "{{B.y}}"], id="both forms"),
    pytest.param("lr=[{{ A.x }}, 2]", ["{{ A.x }}", 2], id="inline array"),
    pytest.param("lr={{ A.x, 2", ["{{ A.x, 2"], id="not closed"),
    pytest.param("lr=a {{ A.x }} b,c", ["a {{ A.x }} b", "c"], id="text around"),
    pytest.param("lr=[3,5,12]", [3, 5, 12], id="row 32 inline array"),
    pytest.param("lr=3, 5,12", [3, 5, 12], id="row 33 commas"),
    pytest.param("lr={1},{2}", ["{1}", "{2}"], id="single braces are no reference"),
]


@pytest.mark.parametrize(("text", "values"), GRIDS)
def test_P_7_row_32_row_33_a_grid_is_not_cut_inside_braces(text: str, values: list[Any]) -> None:
    assert node_of(f'a --grid "{text}"').grid == {"lr": values}


def test_P_7_environment_values_keep_their_braces() -> None:
    assert node_of('a --env "RATE={{ Task A.best lr }}"').env == {"RATE": "{{ Task A.best lr }}"}


@pytest.mark.parametrize("option", ["param", "grid", "env"])
def test_P_7_a_reference_that_spaces_have_cut_says_to_quote_it(option: str) -> None:
    code, message, hint = fault_of(f"a --{option} lr={{{{ Task.best lr }}}}")
    assert code == "E-MAGIC-ARG"
    assert marked(message) == "lr={{"
    assert hint == f'Quote the whole word: --{option} "lr={{{{ Task title.tag }}}}"'


@given(st.lists(st.sampled_from(["gt", "max", "eq", ":", "a.b", "0.5", "nan", "", "{{", "}}", ",", "="]), max_size=8))
def test_any_words_of_flow_give_a_node_or_a_finding(parts: list[str]) -> None:
    text = "".join(parts)
    for option in ("when", "approve", "input", "grid"):
        found = outcome(partial(node_of, f"a --{option} '{text}'"))
        assert not isinstance(found, PipelineError) or all(one.hint for one in found.problems)


@given(st.lists(st.sampled_from(["a", ".", "output", "input", "parameter", "file", "*", "/", " ", "é"]), max_size=8))
def test_any_ends_give_an_edge_that_prints_as_it_is_written_or_a_finding(parts: list[str]) -> None:
    text = "".join(parts)
    found = outcome(lambda: parse_edge(f"'{text}' b.input.t"))
    if isinstance(found, PipelineError):
        assert all(one.hint for one in found.problems)
    else:
        source, target = str(found).split(" -> ")
        assert parse_edge(f"'{source}' '{target}'") == found


@pytest.mark.parametrize("magic", NODE_MAGICS)
def test_help_tells_the_words_of_flow(magic: str) -> None:
    text = help_text(magic)
    assert "--when OP:[TITLE.]TAG[:VALUE]" in text
    assert "gt, lt, ge, le, eq, ne, max or min" in " ".join(text.split())
    assert "--approve USER[,USER]" in text
    assert "--input SLOT=TITLE/GLOB" in text


def flow_of(path: Path, *cells: str) -> tuple[Pipeline, list[tuple[str, int | None, int | None]]]:
    """The pipeline of a notebook with these cells, and its findings as code, cell and line."""
    read = read_notebook(write(path / "n.ipynb", *cells))
    return read.pipeline, [(found.code, found.place.cell, found.place.line) for found in read.problems]


def test_row_78_row_82_edges_and_data_are_read_from_a_file_in_order_of_cells(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    pipeline, problems = flow_of(
        tmp_path,
        "%pipeline_data images --path images",
        "%pipeline_edge a.output.*.csv b.input.t\n%pipeline_edge a.output.*.json b.input.t --optional",
        "%%pipeline_node a --after images\n1",
        "%%pipeline_node b --input t=images --when max:x --approve leah --single\n1",
        "%pipeline_edge a.metadata.m b.parameter.q",
    )
    assert problems == []
    assert [node.kind for node in pipeline.nodes] == [Kind.DATA, Kind.CELL, Kind.CELL]
    assert [str(edge) for edge in pipeline.edges] == [
        "a.output.*.csv -> b.input.t",
        "a.output.*.json -> b.input.t",
        "a.metadata.m -> b.parameter.q",
    ]
    assert [edge.source for edge in pipeline.all_edges] == ["images", "a", "a", "a"]
    assert Pipeline.model_validate_json(pipeline.model_dump_json()) == pipeline


def test_bad_flow_in_a_file_is_told_with_its_cell_and_line(tmp_path: Path) -> None:
    _, problems = flow_of(
        tmp_path,
        "%%pipeline_node a --when best:x\n1",
        "# edges\n%pipeline_edge a.ouput.x b.input.y\n%pipeline_edge a.output.x b.input.y",
        "%pipeline_data images --path a --url b",
        "if True:\n    %pipeline_edge a.output.x b.input.y",
    )
    assert problems == [
        ("E-COND-OP", 1, 1),
        ("E-EDGE-KIND", 2, 2),
        ("E-MAGIC-ARG", 3, 1),
        ("E-MAGIC-PLACE", 4, 2),
    ]


def test_data_that_is_not_there_is_told_with_the_nearest_name_beside_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images").mkdir()
    read = read_notebook(
        write(
            tmp_path / "n.ipynb",
            "%pipeline_data a --path data/imagse",
            "%pipeline_data b --path data",
            "%pipeline_data c --path nowhere/x",
            f"%pipeline_data d --path {tmp_path}/data/images",
            "%pipeline_data e --url https://example.org/missing",
        )
    )
    first, second = read.problems
    assert (first.code, first.place.cell, first.hint) == ("E-FILE-MISSING", 1, 'Did you mean "data/images"?')
    assert (second.code, second.place.cell) == ("E-FILE-MISSING", 3)
    assert str(tmp_path) in second.hint
