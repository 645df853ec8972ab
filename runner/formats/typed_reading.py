"""Reading a part of a document into a pydantic model; what does not fit is told with its line, in users' words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from ..core.errors import PipelineError, nearest
from .documents import Entry, Real, Whole, bare
from .imported import Ledger, spelled


class Schema(BaseModel):
    """A part of a vendor's file. Keys that it does not know are kept apart, and told by `read_as`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, frozen=True)


# What other tools call what we call otherwise; it counts where a model knows the second name, and not the first.
_ELSEWHERE = {
    "name": "title",
    "id": "title",
    "title": "name",
    "code": "source",
    "script": "source",
    "command": "source",
    "run": "source",
    "needs": "after",
    "depends": "after",
    "depends_on": "after",
    "upstream": "after",
    "parameters": "params",
    "param": "params",
}

M = TypeVar("M", bound=BaseModel)


def as_text(value: Any) -> Any:
    """A number as it was written, where a text is due; a truth value is refused, as nobody knows how it was meant."""
    if isinstance(value, Whole | Real):
        return value.written
    if isinstance(value, bool):
        raise PydanticCustomError("quote", "is {word} and should be a text", {"word": str(value).lower()})
    return value


def as_texts(value: Any) -> Any:
    """A list of texts; one text stands for a list of one, nothing for an empty list."""
    if value is None:
        return ()
    return [as_text(one) for one in (value if isinstance(value, list | tuple) else [value])]


Text = Annotated[str, BeforeValidator(as_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(as_texts)]


def read_as(
    schema: type[M],
    entry: Entry,
    ledger: Ledger,
    path: Sequence[str | int] = (),
    *,
    what: str,
    node: str | None = None,
    unknown_is_error: bool = False,
) -> M | None:
    """The model that the entry tells, or None when the ledger got an error.

    `what` names the part in messages ('the task "train"'). A schema of another vendor gets numbers that remember how
    they were written, and keys that it does not know stay in its `model_extra`: warnings, unless they are to be errors.
    A model of our own gets plain numbers, and forbids such keys.
    """
    if not isinstance(entry.value, dict):
        facts = {"where": what, "what": "is no mapping", "hint": "Write `key: value` lines."}
        ledger.note("E-TYPE", entry, path, "not read", node, **facts)
        return None
    try:
        plain = entry.plain()
        model = schema.model_validate(plain if issubclass(schema, Schema) else bare(plain))
    except ValidationError as error:
        for detail in _once(error.errors()):
            _tell(detail, _known_at(schema, detail["loc"]), entry, ledger, path, what, node)
        return None
    except PipelineError as error:
        for found in error.problems:
            ledger.take(found.at(_place(entry, ledger, node)), path)
        return None
    for inner, extra, known in _extras(model, ()):
        at = entry.at([*inner, extra])
        code = "E-KEY-UNKNOWN" if unknown_is_error or ledger.strict else "W-KEY-UNKNOWN"
        where = f"{what}, {spelled(inner)}" if inner else what
        facts = {"where": where, "key": extra, "nearest": nearest(extra, known)}
        ledger.note(code, at, [*path, *inner, extra], "kept for export", node, **facts)
    return model


def _once(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """The faults; that a key is missing is not told where it stands under the name that it has elsewhere."""
    meant = {
        (*one["loc"][:-1], _ELSEWHERE.get(str(one["loc"][-1]))) for one in details if one["type"] == "extra_forbidden"
    }
    return [one for one in details if one["type"] != "missing" or one["loc"] not in meant]


def _meant(key: str, known: Sequence[str]) -> str:
    """What a key that is not known seems to mean: the name that its thing has here, or a name like it."""
    here = _ELSEWHERE.get(key)
    return f'Did you mean "{here}"?' if here in known else nearest(key, known)


def _place(entry: Entry, ledger: Ledger, node: str | None) -> Any:
    from ..core.errors import Place

    return Place(ledger.file, line=entry.line, node=node, column=entry.column)


def _extras(value: Any, path: tuple[str | int, ...]) -> Any:
    """Each key that a model within `value` does not know: where the model is, the key, the keys that it knows."""
    if isinstance(value, BaseModel):
        known = [field.alias or name for name, field in type(value).model_fields.items()]
        for key in value.model_extra or ():
            yield path, key, known
        for name, field in type(value).model_fields.items():
            yield from _extras(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _extras(one, (*path, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _extras(one, (*path, number))


def _tell(
    detail: ErrorDetails,
    known_keys: Sequence[str],
    entry: Entry,
    ledger: Ledger,
    path: Sequence[str | int],
    what: str,
    node: str | None,
) -> None:
    inside = [step for step in detail["loc"] if isinstance(step, int) or step in _names_on(entry, detail["loc"])]
    at = entry.at(inside)
    where = f"{what}, {spelled(inside)}" if inside else what
    kind, given = detail["type"], detail["input"]
    full = [*path, *inside]
    if kind == "extra_forbidden":
        key = str(detail["loc"][-1])
        facts = {"where": where.removesuffix(f", {key}"), "key": key, "nearest": _meant(key, known_keys)}
        ledger.note("E-KEY-UNKNOWN", at, full, "not read", node, **facts)
    elif kind == "missing":
        key = str(detail["loc"][-1])
        hint = "Write it; a key must be spelled exactly." if not isinstance(given, dict) else _hint(key, given)
        ledger.note("E-KEY-MISSING", at, [*full, key], "not read", node, where=where, key=key, hint=hint)
    elif kind in ("enum", "literal_error"):
        known = str(detail.get("ctx", {}).get("expected", ""))
        words = [word.strip("' ") for word in known.replace(" or ", ", ").split(",")]
        facts = {"where": where, "value": given, "known": known.replace("'", ""), "nearest": nearest(str(given), words)}
        ledger.note("E-ENUM", at, full, "not read", node, **facts)
    elif kind.startswith(("greater_than", "less_than", "too_")):
        said = detail["msg"].removeprefix("Input ").removeprefix("Value ")
        ledger.note("E-RANGE", at, full, "not read", node, where=where, what=f"is {given!r}; it {said}", hint="")
    else:
        said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
        said = said if kind == "quote" else f"{said.replace('valid tuple', 'list')}, and is {_shown(given)}"
        hint = "Quote it, so that it stays as it is written." if kind == "quote" else ""
        ledger.note("E-TYPE", at, full, "not read", node, where=where, what=said, hint=hint)


def _known_at(schema: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys of the model in which an error was found, as far as its fields lead there."""
    here: Any = schema
    for step in loc[:-1]:
        field = getattr(here, "model_fields", {}).get(step)
        here = _model_in(field.annotation) if field else here
    return list(getattr(here, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """The model that a type holds: Slot in tuple[Slot, ...] or in Slot | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in get_args(annotation))
    return next((one for one in found if one), None)


def _names_on(entry: Entry, loc: Sequence[str | int]) -> set[str]:
    """The steps of a path that are keys of the document; pydantic puts names of types between them."""
    found, here = set(), entry
    for step in loc:
        value = here.value
        if isinstance(step, str) and isinstance(value, dict) and step in value:
            found.add(step)
            here = value[step]
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            here = value[step]
    return found


def _hint(key: str, given: Mapping[str, Any]) -> str:
    said = nearest(key, given)
    return said.replace("Did you mean", "Is it meant by") if said.startswith("Did you mean") else f"Write `{key}:`."


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
