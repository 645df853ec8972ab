"""The values of the secrets of those nodes that are to run, found before anything starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .asked import Asked
from .core.errors import PipelineError, Problem, raise_errors
from .core.model import Node, Pipeline
from .core.secrets_given import secrets_of
from .records.secret_values import SecretSource, SecretValues, usual_folder


def find_secrets(
    asked: Asked, pipeline: Pipeline, nodes: Sequence[Node]
) -> tuple[Mapping[str, SecretValues], list[Problem]]:
    """By title the values of the nodes' secrets, and warnings.

    Raises PipelineError (E-SECRET-MISSING, E-SECRET) with all that cannot be had.
    """
    wanted = {node.title: secrets for node in nodes if (secrets := secrets_of(pipeline, node))}
    if not wanted:
        return {}, []
    source = SecretSource(folder_of(asked), asked.secret_command, os.environ)
    found: dict[str, SecretValues] = {}
    problems: list[Problem] = []
    for title, secrets in wanted.items():
        try:
            found[title] = source.values_of(title, pipeline.node(title).place, secrets)
        except PipelineError as error:
            problems += error.problems
    return found, raise_errors([*problems, *source.warnings.values()])


def folder_of(asked: Asked) -> Path:
    """The folder in which secrets are looked for."""
    return asked.folder / Path(asked.secrets).expanduser() if asked.secrets else usual_folder(os.environ)


def secret_files(asked: Asked, project: Path) -> Iterator[Path]:
    """The files of secrets that lie in the project: no node gets to see them there, and the store keeps none."""
    folder = folder_of(asked).resolve()
    if folder.is_relative_to(project):
        yield from (path for path in folder.rglob("*") if not path.is_dir())
