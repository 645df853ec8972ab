"""Pipelines as a cnvrg file, in the dialect that they came in, else as flows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ...core.errors import raise_errors
from ...core.graph import graph_of
from ...core.model import Kind, Pipeline
from ...core.structure import structure_problems
from ..imported import Ledger
from ..yaml_text import yaml_text
from .dates import written
from .keeping import DIALECT, kept_in
from .schemas import Dialect
from .unsaid import tell_unsaid
from .written_tasks import task_document

_BY_TASK = ("image", "compute", "git", "retries")
# Plain words that YAML 1.1, which cnvrg reads, takes for something else than a text.
_MISTAKEN = re.compile(r"(?i:y|n|yes|no|on|off)|[-+.]?[0-9][0-9_.,:eE+-]*(?: [0-9:]+)?")


def write_cnvrg(pipelines: Sequence[Pipeline], ledger: Ledger) -> str:
    """The text of the file, a document for each pipeline; what it cannot say is taken down in the ledger.

    Raises PipelineError for a pipeline whose names and edges are not sound.
    """
    for pipeline in pipelines:
        raise_errors(structure_problems(pipeline))
    documents = (_document(_with_defaults(pipeline), ledger) for pipeline in pipelines)
    return "---\n".join(yaml_text(_quoted(document)) for document in documents)


def _with_defaults(pipeline: Pipeline) -> Pipeline:
    """The pipeline, in which each node says itself what is said for all, where a task can say it."""
    given = {name: value for name in _BY_TASK if (value := getattr(pipeline.defaults, name)) is not None}
    if not given:
        return pipeline
    nodes = [
        node.model_copy(update={name: value for name, value in given.items() if getattr(node, name) is None})
        if node.kind is not Kind.DATA
        else node
        for node in pipeline.nodes
    ]
    defaults = pipeline.defaults.model_copy(update=dict.fromkeys(given))
    return pipeline.model_copy(update={"nodes": tuple(nodes), "defaults": defaults})


def _document(pipeline: Pipeline, ledger: Ledger) -> dict[str, Any]:
    kept = kept_in(pipeline.origin)
    dialect = Dialect.BLUEPRINT if pipeline.origin.get(DIALECT) == Dialect.BLUEPRINT else Dialect.FLOW
    tell_unsaid(pipeline, dialect, ledger)
    graph = graph_of(pipeline)
    tasks = [
        task_document(pipeline, node, graph[node.title], dialect, ledger, number)
        for number, node in enumerate(pipeline.nodes)
    ]
    relations = [{"from": before, "to": title} for title, parents in graph.items() for before in parents]
    name = "title" if dialect is Dialect.BLUEPRINT else "flow"
    said = {name: pipeline.name, **_when(pipeline, ledger)}
    return {**said, **{key: value for key, value in kept.items() if key not in said}} | {
        "tasks": tasks,
        "relations": relations,
    }


def _when(pipeline: Pipeline, ledger: Ledger) -> dict[str, str]:
    found: dict[str, str] = {}
    if pipeline.schedule is not None:
        try:
            found["schedule"] = written(datetime.fromisoformat(pipeline.schedule))
        except ValueError:
            what = f"the schedule {pipeline.schedule!r}, which is no date and time,"
            ledger.note("W-EXPORT", None, ("schedule",), "left out", what=what, format="a cnvrg file")
    if pipeline.recurring is not None:
        found["recurring"] = pipeline.recurring
    return found


def _quoted(value: Any) -> Any:
    """The value, with quotes around the texts that would be read as something else."""
    from ruamel.yaml.scalarstring import SingleQuotedScalarString

    if isinstance(value, dict):
        return {key: _quoted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_quoted(one) for one in value]
    if isinstance(value, str) and _MISTAKEN.fullmatch(value):
        return SingleQuotedScalarString(value)
    return value
