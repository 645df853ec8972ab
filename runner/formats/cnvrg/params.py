"""The parameters of an exec task, and back: a single value, or several, each of which is a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...core.values import Value, check_key, check_value, grid_values
from ..documents import Entry, Whole, bare
from .part import Part
from .schemas import Dialect, Param

_BRACES = re.compile(r"\{ ?\{[^{}]*\} ?\}")
_PADDED = re.compile(r"[-+]?0[0-9]+")


@dataclass(slots=True)
class Params:
    """What a task's parameters are, in the order of the file; `types` are what a blueprint calls them."""

    order: list[str] = field(default_factory=list)
    single: dict[str, Value] = field(default_factory=dict)
    grid: dict[str, list[Value]] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)


def read_params(part: Part, csv_grid: bool) -> Params:
    """The parameters at `part`, which is the task's `params`. Faults are taken down."""
    found = Params()
    listed = part.entry.value
    if isinstance(listed, dict) and listed:
        hint = "Write a list of `- key: NAME` and `value: VALUE`."
        what = f"params of {part.what} is a mapping, and is read as a list of its keys and values"
        part.note("W-CHANGED", "read as a list", what=what, hint=hint)
        for key, entry in listed.items():
            _Param(part, key, key, entry, csv_grid).into(found)
    elif isinstance(listed, list):
        for number in range(len(listed)):
            if (one := _param(part.inner(number), csv_grid)) is not None:
                one.into(found)
    elif listed not in (None, "", {}):
        part.note("E-TYPE", "not read", where=f"params of {part.what}", what="should be a list", hint="")
    return found


def _param(part: Part, csv_grid: bool) -> _Param | None:
    """One `{key, value}`."""
    named = part.entry.value
    number = f"parameter {int(part.path[-1]) + 1} of {part.what}"
    if not isinstance(named, dict):
        part.note("E-TYPE", "not read", where=number, what="is no mapping", hint="Write `key:` and `value:` lines.")
        return None
    key = _key(part, named, number)
    replace(part, what=number).leave_out_unknown(Param)
    given = [name for name in ("value", "values") if name in named]
    if len(given) == 2:
        what = f"{number} has both `value` and `values`"
        part.note("E-CONFLICT", "not read", "values", what=what, hint="Keep one of the two.")
    if key is None:
        return None
    at = given[0] if given else "value"
    entry = named.get(at) or Entry(None, part.entry.line, part.entry.column)
    return _Param(part, key, at, entry, csv_grid, part.raw("type") if part.has("type") else None)


def _key(part: Part, named: Mapping[str, Entry], number: str) -> str | None:
    entry = named.get("key")
    if entry is None or entry.value in (None, ""):
        part.note("E-KEY-MISSING", "not read", where=number, key="key", hint="Write `key: NAME`.")
        return None
    value = entry.value.written if isinstance(entry.value, Whole) else entry.value
    if not isinstance(value, str):
        facts = {"where": f"key of {number}", "what": "should be a text", "hint": "Quote it."}
        part.note("E-TYPE", "not read", "key", **facts)
        return None
    return part.attempt(lambda: check_key(value), "key")


@dataclass(frozen=True, slots=True)
class _Param:
    part: Part
    key: str
    at: str  # where its value stands in `part`
    entry: Entry
    csv_grid: bool
    type: Any = None

    def into(self, found: Params) -> None:
        """Add it to the others."""
        if self.key in found.order:
            self._note("E-PARAM-TWICE", "not read", name=self.key, first="params", second="params again")
            return
        values = self._values()
        if values is None or self.part.attempt(lambda: check_value(self.key, values)) is None:
            return
        found.order.append(self.key)
        if self.type is not None:
            found.types[self.key] = self.type
        if len(values) > 1:
            found.grid[self.key] = values
        else:
            found.single[self.key] = None if not values or values[0] == "" else values[0]

    def _values(self) -> list[Value] | None:
        """The values, none for a parameter without one. None and a fault is taken down for what is no value."""
        listed = self.entry.value if isinstance(self.entry.value, list) else [self.entry]
        if any(_holds_mapping(one) for one in listed):
            hint = "Quote a value with braces: '{{ task.tag }}'."
            self._note("E-TYPE", "not read", where=self._what, what="is a mapping, which is no value", hint=hint)
            return None
        values = [self._value(one) for one in listed]
        if len(values) == 1 and isinstance(values[0], str) and "," in _BRACES.sub("", values[0]):
            return self._with_commas(values[0])
        return values

    def _with_commas(self, text: str) -> list[Value] | None:
        if self.csv_grid:
            return self.part.attempt(lambda: grid_values(self.key, text))
        what = f"{self._what} holds commas, and is one value"
        hint = "Several values are a list: [1, 2, 3]. Or import it with --csv-grid."
        self._note("W-CHANGED", "read as one text", what=what, hint=hint)
        return [text]

    def _value(self, entry: Entry) -> Value:
        value = entry.value
        if isinstance(value, Whole) and _PADDED.fullmatch(value.written):
            what = f"{self._what} is {value.written}, which begins with 0 and stays a text"
            self._note("W-CHANGED", "read as a text", what=what, hint=f"Quote it, or write {int(value)}.")
            return value.written
        made: Value = bare(entry.plain())
        return made

    def _note(self, code: str, done: str, **facts: Any) -> None:
        self.part.note(code, done, self.at, **facts)

    @property
    def _what(self) -> str:
        return f"the parameter {self.key} of {self.part.what}"


def _holds_mapping(entry: Entry) -> bool:
    if isinstance(entry.value, list):
        return any(_holds_mapping(one) for one in entry.value)
    return isinstance(entry.value, dict)


def written_params(
    single: Mapping[str, Value],
    grid: Mapping[str, Sequence[Value]],
    order: Sequence[str],
    types: Mapping[str, Any],
    dialect: Dialect,
) -> list[dict[str, Any]]:
    """The parameters as the dialect writes them: those in `order` first."""
    named = dict.fromkeys([*(key for key in order if key in single or key in grid), *single, *grid])
    if dialect is Dialect.BLUEPRINT:
        typed = {key: {"key": key, "type": types[key]} if key in types else {"key": key} for key in named}
        return [{**typed[key], "values": _values(key, single, grid)} for key in named]
    return [{"key": key, "value": _value(single[key]) if key in single else list(grid[key])} for key in named]


def _value(value: Value) -> Value:
    return [value] if isinstance(value, list) else value  # a list by itself would be several values


def _values(key: str, single: Mapping[str, Value], grid: Mapping[str, Sequence[Value]]) -> list[Value]:
    if key in grid:
        return list(grid[key])
    return [] if single[key] is None else [single[key]]
