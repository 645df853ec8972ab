"""Whether the values of a node's parameters are what its arguments ask for: type, bounds, choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .dialect import Argument, ArgumentType
from .errors import Problem, problem
from .model import Node, Pipeline
from .templates import has_reference
from .values import Value

_KINDS = {
    ArgumentType.INTEGER: ("a whole number", int),
    ArgumentType.FLOAT: ("a number", (int, float)),
    ArgumentType.FLAG: ("true or false", bool),
}


def argument_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """E-TYPE and E-RANGE for values that are known before a run."""
    for node in pipeline.nodes:
        if node.arguments:
            known = {name: value for name, value in pipeline.parameters_of(node).items() if not has_reference(value)}
            yield from value_problems(node, known)


def value_problems(node: Node, params: Mapping[str, Value]) -> Iterator[Problem]:
    """E-TYPE and E-RANGE for the values of a node run."""
    for argument in node.arguments:
        value = params.get(argument.name)
        values = value if isinstance(value, list) and argument.multiple else [value]
        for one in values:
            if one is not None and one != "":
                yield from _problems(node, argument, one)


def _problems(node: Node, argument: Argument, value: Value) -> Iterator[Problem]:
    where = f'the parameter {argument.name} of "{node.title}"'
    if isinstance(value, list):
        return  # a task makes an execution of each
    what, kind = _KINDS.get(argument.type, ("", object))
    if not isinstance(value, kind) or (isinstance(value, bool) and argument.type is not ArgumentType.FLAG and what):  # type: ignore[arg-type]
        hint = "Give it another value, or change the type that its step says."
        yield problem("E-TYPE", node.place, where=where, what=f"should be {what}, and is {value!r}", hint=hint)
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        if argument.min is not None and value < argument.min:
            yield _out(node, where, f"is {value}, and {argument.min:g} is the least")
        if argument.max is not None and value > argument.max:
            yield _out(node, where, f"is {value}, and {argument.max:g} is the most")
    if argument.choices and argument.type is not ArgumentType.FLAG:
        known = [str(one) for one in argument.choices]
        if str(value) not in known and value not in argument.choices:
            yield _out(node, where, f"is {value!r}, which is none of {', '.join(known[:20])}")


def _out(node: Node, where: str, what: str) -> Problem:
    return problem("E-RANGE", node.place, where=where, what=what, hint="Give it another value.")
