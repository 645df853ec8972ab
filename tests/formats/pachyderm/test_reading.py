"""Pachyderm's pipeline specs are read: what each field is in the model, and what is told about the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.core.check import check
from dagbook.runner.core.datums import Tree, datums_of
from dagbook.runner.core.dialect import DatumInput, DatumKind, Datums, Dialect, Secret, Transform
from dagbook.runner.core.model import Kind
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.pachyderm import is_jsonnet, is_pachyderm, read_pachyderm

from .specs import VALID, codes, node_of, pfs, pipeline_of, read, spec, text, transform

DATA = Path(__file__).parents[2] / "data"


def test_row_122_two_specs_of_the_seeds_are_a_chain_with_one_datum_each() -> None:
    """A repository called like a pipeline is that pipeline's output; the other one is a source dataset."""
    files = sorted(DATA.glob("pachyderm_dogs_and_cats_*.json"))
    found, records = read("\n".join(file.read_text(encoding="utf-8") for file in files), "pets")
    [(pipeline, counts)] = found
    assert records == []
    assert pipeline.name == "pets"
    after = {node.title: node.after for node in pipeline.nodes}
    assert after == {
        "dogs-and-cats": (),
        "dogs-and-cats-model": ("dogs-and-cats",),
        "dogs-and-cats-deploy": ("dogs-and-cats-model",),
    }
    assert (counts.nodes, counts.edges) == (2, 2)
    assert counts.kinds == {"repo -> pipeline": 1, "pipeline -> pipeline": 1}
    assert [one for one in check(pipeline) if one.is_error] == []
    tree = Tree.of([{"path": "cats/1.png"}, {"path": "dogs/1.png"}])
    for title in ("dogs-and-cats-model", "dogs-and-cats-deploy"):
        node = pipeline.node(title)
        assert node.datums
        assert len(datums_of(node.datums.input, {node.after[0]: tree})) == 1


def test_rows_115_116_121_123_a_spec_of_the_seeds_says_image_command_input_and_secrets() -> None:
    """The command is a list of words and gets lines; keys of one secret become variables."""
    [(pipeline, _)], _ = read((DATA / "pachyderm_dogs_and_cats_model.json").read_text(encoding="utf-8"))
    assert pipeline.name == "dogs-and-cats-model"
    node = pipeline.node("dogs-and-cats-model")
    assert node.kind is Kind.COMMAND
    assert node.dialect is Dialect.PACHYDERM
    assert node.image == "gcr.io/determined-ai/pachyderm-seldon/train:0.0.19"
    assert node.transform
    assert node.transform.argv == ("/bin/sh",)
    assert node.transform.stdin
    assert len(node.transform.stdin) == 1
    assert node.secrets[:2] == (
        Secret(name="pipeline-secret", key="det_master", variable="DET_MASTER"),
        Secret(name="pipeline-secret", key="det_user", variable="DET_USER"),
    )
    assert node.publishes == "dogs-and-cats-model@master"
    assert node.datums
    assert node.datums.input == DatumInput(name="data", repo="dogs-and-cats", glob="/", empty_files=True)


def test_every_field_that_the_model_has_is_in_it() -> None:
    """One spec with all of them."""
    pipeline = pipeline_of(*VALID["everything"])
    node = pipeline.node("train-all")
    assert node.image == "registry.example.org:5000/birds/train:2.0"
    assert node.transform == Transform(
        argv=("/bin/sh",),
        stdin=("set -e", "", "python3 /train.py /pfs/songs"),
        rescue_argv=("/bin/sh",),
        rescue_stdin=("echo later",),
        accepted=(3, 4),
        folder="/work",
        user="nobody",
    )
    assert node.env == {"Epochs": "12", "camelName": "x"}
    assert node.secrets[1] == Secret(name="certs", path="/certs")
    assert (node.cpus, node.memory, node.gpus) == (0.5, 2_000_000_000, 1)
    assert node.timeout == 36 * 3600
    assert node.cache is False
    assert node.publishes == "train-all@main"
    assert node.after == ("songs", "maps", "charts", "places", "species")
    assert node.datums == Datums(input=node.datums.input, workers=6, tries=5, timeout=5400, salt="pepper")  # type: ignore[union-attr]
    songs, maps, places, species = node.datums.input.parts
    assert [part.kind for part in (songs, maps, places)] == [DatumKind.JOIN, DatumKind.UNION, DatumKind.GROUP]
    assert songs.parts[1] == DatumInput(name="txt", repo="songs", glob="/(*).txt", join_on="$1", outer_join=True)
    assert maps.parts[0] == DatumInput(name="map", repo="maps", branch="staging", glob="/", lazy=True)
    assert places.parts[0] == DatumInput(name="places", repo="places", branch="raw", glob="/(*)/*", group_by="$1")
    assert species.glob == "{a,b}/*"
    assert node.origin["project"] == "birds"
    sources = {one.title: one.dataset for one in pipeline.nodes if one.kind is Kind.DATA}
    assert sources["maps"] == "maps@staging"
    assert sources["places"] == "places@raw"
    assert sources["songs"] == "songs"


def test_what_has_no_effect_here_is_told_once_for_each_spec() -> None:
    """By name, in one note."""
    _, records = read(text(*VALID["everything"]))
    assert [record.problem.code for record in records] == ["W-KEPT"]
    message = records[0].problem.message
    for name in ("autoscaling", "tolerations", "image_pull_secrets", "metadata", "lazy", "trigger", "project", "disk"):
        assert name in message
    assert records[0].done == "kept for export"


def test_without_an_image_it_is_ubuntu_and_that_is_told() -> None:
    """As Pachyderm takes it."""
    assert node_of(transform={"cmd": ["ls"]}).image == "ubuntu:20.04"
    assert codes(spec(transform={"cmd": ["ls"]})) == ["W-CHANGED"]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("counter", True),
        ("counter:latest", True),
        ("host.example:5000/counter", True),
        ("host.example:5000/counter:3", False),
        ("counter@sha256:" + "a" * 64, False),
    ],
)
def test_rows_117_and_y22_an_image_that_may_change_is_told(image: str, told: bool) -> None:
    """One without a tag, or with the tag `latest`."""
    assert codes(spec(transform=transform(image=image))) == (["W-LATEST"] if told else [])


@pytest.mark.parametrize(
    ("field", "value", "read_as"),
    [
        ("datum_timeout", "30s", 30),
        ("datum_timeout", "5m", 300),
        ("datum_timeout", "1h30m", 5400),
        ("datum_timeout", "1.5h", 5400),
        ("datum_timeout", "250ms", 0.25),
        ("datum_timeout", "0s", None),
        ("datum_timeout", None, None),
    ],
)
def test_durations_are_gos(field: str, value: Any, read_as: float | None) -> None:
    """Numbers with units, one after the other."""
    datums = node_of(**{field: value}).datums
    assert datums
    assert datums.timeout == read_as


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        ("256Mi", 256 * 2**20),
        ("1G", 10**9),
        ("1Gi", 2**30),
        ("64M", 64 * 10**6),
        ("100000000", 10**8),
        (100000000, 10**8),
        ("1e9", 10**9),
        ("0.5Gi", 2**29),
        ("0", None),
    ],
)
def test_memory_is_in_the_units_of_kubernetes(memory: Any, size: int | None) -> None:
    """G is a power of ten, Gi of two."""
    assert node_of(resource_limits={"memory": memory}).memory == size


def test_memory_that_no_container_starts_with_is_no_limit() -> None:
    """It is kept, and told."""
    assert node_of(resource_requests={"memory": "1M"}).memory is None
    assert codes(spec(resource_requests={"memory": "1M"})) == ["W-CHANGED"]


def test_row_112_parallelism_is_the_number_of_workers() -> None:
    """Zero and nothing are one; a number as a text is a number."""
    assert [node_of(parallelism_spec=one).datums.workers for one in ({"constant": "4"}, {"constant": 0}, None)] == [  # type: ignore[union-attr]
        4,
        1,
        1,
    ]


def test_row_114_yaml_lists_camel_case_and_null_are_understood() -> None:
    """The same two specs in four spellings give the same pipeline."""
    one = spec("a", datum_tries=2, input=pfs("texts", join_on="$1"), reprocess_spec="every_job")
    two = spec("b", input=pfs("a"))
    camel = json.loads(
        json.dumps([one, two])
        .replace("datum_tries", "datumTries")
        .replace("join_on", "joinOn")
        .replace("reprocess_spec", "reprocessSpec")
    )
    camel[0] |= {"salt": None, "podPatch": None}
    yaml = """
pipeline: {name: a}
transform:
  image: counter:1.2
  cmd: [python3, /count.py]
input:
  pfs: {repo: texts, glob: /*, join_on: $1, outer_join: null}
datumTries: '2'
reprocess_spec: every_job
---
pipeline:
  name: b
transform: {image: "counter:1.2", cmd: [python3, /count.py]}
input: {pfs: {repo: a, glob: "/*"}}
"""
    expected = pipeline_of(one, two)
    for written in (text([one, two]), text(camel), yaml, f"{text(one)}\n---\n{text(two)}"):
        found, records = read(written)
        assert [record.problem.message for record in records] == []
        assert found[0][0] == expected


def test_names_that_people_chose_are_left_alone() -> None:
    """Variables are not spelled anew."""
    assert node_of(transform=transform(env={"myName": "1", "N": 2})).env == {"myName": "1", "N": "2"}


def test_a_field_in_both_spellings_is_an_error() -> None:
    """Nobody knows which one counts."""
    assert codes(spec(datum_tries=2, datumTries=3)) == ["E-YAML-DUPKEY"]


def test_a_repository_on_two_branches_is_two_nodes() -> None:
    """Each is called after its branch."""
    pipeline = pipeline_of(*VALID["two branches"])
    assert [(node.title, node.dataset) for node in pipeline.nodes if node.kind is Kind.DATA] == [
        ("texts master", "texts"),
        ("texts dev", "texts@dev"),
    ]
    assert pipeline.node("b").after == ("texts dev",)
    assert pipeline.node("b").datums.input.repo == "texts dev"  # type: ignore[union-attr]


def test_a_pipelines_output_is_found_on_its_branch_only() -> None:
    """Another branch of it is an error that names both; the same one is an edge."""
    first = spec("first", output_branch="main")
    _, records = read(text(first, spec("second", input=pfs("first"))))
    assert [record.problem.code for record in records] == ["E-REF"]
    assert '"master"' in records[0].problem.message
    assert '"main"' in records[0].problem.message
    assert pipeline_of(first, spec("second", input=pfs("first", branch="main"))).node("second").after == ("first",)


def test_a_repository_of_another_project_is_no_pipeline_of_this_one() -> None:
    """It has a node of its own, which says whose it is."""
    pipeline = pipeline_of(spec("first"), spec("second", input=pfs("first", project="other")))
    assert pipeline.node("second").after == ("other first",)


def test_a_branch_with_a_trigger_is_read_where_it_comes_from() -> None:
    """Without a name the branch is made by the trigger."""
    pipeline = pipeline_of(spec(input=pfs("texts", trigger={"commits": 3})))
    assert pipeline.node("texts").dataset == "texts"


@pytest.mark.parametrize("name", ["@daily", "*/5 * * * *", "0 9-17 * * MON-FRI", "@every 1h30m", "@never"])
def test_a_cron_input_is_kept_and_cannot_run_here(name: str) -> None:
    """The node says why."""
    source = {"cron": {"name": "tick", "spec": name}}
    found, records = read(text(spec(input=source)))
    node = found[0][0].node("count")
    assert [record.problem.code for record in records] == ["W-NOT-HERE"]
    assert node.unresolved == ("the cron input tick",)
    assert node.datums
    assert node.datums.input.kind is DatumKind.CRON
    assert node.datums.input.spec == name


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"service": {"internal_port": 80}}, "service"),
        ({"spout": {}, "input": None}, "spout"),
        ({"s3_out": True}, "s3_out"),
        ({"egress": {"URL": "s3://bucket"}}, "egress"),
        ({"input": pfs("texts", "/", s3=True)}, "s3"),
        ({"input": pfs("texts", "/", repo_type="meta")}, "meta"),
        ({"transform": transform(datum_batching=True)}, "datum_batching"),
        ({"transform": transform(cmd=[])}, "without cmd"),
    ],
)
def test_row_y21_what_cannot_run_here_is_kept_and_named(more: dict[str, Any], named: str) -> None:
    """An error only when it is to run: the node says why not."""
    found, records = read(text(spec(**more)))
    assert [record.problem.code for record in records] == ["W-NOT-HERE"]
    assert named in records[0].problem.message
    [reason] = found[0][0].node("count").unresolved
    assert named in reason


def test_row_y23_several_specs_in_one_file_are_one_pipeline() -> None:
    """JSON objects one after the other, called as the file is."""
    found, _ = read(text(*VALID["chain"]), "songs")
    [(pipeline, counts)] = found
    assert pipeline.name == "songs"
    assert [node.title for node in pipeline.nodes] == ["second", "texts", "first", "third"]
    assert counts.kinds == {"pipeline -> pipeline": 2, "repo -> pipeline": 1}


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        (text(spec()), True),
        (text([spec()]), True),
        ('{"pipeline": {"name": "x"}}', True),
        ('{"transform": {}}', True),
        ('{"pipeline": 3}', False),
        ("- pipeline:\n    name: x\n    nodes: []", False),
        ("flow: x\ntasks: []", False),
        ("dagbook: 1\nname: x", False),
        ("- 1", False),
        ("7", False),
        ("[]", False),
    ],
)
def test_a_spec_is_known_by_what_it_holds(written: str, is_one: bool) -> None:
    """Whatever stands there instead, it is no error."""
    assert is_pachyderm(documents_of(written, "f")) is is_one


@pytest.mark.parametrize(
    ("written", "is_one"),
    [("function(suffix, src)\n{}", True), ("local x = 1; {}", True), ('{"function": 1}', False), ("locale: x", False)],
)
def test_a_template_is_known_by_its_beginning(written: str, is_one: bool) -> None:
    """It has to be rendered before it is read."""
    assert is_jsonnet(written) is is_one


def test_an_alias_is_read_as_what_it_repeats() -> None:
    """YAML's own shorthand, which Pachyderm refuses, is spelled out."""
    written = """
- pipeline: {name: a}
  transform: &t {image: "x:1", cmd: [ls]}
  input: {pfs: {repo: r, glob: /}}
- pipeline: {name: b}
  transform: *t
  input: {pfs: {repo: a, glob: /}}
"""
    ledger = Ledger("f")
    [(pipeline, _)] = read_pachyderm(documents_of(written, "f"), ledger, "f")
    assert pipeline.node("b").transform == pipeline.node("a").transform
    assert ledger.records == []
