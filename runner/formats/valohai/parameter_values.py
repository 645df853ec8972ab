"""Values of parameters: typed as their step says, and within its bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.dialect import ArgumentType
from ...core.errors import PipelineError, problem
from ...core.values import Value
from ..documents import Real, Whole, bare
from .scalars import TRUTHS
from .schemas import Parameter

_ONE = "Or say `multiple: repeat` or `multiple: separate`."


def value_of(parameter: Parameter, value: Any, where: str) -> Value:
    """The value of a parameter, or of each of several; None stays None.

    Raises PipelineError (E-TYPE, E-RANGE); `where` names the place in its message.
    """
    if value is None:
        return None
    if parameter.multiple is not None:
        return [_single(parameter, one, where) for one in (value if isinstance(value, list | tuple) else [value])]
    if isinstance(value, list | tuple):
        raise _unfit(where, "is a list, and the parameter takes one value", _ONE)
    return _single(parameter, value, where)


def _single(parameter: Parameter, value: Any, where: str) -> Value:
    if isinstance(value, dict | list | tuple) or value is None:
        raise _unfit(where, f"should be a single value, and is {_kind(value)}")
    typed = "" if value == "" else _TYPED[parameter.type](value, where)
    _check(parameter, typed, where)
    return typed


def _text(value: Any, where: str) -> Value:
    if isinstance(value, bool):
        raise _unfit(
            where, f"is {str(value).lower()} and should be a text", "Quote it, so that it stays as it is written."
        )
    return value.written if isinstance(value, Whole | Real) else str(value)


def _integer(value: Any, where: str) -> Value:
    try:
        if isinstance(value, bool | float):
            raise ValueError
        return int(value)
    except ValueError:
        raise _unfit(where, f"should be a whole number, and is {value!r}") from None


def _float(value: Any, where: str) -> Value:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value) if isinstance(value, str) else bare(value)
    except ValueError:
        raise _unfit(where, f"should be a number, and is {value!r}") from None


def _flag(value: Any, where: str) -> Value:
    found = TRUTHS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise _unfit(where, f"should be true or false, and is {value!r}")
    return found


_TYPED: Mapping[ArgumentType, Callable[[Any, str], Value]] = {
    ArgumentType.STRING: _text,
    ArgumentType.INTEGER: _integer,
    ArgumentType.FLOAT: _float,
    ArgumentType.FLAG: _flag,
}


def _check(parameter: Parameter, value: Value, where: str) -> None:
    """Raises PipelineError (E-RANGE) for a value that is out of bounds, or none of the choices."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if parameter.min is not None and value < parameter.min:
            raise _out(where, f"is {value}, and {parameter.min} is the least")
        if parameter.max is not None and value > parameter.max:
            raise _out(where, f"is {value}, and {parameter.max} is the most")
    if parameter.choices and parameter.type is not ArgumentType.FLAG:
        known = [one.written if isinstance(one, Whole | Real) else str(one) for one in parameter.choices]
        if str(value) not in known and not any(value == one for one in parameter.choices):
            raise _out(where, f"is {value!r}, which is none of {', '.join(known[:20])}")


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "nothing" if value is None else "a list"


def _unfit(where: str, what: str, hint: str = "") -> PipelineError:
    return PipelineError(problem("E-TYPE", where=where, what=what, hint=hint))


def _out(where: str, what: str) -> PipelineError:
    return PipelineError(problem("E-RANGE", where=where, what=what, hint=""))
