"""Pipelines that name the images made for them, and their files written again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Defaults, ExecutorName, Kind, Node, Pipeline
from dagbook.runner.formats.built_images import with_built
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.pipeline_file import read_definition
from dagbook.runner.formats.rewritten import read_whole, write_whole
from dagbook.runner.image_builds import containers_of, meant


def pipeline(*nodes: Node, **defaults: object) -> Pipeline:
    """A pipeline of these nodes."""
    return Pipeline(name="flow", nodes=nodes, defaults=Defaults.model_validate(defaults))


def test_one_image_for_all_that_name_none_stays_one_word() -> None:
    made = with_built(pipeline(Node(title="a"), Node(title="b"), image="x:1"), {"a": "y:2", "b": "y:2"}, ())
    assert made.defaults.image == "y:2"
    assert [node.image for node in made.nodes] == [None, None]


def test_different_images_are_named_by_their_nodes() -> None:
    before = pipeline(Node(title="a"), Node(title="b"), Node(title="c", image="z:1"), image="x:1")
    made = with_built(before, {"a": "y:2"}, ())
    assert made.defaults.image == "x:1"
    assert [node.image for node in made.nodes] == ["y:2", None, "z:1"]


def test_what_is_in_the_image_is_no_longer_due_and_stays_due_elsewhere() -> None:
    nodes = (Node(title="a"), Node(title="b", requirements=("six",)), Node(title="c", executor=ExecutorName.PROCESS))
    made = with_built(pipeline(*nodes, requirements=("numpy",), image="x:1"), {"a": "y:1", "b": "y:2"}, {"a", "b"})
    assert made.defaults.requirements is None
    assert [node.requirements for node in made.nodes] == [None, None, ("numpy",)]


def test_nodes_without_a_container_need_no_image() -> None:
    nodes = (
        Node(title="a"),
        Node(title="b", executor=ExecutorName.PROCESS),
        Node(title="c", kind=Kind.DATA, dataset="/x"),
    )
    assert [node.title for node in containers_of(pipeline(*nodes))] == ["a"]
    assert containers_of(pipeline(*nodes, executor="process")) == []


MEANT = [
    ({"a": "me/x:1", "b": "me/x"}, None, ("me/x", ["a", "b"])),
    ({"a": "me/x:1", "b": "python:3", "c": None}, "me/x", ("me/x", ["a", "c"])),
    ({"a": "me/x:1"}, "host:5000/x", ("host:5000/x", ["a"])),
    ({"a": None}, "x", ("x", ["a"])),
    ({"a": "me/x:1", "b": None}, None, ("me/x", ["a", "b"])),
]


@pytest.mark.parametrize(("images", "repository", "expected"), MEANT)
def test_row_117_a_dockerfile_is_for_the_nodes_that_name_its_repository(
    images: dict[str, str | None], repository: str | None, expected: tuple[str, list[str]]
) -> None:
    assert meant(images, repository) == expected


@pytest.mark.parametrize(
    ("images", "repository", "hint"),
    [
        ({"a": None}, None, "-t REPOSITORY"),
        ({"a": "x:1", "b": "y:1"}, None, "several: x, y"),
        ({"a": "x:1", "b": "y:1"}, "z", "--image-map 'x\\*=z'"),
    ],
)
def test_where_it_is_not_clear_which_nodes_are_meant_it_is_asked(
    images: dict[str, str | None], repository: str | None, hint: str
) -> None:
    with pytest.raises(PipelineError, match=hint):
        meant(images, repository)


FLOW = "flow: f\ntasks:\n  - title: t\n    type: exec\n    command: python3 t.py\n    image: me/x:1\nrelations: []\n"
TWO = "---\n".join(
    f"pipeline: {{name: {name}}}\ntransform: {{image: 'me/x:1', cmd: [sh]}}\ninput: {{pfs: {{repo: in, glob: /*}}}}\n"
    for name in ("one", "two")
)
NATIVE = "dagbook: 1\nname: {}\ndefaults: {{image: 'me/x:1'}}\nnodes:\n  - {{title: t, kind: command, source: ls}}\n"
N, M = NATIVE.format("n"), NATIVE.format("m")
FILES = [
    ("flow.yaml", FLOW, None, "flow.yaml", "tasks:"),
    ("spec.yaml", TWO, None, "spec.yaml", "pipeline:"),
    ("spec.json", TWO, None, "spec.json", '"pipeline"'),
    ("n.yaml", N, None, "out.yaml", "dagbook: 1"),
    ("n.yaml", f"{N}---\n{M}", "m", "n.yaml", "dagbook: 1"),
    ("n.yaml", N, None, "out.ipynb", '"nbformat"'),
]


@pytest.mark.parametrize(("file", "text", "name", "output", "mark"), FILES)
def test_row_117_a_file_is_written_in_its_own_format_with_the_new_tag(
    file: str, text: str, name: str | None, output: str, mark: str, tmp_path: Path
) -> None:
    """Pipelines beside the one that is meant stay as they are, and what is written can be read."""
    path = tmp_path / file
    path.write_text(text)
    definition = read_definition(path, pipeline=name)
    whole = read_whole(definition, name)
    images = {node.title: "me/x:new" for node in containers_of(definition.pipeline)}
    ledger = Ledger(file)
    written = write_whole(whole, with_built(whole.meant, images, ()), tmp_path / output, ledger)
    assert not ledger.failed
    assert mark in written
    assert written.count("me/x:new") >= 1
    assert written.count("me/x:1") == (1 if name else 0)
    (tmp_path / output).write_text(written)
    again = read_definition(tmp_path / output, pipeline=name).pipeline
    assert {node.image or again.defaults.image for node in containers_of(again)} == {"me/x:new"}
