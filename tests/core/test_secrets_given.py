"""Which secrets a node is given, and what is wrong with that before a value is looked for."""

from __future__ import annotations

from typing import Any

import pytest

from dagbook.runner.core.check import check
from dagbook.runner.core.dialect import Secret
from dagbook.runner.core.model import Defaults, Kind, Node, Pipeline
from dagbook.runner.core.secrets_given import secret_names, secrets_of

DB = Secret(name="db", key="password")


def pipeline(*secrets: Secret, of_all: tuple[Secret, ...] = (), **node: Any) -> Pipeline:
    made = Node(title="fit", kind=Kind.COMMAND, source="true", secrets=secrets, **node)
    return Pipeline(nodes=(made,), defaults=Defaults(secrets=of_all))


def codes(*secrets: Secret, **more: Any) -> list[str]:
    return [one.code for one in check(pipeline(*secrets, **more))]


@pytest.mark.parametrize(
    ("secret", "variable"),
    [
        (DB, "PASSWORD"),
        (Secret(name="hub.api-token"), "HUB_API_TOKEN"),
        (Secret(name="db", variable="Db"), "Db"),
        (Secret(name="db", path="/db"), None),
        (Secret(name="db", key="k", path="/db", variable="V"), "V"),
    ],
)
def test_row_104_the_variable_of_a_secret_is_called_like_its_key_or_as_asked(
    secret: Secret, variable: str | None
) -> None:
    """Upper case, with _ for what no variable's name can hold; files alone have none."""
    assert secret.given_in == variable
    assert codes(secret) == []


def test_row_104_valohais_own_token_may_be_a_secret() -> None:
    """Other names that begin so are dagbook's to set."""
    assert codes(Secret(name="t", variable="VALOHAI_API_TOKEN")) == []
    assert codes(Secret(name="t", variable="VALOHAI_OTHER")) == ["E-ENV-RESERVED"]
    assert codes(Secret(name="path")) == ["E-ENV-RESERVED"]
    assert codes(Secret(name="2nd")) == ["E-ENV-NAME"]


@pytest.mark.parametrize("word", ["..", "a/b", "../x", "-x", "", "a b", "a\n", "ä", ".", "x" * 300])
def test_names_that_lead_elsewhere_are_none(word: str) -> None:
    """A name becomes part of a path and of a command."""
    assert "E-SECRET" in codes(Secret(name=word, variable="V"))
    assert "E-SECRET" in codes(Secret(name="n", key=word, variable="V"))


@pytest.mark.parametrize("path", ["certs", "/", "/output/x", "/code", "/a/../output", "/a//b", "/dag/x", "/proc", ""])
def test_a_folder_is_one_that_is_not_filled_already(path: str) -> None:
    """Wherever else it may be."""
    assert "E-SECRET" in codes(Secret(name="certs", path=path, variable="V"))
    assert codes(Secret(name="certs", path="/outputs/x")) == []


def test_two_of_a_node_cannot_be_in_one_place() -> None:
    """Nor a secret and a word of --env."""
    other = Secret(name="other", key="password")
    assert codes(DB, env={"PASSWORD": "x"}) == ["E-ENV-COLLIDES"]
    assert codes(DB, other) == ["E-ENV-COLLIDES"]
    assert codes(DB, DB) == []
    assert codes(Secret(name="a", path="/a"), Secret(name="b", path="/a")) == ["E-SECRET"]
    assert codes(DB, of_all=(DB.model_copy(update={"path": "/db", "variable": "PASSWORD"}),)) == ["E-ENV-COLLIDES"]


def test_a_nodes_secret_stands_above_the_pipelines_for_one_variable() -> None:
    """All others are given, too; a dataset needs none."""
    token, other = Secret(name="token"), Secret(name="other", variable="TOKEN")
    both = pipeline(other, of_all=(token, DB))
    assert set(secrets_of(both, both.nodes[0])) == {other, DB}
    assert check(both) == []
    data = Node(title="d", kind=Kind.DATA, path="x")
    assert secrets_of(both, data) == ()


def test_a_result_follows_from_names_and_places() -> None:
    """In that form it is a part of its key."""
    made = pipeline(DB, Secret(name="certs", path="/c"))
    assert secret_names(made, made.nodes[0]) == {"secret PASSWORD": "db/password", "secret /c": "certs/"}
