"""What a notebook or file gives to its nodes and none takes: parameters, shared cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..core.errors import Place, Problem, problem
from ..core.model import Pipeline
from .checks import is_python
from .parameter_cell import Parameter

_NAME = re.compile(r"[^\W\d]\w*")


def unused_parameters(
    pipeline: Pipeline, known: Mapping[str, Parameter], elsewhere: Iterable[str] = ()
) -> Iterator[Problem]:
    """W-PARAM-UNUSED for each parameter that no node takes, nor another one, nor a text in `elsewhere` (plain cells).

    `pipeline` is as it was written, before an axis from outside takes the place of a parameter. A parameter that is an
    axis of a node is what its cell has when it is tried in the notebook. What is computed is left to the notebook.
    """
    taken = {name for node in pipeline.nodes for name in (*node.uses, *node.grid)} | set(pipeline.targets)
    left = [one for one in known.values() if one.plain and one.name not in taken]
    if not left or not pipeline.nodes:
        return
    texts = [*elsewhere, *(one.spelled for one in known.values())]
    mentioned: Collection[str] = {name for text in texts for name in _NAME.findall(text)}
    for one in left:
        if one.name not in mentioned:
            yield problem("W-PARAM-UNUSED", one.place, name=one.name)


def unused_shared(pipeline: Pipeline, cells: Sequence[int]) -> Iterator[Problem]:
    """W-SHARED-UNUSED for the shared cells, where no node is Python in a cell of the notebook."""
    if pipeline.nodes and not any(is_python(node, pipeline.defaults) for node in pipeline.nodes):
        for cell in cells:
            yield problem("W-SHARED-UNUSED", Place(cell=cell, line=1))
