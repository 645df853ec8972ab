"""The body of an API call as it stands in a Python script: read as a literal, never executed."""

from __future__ import annotations

import ast

from ...core.expressions import parsed_expression
from ..documents import DEEPEST, LARGEST_FILE, Entry


class _NoLiteral(Exception):
    """The text holds more than values."""


def python_literal_document(text: str) -> list[Entry]:
    """The dict or list that a text spells in Python, with its places; empty when it spells none."""
    if text.lstrip()[:1] not in ("{", "[", "(") or len(text) > LARGEST_FILE:
        return []
    try:
        entry = _entry(parsed_expression(text), text.count("\n", 0, len(text) - len(text.lstrip())), DEEPEST)
    except (SyntaxError, ValueError, MemoryError, RecursionError, _NoLiteral):
        return []
    return [entry] if isinstance(entry.value, dict | list) else []


def _entry(node: ast.expr, before: int, left: int) -> Entry:
    """The value of an expression of nothing but literals. Raises _NoLiteral."""
    line, column = node.lineno + before, node.col_offset + 1
    if left == 0:
        raise _NoLiteral
    if isinstance(node, ast.Dict):
        named = {_key(key): _entry(value, before, left - 1) for key, value in zip(node.keys, node.values, strict=True)}
        return Entry(named, line, column, 1 + sum(one.size for one in named.values()))
    if isinstance(node, ast.List | ast.Tuple):
        items = [_entry(one, before, left - 1) for one in node.elts]
        return Entry(items, line, column, 1 + sum(one.size for one in items))
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        raise _NoLiteral from None
    if value is not None and not isinstance(value, bool | int | float | str):
        raise _NoLiteral
    return Entry(value, line, column)


def _key(node: ast.expr | None) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise _NoLiteral
    return node.value
