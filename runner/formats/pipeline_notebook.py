"""A pipeline as a notebook with the magics that define it: the way back from a file to a notebook."""

from __future__ import annotations

from typing import Any

from ..core.errors import PipelineError
from ..core.model import Pipeline
from ..core.values import Value
from .cell_text import cell_text, defaults_line, edge_text, quoted
from .native import native_document
from .notebook_file import Content, kernelspec
from .yaml_text import yaml_text

_PLAIN = {"name", "nodes", "shared", "parameters", "defaults", "language", "edges"}  # what magics can say of a pipeline


def notebook_of(pipeline: Pipeline) -> tuple[Content, Pipeline]:
    """A notebook that defines the pipeline, and the pipeline with the cells that its nodes stand in.

    Each node has a cell of its own where magics can say all of it; else one `%%pipeline_yaml` cell says the whole.
    """
    try:
        cells, placed = _with_magics(pipeline)
    except PipelineError:  # E-CELL-TEXT: what no magic line can say
        cells, placed = _with_yaml(pipeline)
    numbered = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells, 1)]
    nodes = tuple(
        node.model_copy(update={"cell": placed[node.title], "cell_id": f"cell-{placed[node.title]}"})
        for node in pipeline.nodes
    )
    metadata = {"kernelspec": kernelspec("python3", "python"), "language_info": {"name": "python"}}
    content: Content = {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return content, pipeline.model_copy(update={"nodes": nodes})


def _with_magics(pipeline: Pipeline) -> tuple[list[Content], dict[str, int]]:
    """Cells with a magic for each thing, and by title the 1-based position of the cell. Raises PipelineError."""
    if any(getattr(pipeline, name) for name in type(pipeline).model_fields if name not in _PLAIN):
        raise PipelineError
    cells = [_markdown(f"# {pipeline.name}"), _code("%load_ext dagbook")]
    line = " ".join([quoted(pipeline.name), *defaults_line(pipeline.defaults)])
    cells.append(_code(f"%pipeline {line}"))
    if pipeline.parameters:
        cells.append(_code("\n".join(map(_assignment, pipeline.parameters.items())), ["parameters"]))
    cells += [_code(f"%%pipeline_shared\n{body}") for body in pipeline.shared]
    placed = {}
    for node in pipeline.nodes:
        cells.append(_code(cell_text(node)))
        placed[node.title] = len(cells)
    cells += [_code(edge_text(edge)) for edge in pipeline.edges]
    cells.append(_code("%pipeline_run"))
    return cells, placed


def _assignment(given: tuple[str, Value]) -> str:
    name, value = given
    return f"{name} = {_python(value)}"


def _python(value: Value) -> str:
    """A value as Python spells it, NaN and the infinities too."""
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f'float("{value}")'
    return repr(value)


def _with_yaml(pipeline: Pipeline) -> tuple[list[Content], dict[str, int]]:
    cells = [_markdown(f"# {pipeline.name}"), _code("%load_ext dagbook")]
    cells.append(_code(f"%%pipeline_yaml\n{yaml_text(native_document(pipeline))}".rstrip("\n")))
    cells.append(_code("%pipeline_run"))
    return cells, {node.title: 3 for node in pipeline.nodes}


def _markdown(source: str) -> Content:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str, tags: list[str] | None = None) -> Content:
    metadata: dict[str, Any] = {"tags": tags} if tags else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}
