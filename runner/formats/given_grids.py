"""Axes given from outside to nodes of a pipeline: `--grid NODE.NAME=A,B` on the command line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.model import Node, Pipeline
from ..core.values import Value, check_value, grid_values
from .given_values import names_of, parameter_of_node, same_end, stands_alone, unknown_parameter, with_values
from .parameter_cell import Parameter
from .parameter_faults import ill_typed


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis as it was typed: the node that it names (None: none), the name, the text of its values."""

    text: str
    node: Node | None
    name: str
    values: str


def given_to(
    pipeline: Pipeline,
    known: Mapping[str, Parameter],
    values: Mapping[str, Value],
    grids: Sequence[str],
    folder: Path,
) -> tuple[Pipeline, list[Problem]]:
    """The pipeline with these values (`-p`) and axes (`--grid`), and all that is wrong with them."""
    pipeline, faults = with_values(pipeline, known, values, folder)
    pipeline, more = with_grids(pipeline, known, grids, folder, values)
    return pipeline, faults + more


def with_grids(
    pipeline: Pipeline,
    known: Mapping[str, Parameter],
    grids: Sequence[str],
    folder: Path,
    given: Mapping[str, Value] | None = None,
) -> tuple[Pipeline, list[Problem]]:
    """The pipeline with these axes, each in place of what its node had for that name, and what is wrong with them.

    `known` are the pipeline's parameters, `folder` is where notebooks of nodes are, `given` the values of `-p`.
    A parameter of the pipeline can be an axis where one node takes it.
    E-USAGE, E-NODE-UNKNOWN, E-PARAM-UNKNOWN, E-PARAM-TWICE, E-PARAM-TYPE, E-GRID-EMPTY, E-GRID-TAKEN.
    """
    faults: list[Problem] = []
    seen: dict[tuple[str, str], str] = {}
    made = pipeline
    for text in grids:
        try:
            axis = _axis(pipeline, text)
            title, name = _end(pipeline, known, axis, folder)
            _once(seen, pipeline, (title, name), axis, given or {})
            values = _values(axis, name, parameter_of_node(pipeline, known, pipeline.node(title), name, folder))
            made = _with(made, made.node(title), name, values)
        except PipelineError as error:
            faults += error.problems
    return made, faults


def _axis(pipeline: Pipeline, text: str) -> _Axis:
    """What is typed, taken apart: the longest title that is known and ends at a dot is the node."""
    if "=" not in text:
        what = f"--grid {text} gives no values"
        raise PipelineError(problem("E-USAGE", what=what, hint="Write --grid NODE.NAME=A,B"))
    found: dict[int, Node] = {}
    for node in pipeline.nodes:
        for label in (node.title, node.slug):
            if text[: len(label) + 1].casefold() == f"{label}.".casefold():
                found[len(label)] = node
    if not found:
        name, _, values = text.partition("=")
        return _Axis(text, None, name.strip(), values)
    length = max(found)
    rest = text[length + 1 :]
    name = max((one for one in names_of(found[length]) if rest.startswith(f"{one}=")), key=len, default="")
    if name:
        return _Axis(text, found[length], name, rest[len(name) + 1 :])
    name, _, values = rest.partition("=")
    return _Axis(text, found[length], name.strip(), values)


def _end(pipeline: Pipeline, known: Mapping[str, Parameter], axis: _Axis, folder: Path) -> tuple[str, str]:
    """The node, by title, and its parameter that an axis means. Raises PipelineError."""
    if axis.node is not None:
        ends = [end for ends in pipeline.targets.values() for end in ends if same_end(end, axis.node, end[1])]
        names = [*names_of(axis.node, folder), *(name for _, name in ends)]
        if axis.name not in names:
            raise PipelineError(
                problem("E-PARAM-UNKNOWN", axis.node.place, name=axis.name, nearest=nearest(axis.name, names))
            )
        return axis.node.title, axis.name
    if axis.name not in known and axis.name not in pipeline.parameters:
        raise PipelineError(_unknown(pipeline, known, axis, folder))
    takers = _takers(pipeline, axis.name)
    if len(takers) != 1:
        raise PipelineError(_taken_by(takers, axis))
    return takers[0]


def _unknown(pipeline: Pipeline, known: Mapping[str, Parameter], axis: _Axis, folder: Path) -> Problem:
    title, dot, _ = axis.name.rpartition(".")
    if dot:
        close = nearest(title, [node.title for node in pipeline.nodes])
        return problem("E-NODE-UNKNOWN", node=title, nearest=close)
    return unknown_parameter(pipeline, axis.name, known, lambda end: _as_option(end, axis), folder)


def _as_option(end: str, axis: _Axis) -> str:
    return f"--grid {shlex.quote(f'{end}={axis.values}')}"


def _takers(pipeline: Pipeline, name: str) -> list[tuple[str, str]]:
    """The ends, each a title and a name, to which a parameter of the pipeline leads."""
    if stands_alone(pipeline) and name in names_of(pipeline.nodes[0]):
        return [(pipeline.nodes[0].title, name)]
    led = [(pipeline.node(title).title, inner) for title, inner in pipeline.targets.get(name, ())]
    return list(dict.fromkeys([*((node.title, name) for node in pipeline.nodes if name in node.uses), *led]))


def _taken_by(takers: Sequence[tuple[str, str]], axis: _Axis) -> Problem:
    if not takers:
        what = f"no node takes the parameter {axis.name}, so nothing would run for each of its values"
        return problem("E-GRID-TAKEN", what=what, hint=f"Let one take it: --param {axis.name}")
    titles = ", ".join(f'"{title}"' for title, _ in takers)
    what = f"the parameter {axis.name} is taken by several nodes ({titles}), and each would have an axis of its own"
    shown = " or ".join(_as_option(f"{title}.{name}", axis) for title, name in takers[:3])
    return problem("E-GRID-TAKEN", what=what, hint=f"Say for which of them: {shown}")


def _once(
    seen: dict[tuple[str, str], str],
    pipeline: Pipeline,
    end: tuple[str, str],
    axis: _Axis,
    given: Mapping[str, Value],
) -> None:
    title, name = end
    spelled = {axis.name} if axis.node is None else {f"{title}.{name}", f"{pipeline.node(title).slug}.{name}"}
    also = next((f"-p '{one}'" for one in given if one in spelled), None) or seen.get(end)
    seen[end] = f"--grid '{axis.text[:80]}'"
    if also:
        raise PipelineError(problem("E-PARAM-TWICE", name=name, first=also, second=seen[end]))


def _values(axis: _Axis, name: str, parameter: Parameter) -> list[Value]:
    """The values of an axis, typed. Raises PipelineError."""
    values = grid_values(name, axis.values)
    check_value(name, values)
    faults = [fault for value in values if (fault := ill_typed(parameter, value))]
    if faults:
        raise PipelineError(*faults)
    return values


def _with(pipeline: Pipeline, node: Node, name: str, values: list[Value]) -> Pipeline:
    """The pipeline with the axis in place of whatever gave that parameter its value."""
    facts = {
        "params": {one: value for one, value in node.params.items() if one != name},
        "uses": tuple(one for one in node.uses if one != name),
        "grid": {**node.grid, name: values},
    }
    changed = node.model_copy(update=facts)
    targets = {
        given: tuple(end for end in ends if not same_end(end, node, name)) for given, ends in pipeline.targets.items()
    }
    nodes = tuple(changed if one is node else one for one in pipeline.nodes)
    return pipeline.model_copy(update={"nodes": nodes, "targets": targets})
