"""`--secret` in magic lines: what it says, its mistakes, and that a cell is written back the same."""

from __future__ import annotations

import pytest

from dagbook.runner.core.dialect import Secret
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Defaults, Node, Pipeline
from dagbook.runner.formats.cell_text import cell_text, defaults_line
from dagbook.runner.formats.cells import parse_node, parse_pipeline
from dagbook.runner.formats.native import native_pipeline, write_native
from dagbook.runner.formats.settings import read_settings

LINE = "fit --secret hub vault:token T=vault:token U=hub"
SECRETS = (
    Secret(name="hub"),
    Secret(name="vault", key="token"),
    Secret(name="vault", key="token", variable="T"),
    Secret(name="hub", variable="U"),
)


def test_row_104_a_secret_is_named_with_its_key_and_its_variable() -> None:
    """For a node, or for all of a pipeline."""
    node = parse_node("pipeline_node", LINE, "1")
    assert node.secrets == SECRETS
    assert cell_text(node) == f"%%pipeline_node {LINE}\n1"
    _, defaults = parse_pipeline(LINE)
    assert defaults.secrets == SECRETS
    assert " ".join(["fit", *defaults_line(defaults)]) == LINE
    assert parse_node("pipeline_node", f"{LINE} --secret hub", "1").secrets == SECRETS


@pytest.mark.parametrize("word", ["=x", "T=", ":k", "n:", "T=:k", '""'])
def test_a_word_that_names_no_secret_is_told(word: str) -> None:
    """With what can be written."""
    with pytest.raises(PipelineError) as error:
        parse_node("pipeline_node", f"fit --secret {word}")
    assert "--secret VARIABLE=NAME:KEY" in str(error.value)


def test_all_that_a_secret_says_comes_back_from_yaml() -> None:
    """Also what no magic can say."""
    whole = Secret(name="certs", key="k", variable="V", path="/certs")
    made = Pipeline(
        name="p", nodes=(Node(title="fit", source="1", secrets=(whole,)),), defaults=Defaults(secrets=SECRETS)
    )
    again = native_pipeline(write_native([made]), "p.yaml")
    assert again.nodes[0].secrets == (whole,)
    assert again.defaults.secrets == SECRETS


def test_files_have_no_magic_and_are_told_as_yaml() -> None:
    """A cell that said less would be another node."""
    with pytest.raises(PipelineError) as error:
        cell_text(Node(title="fit", source="1", secrets=(Secret(name="certs", path="/certs"),)))
    assert error.value.problems[0].code == "E-CELL-TEXT"


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("DAGBOOK_SECRET_VAULT_TOKEN", "x", None),
        ("DAGBOOK_SECRET_COMMAND", "pass show {name}/{key}", None),
        ("DAGBOOK_SECRET_COMMAND", "pass 'show", "E-SETTING"),
        ("DAGBOOK_SECRETS", "folder", None),
        ("DAGBOOK_SECRTS", "folder", "E-SETTING"),
    ],
)
def test_variables_of_secrets_are_no_mistaken_settings(variable: str, value: str, code: str | None) -> None:
    """Two are settings."""
    if code:
        with pytest.raises(PipelineError) as error:
            read_settings("/", environ={variable: value})
        assert error.value.problems[0].code == code
        assert "x" not in error.value.problems[0].message.split()
        return
    found = read_settings("/", environ={variable: value})
    assert (found.secrets or found.secret_command or "x") == value
