"""Compute templates as dagbook.toml holds them: a table `[compute.NAME]` each."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from ..core.errors import PipelineError, Place, Problem, nearest, problem
from ..core.model import Compute, ExecutorName

KEYS = tuple(Compute.model_fields)

_EXPECTED = {
    "image": 'a text such as "python:3.12-slim"',
    "cpus": "a number such as 0.5 or 2",
    "memory": 'a text such as "2g"',
    "gpus": "a whole number from 0 on",
    "executor": f"one of {', '.join(ExecutorName)}",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "image": (str,),
    "cpus": (int, float, str),
    "memory": (int, str),
    "gpus": (int,),
    "executor": (str,),
}


def read_computes(value: Any, text: str, file: str, found: list[Problem]) -> dict[str, Compute]:
    """The templates in `value`, which stands under `compute` in the settings file with this `text`.

    What is wrong is added to `found` (E-SETTING, E-IMAGE-REF, E-VALUE) with its line; a template with a fault is
    left out.
    """
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        found.append(_fault(file, _line_of(text), "compute holds tables", "Write [compute.NAME] and below it cpus = 2"))
        return {}
    templates = {}
    for name, table in value.items():
        before = len(found)
        if not re.fullmatch(r"[\w.-]+", name):
            what = f"{name!r} cannot name a compute template"
            found.append(_fault(file, _line_of(text, name), what, "Use letters, digits and _ - . in its name."))
        for key, given in table.items():
            found += _faults_of(name, key, given, file, _line_of(text, name, key))
        if len(found) == before:
            templates[name] = Compute.model_validate(table)
    return templates


def _faults_of(name: str, key: str, given: Any, file: str, line: int) -> list[Problem]:
    if key not in KEYS:
        return [_fault(file, line, f"the compute template {name} has no key {key!r}", nearest(key, KEYS))]
    what = f"{key} of the compute template {name} is {str(given)[:60]!r}, and should be {_EXPECTED[key]}"
    if isinstance(given, bool) or not isinstance(given, _TYPES[key]):
        return [_fault(file, line, what, "Mend it there.")]
    try:
        Compute.model_validate({key: given})
    except ValidationError:
        hint = nearest(str(given), ExecutorName) if key == "executor" else "Mend it there."
        return [_fault(file, line, what, hint)]
    except PipelineError as error:
        said = f"dagbook.toml line {line}: the compute template {name}"
        place = Place(file=file, line=line)
        return [Problem(one.code, f"{said}: {one.message}", one.hint, place) for one in error.problems]
    return []


def _fault(file: str, line: int, what: str, hint: str) -> Problem:
    return problem("E-SETTING", Place(file=file, line=line), origin=f"dagbook.toml line {line}", what=what, hint=hint)


def _line_of(text: str, name: str | None = None, key: str | None = None) -> int:
    """The line of a key of a template, of the template, or of the first one; tomllib does not tell."""
    quoted = rf"[\"']?{re.escape(name)}[\"']?" if name is not None else r"[^\]]+"
    head = re.compile(rf"\s*(?:\[\s*compute\s*\.\s*{quoted}\s*\]|(?:compute\s*\.\s*)?{quoted}\s*=\s*\{{)")
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines, 1) if head.match(line)), None)
    if start is None:
        return next((number for number, line in enumerate(lines, 1) if "compute" in line), 1)
    if key is None:
        return start
    wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    for number, line in enumerate(lines[start:], start + 1):
        if wanted.match(line):
            return number
        if line.lstrip().startswith("["):
            break
    return start
