"""A whole pipeline in one magic: as YAML in the cell (`%%pipeline_yaml`), or from a file (`%pipeline_import`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.errors import PipelineError, Place, Problem
from ..core.model import UNNAMED, Defaults, Pipeline
from .magic_lines import Line, read_line
from .substitutes import read_image_map, with_images

MAGICS_OF_WHOLES = ("pipeline_yaml", "pipeline_import")


def read_whole(
    magic: str, line: str, body: str, folder: Path, cell: int | None = None, cell_id: str | None = None
) -> tuple[Pipeline, list[Problem]]:
    """The pipeline that `%%pipeline_yaml` or `%pipeline_import FILE` gives, its nodes with the cell; and warnings.

    Lines in the warnings and faults of a body are those of the cell. Raises PipelineError with all findings.
    """
    from .recognised import as_findings, chosen, read_pipelines

    read = read_line(magic, line)
    wishes = _wishes(read, folder)
    in_cell = magic == "pipeline_yaml"
    file = str(read.title or "")
    text = body if in_cell else _text(folder / file)
    imported = read_pipelines(text, "" if in_cell else file, wishes)
    findings = [_in_cell(found, cell) if in_cell else found for found in as_findings(imported.records)]
    if not imported.pipelines:
        raise PipelineError(*findings)
    pipeline = chosen(imported, read.values.get("pipeline"), "the cell" if in_cell else file)
    if images := read.values.get("image_map"):
        pipeline = with_images(pipeline, read_image_map(images))
    nodes = tuple(node.model_copy(update={"cell": cell, "cell_id": cell_id}) for node in pipeline.nodes)
    return pipeline.model_copy(update={"nodes": nodes}), findings


def _wishes(read: Line, folder: Path) -> Any:
    from .recognised import Wishes, name_from

    given = read.values
    name = name_from(read.title) if read.title else "pipeline"
    strict, repair, csv_grid = (bool(given[switch]) for switch in ("strict", "repair", "csv_grid"))
    return Wishes(given.get("from"), strict, repair, csv_grid, name, folder)


def _text(path: Path) -> str:
    from .pipeline_file import read_text_file

    return read_text_file(path)


def _in_cell(found: Problem, cell: int | None) -> Problem:
    """The finding with its line counted in the cell, whose first line is the magic."""
    at = found.place
    line = at.line + 1 if at.line is not None else 1
    return Problem(found.code, found.message, found.hint, Place(cell=cell, line=line, node=at.node, column=at.column))


def merged(whole: Iterable[Pipeline], pipeline: Pipeline) -> Pipeline:
    """`pipeline` with what whole pipelines say besides their nodes; what it says itself wins, of wholes the later."""
    facts: dict[str, Any] = {}
    for one in whole:
        facts |= {name: getattr(one, name) for name in ("schedule", "recurring") if getattr(one, name)}
        for name in ("parameters", "targets", "origin"):
            facts[name] = {**facts.get(name, {}), **getattr(one, name)}
        facts["edges"] = (*facts.get("edges", ()), *one.edges)
        facts["shared"] = (*facts.get("shared", ()), *one.shared)
        facts |= {"name": one.name} if one.name != UNNAMED else {}
        facts |= {"defaults": one.defaults} if one.defaults != Defaults() else {}
    for name in ("parameters", "targets", "origin"):
        facts[name] = {**facts.get(name, {}), **getattr(pipeline, name)}
    for name in ("edges", "shared"):
        facts[name] = (*facts.get(name, ()), *getattr(pipeline, name))
    facts |= {name: getattr(pipeline, name) for name in ("name", "defaults") if name in pipeline.model_fields_set}
    return pipeline.model_copy(update=facts)
