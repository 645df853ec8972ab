"""dagbook's own YAML: everything that a pipeline can say, there and back, and every fault with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.dialect import (
    Action,
    Argument,
    DatumInput,
    DatumKind,
    Datums,
    Dialect,
    Moment,
    Reaction,
    Rule,
    Search,
    Secret,
    Serving,
    Setup,
    Slot,
    Style,
    Transform,
)
from dagbook.runner.core.edge import Condition, Edge, Objective, Port
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Defaults, Kind, Node, Pipeline
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.native import json_schema, native_pipeline, read_native, write_native
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.formats.pipeline_file import without_places
from dagbook.runner.formats.pipeline_notebook import notebook_of

EXAMPLES = sorted((Path(__file__).parents[2] / "example_notebooks").glob("*.ipynb"))

EVERYTHING = Pipeline(
    name="all of it",
    shared=("import json\n",),
    parameters={"epochs": 5, "share": 0.1, "names": ["a", "012"], "none": None, "odd": float("inf")},
    defaults=Defaults(image="python:3.12-slim", retries=2, env={"MODE": "on"}),
    targets={"epochs": (("train", "max-steps"),)},
    recurring="30 * * * *",
    origin={"vendor": {"top": 1}},
    nodes=(
        Node(title="pictures", kind=Kind.DATA, dataset="pictures@master", query="*.png", top=3, left=4),
        Node(title="prepare", source="x = 1\nprint('no')\n", params={"word": "yes", "number": "12"}, cache=False),
        Node(
            title="train",
            kind=Kind.COMMAND,
            dialect=Dialect.VALOHAI,
            source="python train.py {parameters}",
            params={"max-steps": 300, "flag": True},
            arguments=(Argument(name="max-steps", pass_as="-s {value}", min=1), Argument(name="flag")),
            slots=(Slot(name="images", default=("https://a.example/x.gz",), optional=True),),
            search=Search(rules={"lr": Rule(style=Style.MULTIPLE, items=(0.1, 0.2))}),
            actions=(Action(when=(Moment.COMPLETE,), test=("metadata.loss > 3",), then=(Reaction.STOP,)),),
            when=(Condition(objective=Objective.GT, tag="accuracy", target=0.5, tasks=("prepare",)),),
            after=("prepare",),
            secrets=(Secret(name="pipeline-secret", key="user", variable="DET_USER"),),
            silence=30,
            timeout=600,
        ),
        Node(
            title="count",
            kind=Kind.COMMAND,
            dialect=Dialect.PACHYDERM,
            after=("pictures",),
            transform=Transform(argv=("sh",), stdin=("echo 1", "exit 3"), accepted=(3,)),
            datums=Datums(
                input=DatumInput(
                    kind=DatumKind.CROSS,
                    parts=(DatumInput(repo="pictures", glob="/*"), DatumInput(repo="pictures", name="again")),
                ),
                workers=4,
            ),
            publishes="count@master",
        ),
        Node(
            title="score",
            kind=Kind.COMMAND,
            dialect=Dialect.CNVRG,
            source="python3 score.py",
            setup=Setup(prerun=False, output="models"),
            grid={"depth": [3, 5]},
            approve=("Leah", "Yochay"),
            unresolved=("it is a library's",),
        ),
        Node(title="deploy", kind=Kind.DEPLOY, serving=Serving(endpoint="digits", least=1, most=3)),
    ),
    edges=(
        Edge(
            source="train",
            source_port=Port.OUTPUT,
            source_key="model*",
            target="deploy",
            target_port=Port.FILE,
            target_key="predict.model",
        ),
    ),
)


def test_everything_that_a_pipeline_can_say_is_read_back() -> None:
    assert native_pipeline(write_native([EVERYTHING]), "all.yaml") == EVERYTHING


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_notebook_and_its_file_say_the_same(path: Path) -> None:
    pipeline = without_places(read_notebook(path).pipeline)
    assert native_pipeline(write_native([pipeline]), "x.yaml") == pipeline


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_pipeline_of_magics_becomes_a_notebook_with_a_cell_for_each_node(path: Path, tmp_path: Path) -> None:
    pipeline = without_places(read_notebook(path).pipeline)
    content, placed = notebook_of(pipeline)
    (tmp_path / "back.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert without_places(read_notebook(tmp_path / "back.ipynb").pipeline) == pipeline
    cells = [node.cell for node in placed.nodes]
    assert len(set(cells)) == len(cells), "each in a cell of its own"
    for node in placed.nodes:
        assert node.cell
        assert f"{node.title}" in content["cells"][node.cell - 1]["source"]


def test_what_no_magic_line_can_say_becomes_one_yaml_cell(tmp_path: Path) -> None:
    content, placed = notebook_of(EVERYTHING)
    (tmp_path / "back.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert {node.cell for node in placed.nodes} == {3}
    assert content["cells"][2]["source"].startswith("%%pipeline_yaml\n")
    assert without_places(read_notebook(tmp_path / "back.ipynb").pipeline) == EVERYTHING


def test_several_pipelines_are_several_documents() -> None:
    two = [EVERYTHING, Pipeline(name="other", nodes=(Node(title="a", source="1"),))]
    ledger = Ledger("f.yaml")
    found = read_native(documents_of(write_native(two), "f.yaml"), ledger)
    assert [pipeline for pipeline, _ in found] == two
    assert not ledger.records


def test_counts_are_those_of_the_file() -> None:
    ((_, counts),) = read_native(documents_of(write_native([EVERYTHING]), "f"), Ledger("f"))
    assert (counts.nodes, counts.edges, dict(counts.kinds)) == (6, 3, {"after": 2, "output -> file": 1})


ENDS = "source: a, source_port: output, source_key: x, target: b"
HEAD = "dagbook: 1\nnodes:\n- title: a\n"


@pytest.mark.parametrize(
    ("text", "code", "line", "says", "hint"),
    [
        (HEAD + "  imge: x\n", "E-KEY-UNKNOWN", 4, "'imge'", '"image"'),
        ("dagbook: 1\nnam: x\n", "E-KEY-UNKNOWN", 2, "'nam'", '"name"'),
        ("dagbook: 2\n", "E-ENUM", 1, "none of 1", ""),
        (HEAD + "  kind: sell\n", "E-ENUM", 4, "'sell'", '"cell"'),
        (HEAD + "  datums: {input: {globb: x}}\n", "E-KEY-UNKNOWN", 4, "datums.input", '"glob"'),
        (HEAD + "  retries: many\n", "E-TYPE", 4, "retries", ""),
        (HEAD + "  retries: 1000\n", "E-RANGE", 4, "retries", ""),
        (HEAD + "  after: 3\n", "E-TYPE", 4, "list", ""),
        (HEAD + "  source: 12\n", "E-TYPE", 4, "source", ""),
        ('dagbook: 1\nnodes:\n- title: "!!!"\n', "E-NAME-EMPTY", 3, "!!!", ""),
        ("dagbook: 1\nnodes:\n- kind: cell\n", "E-KEY-MISSING", 3, "'title'", ""),
        ("dagbook: 1\nnodes: 3\n", "E-TYPE", 2, "nodes", ""),
        ("dagbook: 1\nnodes: [3]\n", "E-TYPE", 2, "node 1", ""),
        ("dagbook: 1\nedges: [{source: a}]\n", "E-KEY-MISSING", 2, "edge 1", ""),
        (HEAD + "  params: {1x: 3}\n", "E-PARAM-NAME", 3, "1x", ""),
        (HEAD + "  slots: [{name: ../x}]\n", "E-SLOT", 3, "../x", ""),
        (HEAD + "  slots: [{name: x, filename: /etc/passwd}]\n", "E-SLOT", 3, "/etc/passwd", ""),
        (f"dagbook: 1\nedges: [{{{ENDS}, target_port: input, target_key: ../../z}}]\n", "E-SLOT", 2, "../../z", ""),
        (f"dagbook: 1\nedges: [{{{ENDS}, target_port: file, target_key: e./home/u}}]\n", "E-SLOT", 2, "/home/u", ""),
    ],
)
def test_row_y8_row_y9_row_y10_each_fault_is_told_where_it_stands(
    text: str, code: str, line: int, says: str, hint: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        native_pipeline(text, "f.yaml")
    found = caught.value.problems[0]
    assert (found.code, found.place.file, found.place.line) == (code, "f.yaml", line)
    assert says in found.message
    assert hint in found.hint


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(PipelineError) as caught:
        native_pipeline("dagbook: 1\nnodes:\n- title: a\n  imge: x\n- kind: sell\n  title: b\n", "f.yaml")
    assert [found.code for found in caught.value.problems] == ["E-KEY-UNKNOWN", "E-ENUM"]


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(__file__).parents[2] / "docs" / "dagbook.schema.json"
    told = json.loads(published.read_text(encoding="utf-8"))
    assert told == json_schema(), "dagbook schema > docs/dagbook.schema.json"


def test_the_schema_knows_what_is_written_and_refuses_what_is_not_known() -> None:
    schema = json_schema()
    assert schema["$schema"].endswith("draft-07/schema#")
    assert "$defs" not in json.dumps(schema)
    node: dict[str, Any] = schema["definitions"]["Node"]
    assert node["additionalProperties"] is False
    assert node["required"] == ["title"]
    assert set(node["properties"]) >= {"title", "kind", "after", "grid", "datums", "search"}


def test_one_node_before_needs_no_list() -> None:
    text = (
        "dagbook: 1\nname: flow\nnodes:\n- title: a\n- title: b\n  after: a\n- {title: c, after: [a, b], gather: b}\n"
    )
    _, b, c = native_pipeline(text, "flow.yaml").nodes
    assert (b.after, c.after, c.gather) == (("a",), ("a", "b"), ("b",))
