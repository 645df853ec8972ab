"""Pipelines are written as Pachyderm's specs, from what the model says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dagbook.runner.core.dialect import DatumInput, DatumKind, Transform
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.model import Defaults, Kind, Node, Pipeline
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.pachyderm import write_pachyderm

from .specs import VALID, node_of, pipeline_of, read, spec, text


def written(pipeline: Pipeline) -> tuple[list[dict[str, Any]], list[str]]:
    """The specs that are written, and what could not be said."""
    ledger = Ledger("out.json")
    made = documents_of(write_pachyderm([pipeline], ledger), "out.json")
    return [one.plain() for one in made], [f"{one.problem.code} {one.problem.message}" for one in ledger.records]


def one_spec(**more: Any) -> dict[str, Any]:
    [made], records = written(pipeline_of(spec(**more)))
    assert records == []
    return made


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("name", VALID)
def test_what_was_read_and_written_is_read_as_the_same(name: str, form: Any) -> None:
    """Equal models, in both forms, and nothing that could not be said."""
    found, _ = read(text(*VALID[name]))
    ledger = Ledger("out")
    made = write_pachyderm([found[0][0]], ledger, form=form)
    assert ledger.records == []
    assert read(made)[0] == found


@pytest.mark.parametrize("name", [name for name in VALID if name not in ("old", "cannot run here")])
def test_row_118_the_file_says_what_the_one_that_was_read_said(name: str) -> None:
    """Under the same names with the same values, the text of durations and amounts too."""
    specs, _ = written(pipeline_of(*VALID[name]))
    assert specs == VALID[name]


def test_yaml_is_in_block_style_with_literal_blocks() -> None:
    """As people write it; specs are documents."""
    made = write_pachyderm([pipeline_of(*VALID["chain"])], Ledger("f"), form="yaml")
    assert made.startswith("pipeline:\n  name: second\ntransform:\n  image: counter:1.2\n  cmd:\n")
    assert made.count("\n---\n") == 2
    assert "description: |-" in write_pachyderm([pipeline_of(*VALID["everything"])], Ledger("f"), form="yaml")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"image": "other:2"}, {"transform": {"image": "other:2", "cmd": ["python3", "/count.py"]}}),
        ({"timeout": 90}, {"job_timeout": "90s"}),
        ({"timeout": 3600}, {"job_timeout": "1h"}),
        ({"cache": False}, {"reprocess_spec": "every_job"}),
        ({"cpus": 2}, {"resource_limits": {"memory": "1G", "cpu": 2}}),
        ({"memory": 2**30}, {"resource_limits": {"memory": "1Gi"}}),
        ({"memory": 10**9}, {"resource_limits": {"memory": "1G"}}),
        ({"memory": None}, {"resource_limits": None}),
        ({"gpus": 2}, {"resource_limits": {"memory": "1G", "gpu": {"type": "nvidia.com/gpu", "number": 2}}}),
        ({"publishes": "count@main"}, {"output_branch": "main"}),
        (
            {"transform": Transform(argv=("ls",), accepted=(7,))},
            {"transform": {"image": "counter:1.2", "cmd": ["ls"], "accept_return_code": [7]}},
        ),
        (
            {"env": {"A": "b"}},
            {"transform": {"image": "counter:1.2", "cmd": ["python3", "/count.py"], "env": {"A": "b"}}},
        ),
    ],
)
def test_a_changed_node_changes_the_file(change: dict[str, Any], expected: dict[str, Any]) -> None:
    """What was written is taken only where it still says the same."""
    pipeline = pipeline_of(spec(job_timeout="1h", resource_limits={"memory": "1G"}))
    nodes = [
        Node.model_validate({**node.model_dump(), **change}) if node.title == "count" else node
        for node in pipeline.nodes
    ]
    [made], records = written(pipeline.model_copy(update={"nodes": tuple(nodes)}))
    assert records == []
    assert {name: made.get(name) for name in expected} == expected


def test_limits_and_requests_stay_where_they_were() -> None:
    """A changed amount goes where the old one counted."""
    both: dict[str, Any] = {
        "resource_requests": {"cpu": 0.5, "memory": "256Mi", "disk": "1Gi"},
        "resource_limits": {"memory": "1G", "gpu": {"type": "amd.com/gpu", "number": 1}},
    }
    assert {name: one_spec(**both)[name] for name in both} == both
    node = node_of(**both).model_copy(update={"cpus": 4.0, "memory": 2**30, "gpus": 3})
    [made], _ = written(pipeline_of(spec(**both)).model_copy(update={"nodes": (node,)}))
    assert made["resource_requests"] == {"cpu": 4, "memory": "256Mi", "disk": "1Gi"}
    assert made["resource_limits"] == {"memory": "1Gi", "gpu": {"type": "amd.com/gpu", "number": 3}}


def test_an_input_that_was_changed_is_written_as_it_is_now() -> None:
    """Its kind and globs come from the model."""
    pipeline = pipeline_of(spec())
    node = pipeline.node("count")
    assert node.datums
    parts = (DatumInput(name="texts", repo="texts", glob="/(*)"), DatumInput(name="more", repo="texts", branch="dev"))
    datums = node.datums.model_copy(update={"input": DatumInput(kind=DatumKind.UNION, parts=parts), "workers": 3})
    changed = (pipeline.node("texts"), node.model_copy(update={"datums": datums}))
    [made], _ = written(pipeline.model_copy(update={"nodes": changed}))
    assert made["input"] == {
        "union": [
            {"pfs": {"repo": "texts", "glob": "/(*)"}},
            {"pfs": {"name": "more", "repo": "texts", "branch": "dev", "glob": "/"}},
        ]
    }
    assert made["parallelism_spec"] == {"constant": 3}


def test_a_pipeline_of_our_own_commands_can_be_written() -> None:
    """A script becomes lines for a shell, and what comes before it whole inputs in a cross."""
    pipeline = Pipeline(
        nodes=(
            Node(title="raw", kind=Kind.DATA, dataset="raw@dev"),
            Node(title="Clean up", kind=Kind.COMMAND, source="ls\nwc -l *", after=("raw",)),
            Node(title="join", kind=Kind.COMMAND, source="cat", after=("raw", "Clean up"), image="tools:1"),
        ),
        defaults=Defaults(image="base:1", memory=2**30),
    )
    made, records = written(pipeline)
    assert made[0] == {
        "pipeline": {"name": "Clean-up"},
        "transform": {"image": "base:1", "cmd": ["/bin/sh"], "stdin": ["ls", "wc -l *"]},
        "input": {"pfs": {"repo": "raw", "branch": "dev", "glob": "/"}},
        "resource_limits": {"memory": "1Gi"},
    }
    assert made[1]["input"] == {
        "cross": [
            {"pfs": {"repo": "raw", "branch": "dev", "glob": "/"}},
            {"pfs": {"name": "clean_up", "repo": "Clean-up", "glob": "/"}},
        ]
    }
    assert records == ['W-EXPORT the title "Clean up" cannot be said in a Pachyderm spec']
    found, again = read("\n".join(json.dumps(one) for one in made))
    assert [record.problem.code for record in again] == []
    assert found[0][0].node("join").after == ("raw", "Clean-up")


def test_what_a_spec_cannot_say_is_told_once_each() -> None:
    """As an error where the file would be another pipeline."""
    pipeline = Pipeline(
        nodes=(
            Node(title="raw", kind=Kind.DATA, path="data.csv"),
            Node(title="cell", source="x = 1"),
            Node(title="alone", kind=Kind.COMMAND, source="ls", retries=2, grid={"a": [1, 2]}),
            Node(
                title="last",
                kind=Kind.COMMAND,
                source="ls",
                after=("alone",),
                when=(Condition(objective=Objective.GT, tag="score", target=1),),
            ),
        ),
        schedule="2031-01-01T10:00",
        parameters={"a": 1},
    )
    _, records = written(pipeline)
    told = [record.partition(" cannot")[0] for record in records]
    assert told == [
        'W-EXPORT "parameters"',
        'W-EXPORT "schedule"',
        'E-EXPORT "grid" of "alone"',
        'W-EXPORT "retries" of "alone"',
        'E-EXPORT "alone", which takes no files,',
        'E-EXPORT "when" of "last"',
        'W-EXPORT "path" of "raw"',
        "W-EXPORT data that no pipeline takes",
        'E-EXPORT the cell "cell"',
    ]


def test_waiting_without_taking_files_cannot_be_said() -> None:
    """A spec waits for what it reads, and for nothing else."""
    pipeline = pipeline_of(spec("first"), spec("second"))
    node = pipeline.node("second").model_copy(update={"after": ("texts", "first"), "publishes": "other@master"})
    _, records = written(pipeline.model_copy(update={"nodes": (*pipeline.nodes[:2], node)}))
    assert [record.partition(" cannot")[0] for record in records] == [
        'W-EXPORT waiting for "first" without taking its files',
        "W-EXPORT the dataset other, under another name than the pipeline's,",
    ]


@pytest.mark.parametrize(
    "origin", [{"inputs": 3}, {"written": "x"}, {"transform": []}, {"resource_limits": {"cpu": {}}}]
)
def test_an_origin_that_was_tampered_with_is_no_crash(origin: dict[str, Any]) -> None:
    """What cannot be merged is left."""
    pipeline = pipeline_of(spec(job_timeout="1h"))
    node = pipeline.node("count").model_copy(update={"origin": origin})
    made, _ = written(pipeline.model_copy(update={"nodes": (pipeline.nodes[0], node)}))
    assert made[0]["job_timeout"] == "3600s"
