"""Actions and early ends in the terms of Valohai: small tests over metadata and parameters, read and never executed.

A test is what Python would read as comparisons joined by `and`, `or` and `not`; names begin with `metadata.` or
`parameter.`, or stand alone for metadata. What is not known makes a comparison false.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .dialect import Action, Moment, Reaction
from .errors import PipelineError, problem
from .expressions import parsed_expression
from .values import Value

LONGEST = 1000  # characters of a test
_DEEPEST = 30
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_UNKNOWN = object()


class Test:
    """A test that was read. Raises PipelineError (E-TYPE) for a text that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _read(text)

    def holds(self, metadata: Mapping[str, Value], parameters: Mapping[str, Value]) -> bool:
        """Whether it is true of these values; a comparison with what is not known is not."""
        return _truth(self._tree, {"metadata": metadata, "parameter": parameters})


def reactions(
    actions: Sequence[Action], moment: Moment, metadata: Mapping[str, Value], parameters: Mapping[str, Value]
) -> list[Reaction]:
    """What is to be done at a moment, in the order in which it is written. Raises PipelineError (E-TYPE)."""
    return [
        reaction
        for action in actions
        if moment in action.when and all(Test(text).holds(metadata, parameters) for text in action.test)
        for reaction in action.then
    ]


def _read(text: str) -> ast.expr:
    try:
        if len(text) > LONGEST:
            raise ValueError("it is too long")
        tree = parsed_expression(text)
        _check(tree, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        what = f"is no test: {why}"
        hint = "Write comparisons such as metadata.accuracy >= 0.8, joined by and, or, not."
        raise PipelineError(problem("E-TYPE", where=f"{text[:80]!r}", what=what, hint=hint)) from None
    return tree


def _check(node: ast.expr, depth: int) -> None:
    """Raise ValueError for anything but comparisons of names and values."""
    if depth > _DEEPEST:
        raise ValueError("it is too deep")
    match node:
        case ast.BoolOp(values=values):
            inner = values
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            inner = [operand]
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in _COMPARED for op in ops):
            inner = [left, *rest]
        case ast.Attribute(value=value):
            inner = [value]
        case ast.Name() | ast.Constant(value=bool() | int() | float() | str() | None):
            inner = []
        case _:
            raise ValueError(f"{ast.unparse(node)[:40]} is neither a comparison nor a name nor a value")
    for one in inner:
        _check(one, depth + 1)


_Names = Mapping[str, Mapping[str, Value]]


def _truth(node: ast.expr, names: _Names) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_truth(one, names) for one in values)
        case ast.BoolOp(values=values):
            return any(_truth(one, names) for one in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _truth(operand, names)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            sides = [_value(one, names) for one in (left, *rest)]
            return all(_holds(op, a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False))
    found = _value(node, names)
    return found is not _UNKNOWN and bool(found)


def _holds(op: ast.cmpop, one: Any, other: Any) -> bool:
    if one is _UNKNOWN or other is _UNKNOWN:
        return False
    try:
        return bool(_COMPARED[type(op)](one, other))
    except TypeError:  # a number and a text
        return False


def _value(node: ast.expr, names: _Names) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, names)
            return -inner if isinstance(inner, int | float) else _UNKNOWN
        case ast.UnaryOp(operand=operand):
            return _value(operand, names)
        case ast.Name() | ast.Attribute():
            return _named(ast.unparse(node), names)
    return _truth(node, names)


def _named(name: str, names: _Names) -> Any:
    kind, _, rest = name.partition(".")
    if kind in ("parameters", "param"):
        kind = "parameter"
    if rest and kind in names:
        return names[kind].get(rest, _UNKNOWN)
    return names["metadata"].get(name, _UNKNOWN)
