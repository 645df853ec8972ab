"""What can be given to a pipeline: its parameters and those of its nodes, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .core.masking import MASK, looks_secret, masked_in_full
from .core.model import WITHOUT_WORK, Node, Pipeline
from .core.values import Value, to_json
from .formats.given_values import names_of, parameter_of_node, same_end
from .formats.notebook import Definition, Parameter
from .formats.pipeline_file import is_notebook

_COLUMN = 34  # where help begins, as papermill has it
_LONGEST = 60  # characters of a default or a grid


def takers_of(pipeline: Pipeline, name: str) -> list[str]:
    """The titles of the nodes that take a parameter of the pipeline."""
    ends = pipeline.targets.get(name, ())
    return [n.title for n in pipeline.nodes if name in n.uses or any(same_end(end, n, end[1]) for end in ends)]


def help_text(definition: Definition, usage: str) -> str:
    """The parameters as `papermill --help-notebook` lists them, each with the nodes that take it, and the nodes."""
    what = "notebook " if is_notebook(definition.path) else ""
    lines = [usage, "", f"Parameters inferred for {what}'{definition.path}':"]
    for parameter in definition.parameters.values():
        lines += _parameter_lines(parameter, takers_of(definition.pipeline, parameter.name))
    if not definition.parameters:
        lines += ["", f"  {_without(definition)}"]
    lines += ["", f"Nodes of the pipeline '{definition.pipeline.name}':"]
    for node in definition.pipeline.nodes:
        lines += _node_lines(definition, node)
    if any(names_of(node) for node in definition.pipeline.nodes):
        lines += ["", "Give values with -p NAME VALUE or -p NODE.NAME VALUE, several with --grid NODE.NAME=A,B."]
    return "\n".join(lines)


def _without(definition: Definition) -> str:
    if not is_notebook(definition.path):
        return "There are none."
    tagged = any("parameters" in cell["metadata"].get("tags", ()) for cell in definition.notebook["cells"])
    return "The cell tagged 'parameters' assigns none." if tagged else "No cell tagged 'parameters'"


def _parameter_lines(parameter: Parameter, takers: list[str]) -> Iterator[str]:
    first = f"  {parameter.name}: {parameter.type or 'Unknown type'} (default {_default(parameter)})"
    taken = f"taken by {', '.join(takers)}" if takers else "taken by no node"
    yield from _columns(first, parameter.help or taken)
    if parameter.help:
        yield f"{'':{_COLUMN}}{taken}"


def _columns(first: str, second: str) -> Iterator[str]:
    if not second:
        yield first
    elif len(first) < _COLUMN:
        yield f"{first:<{_COLUMN}}{second}"
    else:
        yield from (first, f"{'':{_COLUMN}}{second}")


def _default(parameter: Parameter) -> str:
    if looks_secret(parameter.name, parameter.value):
        return MASK
    return _short(parameter.spelled or repr(parameter.value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _node_lines(definition: Definition, node: Node) -> Iterator[str]:
    yield from _columns(f"  {node.title}", f"after {', '.join(node.after)}" if node.after else "")
    pipeline, folder = definition.pipeline, definition.path.parent
    kinds = {argument.name: f": {argument.type}" for argument in node.arguments}
    for name in names_of(node, folder):
        named = f"    {name}{kinds.get(name, '')}"
        if name in node.grid:
            yield from _columns(named, f"one run for each of {_short(_listed(name, node.grid[name]))}")
        elif name in node.params:
            yield from _columns(named, _short(masked_in_full(name, node.params[name])))
        elif name in node.uses:
            yield from _columns(named, "the pipeline's")
        else:
            known = parameter_of_node(pipeline, definition.parameters, node, name, folder)
            yield from _columns(f"    {name}: {known.type or 'Unknown type'} (default {_default(known)})", known.help)


def _listed(name: str, values: list[Value]) -> str:
    return ", ".join(masked_in_full(name, value) for value in values)


def help_json(definition: Definition) -> dict[str, Any]:
    """The same as one object."""
    pipeline = definition.pipeline
    return {
        "file": str(definition.path),
        "pipeline": pipeline.name,
        "parameters": [_parameter_json(one, pipeline) for one in definition.parameters.values()],
        "nodes": [_node_json(node, definition.path.parent) for node in pipeline.nodes if node.kind not in WITHOUT_WORK],
    }


def _parameter_json(parameter: Parameter, pipeline: Pipeline) -> dict[str, Any]:
    hidden = looks_secret(parameter.name, parameter.value)
    return {
        "name": parameter.name,
        "type": parameter.type or None,
        "default": MASK if hidden else to_json(parameter.value),
        "spelled": MASK if hidden else parameter.spelled or repr(parameter.value),
        "help": parameter.help,
        "cell": parameter.place.cell,
        "line": parameter.place.line,
        "nodes": takers_of(pipeline, parameter.name),
    }


def _node_json(node: Node, folder: Path) -> dict[str, Any]:
    own = [name for name in names_of(node, folder) if name not in node.uses and name not in node.grid]
    return {
        "title": node.title,
        "slug": node.slug,
        "after": list(node.after),
        "uses": list(node.uses),
        "parameters": {name: _value(name, node.params.get(name)) for name in own},
        "grid": {name: [_value(name, one) for one in values] for name, values in node.grid.items()},
    }


def _value(name: str, value: Value) -> Any:
    return MASK if looks_secret(name, value) else to_json(value)
