"""Values given from outside to a pipeline: to its parameters, or to those of one node (`NODE.NAME`)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.model import WITHOUT_WORK, Kind, Node, Pipeline
from ..core.names import slug_of
from ..core.parameter_types import type_of_value
from ..core.values import Value, check_value
from .node_notebook import parameters_in
from .parameter_cell import Parameter, parameter_of
from .parameter_faults import ill_typed
from .plain_secrets import given_secrets


def parameters_of(pipeline: Pipeline) -> dict[str, Parameter]:
    """The parameters that a pipeline has: its own, and those of its only node where that stands for a step.

    Those of other systems have the types that their steps say (`integer`), which are checked with the steps, or none.
    """
    if any(node.dialect for node in pipeline.nodes):
        kinds = _argument_types(pipeline)
        own = {name: Parameter(name, value, type=kinds.get(name, "")) for name, value in pipeline.parameters.items()}
    else:
        own = {name: parameter_of(name, value) for name, value in pipeline.parameters.items()}
    if not stands_alone(pipeline):
        return own
    (node,) = pipeline.nodes
    kinds = {argument.name: str(argument.type) for argument in node.arguments}
    return {name: Parameter(name, node.params.get(name), type=kinds.get(name, "")) for name in names_of(node)} | own


def _argument_types(pipeline: Pipeline) -> dict[str, str]:
    """By name of a pipeline's parameter the type of the argument that it leads to."""
    said = {(n.slug, argument.name): str(argument.type) for n in pipeline.nodes for argument in n.arguments}
    led = {given: (slug_of(title), name) for given, ends in pipeline.targets.items() for title, name in ends}
    return {given: said[end] for given, end in led.items() if end in said}


def stands_alone(pipeline: Pipeline) -> bool:
    """Whether the pipeline is there for the only step in it, whose parameters are then its own."""
    return "alone" in pipeline.origin and len(pipeline.nodes) == 1


def with_values(
    pipeline: Pipeline, known: Mapping[str, Parameter], given: Mapping[str, Value], folder: Path
) -> tuple[Pipeline, list[Problem]]:
    """The pipeline with these values (`-p`), and what is wrong with them; those at fault are left out.

    `known` are its parameters, `folder` is where notebooks of nodes are.
    E-PARAM-UNKNOWN with the nearest name, E-PARAM-TYPE and E-PARAM-VALUE.
    """
    own, of_nodes, faults = dict(pipeline.parameters), dict[str, dict[str, Value]](), list[Problem]()
    for name, value in given.items():
        try:
            check_value(name, value)
        except PipelineError as error:
            faults += error.problems
            continue
        if name in own or (name in known and not stands_alone(pipeline)):
            fault = ill_typed(known.get(name) or Parameter(name), value)
            own |= {} if fault else {name: value}
        elif end := reachable(pipeline, folder).get(name):
            node, inner = end
            fault = ill_typed(parameter_of_node(pipeline, known, node, inner, folder), value)
            of_nodes.setdefault(node.title, {}).update({} if fault else {inner: value})
        else:
            fault = unknown_parameter(pipeline, name, known, _as_option, folder)
        faults += [fault] if fault else []
    faults += given_secrets(given)
    nodes = tuple(_with(node, of_nodes.get(node.title, {})) for node in pipeline.nodes)
    return pipeline.model_copy(update={"parameters": own, "nodes": nodes}), faults


def reachable(pipeline: Pipeline, folder: Path) -> dict[str, tuple[Node, str]]:
    """By what is typed the node and its parameter: `Train model.lr`, `train_model.lr`; `lr` of a step by itself."""
    names = {node.title: names_of(node, folder) for node in pipeline.nodes}
    found = {f"{node.slug}.{name}": (node, name) for node in pipeline.nodes for name in names[node.title]}
    found |= {f"{node.title}.{name}": (node, name) for node in pipeline.nodes for name in names[node.title]}
    if stands_alone(pipeline):
        found |= {name: (pipeline.nodes[0], name) for name in names[pipeline.nodes[0].title]}
    return found


def unknown_parameter(
    pipeline: Pipeline, name: str, known: Mapping[str, Parameter], form: Callable[[str], str], folder: Path
) -> Problem:
    """E-PARAM-UNKNOWN with what was meant: nodes that have a parameter called so, or the nearest name.

    `form` spells the option that gives a value to NODE.NAME.
    """
    having = [node.title for node in pipeline.nodes if name in names_of(node, folder)]
    own = [*known, *pipeline.parameters]
    if having:
        listed = " or ".join(form(f"{title}.{name}") for title in having[:3])
        hint = f"It is a parameter of {_titles(having)} alone: {listed}"
    else:
        of_nodes = reachable(pipeline, folder) if "." in name or not own else {}
        hint = nearest(name, [*own, *of_nodes])
    return problem("E-PARAM-UNKNOWN", name=name, nearest=hint)


def _as_option(end: str) -> str:
    return f"-p {shlex.quote(end)} VALUE"


def _titles(titles: Sequence[str]) -> str:
    shown = ", ".join(f'"{title}"' for title in titles[:3])
    return shown + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")


def names_of(node: Node, folder: Path | None = None) -> list[str]:
    """The names of all parameters that a node has, wherever their values come from.

    With `folder` also those that its notebook has and that nothing gives a value to.
    """
    if node.kind in WITHOUT_WORK:
        return []
    arguments = (argument.name for argument in node.arguments)
    in_notebook = parameters_in(node, folder) if folder else ()
    return list(dict.fromkeys([*node.params, *node.uses, *node.grid, *arguments, *in_notebook]))


def parameter_of_node(
    pipeline: Pipeline, known: Mapping[str, Parameter], node: Node, name: str, folder: Path
) -> Parameter:
    """What is known of a node's parameter, wherever its value comes from.

    Of one that is put into a command, which is text, no type is known.
    """
    if found := parameters_in(node, folder).get(name):
        return found
    led = (given for given, ends in pipeline.targets.items() if any(same_end(one, node, name) for one in ends))
    given = next(led, name if name in node.uses else "")
    if given in known:
        return known[given]
    if name not in node.params or node.kind is Kind.COMMAND:
        return Parameter(name)
    value = node.params[name]
    return Parameter(name, value, type=type_of_value(value), spelled=repr(value), place=node.place)


def same_end(end: tuple[str, str], node: Node, name: str) -> bool:
    """Whether the end of a `target`, a title and a name, is that parameter of the node."""
    return slug_of(end[0]) == node.slug and end[1] == name


def _with(node: Node, values: Mapping[str, Value]) -> Node:
    """The node with these values; each takes the place of what the name stood for."""
    if not values:
        return node
    uses = tuple(name for name in node.uses if name not in values)
    grid = {name: axis for name, axis in node.grid.items() if name not in values}
    return node.model_copy(update={"params": {**node.params, **values}, "uses": uses, "grid": grid})
