"""What a program can say of a run: the options of `%pipeline_run`, under the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import PipelineError, nearest, problem
from ..core.values import Value
from ..formats.options import options_of
from ..formats.settings import setting_names
from ..observers.chosen import FLAGS
from .options import python_name
from .values import plain_value, titles_of

_NOT_HERE = ("wait", "theme", "store")  # `run` waits; its picture has no choice; Pipeline(store=…)
_TITLES = {"node": "nodes", "from_": "start", "until": "until", "force": "force"}  # to the fields of Asked
_SWITCHES = ("no_wait", "keep_failed")


RUN_OPTIONS = tuple(name for one in options_of("pipeline_run") if (name := python_name(one.name)) not in _NOT_HERE)


def split(options: Mapping[str, Any], known: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Value]]:
    """The options of a run, and the values of the pipeline's parameters, of which there are `known`.

    A parameter that is called like an option is given in `parameters`. Raises PipelineError: E-PARAM-UNKNOWN for what
    is neither, with the nearest name.
    """
    said = {name: value for name, value in options.items() if name in RUN_OPTIONS and value is not None}
    given = dict(options.get("parameters") or {})
    given |= {name: value for name, value in options.items() if name not in (*RUN_OPTIONS, "parameters")}
    for name in given:
        if name not in known and "." not in name:
            option = nearest(name, RUN_OPTIONS)
            close = nearest(name, known)
            hint = option if option.startswith("Did you") and not close.startswith("Did you") else close
            raise PipelineError(problem("E-PARAM-UNKNOWN", name=name, nearest=hint))
    return said, {name: plain_value(name, value) for name, value in given.items()}


def flags_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that are settings, by the name of the setting."""
    return {name: str(value) if name == "code" else value for name, value in said.items() if name in setting_names()}


def observers_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that say who looks on at the run, as settings."""
    return {name: value for name, value in flags_of(said).items() if name in FLAGS}


def asked_fields(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Asked` that the others say. Raises PipelineError (E-USAGE)."""
    found: dict[str, Any] = {field: titles_of(said[name]) for name, field in _TITLES.items() if name in said}
    for name in _SWITCHES:
        if name in said and not isinstance(said[name], bool):
            raise PipelineError(
                problem("E-USAGE", what=f"{name}={said[name]!r} is no switch", hint="Give True or False.")
            )
    found["cache"] = said.get("cache", True) is not False
    found["waits"] = not said.get("no_wait", False)
    found["keep_failed"] = bool(said.get("keep_failed", False))
    if "on_error" in said:
        from ..core.model import OnError

        if said["on_error"] not in set(OnError):
            hint = nearest(str(said["on_error"]), OnError)
            raise PipelineError(problem("E-USAGE", what=f"on_error={said['on_error']!r} is not known", hint=hint))
        found["on_error"] = said["on_error"]
    return found
