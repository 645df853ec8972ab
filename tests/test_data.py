"""The pipelines in tests/data have the shape that tests/data/README.md tells."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

DATA = Path(__file__).parent / "data"
SELF_EDGE = ["find-best-model-node.parameter.my_param"] * 2


def printed() -> str:
    """The Valohai pipeline as it is printed in the vendor's documentation."""
    return (DATA / "valohai_three_trainings.yaml").read_text(encoding="utf-8")


def from_yaml(text: str) -> Any:
    """What a YAML text says."""
    return YAML(typ="safe", pure=True).load(text)


def repaired(text: str) -> dict[str, Any]:
    """The pipeline meant: the keys of a node stand as deep as its name, `inputs` stays below `override`."""
    mended = re.sub(r"(?m)^ {8}(?=(type|step|override|deployment|endpoints):)", " " * 6, text)
    found: dict[str, Any] = from_yaml(mended)[0]["pipeline"]
    return found


def edges_of_call() -> list[list[str]]:
    """The edges of the API call, spelled as in the YAML."""
    call = json.loads((DATA / "valohai_three_trainings.json").read_text(encoding="utf-8"))
    return [
        [".".join(edge[f"{side}_{part}"] for part in ("node", "type", "key")) for side in ("source", "target")]
        for edge in call["edges"]
    ]


def test_row_136_the_printed_pipeline_is_not_yaml() -> None:
    """As printed, a YAML parser refuses it, and says in which line."""
    with pytest.raises(YAMLError, match="mapping values are not allowed here"):
        from_yaml(printed())


def test_row_77_the_repaired_pipeline_has_nine_nodes() -> None:
    """Three trainings between one preprocessing and one comparison, each evaluated, and a deployment at the end."""
    nodes = repaired(printed())["nodes"]
    assert Counter(node["type"] for node in nodes) == {"execution": 8, "deployment": 1}
    steps = Counter(node["step"] for node in nodes if "step" in node)
    assert steps["Train model (MNIST)"] == steps["Batch inference (MNIST)"] == 3
    trainings = [node for node in nodes if node["name"].startswith("train")]
    assert all(len(node["override"]["inputs"]) == 4 for node in trainings)


def test_row_137_the_repaired_pipeline_has_23_edges_one_of_them_to_itself() -> None:
    """21 carry outputs to inputs, one a file to the deployment, one leads from a parameter to the same parameter."""
    edges = repaired(printed())["edges"]
    assert len(edges) == 23
    kinds = Counter((source.split(".")[1], target.split(".")[1]) for source, target in edges)
    assert kinds == {("output", "input"): 21, ("output", "file"): 1, ("parameter", "parameter"): 1}
    assert [edge for edge in edges if edge[0] == edge[1]] == [SELF_EDGE]


def test_row_93_the_call_has_nine_nodes_and_22_edges() -> None:
    """The API form has the same nodes, and the same edges but for the one to itself."""
    call = json.loads((DATA / "valohai_three_trainings.json").read_text(encoding="utf-8"))
    assert [node["name"] for node in call["nodes"]] == [node["name"] for node in repaired(printed())["nodes"]]
    assert len(edges_of_call()) == 22


def test_row_138_the_call_names_the_model_file_where_the_pipeline_has_a_pattern() -> None:
    """Besides the self edge, the two forms differ in the last edge alone: `model.pb` against `model*`."""
    written = [edge for edge in repaired(printed())["edges"] if edge != SELF_EDGE]
    assert edges_of_call()[:-1] == written[:-1]
    assert edges_of_call()[-1][0] == "find-best-model-node.output.model.pb"
    assert written[-1][0] == "find-best-model-node.output.model*"


def test_row_122_the_training_spec_feeds_the_deployment_spec() -> None:
    """The second pipeline reads the repository that the first one writes: the one of its own name."""
    train, deploy = (
        json.loads((DATA / f"pachyderm_dogs_and_cats_{name}.json").read_text(encoding="utf-8"))
        for name in ("model", "deploy")
    )
    assert deploy["input"]["pfs"]["repo"] == train["pipeline"]["name"]
    for spec in (train, deploy):
        assert spec["input"]["pfs"]["glob"] == "/"
        assert spec["transform"]["cmd"] == ["/bin/sh"]
        assert all({"name", "key", "env_var"} == set(secret) for secret in spec["transform"]["secrets"])


def test_row_140_the_mangled_address_was_not_copied() -> None:
    """The address of the training code is a plain one, without what a web page made of it."""
    text = (DATA / "pachyderm_dogs_and_cats_model.json").read_text(encoding="utf-8")
    assert "protected" not in text
    assert "--git-url https://github.com/determined-ai/works-with-determined.git --git-ref" in text
