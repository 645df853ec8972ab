"""Edges of Valohai's kinds on real runs: files into slots, parameters and tags into parameters (rows 78-83, 88)."""

from __future__ import annotations

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Ended, Flow

PREPARE = (
    "%%pipeline_command prepare --param size=28\n"
    "echo t > train-images.idx; echo v > test-images.idx; mkdir meta; echo '{}' > meta/about.json\n"
    "echo cnvrg_tag_classes: 10"
)
TRAIN = (
    "%%pipeline_command train --input images=prepare/*train-images* --grid lr=1,2\n"
    "ls /valohai/inputs/images > slot.txt; ls /input > input.txt; env > env.txt\n"
    "ls /input/images > same.txt; echo $CNVRG_TAG_LR > model-$CNVRG_TAG_LR.pb"
)
EVALUATE = "%%pipeline_command 'evaluate {n}'\necho {n} > {n}.json; echo m > m{n}.pb"
FIND = (
    "%%pipeline_command find --param path=/valohai/inputs/predictions --grid z=1\n"
    "ls $CNVRG_TAG_PATH > predictions.txt; ls /valohai/inputs/models > models.txt\n"
    "echo $CNVRG_TAG_COPIED $CNVRG_TAG_CLASSES > parameters.txt"
)
COPY = "%%pipeline_command copy\nls /valohai/inputs/pictures > slot.txt; ls /input > input.txt"
EDGES = (
    *(f"%pipeline_edge 'evaluate {n}.output.*.json' find.input.predictions" for n in (1, 2, 3)),
    *(f"%pipeline_edge 'evaluate {n}'.output.*.pb find.input.models" for n in (1, 2, 3)),
    "%pipeline_edge prepare.parameter.size find.parameter.copied",
    "%pipeline_edge prepare.metadata.classes find.parameter.classes",
    "%pipeline_edge train.input.images copy.input.pictures",
)


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.container)])
def ended(request: pytest.FixtureRequest, shared_flow: MakeFlow) -> Ended:
    """Every kind of edge, run once on each executor."""
    evaluations = [EVALUATE.format(n=n) for n in (1, 2, 3)]
    return shared_flow(PREPARE, TRAIN, *evaluations, FIND, COPY, *EDGES).run(executor=request.param)


def test_rows_78_83_88_the_files_that_match_are_in_the_slot_and_nothing_else(ended: Ended) -> None:
    """At /valohai/inputs/SLOT and /input/SLOT; the artifact as a whole is not there."""
    for run in ended.of("train"):
        for file in ("slot.txt", "same.txt"):
            assert ended.lines(run["id"], file) == ["train-images.idx"]
        assert ended.lines(run["id"], "input.txt") == ["images"]
        assert ended.environment(run["id"])["INPUT_IMAGES"] == "/input/images"


def test_row_79_a_parameter_fills_a_parameter(ended: Ended) -> None:
    [run] = ended.of("find")
    assert run["params"]["copied"] == 28
    assert ended.text(run["id"], "parameters.txt") == "28 10"


def test_row_79_metadata_fills_a_parameter(ended: Ended) -> None:
    [run] = ended.of("find")
    assert run["params"]["classes"] == 10


def test_row_80_the_same_files_fill_a_slot_of_another_node(ended: Ended) -> None:
    """Once for each run of the node whose slot it is."""
    assert [ended.lines(run["id"], "slot.txt") for run in ended.of("copy")] == [["train-images.idx"]] * 2


def test_row_82_several_edges_into_one_slot_add_up(ended: Ended) -> None:
    """And two edges from one node with different globs."""
    [run] = ended.of("find")
    assert ended.lines(run["id"], "predictions.txt") == ["1.json", "2.json", "3.json"]
    assert ended.lines(run["id"], "models.txt") == ["m1.pb", "m2.pb", "m3.pb"]


def test_row_78_a_glob_that_matches_nothing_fails_the_node_and_lists_what_is_there(flow: MakeFlow) -> None:
    """Node and edge are named; no attempt of it leaves anything."""
    made = flow(PREPARE, "%%pipeline_command train --input images=prepare/*.png\n:")
    ended = made.run(code=1)
    failed = ended.runs["train"]
    assert failed["state"] == "failed"
    assert "E-EDGE-EMPTY" in failed["reason"]
    for told in ("prepare.output.*.png -> train.input.images", "train-images.idx", "meta/about.json"):
        assert told in failed["reason"]
    assert "E-EDGE-EMPTY" in made.say("show").out


def test_row_78_an_optional_slot_may_stay_empty(flow: MakeFlow) -> None:
    ended = flow(
        PREPARE, "%%pipeline_command train --input images?=prepare/*.png\nls /input/images | wc -l > n.txt"
    ).run()
    assert ended.text("train", "n.txt").strip() == "0"


def test_row_82_two_files_of_one_name_in_a_slot_fail_the_node_and_name_both_edges(flow: MakeFlow) -> None:
    one = "%%pipeline_command {}\necho {} > same.txt"
    ended = flow(
        one.format("a", "a"), one.format("b", "b"), "%%pipeline_command c --input s=a/*.txt --input s=b/*.txt\n:"
    ).run(code=1)
    reason = ended.runs["c"]["reason"]
    assert "E-SLOT-CLASH" in reason
    assert "a.output.*.txt -> c.input.s" in reason
    assert "b.output.*.txt -> c.input.s" in reason


WRONG = [
    pytest.param("a.output.x b.parameter.y", "E-EDGE-KIND", "from output to parameter", id="kinds"),
    pytest.param("a.outptu.x b.input.y", "E-EDGE-KIND", '"output"', id="port"),
    pytest.param("q.output.x b.input.y", "E-EDGE-END", '"q"', id="node"),
    pytest.param("b.output.x a.input.y", "E-CYCLE", "a -> b", id="cycle"),
    pytest.param("a.input.nothing b.input.y", "E-SLOT-UNKNOWN", "'nothing'", id="slot"),
    pytest.param("a.output.x b.file.endpoint.model", "E-EDGE-KIND", "no deployments yet", id="row 81"),
]


@pytest.mark.parametrize(("edge", "code", "told"), WRONG)
def test_rows_81_83_an_edge_that_means_nothing_is_refused(flow: MakeFlow, edge: str, code: str, told: str) -> None:
    made: Flow = flow("%%pipeline_command a\n:", "%%pipeline_command b --after a\n:", f"%pipeline_edge {edge}")
    said = made.refused()
    assert code in said
    assert told in said


def test_row_137_an_edge_from_a_parameter_to_itself_is_a_warning(flow: MakeFlow) -> None:
    made = flow("%%pipeline_command a --param p=1\n:", "%pipeline_edge a.parameter.p a.parameter.p")
    ended = made.run()
    assert ended.runs["a"]["params"] == {"p": 1}
    assert "W-EDGE-SELF" in ended.said.err
