"""What is said of a value that a parameter does not take."""

from __future__ import annotations

from ..core.errors import Problem, problem
from ..core.masking import MASK, looks_secret
from ..core.parameter_types import takes, type_of_text, type_of_value
from ..core.templates import has_reference
from ..core.values import Value
from .parameter_cell import Parameter

_LONGEST = 60  # characters of a value that are shown


def ill_typed(parameter: Parameter, value: Value) -> Problem | None:
    """E-PARAM-TYPE, at the place of the default, for a value that the parameter does not take; None for one it takes.

    What holds a reference becomes a value only in the run.
    """
    if not parameter.type or has_reference(value) or takes(type_of_text(parameter.type), value):
        return None
    return problem(
        "E-PARAM-TYPE",
        parameter.place,
        name=parameter.name,
        type=_shown(parameter.name, value),
        wanted=f"{parameter.type} ({_why(parameter)})",
        hint=_hint(parameter, value),
    )


def _why(parameter: Parameter) -> str:
    if parameter.declared:
        return "as it is annotated"
    hidden = looks_secret(parameter.name, parameter.value)
    return f"as its default is: {MASK if hidden else _short(parameter.spelled or repr(parameter.value))}"


def _shown(name: str, value: Value) -> str:
    if looks_secret(name, value):
        return f"{MASK} of type {type(value).__name__}"
    kind = {str: "text", bool: "truth value", float: "number", list: "list"}.get(type(value), "")
    return f"the {kind} {_short(repr(value))}" if kind else _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _hint(parameter: Parameter, value: Value) -> str:
    """What to do: give it otherwise, or let the parameter take more."""
    name, wanted = parameter.name, type_of_text(parameter.type)
    if not isinstance(value, str | None) and takes(wanted, str(value)):
        return f"-r keeps it as text: -r {name} {_short(str(value))}"
    if not parameter.declared and parameter.type == "int" and isinstance(value, float):
        return f"If fractions are meant, write its default as one: {name} = {parameter.value!r}.0"
    typed = _as_typed(value)
    if typed is not None and takes(wanted, typed):
        return f"Given so it is text; -p gives it a type: -p {name} {typed!r}"
    if parameter.place.node:
        return "Give such a value, or change the one that the node has."
    other = type_of_value(value) or "None"
    return f"Give such a value, or say at its default what else it may be: {name}: {parameter.type} | {other} = …"


def _as_typed(value: Value) -> Value:
    """What was meant by a text such as `1e-3`, which YAML takes as text."""
    if not isinstance(value, str):
        return None
    for convert in (int, float):
        try:
            return convert(value)
        except (ValueError, OverflowError):
            continue
    return {"true": True, "false": False}.get(value.lower())
