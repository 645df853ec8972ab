"""The options of a method, told to those who ask for help: its signature and docstring are made from the table.

A type checker knows them from the TypedDict that the method is annotated with; a notebook's Tab and Shift-Tab and
`help` look at the signature and the docstring.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ..formats.options import OPTIONS
from .options import OF_MAGIC, names_of, python_name
from .run_options import RUN_OPTIONS

P = ParamSpec("P")
R = TypeVar("R")
_TAKE = {"params": "parameters by name", "input": "files for /input/SLOT: {'SLOT': 'TITLE/GLOB'}"}


def with_options(magic: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Put the options of `magic` into the signature and the docstring of a method that takes them as `**options`."""

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        kind = OF_MAGIC.get(magic)
        names = names_of(kind) if kind else RUN_OPTIONS
        types = kind.__annotations__ if kind else {}
        method.__signature__ = _signature(method, names, types)  # type: ignore[attr-defined]
        lines = [f"{name}: {_help(name, magic)}" for name in names]
        method.__doc__ = inspect.cleandoc(method.__doc__ or "") + "\n\nOptions:\n  " + "\n  ".join(lines)
        return method

    return decorate


def _signature(method: Callable[..., Any], names: tuple[str, ...], types: dict[str, Any]) -> inspect.Signature:
    own = inspect.signature(method)
    kept = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    rest = [one for one in own.parameters.values() if one.name == "parameters" and one not in kept]
    more = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=getattr(types.get(name), "__forward_arg__", inspect.Parameter.empty),
        )
        for name in names
        if name not in own.parameters
    ]
    return own.replace(parameters=[*kept, *more, *rest])


def _help(name: str, magic: str) -> str:
    if name in _TAKE:
        return _TAKE[name]
    if name in ("network", "cache"):
        return {"network": "let it reach the network", "cache": "False: run it even when an earlier result would do"}[
            name
        ]
    option = next(one for one in OPTIONS if python_name(one.name) == name and magic in one.magics)
    return option.help + (f" ({', '.join(option.choices)})" if option.choices else "")
