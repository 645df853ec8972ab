"""Values given from outside to a pipeline: to its parameters, or to those of one node (`NODE.NAME`)."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.model import WITHOUT_WORK, Kind, Node, Pipeline
from ..core.names import slug_of
from ..core.values import Value, check_value
from .parameter_cell import Parameter, parameter_of
from .parameter_faults import ill_typed


def parameters_of(pipeline: Pipeline) -> dict[str, Parameter]:
    """The parameters that a pipeline has: its own, and those of its only node where that stands for a step.

    Those of other systems have the types that their steps say (`integer`), which are checked with the steps, or none.
    """
    if any(node.dialect for node in pipeline.nodes):
        kinds = _argument_types(pipeline)
        own = {name: Parameter(name, value, type=kinds.get(name, "")) for name, value in pipeline.parameters.items()}
    else:
        own = {name: parameter_of(name, value) for name, value in pipeline.parameters.items()}
    if not _stands_alone(pipeline):
        return own
    (node,) = pipeline.nodes
    kinds = {argument.name: str(argument.type) for argument in node.arguments}
    return {name: Parameter(name, node.params.get(name), type=kinds.get(name, "")) for name in names_of(node)} | own


def _argument_types(pipeline: Pipeline) -> dict[str, str]:
    """By name of a pipeline's parameter the type of the argument that it leads to."""
    said = {(n.slug, argument.name): str(argument.type) for n in pipeline.nodes for argument in n.arguments}
    led = {given: (slug_of(title), name) for given, ends in pipeline.targets.items() for title, name in ends}
    return {given: said[end] for given, end in led.items() if end in said}


def _stands_alone(pipeline: Pipeline) -> bool:
    return "alone" in pipeline.origin and len(pipeline.nodes) == 1


def with_values(
    pipeline: Pipeline, known: Mapping[str, Parameter], given: Mapping[str, Value]
) -> tuple[Pipeline, list[Problem]]:
    """The pipeline with these values (`-p`), and what is wrong with them; those at fault are left out.

    `known` are its parameters. E-PARAM-UNKNOWN with the nearest name, E-PARAM-TYPE and E-PARAM-VALUE.
    """
    own, of_nodes, faults = dict(pipeline.parameters), dict[str, dict[str, Value]](), list[Problem]()
    reachable = _reachable(pipeline)
    for name, value in given.items():
        try:
            check_value(name, value)
        except PipelineError as error:
            faults += error.problems
            continue
        if name in own or (name in known and not _stands_alone(pipeline)):
            fault = ill_typed(known.get(name) or Parameter(name), value)
            own |= {} if fault else {name: value}
        elif name in reachable:
            node, inner = reachable[name]
            fault = ill_typed(parameter_of_node(node, inner), value)
            of_nodes.setdefault(node.title, {}).update({} if fault else {inner: value})
        else:
            fault = problem("E-PARAM-UNKNOWN", name=name, nearest=_meant(pipeline, name, [*known, *own], reachable))
        faults += [fault] if fault else []
    nodes = tuple(_with(node, of_nodes.get(node.title, {})) for node in pipeline.nodes)
    return pipeline.model_copy(update={"parameters": own, "nodes": nodes}), faults


def _reachable(pipeline: Pipeline) -> dict[str, tuple[Node, str]]:
    """By what is typed the node and its parameter: `Train model.lr`, `train_model.lr`; `lr` of a step by itself."""
    found = {f"{node.slug}.{name}": (node, name) for node in pipeline.nodes for name in names_of(node)}
    found |= {f"{node.title}.{name}": (node, name) for node in pipeline.nodes for name in names_of(node)}
    if _stands_alone(pipeline):
        found |= {name: (pipeline.nodes[0], name) for name in names_of(pipeline.nodes[0])}
    return found


def _meant(pipeline: Pipeline, name: str, own: Iterable[str], reachable: Iterable[str]) -> str:
    """The hint for an unknown name: nodes that have a parameter called so, else the nearest name."""
    having = [node.title for node in pipeline.nodes if name in names_of(node)]
    if having:
        listed = " or ".join(f"-p {shlex.quote(f'{title}.{name}')} VALUE" for title in having[:3])
        return f"It is a parameter of {_titles(having)} alone: {listed}"
    return nearest(name, [*own, *reachable] if "." in name else own or reachable)


def _titles(titles: Sequence[str]) -> str:
    shown = ", ".join(f'"{title}"' for title in titles[:3])
    return shown + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")


def names_of(node: Node) -> list[str]:
    """The names of all parameters that a node has, wherever their values come from."""
    if node.kind in WITHOUT_WORK:
        return []
    arguments = (argument.name for argument in node.arguments)
    return list(dict.fromkeys([*node.params, *node.uses, *node.grid, *arguments]))


def parameter_of_node(node: Node, name: str) -> Parameter:
    """What is known of a node's own parameter; of one that is put into a command, which is text, no type."""
    if name not in node.params or node.kind is Kind.COMMAND:
        return Parameter(name)
    made = parameter_of(name, node.params[name])
    return Parameter(name, made.value, type=made.type, spelled=repr(made.value), place=node.place)


def _with(node: Node, values: Mapping[str, Value]) -> Node:
    """The node with these values; each takes the place of what the name stood for."""
    if not values:
        return node
    uses = tuple(name for name in node.uses if name not in values)
    grid = {name: axis for name, axis in node.grid.items() if name not in values}
    return node.model_copy(update={"params": {**node.params, **values}, "uses": uses, "grid": grid})
