"""What a deploy task would serve, and back."""

from __future__ import annotations

import re
from typing import Any

from ...core.dialect import Serving
from ..documents import Whole
from .part import Part
from .schemas import DeployTask, Dialect

MOST_REPLICAS = 1000
_ENDPOINT = re.compile(r"[A-Za-z0-9-]+")


def read_serving(part: Part, told: DeployTask, dialect: Dialect) -> Serving | None:
    """What the task at `part` would serve. Faults are taken down."""
    _check_endpoint(part, told, dialect)
    least, most = (_replicas(part, key, dialect) for key in ("min_replica", "max_replica"))
    if least is not None and most is not None and least > most:
        facts = {"where": f"min_replica of {part.what}", "what": f"is {least}, which is more than max_replica ({most})"}
        part.note("E-RANGE", "not read", "min_replica", hint="Exchange the two.", **facts)
    for variable in told.config_vars:
        if not variable.partition("=")[0].strip() or "=" not in variable:
            facts = {"where": f"config_vars of {part.what}", "what": f"holds {variable[:60]!r}, which gives no value"}
            part.note("E-TYPE", "not read", "config_vars", hint="Write [NAME=VALUE, …].", **facts)
    return part.attempt(
        lambda: Serving(
            endpoint=told.endpoint_title,
            updates=told.endpoint_id,
            file=told.file_name,
            function=told.function_name,
            language=str(told.env_setup or "python_3"),
            least=least,
            most=most,
            variables=told.config_vars,
            accepts_files=told.accept_files,
        )
    )


def _check_endpoint(part: Part, told: DeployTask, dialect: Dialect) -> None:
    if told.endpoint_title and told.endpoint_id:
        what = f"{part.what} has both endpoint_title and endpoint_id; the endpoint {told.endpoint_id} is updated"
        part.note("W-CHANGED", "read as endpoint_id", "endpoint_title", what=what, hint="Keep one of the two.")
    elif not (told.endpoint_title or told.endpoint_id) and dialect is Dialect.FLOW:
        hint = "Write the name of a new endpoint, or `endpoint_id:` to update one that there is."
        part.note("E-KEY-MISSING", "not read", where=part.what, key="endpoint_title", hint=hint)
    if told.endpoint_title and not _ENDPOINT.fullmatch(told.endpoint_title):
        facts = {"where": f"endpoint_title of {part.what}", "what": "may hold letters, digits and hyphens only"}
        part.note("E-TYPE", "not read", "endpoint_title", hint="It is a part of the address.", **facts)


def _replicas(part: Part, key: str, dialect: Dialect) -> int | None:
    if not part.has(key):
        if dialect is Dialect.FLOW:
            hint = f"Write a whole number: `{key}: 1`."
            part.note("E-KEY-MISSING", "not read", where=part.what, key=key, hint=hint)
        return None
    value = part.entry.at([key]).value
    if isinstance(value, Whole) and 0 <= value <= MOST_REPLICAS:
        return int(value)
    shown = value.written if isinstance(value, Whole) else repr(value) if isinstance(value, str) else part.raw(key)
    facts = {"where": f"{key} of {part.what}", "what": f"is {shown}; it should be a whole number"}
    part.note("E-RANGE", "not read", key, hint=f"Write one from 0 to {MOST_REPLICAS}, without quotes.", **facts)
    return None


def written_serving(serving: Serving) -> dict[str, Any]:
    """What is served, as cnvrg writes it."""
    said = {
        "endpoint_title": serving.endpoint,
        "endpoint_id": serving.updates,
        "file_name": serving.file,
        "function_name": serving.function,
        "env_setup": serving.language if serving.language != "python_3" else None,
        "min_replica": serving.least,
        "max_replica": serving.most,
        "config_vars": list(serving.variables) or None,
        "accept_files": serving.accepts_files or None,
    }
    return {key: value for key, value in said.items() if value is not None}
