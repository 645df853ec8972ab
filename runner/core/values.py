"""Values of parameters: how typed text becomes a value, and what a value may be."""

from __future__ import annotations

import ast
import csv
import keyword
import math
import re
from typing import Any

from .errors import PipelineError, problem
from .expressions import parsed_expression

Value = bool | int | float | str | list[Any] | None

_DIGITS = 6  # significant ones that people read
DEEPEST_LIST = 32
LONGEST_NAME = 128
_REFERENCE = re.compile(r"\{ ?\{[^{}]*(?:\} ?\}|$)")  # as templates finds it; one not closed takes all that follows
_KEY = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+)*")
_WORDS: dict[str, Value] = {"True": True, "False": False, "None": None}


def typed(text: str) -> Value:
    """The value that `text` spells, typed as papermill types `-p`: bool, None, int, float, else text.

    A text that is a Python list literal becomes a list.
    """
    if text in _WORDS:
        return _WORDS[text]
    for convert in (int, float):
        try:
            return convert(text)
        except (ValueError, OverflowError):
            continue
    return _as_list(text)


def _as_list(text: str) -> Value:
    if text.startswith("[") and text.endswith("]"):
        try:
            literal = ast.literal_eval(parsed_expression(text))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(literal, list):
            return literal
    return text


def grid_values(name: str, text: str) -> list[Value]:
    """The values of `--grid name=text`: items between commas, trimmed, typed; or the items of an inline list.

    A list meant as one value is a nested list; commas inside braces (`{{ task.tag }}`) cut nothing.
    Raises PipelineError: E-GRID-EMPTY for an empty item, E-VALUE for a line break outside of quotes.
    """
    inline = _as_list(text.strip())
    if isinstance(inline, list):
        if not inline:
            raise PipelineError(problem("E-GRID-EMPTY", name=name, text=text))
        return inline
    bare = text.strip()
    if _REFERENCE.search(bare) and bare.startswith("[") and bare.endswith("]"):
        text = bare[1:-1]  # with braces in it, it is no Python list, and yet one is meant
    quoted_empty = '""' in text
    values = _items(name, text)
    if not values or (not all(values) and not quoted_empty):
        raise PipelineError(problem("E-GRID-EMPTY", name=name, text=text))
    return [typed(item) for item in values]


def _items(name: str, text: str) -> list[str]:
    """What stands between the commas of `text` outside of braces, trimmed."""
    check_text(name, text)  # a NUL stands for what is cut out
    references = iter(_REFERENCE.findall(text))
    held = _REFERENCE.sub("\0", text)
    try:
        items = next(csv.reader([held], skipinitialspace=True), [])
    except csv.Error as error:  # a line break outside of quotes, or a value of more than 131,072 characters
        what = f"--grid {name}={text[:80]!r} cannot be cut at its commas: {str(error).partition(' - ')[0]}"
        raise PipelineError(
            problem("E-VALUE", what=what, hint="Put a value with line breaks in double quotes.")
        ) from None
    return [re.sub("\0", lambda _: next(references), item).strip() for item in items]


def check_name(name: str) -> str:
    """`name` itself, when it can be a parameter. Raises PipelineError (E-PARAM-NAME)."""
    if not name.isidentifier() or keyword.iskeyword(name) or len(name) > LONGEST_NAME:
        raise PipelineError(problem("E-PARAM-NAME", name=name[:80]))
    return name


def check_key(name: str) -> str:
    """`name` itself, when it can be a parameter of a command, which `max-steps` can. Raises PipelineError."""
    if not _KEY.fullmatch(name) or len(name) > LONGEST_NAME:
        raise PipelineError(problem("E-PARAM-NAME", name=name[:80]))
    return name


def check_text(name: str, text: str) -> None:
    """Raises PipelineError (E-PARAM-VALUE) for a text that neither a notebook's file nor the environment can hold."""
    if "\0" in text:
        raise PipelineError(problem("E-PARAM-VALUE", name=name, what="NUL character"))
    if half := half_character(text):
        raise PipelineError(problem("E-PARAM-VALUE", name=name, what=f"half character ({half})"))


def half_character(text: str) -> str:
    """The first half of a surrogate pair that stands alone in `text`, as U+D800; empty where there is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"U+{ord(text[error.start]):04X}"
    return ""


def check_value(name: str, value: Any) -> Value:
    """`value` itself, when it is one of the parameter types.

    Raises PipelineError (E-PARAM-TYPE, E-PARAM-VALUE).
    """
    _check_depth(name, value, DEEPEST_LIST)
    return value  # type: ignore[no-any-return]


def _check_depth(name: str, value: Any, left: int) -> None:
    if isinstance(value, str):
        check_text(name, value)
    elif isinstance(value, list):
        if left == 0:
            raise _no_value(name, "a list nested deeper")
        for item in value:
            _check_depth(name, item, left - 1)
    elif value is not None and not isinstance(value, bool | int | float):
        raise _no_value(name, f"of type {type(value).__name__}")


def _no_value(name: str, what: str) -> PipelineError:
    hint = f"Use a bool, int, float, str, None, or a list of these at most {DEEPEST_LIST} deep."
    return PipelineError(problem("E-PARAM-TYPE", name=name, type=what, wanted="a parameter type", hint=hint))


def to_json(value: Value) -> Any:
    """`value` in a form that strict JSON can hold: NaN and infinities become {"float": "nan"} and the like."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value


def from_json(data: Any) -> Value:
    """The inverse of `to_json`."""
    if isinstance(data, dict) and set(data) == {"float"}:
        return float(data["float"])
    if isinstance(data, list):
        return [from_json(item) for item in data]
    return data  # type: ignore[no-any-return]


def shown(value: Value) -> str:
    """`value` in full, as an environment variable has it: 0.1, True, a text as it is."""
    return value if isinstance(value, str) else repr(value)


def readable(value: Value) -> str:
    """`value` as people read it in a table or a label: a number with a fraction has at most 6 significant digits."""
    if isinstance(value, list):
        return f"[{', '.join(readable(one) if isinstance(one, float | list) else repr(one) for one in value)}]"
    if not isinstance(value, float) or not value or not math.isfinite(value):
        return shown(value)
    before_the_point = math.floor(math.log10(abs(value))) + 1
    return repr(round(value, max(_DIGITS - before_the_point, 0)))
