"""Globs of `--map` over datasets that lie here: whether they match anything at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..core.dialect import DatumInput
from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.globs import Glob
from ..core.model import Kind, Node, Pipeline
from ..core.names import slug_of

MOST_FILES = 10_000  # looked at of a dataset; of a larger one nothing is said


def data_glob_problems(pipeline: Pipeline, folder: Path) -> Iterator[Problem]:
    """W-MAP-EMPTY for each input that is cut by a glob that matches nothing of its dataset.

    Only names are looked at. `folder` is what paths are meant from.
    """
    datasets = {node.slug: node for node in pipeline.nodes if node.kind is Kind.DATA and node.path}
    for node in pipeline.nodes if datasets else ():
        for cut in _inputs(node.datums.input) if node.datums else ():
            dataset = datasets.get(slug_of(cut.repo))
            if dataset and not cut.outer_join:
                yield from _of_nothing(node, cut, dataset, folder / str(dataset.path))


def _inputs(whole: DatumInput) -> Iterator[DatumInput]:
    """Those that are cut by a glob, however they are put together."""
    if whole.repo:
        yield whole
    for part in whole.parts:
        yield from _inputs(part)


def _of_nothing(node: Node, cut: DatumInput, dataset: Node, place: Path) -> Iterator[Problem]:
    paths = _paths(place)
    try:
        if not paths or cut.glob.strip("/") == "" or any(Glob(cut.glob).matches(path) is not None for path in paths):
            return
    except PipelineError:  # what is wrong with the glob itself is told elsewhere
        return
    close = nearest(cut.glob, paths)
    there = ", ".join(sorted(paths)[:5]) + (", …" if len(paths) > 5 else "")
    hint = close if close.startswith("Did you mean") else f"There is: {there}"
    yield problem("W-MAP-EMPTY", node.place, node=node.title, glob=cut.glob, data=dataset.title, hint=hint)


def _paths(place: Path) -> list[str]:
    """The files and folders of a dataset; none where it is not there, or too large to be looked at."""
    if place.is_file():
        return [f"/{place.name}"]
    found: list[str] = []
    for folder, folders, files in os.walk(place):
        below = Path(folder).relative_to(place)
        found += [f"/{(below / name).as_posix()}" for name in (*folders, *files)]
        if len(found) > MOST_FILES:
            return []
    return found
