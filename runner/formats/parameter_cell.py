"""The `parameters` cell of a notebook: read by its text alone, as papermill --help-notebook reads it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import PipelineError, Place
from ..core.parameter_types import type_of_value
from ..core.values import Value, check_name, check_value
from .python_code import read_code

_TYPE_COMMENT = re.compile(r"type:\s*(?P<type>\S+)\s*(?P<help>.*)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a pipeline: its default, and what its line says about it.

    `plain` is False when the value is computed, so that it is known only once the cell runs; `value` is then None.
    `type` is what an annotation or a comment says (then it is `declared`), else that of the default; empty for
    what tells nothing. `spelled` is the default as it is written, `place` where.
    """

    name: str
    value: Value = None
    plain: bool = True
    type: str = ""
    help: str = ""
    declared: bool = False
    spelled: str = ""
    place: Place = Place()  # noqa: RUF009  (immutable)


def read_parameters(source: str, place: Place) -> dict[str, Parameter]:
    """The parameters that a cell assigns, in its order; later assignments win, as they do when it runs.

    `place` is where the cell stands. Raises PipelineError (E-SYNTAX, E-PARAM-NAME).
    """
    code = read_code(source, Place(place.file, place.cell, 0))
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for statement in code.tree.body:
        told = comments.get((statement.end_lineno or statement.lineno) - 1, "")  # the read text has a line in front
        kind, words = _type_and_help(told)
        for target, value, annotation in _assignments(statement):
            at = Place(place.file, place.cell, statement.lineno - 1)
            found[target] = _parameter(target, value, annotation or kind, words, at)
    return found


def parameter_of(name: str, value: Value) -> Parameter:
    """A parameter of which nothing is known but its default."""
    return Parameter(name, value, type=type_of_value(value))


def overridden(known: Mapping[str, Parameter], injected: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """What an injected cell assigns; of what is known already it changes the value and nothing else."""
    return {
        name: replace(known[name], value=one.value, plain=one.plain) if name in known else one
        for name, one in injected.items()
    }


def _assignments(statement: ast.stmt) -> list[tuple[str, ast.expr, str]]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [(statement.target.id, statement.value, ast.unparse(statement.annotation))]
    if isinstance(statement, ast.Assign):
        return [(target.id, statement.value, "") for target in statement.targets if isinstance(target, ast.Name)]
    return []


def _parameter(name: str, value: ast.expr, declared: str, words: str, place: Place) -> Parameter:
    try:
        check_name(name)
    except PipelineError as error:
        raise PipelineError(*(found.at(place) for found in error.problems)) from None
    said: dict[str, Any] = {"help": words, "declared": bool(declared), "spelled": ast.unparse(value), "place": place}
    try:
        plain = check_value(name, _literal(value))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, PipelineError):
        # A path, a tuple or a computed value is fine in the notebook; it is a fault only once a node asks for it.
        return Parameter(name, None, False, declared, **said)
    return Parameter(name, plain, True, declared or type_of_value(plain), **said)


def _literal(value: ast.expr) -> Any:
    """The value of a literal; also of float("nan") and -float("inf"), as papermill spells them."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub) and isinstance(value.operand, ast.Call):
        return -_literal(value.operand)
    if isinstance(value, ast.List):
        return [_literal(item) for item in value.elts]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "float":
        words = [arg.value for arg in value.args if isinstance(arg, ast.Constant)]
        if len(words) == len(value.args) == 1 and not value.keywords and isinstance(words[0], str):
            return float(words[0])
    return ast.literal_eval(value)


def _comments(source: str) -> dict[int, str]:
    """The trailing comment of each line that has one, by 1-based line."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
                found[token.start[0]] = token.string.lstrip("#").strip()
    except (tokenize.TokenError, SyntaxError, IndentationError):
        pass  # IPython syntax in the cell; what was seen so far is kept
    return found


def _type_and_help(comment: str) -> tuple[str, str]:
    match = _TYPE_COMMENT.fullmatch(comment)
    return (match["type"], match["help"].strip()) if match else ("", comment)
