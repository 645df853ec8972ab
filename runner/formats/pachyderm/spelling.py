"""One spelling for all specs: Pachyderm takes `datumTries` for `datum_tries`, and `null` for what is not there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from ..documents import Entry
from ..imported import Ledger
from ..typed_reading import Schema


def specs_of(documents: Sequence[Entry]) -> list[Entry]:
    """The specs in a file: each document is one, or a list of them."""
    found: list[Entry] = []
    for document in documents:
        found += document.value if isinstance(document.value, list) else [document]
    return found


def respelled(entry: Entry, schema: type[Schema], ledger: Ledger) -> Entry:
    """The entry with the schema's own names for its fields, and without those that are null.

    What people name themselves, such as variables, is left alone. A field that stands there in both spellings is taken
    down as an error.
    """
    if isinstance(entry.value, list):
        return replace(entry, value=[respelled(one, schema, ledger) for one in entry.value])
    if not isinstance(entry.value, dict):
        return entry
    fields = {field.alias or name: field.annotation for name, field in schema.model_fields.items()}
    found: dict[str, Entry] = {}
    for key, one in entry.value.items():
        name = key if key in fields or snake_case(key) not in fields else snake_case(key)
        if name in found:
            ledger.note("E-YAML-DUPKEY", one, [key], "not read", name=name, first=found[name].line)
        if one.value is not None:
            inner = _schema_in(fields.get(name))
            found[name] = respelled(one, inner, ledger) if inner else one
    return replace(entry, value=found)


def snake_case(name: str) -> str:
    """`datumTries` as `datum_tries`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _schema_in(annotation: Any) -> type[Schema] | None:
    """The schema that a field's type names, itself or within a list or an alternative."""
    if isinstance(annotation, type) and issubclass(annotation, Schema):
        return annotation
    return next((found for one in get_args(annotation) if (found := _schema_in(one))), None)
