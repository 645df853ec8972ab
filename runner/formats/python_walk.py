"""All of a cell's syntax tree, each part with whether it is surely come to when the cell runs."""

from __future__ import annotations

import ast

# Parts that may never be come to, or whose failure somebody may catch. A loop's `iter` and a test surely are.
_PERHAPS: dict[type[ast.AST], frozenset[str]] = {
    **dict.fromkeys((ast.If, ast.IfExp, ast.While, ast.For, ast.AsyncFor), frozenset({"body", "orelse"})),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda), frozenset({"body"})),
    **dict.fromkeys((ast.Try, ast.TryStar), frozenset({"body", "handlers", "orelse", "finalbody"})),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), frozenset({"elt", "generators"})),
    ast.DictComp: frozenset({"key", "value", "generators"}),
    ast.BoolOp: frozenset({"values"}),
    ast.Match: frozenset({"cases"}),
    ast.Assert: frozenset({"msg"}),
}
_NONE: frozenset[str] = frozenset()
_MARKS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop)  # they say how, and are no parts


def walked(tree: ast.Module) -> list[tuple[ast.AST, bool]]:
    """Every part of the tree, in the order of the text and an outer one first; and whether it is surely come to."""
    found: list[tuple[ast.AST, bool]] = []
    to_do: list[tuple[ast.AST, bool]] = [(tree, True)]
    while to_do:  # thousands of cells come by here
        part = to_do.pop()
        found.append(part)
        node, surely = part
        perhaps = _perhaps(node) if surely else _NONE
        inside: list[tuple[ast.AST, bool]] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                come_to = surely and name not in perhaps
                inside += [(one, come_to) for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _MARKS):
                inside.append((value, surely and name not in perhaps))
        inside.reverse()
        to_do += inside
    return found


def _perhaps(node: ast.AST) -> frozenset[str]:
    if isinstance(node, ast.With | ast.AsyncWith):  # `with suppress(...)` and the like catch what fails inside
        return _NONE if all(_opens(item.context_expr) for item in node.items) else frozenset({"body"})
    return _PERHAPS.get(type(node), _NONE)


def _opens(call: ast.expr) -> bool:
    function = call.func if isinstance(call, ast.Call) else call
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "open"


def names_at(function: ast.expr) -> list[str]:
    """The names in `a.b.c`, the last one first; one that is empty for what has no name, such as `f()`."""
    found = []
    while isinstance(function, ast.Attribute):
        found.append(function.attr)
        function = function.value
    if isinstance(function, ast.Name):
        found.append(function.id)
    return found or [""]
