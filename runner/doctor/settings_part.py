"""The settings in force, and who decided each; what is wrong with them, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.errors import DagbookError
from ..formats.settings import Settings, find_file, read_settings, setting_names
from .findings import Finding, ok, trouble
from .subject import Subject

# Only these are shown with their values: of others (variables, addresses, commands) it is nobody's business.
_SHOWN = {"image", "executor", "jobs", "ahead", "store", "build_network", "transport", "code", "max_runs", "spare"}


def settings_part(subject: Subject) -> Iterator[Finding]:
    """Reads the settings; where they cannot be read, those that are built in count for the rest of the examination."""
    try:
        subject.settings = read_settings(subject.folder)
    except DagbookError as error:
        for found in error.problems:
            yield trouble("settings", found.message, found.hint, code=found.code, line=found.place.line)
        return
    told = {name: told_of(subject.settings, name) for name in setting_names()}
    chosen = [f"{name} = {one['value']} ({one['from']})" for name, one in told.items() if one["from"] != "built in"]
    file = find_file(subject.folder)
    rest = (
        ("the others" if chosen else "all") + " as they are built in" + ("" if file else "; there is no dagbook.toml")
    )
    yield ok("settings", "\n".join([*chosen, rest]), settings=told, file=str(file) if file else None)


def told_of(settings: Settings, name: str) -> dict[str, Any]:
    """The value of a setting as it may be shown, and where it is from."""
    value = getattr(settings, name)
    if name not in _SHOWN:
        value = f"{len(value)} set" if isinstance(value, (dict, tuple)) else "set" if value else None
    return {"value": value, "from": settings.from_where(name)}
