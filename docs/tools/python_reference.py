"""The public names of the package as Markdown: how each is called, and its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

CALLED = {"dagbook.Pipeline"}  # the classes that users make objects of; others are given to them
WIDTH = 100  # of a call; a longer one has a line for each parameter


def names() -> list[str]:
    """The public names that have a section: all but the version and what IPython calls."""
    import dagbook

    return [f"dagbook.{name}" for name in dagbook.__all__ if name not in ("__version__", "load_ipython_extension")]


def told(name: str) -> Iterator[str]:
    """The lines of Markdown for a public name."""
    import dagbook

    found = getattr(dagbook, name.partition(".")[2])
    if inspect.isclass(found):
        yield from _class(name, found)
    else:
        yield from _called(name, found)


def _class(name: str, found: type) -> Iterator[str]:
    if name in CALLED:
        yield from _called(name, found)
    else:
        yield from _docstring(found)
    members = {key: value for key, value in vars(found).items() if not key.startswith("_")}
    told = {key: value for key, value in members.items() if isinstance(value, property) and value.__doc__}
    kept = [one for one in fields(found) if not one.name.startswith("_")] if is_dataclass(found) else []
    if told or kept:
        yield from ("", "| | |", "|---|---|")
    for one in kept:
        yield f"| `.{one.name}` | `{str(one.type).replace('|', chr(92) + '|')}` |"
    for key, value in told.items():
        first = " ".join(inspect.cleandoc(value.__doc__ or "").split("\n\n")[0].split())
        yield f"| `.{key}` | {_plain(first).replace('|', chr(92) + '|')} |"
    for key, value in members.items():
        if inspect.isfunction(value) and value.__doc__:
            yield ""
            yield from _called(f"{name}.{key}", value, method=True)


def _called(name: str, called: Any, method: bool = False) -> Iterator[str]:
    parameters = list(inspect.signature(called).parameters.values())[method:]
    parts = [_parameter(one) for one in parameters]
    keyword = next((at for at, one in enumerate(parameters) if one.kind is one.KEYWORD_ONLY), None)
    if keyword is not None and not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        parts.insert(keyword, "*")
    gives = inspect.signature(called).return_annotation
    arrow = "" if inspect.isclass(called) or gives in (None, "None", inspect.Signature.empty) else f" -> {gives}"
    call = f"{name}({', '.join(parts)}){arrow}"
    if len(call) > WIDTH:
        call = "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){arrow}"])
    yield from ("```python", *call.splitlines(), "```", "", *_docstring(called))


def _parameter(one: inspect.Parameter) -> str:
    stars = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
    text = f"{stars}{one.name}"
    if one.annotation is not one.empty:
        text += f": {one.annotation}"
    if one.default is one.empty:
        return text
    plain = str(one.default) if isinstance(one.default, str) else one.default  # a state's repr is no Python
    default = "..." if type(plain) is object else repr(plain)
    return text + (f" = {default}" if ": " in text else f"={default}")


def _docstring(found: Any) -> list[str]:
    lines = inspect.cleandoc(found.__doc__ or "").splitlines()
    return [line if line.startswith("    ") else _plain(line) for line in lines]


def _plain(text: str) -> str:
    """What stands outside of code is no HTML."""
    return "".join(part if at % 2 else part.replace("<", r"\<") for at, part in enumerate(re.split(r"(`[^`]*`)", text)))
