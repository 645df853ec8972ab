"""What a parameter takes, as its annotation, its comment or its default says: `int`, `float | None`, `Literal[1, 2]`.

Only what is a value of a parameter can be checked (see `values`); of any other type, such as `Path`, everything is
taken. An int is a float; a bool is no number, and nothing else is a bool.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .expressions import parsed_expression
from .values import Value

_LISTS = frozenset({"list", "List", "MutableSequence"})
_AROUND = frozenset({"Annotated", "Final", "ClassVar", "Required"})  # they say more of a type, and are none
_PLAIN: dict[str, Callable[[Value], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
    "NoneType": lambda value: value is None,
}


@dataclass(frozen=True, slots=True)
class One:
    """One thing that a parameter may be: a plain type by `name`, a list of `items`, the `only` value of a Literal."""

    name: str
    items: tuple[One, ...] = ()
    only: Value = None

    def takes(self, value: Value) -> bool:
        """Whether `value` is one of these."""
        if self.name == "list":
            return isinstance(value, list) and all(takes(self.items, item) for item in value)
        if self.name == "Literal":
            return type(value) is type(self.only) and value == self.only
        return _PLAIN[self.name](value)


Wanted = tuple[One, ...]  # any of these; of nothing is known what it is, and everything is taken
ANYTHING: Wanted = ()


def takes(wanted: Wanted, value: Value) -> bool:
    """Whether a parameter of that type may be `value`."""
    return not wanted or any(one.takes(value) for one in wanted)


def type_of_value(value: Value) -> str:
    """The name of the type that a default has; empty for None, which says nothing."""
    return "" if value is None else type(value).__name__


@lru_cache(maxsize=256)
def type_of_text(text: str) -> Wanted:
    """The type that an annotation or a `# type:` comment spells; `ANYTHING` for one that cannot be checked."""
    try:
        return _of(parsed_expression(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ANYTHING


def _of(spelled: ast.expr) -> Wanted:
    if isinstance(spelled, ast.Constant):
        if isinstance(spelled.value, str):
            return type_of_text(spelled.value)
        return (One("None"),) if spelled.value is None else ANYTHING
    if isinstance(spelled, ast.BinOp) and isinstance(spelled.op, ast.BitOr):
        return _any_of([_of(spelled.left), _of(spelled.right)])
    if isinstance(spelled, ast.Subscript):
        return _of_subscript(_name(spelled.value), spelled.slice)
    name = _name(spelled)
    if name in _LISTS:
        return (One("list"),)
    return (One(name),) if name in _PLAIN else ANYTHING


def _of_subscript(name: str, inside: ast.expr) -> Wanted:
    parts: Sequence[ast.expr] = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name == "Optional":
        return _any_of([_of(inside), (One("None"),)])
    if name == "Union":
        return _any_of([_of(part) for part in parts])
    if name == "Literal":
        return _literals(parts)
    if name in _LISTS:
        return (One("list", _of(inside)),)
    return _of(parts[0]) if name in _AROUND and parts else ANYTHING


def _any_of(types: Sequence[Wanted]) -> Wanted:
    """Together; where one of them takes everything, all of them do."""
    return tuple(one for wanted in types for one in wanted) if all(types) else ANYTHING


def _literals(parts: Sequence[ast.expr]) -> Wanted:
    found = []
    for part in parts:
        try:
            value = ast.literal_eval(part)
        except (ValueError, TypeError, SyntaxError):  # an enum's member
            return ANYTHING
        if value is not None and not isinstance(value, bool | int | str):
            return ANYTHING
        found.append(One("Literal", only=value))
    return tuple(found)


def _name(spelled: ast.expr) -> str:
    """The last name of `typing.Optional`; empty for what is no name."""
    if isinstance(spelled, ast.Attribute):
        return spelled.attr
    return spelled.id if isinstance(spelled, ast.Name) else ""
